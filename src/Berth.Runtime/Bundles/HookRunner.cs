using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Bundles;

/// <summary>Runs hooks in the namespaces of the caller, one after the other, with the container's state on their standard input.</summary>
/// <remarks>OCI runtime-spec 1.2, config.md "POSIX-platform Hooks".</remarks>
internal static class HookRunner
{
    /// <summary>Runs all; the first that fails ends it.</summary>
    /// <exception cref="FaultException">Internal: a hook failed or took too long.</exception>
    public static void Run(string kind, IReadOnlyList<HookSpec>? hooks, string state, string directory)
    {
        for (int i = 0; i < (hooks?.Count ?? 0); i++)
        {
            if (Run(hooks![i], state, directory) is { } failure)
                throw FaultException.Internal($"error running hook #{i} ({kind} {hooks[i].Path}): {failure}");
        }
    }

    /// <summary>Runs all; failures are told and do not matter.</summary>
    public static void TryRun(string kind, IReadOnlyList<HookSpec>? hooks, string state, string directory, Action<string> warn)
    {
        foreach (HookSpec hook in hooks ?? [])
        {
            if (Run(hook, state, directory) is { } failure)
                warn($"error running {kind} hook {hook.Path}: {failure}");
        }
    }

    private static string? Run(HookSpec hook, string state, string directory)
    {
        int pid;
        try
        {
            using FileDescriptor input = HookPlan.Input(state);
            pid = ProcessSpawner.Spawn(hook.Path, hook.Args is { Count: > 0 } arguments ? arguments : [hook.Path],
                [input.Number, 1, 2], hook.Env ?? [], directory);
        }
        catch (LinuxException refused)
        {
            return refused.Message;
        }
        using ProcessHandle? handle = hook.Timeout is null ? null : ProcessHandle.Open(pid);
        if (handle is not null && !handle.WaitForEnd(TimeSpan.FromSeconds(hook.Timeout ?? 0)))
        {
            handle.TrySignal(Signals.SIGKILL);
            ProcessSpawner.Reap(pid);
            return $"it took longer than {hook.Timeout} s";
        }
        int? code = ProcessSpawner.Wait(pid);
        return code is 0 ? null : $"exit status {code}";
    }
}
