using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Faults;

namespace Berth.Credentials;

/// <summary>Talks to a program <c>docker-credential-&lt;name&gt;</c>: one JSON document in, one out.</summary>
/// <remarks>Its output is a stranger's: bounded, and waited for only so long.</remarks>
public sealed class CredentialHelper
{
    private const int OutputCharactersMax = 64 * 1024;
    private const string TokenUser = "<token>";
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);
    private readonly string _program;

    /// <summary>Names a helper, such as <c>pass</c>.</summary>
    /// <exception cref="FaultException">InvalidArgument: the name could be a path or an option.</exception>
    public CredentialHelper(string name)
    {
        if (name.Length is 0 or > 100 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            throw FaultException.Invalid("credential helper: its name may only have letters, digits, '-', '_' and '.'");
        _program = "docker-credential-" + name;
    }

    /// <summary>What the helper has for a registry; null for nothing.</summary>
    /// <exception cref="FaultException">Unavailable: the helper is missing, failed or answered nonsense.</exception>
    public async Task<StoredCredentials?> GetAsync(string server, CancellationToken cancellationToken)
    {
        (int status, string output) = await RunAsync("get", server, cancellationToken);
        if (status != 0)
            return output.Contains("credentials not found", StringComparison.OrdinalIgnoreCase) ? null : throw Failed("get");
        JsonObject answer = ParseObject(output);
        string user = Text(answer, "Username"), secret = Text(answer, "Secret");
        return user == TokenUser ? new StoredCredentials("", "", secret) : new StoredCredentials(user, secret, "");
    }

    /// <summary>Stores credentials; those of the same registry are replaced.</summary>
    /// <exception cref="FaultException">Unavailable: as above.</exception>
    public async Task StoreAsync(string server, StoredCredentials credentials, CancellationToken cancellationToken)
    {
        bool isToken = credentials.IdentityToken.Length > 0;
        JsonObject entry = new()
        {
            ["ServerURL"] = server,
            ["Username"] = isToken ? TokenUser : credentials.Username,
            ["Secret"] = isToken ? credentials.IdentityToken : credentials.Password,
        };
        if ((await RunAsync("store", entry.ToJsonString(), cancellationToken)).Status != 0)
            throw Failed("store");
    }

    /// <summary>Forgets what it has for a registry, if anything.</summary>
    /// <exception cref="FaultException">Unavailable: as above.</exception>
    public async Task EraseAsync(string server, CancellationToken cancellationToken)
    {
        (int status, string output) = await RunAsync("erase", server, cancellationToken);
        if (status != 0 && !output.Contains("credentials not found", StringComparison.OrdinalIgnoreCase))
            throw Failed("erase");
    }

    /// <summary>The registries it has credentials for, each with its user.</summary>
    /// <exception cref="FaultException">Unavailable: as above.</exception>
    public async Task<IReadOnlyDictionary<string, string>> ListAsync(CancellationToken cancellationToken)
    {
        (int status, string output) = await RunAsync("list", "", cancellationToken);
        if (status != 0)
            throw Failed("list");
        JsonObject all = ParseObject(output);
        return all.ToDictionary(entry => entry.Key, entry => Text(all, entry.Key));
    }

    private async Task<(int Status, string Output)> RunAsync(string verb, string input, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_timeout);
        using Process process = Start(verb);
        try
        {
            // A helper that answers without reading its input closes the pipe: its answer counts.
            try
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), limit.Token);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
            }
            string output = await ReadAsync(process.StandardOutput, limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, output);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw FaultException.Unavailable($"{_program} {verb}: no answer within {s_timeout.TotalSeconds} seconds");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private Process Start(string verb)
    {
        ProcessStartInfo start = new(_program, [verb])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
        try
        {
            return Process.Start(start) ?? throw new Win32Exception();
        }
        catch (Win32Exception exception)
        {
            throw FaultException.Unavailable($"{_program} {verb}: cannot be run: is it installed and on the PATH?", exception);
        }
    }

    private async Task<string> ReadAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        char[] buffer = new char[OutputCharactersMax + 1];
        int length = await reader.ReadBlockAsync(buffer, cancellationToken);
        return length <= OutputCharactersMax ? new string(buffer, 0, length)
            : throw FaultException.Unavailable($"{_program}: it answered more than {OutputCharactersMax} characters");
    }

    private JsonObject ParseObject(string output)
    {
        try
        {
            return JsonNode.Parse(output, null, new JsonDocumentOptions { MaxDepth = 8 }) as JsonObject
                ?? throw new JsonException();
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw FaultException.Unavailable($"{_program}: its answer is not a JSON object");
        }
    }

    private string Text(JsonObject answer, string name)
    {
        try
        {
            return answer[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            throw FaultException.Unavailable($"{_program}: its answer is malformed");
        }
    }

    // Its error text is not passed on: helpers have printed secrets in theirs.
    private FaultException Failed(string verb) => FaultException.Unavailable($"{_program} {verb}: it failed: run it by hand to see why");
}
