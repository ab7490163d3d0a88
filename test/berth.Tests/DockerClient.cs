using System.Diagnostics;
using System.Text;
using Console = Berth.Cli.Terminals.Console;

namespace Berth.Cli.Tests;

/// <summary>What a command line printed, and its exit code.</summary>
internal sealed record ClientResult(int Code, string Output, string Error);

/// <summary>Runs one command line by Docker's client 28.2, or by ours in this process.</summary>
internal static class DockerClient
{
    public const string Program = "/usr/local/bin/docker";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    /// <summary>Skips the test when there is no client of the version whose words we keep.</summary>
    public static void Require() => Assert.SkipUnless(s_version.Value.Contains("28.2", StringComparison.Ordinal), $"{Program} is not Docker's client 28.2");

    private static readonly Lazy<string> s_version = new(static () =>
    {
        if (!File.Exists(Program))
            return "";
        using Process process = Process.Start(new ProcessStartInfo(Program, "--version") { RedirectStandardOutput = true })!;
        return process.StandardOutput.ReadToEnd();
    });

    public static async Task<ClientResult> RunTheirsAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        ProcessStartInfo start = new(Program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true,
        };
        start.Environment["FOO"] = "bar";
        start.Environment["DOCKER_CONFIG"] = "/nonexistent";
        using Process process = Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync(limit.Token);
            string output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new ClientResult(process.ExitCode, output, await error);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    public static async Task<ClientResult> RunOursAsync(string[] arguments, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        using MemoryStream output = new();
        using MemoryStream error = new();
        Console console = new(Stream.Null, output, error);
        Dictionary<string, string> environment = new() { ["FOO"] = "bar", ["HOME"] = "/nonexistent" };
        int code = await Dispatcher.RunAsync(arguments, console, environment, limit.Token).WaitAsync(limit.Token);
        return new ClientResult(code, Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
    }

    /// <summary>Words of a command line: blanks part them, double or single quotes keep them together.</summary>
    public static string[] Words(string line)
    {
        List<string> words = [];
        StringBuilder word = new();
        char quote = '\0';
        bool any = false;
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            if (quote == '\0' && c is '"' or '\'')
                (quote, any) = quote == '\0' ? (c, true) : (quote, any);
            else if (c == quote && quote != '\0')
                quote = '\0';
            else if (c == '\\' && quote == '"')
                word.Append(line[++i]);
            else if (c != ' ' || quote != '\0')
                (_, any) = (word.Append(c), true);
            else if (any)
            {
                words.Add(word.ToString());
                word.Clear();
                any = false;
            }
        }
        if (any)
            words.Add(word.ToString());
        return [.. words];
    }
}
