using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Monitors;

/// <summary>A hook with the words that messages have for it.</summary>
/// <param name="Hook">What is run.</param>
/// <param name="Label">Its path, and who asked for it.</param>
internal sealed record LabelledHook(HookSpec Hook, string Label);

/// <summary>Runs hooks in the caller's namespaces, one after the other, with the container's state on their standard input.</summary>
/// <remarks>OCI runtime-spec 1.2, config.md "POSIX-platform Hooks". What a hook says is no output of the container: it is read as it comes,
/// and its beginning is kept for the message.</remarks>
/// <param name="patience">What one without a time of its own has; null: as long as it takes.</param>
internal sealed class HookRunner(TimeSpan? patience)
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(20);

    /// <summary>The engine's: who waits for a hook holds the container.</summary>
    public static HookRunner OfEngine { get; } = new(TimeSpan.FromMinutes(2));

    /// <summary>A command's, which waits as runc does.</summary>
    public static HookRunner OfCommand { get; } = new(patience: null);

    /// <summary>Runs all; the first that fails ends it.</summary>
    /// <exception cref="FaultException">Internal: a hook failed or took too long.</exception>
    public void Run(string kind, IReadOnlyList<LabelledHook> hooks, string state, string directory, CancellationToken cancellationToken)
    {
        for (int i = 0; i < hooks.Count; i++)
        {
            if (Run(hooks[i].Hook, state, directory, cancellationToken) is { } failure)
                throw FaultException.Internal($"error running hook #{i} ({kind} {hooks[i].Label}): {failure}");
        }
    }

    /// <summary>Runs all; failures are told and do not matter.</summary>
    public void TryRun(string kind, IReadOnlyList<LabelledHook> hooks, string state, string directory, Action<string> warn)
    {
        for (int i = 0; i < hooks.Count; i++)
        {
            if (Run(hooks[i].Hook, state, directory, CancellationToken.None) is { } failure)
                warn($"error running hook #{i} ({kind} {hooks[i].Label}): {failure}");
        }
    }

    /// <summary>Runs all while the caller goes on; the first that fails ends it.</summary>
    /// <exception cref="FaultException">Internal: a hook failed or took too long.</exception>
    public Task RunAsync(
        string kind, IReadOnlyList<LabelledHook> hooks, string state, string directory, CancellationToken cancellationToken) =>
        hooks.Count == 0 ? Task.CompletedTask
            : Task.Run(() => Run(kind, hooks, state, directory, cancellationToken), cancellationToken);

    /// <summary><see cref="TryRun"/> while the caller goes on.</summary>
    public Task TryRunAsync(string kind, IReadOnlyList<LabelledHook> hooks, string state, string directory, Action<string> warn) =>
        hooks.Count == 0 ? Task.CompletedTask : Task.Run(() => TryRun(kind, hooks, state, directory, warn));

    private string? Run(HookSpec hook, string state, string directory, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            using FileDescriptor input = HookPlan.Input(state);
            using HookWords output = new(), errors = new();
            int pid = ProcessSpawner.Spawn(hook.Path, hook.Args is { Count: > 0 } arguments ? arguments : [hook.Path],
                [input.Number, output.Writer.Number, errors.Writer.Number], hook.Env ?? [], directory);
            return Await(hook, pid, output, errors, cancellationToken);
        }
        catch (LinuxException refused)
        {
            return refused.Message;
        }
    }

    private string? Await(HookSpec hook, int pid, HookWords output, HookWords errors, CancellationToken cancellationToken)
    {
        TimeSpan? most = hook.Timeout is { } seconds ? TimeSpan.FromSeconds(seconds) : patience;
        // A child that was not waited for keeps its number.
        using ProcessHandle handle = ProcessHandle.Open(pid)!;
        long begun = Environment.TickCount64;
        bool isLate = false;
        while (!handle.WaitForEnd(s_step))
        {
            output.Listen();
            errors.Listen();
            isLate = Environment.TickCount64 - begun >= most?.TotalMilliseconds;
            if (isLate || cancellationToken.IsCancellationRequested)
            {
                // With what it has started: it was made the first of a session.
                Signals.TrySend(-pid, Signals.SIGKILL);
                break;
            }
        }
        int? code = ProcessSpawner.Wait(pid);
        cancellationToken.ThrowIfCancellationRequested();
        if (isLate)
        {
            return $"it took longer than {(int)most!.Value.TotalSeconds} s"
                + (hook.Timeout is null ? ", which a hook without a timeout has" : "");
        }
        return code is 0 ? null : $"exit status {code}, stdout: {output.Text()}, stderr: {errors.Text()}";
    }
}
