using System.Text;
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

/// <summary>Runs hooks in the engine's namespaces, one after the other, with the container's state on their standard input.</summary>
/// <remarks>OCI runtime-spec 1.2, config.md "POSIX-platform Hooks". The engine goes on meanwhile: what a hook says is read as it comes, its
/// beginning is kept for the message, and one without a time of its own has <see cref="s_patience"/>, because who waits for it holds the
/// container.</remarks>
internal static class ContainerHooks
{
    private const int WordsMax = 2048;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(20);

    /// <summary>Runs all; the first that fails ends it.</summary>
    /// <exception cref="FaultException">Internal: a hook failed or took too long.</exception>
    public static Task RunAsync(
        string kind, IReadOnlyList<LabelledHook> hooks, string state, string directory, CancellationToken cancellationToken) =>
        hooks.Count == 0 ? Task.CompletedTask : Task.Run(() =>
        {
            for (int i = 0; i < hooks.Count; i++)
            {
                if (Run(hooks[i].Hook, state, directory, cancellationToken) is { } failure)
                    throw FaultException.Internal($"error running hook #{i} ({kind} {hooks[i].Label}): {failure}");
            }
        }, cancellationToken);

    /// <summary>Runs all; failures are told and do not matter.</summary>
    public static Task TryRunAsync(
        string kind, IReadOnlyList<LabelledHook> hooks, string state, string directory, Action<string> warn) =>
        hooks.Count == 0 ? Task.CompletedTask : Task.Run(() =>
        {
            foreach (LabelledHook hook in hooks)
            {
                if (Run(hook.Hook, state, directory, CancellationToken.None) is { } failure)
                    warn($"error running hook ({kind} {hook.Label}): {failure}");
            }
        });

    private static string? Run(HookSpec hook, string state, string directory, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            using FileDescriptor input = HookPlan.Input(state);
            (FileDescriptor words, FileDescriptor output) = Pipes.Create();
            using (words)
            using (output)
            using (FileDescriptor reading = WithoutWaiting(words))
            {
                int pid = ProcessSpawner.Spawn(hook.Path, hook.Args is { Count: > 0 } arguments ? arguments : [hook.Path],
                    [input.Number, output.Number, output.Number], hook.Env ?? [], directory);
                return Await(hook, pid, reading, cancellationToken);
            }
        }
        catch (LinuxException refused)
        {
            return refused.Message;
        }
    }

    // Of the hook's own end nothing changes.
    private static FileDescriptor WithoutWaiting(FileDescriptor end) => FileCalls.Open(FileCalls.WorkingDirectory,
        Encoding.UTF8.GetBytes($"/proc/self/fd/{end.Number}\0"), FileCalls.O_RDONLY | FileCalls.O_NONBLOCK);

    private static string? Await(HookSpec hook, int pid, FileDescriptor reading, CancellationToken cancellationToken)
    {
        TimeSpan patience = hook.Timeout is { } seconds ? TimeSpan.FromSeconds(seconds) : s_patience;
        MemoryStream said = new();
        // A child that was not waited for keeps its number.
        using ProcessHandle handle = ProcessHandle.Open(pid)!;
        long begun = Environment.TickCount64;
        bool isLate = false;
        while (!handle.WaitForEnd(s_step))
        {
            Listen(reading, said);
            isLate = Environment.TickCount64 - begun >= patience.TotalMilliseconds;
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
            return $"it took longer than {(int)patience.TotalSeconds} s"
                + (hook.Timeout is null ? ", which a hook without a timeout has" : "");
        }
        Listen(reading, said);
        string text = Encoding.UTF8.GetString(said.ToArray()).Trim();
        return code is 0 ? null : $"exit status {code}" + (text.Length > 0 ? $": {text}" : "");
    }

    // All that is there now; the beginning is kept.
    private static void Listen(FileDescriptor reading, MemoryStream said)
    {
        Span<byte> piece = stackalloc byte[4096];
        try
        {
            while (FileCalls.Read(reading, piece) is > 0 and var count)
                said.Write(piece[..(int)Math.Min(count, WordsMax - said.Length)]);
        }
        catch (LinuxException nothing) when (nothing.Error == Errno.EAGAIN)
        {
            // It may say more.
        }
    }
}
