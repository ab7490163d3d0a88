using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Berth.Cli.Commands;
using Berth.Cli.Configuration;
using Berth.Cli.Text;
using Berth.Faults;
using Berth.Linux.Processes;

namespace Berth.Cli.Plugins;

/// <summary>A program that adds a command to this one: <c>docker-NAME</c> in one of the folders for it.</summary>
/// <remarks>The contract is Docker's: called with <c>docker-cli-plugin-metadata</c> it says what it is; otherwise it gets all arguments
/// as they were typed, the options before the command included, and the terminal.</remarks>
/// <param name="Name">The command.</param>
/// <param name="Path">The program.</param>
internal sealed record Plugin(string Name, string Path)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks it what it does.</summary>
    public async Task<PluginAnswer> ExamineAsync(CancellationToken cancellationToken)
    {
        if (!PluginFolders.IsName(Name))
            return PluginAnswer.Not($"plugin candidate {GoValue.Quote(Name)} did not match \"^[a-z][a-z0-9]*$\"");
        if (CommandTree.Find(Name) is not null)
            return PluginAnswer.Not($"plugin {GoValue.Quote(Name)} duplicates builtin command");
        (string answer, string? failure) = await TalkAsync(["docker-cli-plugin-metadata"], cancellationToken);
        if (failure is not null)
            return PluginAnswer.Not($"failed to fetch metadata: {failure}");
        try
        {
            using JsonDocument document = JsonDocument.Parse(answer);
            JsonElement metadata = document.RootElement;
            string version = metadata.Text("SchemaVersion"), vendor = metadata.Text("Vendor");
            if (!version.StartsWith("0.", StringComparison.Ordinal))
                return PluginAnswer.Not($"plugin SchemaVersion {GoValue.Quote(version)} is not valid, must be 0.1.0");
            return vendor.Length == 0 ? PluginAnswer.Not("plugin metadata does not define a vendor")
                : new PluginAnswer($"{metadata.Text("ShortDescription")} ({vendor})", null);
        }
        catch (JsonException e)
        {
            return PluginAnswer.Not($"invalid metadata: {e.Message}");
        }
    }

    /// <summary>What it answers on its standard output to a question of the contract; null when it fails or takes too long.</summary>
    public async Task<string?> AskAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        (string answer, string? failure) = await TalkAsync(arguments, cancellationToken);
        return failure is null ? answer : null;
    }

    private async Task<(string Answer, string? Failure)> TalkAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        using Process process = new()
        {
            StartInfo = new ProcessStartInfo(Path, arguments)
            {
                RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            },
        };
        try
        {
            process.Start();
            process.StandardInput.Close();
            Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
            string answer = await process.StandardOutput.ReadToEndAsync(patience.Token);
            await errors;
            await process.WaitForExitAsync(patience.Token);
            return (answer, process.ExitCode == 0 ? null : $"exit status {process.ExitCode}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return ("", $"fork/exec {Path}: {Reason(e)}");
        }
        catch (IOException e)
        {
            return ("", e.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            return ("", $"no answer within {s_patience.TotalSeconds} seconds");
        }
    }

    // .NET's sentence has the path and the directory in it; Go's is the reason alone, in small letters.
    private static string Reason(System.ComponentModel.Win32Exception e)
    {
        string reason = Marshal.GetPInvokeErrorMessage(e.NativeErrorCode);
        return char.ToLowerInvariant(reason[0]) + reason[1..];
    }

    /// <summary>Runs it in this one's place and returns its exit code.</summary>
    /// <exception cref="FaultException">Internal: it cannot be started.</exception>
    public async Task<int> RunAsync(Session session, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new(Path, arguments)
        {
            Environment = { ["DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND"] = System.Environment.ProcessPath },
        };
        // A plugin knows Docker's ways to an engine alone, not ours.
        if (EngineChoice.HostForPlugins(session) is { } host)
            start.Environment["DOCKER_HOST"] = host;
        try
        {
            using Process process = Process.Start(start)!;
            // The terminal's signals reach the plugin too, and how it ends is how this one ends; others are passed on.
            using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, static c => c.Cancel = true);
            using PosixSignalRegistration quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, static c => c.Cancel = true);
            using PosixSignalRegistration end = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
            {
                context.Cancel = true;
                Signals.TrySend(process.Id, Signals.SIGTERM);
            });
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw FaultException.Internal($"run plugin {Path}: {Reason(e)}", e);
        }
    }
}

/// <summary>What a plugin says it does, or why it is none.</summary>
internal readonly record struct PluginAnswer(string Description, string? Problem)
{
    public static PluginAnswer Not(string problem) => new("", problem);
}
