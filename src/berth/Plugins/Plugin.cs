using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
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

    /// <summary>What it says it does; null when it does not answer as a plugin, or by a contract that is unknown.</summary>
    public async Task<string?> DescribeAsync(CancellationToken cancellationToken)
    {
        if (await AskAsync(["docker-cli-plugin-metadata"], cancellationToken) is not { } answer)
            return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(answer);
            JsonElement metadata = document.RootElement;
            string vendor = metadata.Text("Vendor");
            bool isKnown = vendor.Length > 0 && metadata.Text("SchemaVersion").StartsWith("0.", StringComparison.Ordinal);
            return isKnown ? $"{metadata.Text("ShortDescription")} ({vendor})" : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What it answers on its standard output to a question of the contract; null when it fails or takes too long.</summary>
    public async Task<string?> AskAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
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
            return process.ExitCode == 0 ? answer : null;
        }
        catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            if (e is OperationCanceledException)
                process.Kill(entireProcessTree: true);
            return null;
        }
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
            throw FaultException.Internal($"run plugin {Path}: {e.Message}", e);
        }
    }
}
