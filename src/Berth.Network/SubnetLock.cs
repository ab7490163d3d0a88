using System.Diagnostics;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Network;

/// <summary>
/// One engine of a host's network namespace at a time looks for a free subnet and gives it to a bridge: two that start at the same moment
/// would both find the same one free.
/// </summary>
/// <remarks>
/// It is flock(2) of the namespace's own file, so that it is each namespace's own and leaves nothing behind. Whoever is in the namespace
/// can take it; therefore nobody waits for it longer than <see cref="s_patience"/>, and goes on without it then, as if it did not exist.
/// </remarks>
internal sealed class SubnetLock : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);
    private readonly FileDescriptor _namespace;

    private SubnetLock(FileDescriptor hostNamespace) => _namespace = hostNamespace;

    /// <summary>Waits for the turn.</summary>
    /// <param name="hostNamespace">The host's namespace; null: the process's own.</param>
    /// <exception cref="LinuxException">The namespace cannot be opened.</exception>
    public static SubnetLock Take(FileDescriptor? hostNamespace)
    {
        // Opened anew: a lock is an open file description's, and the engines of a test share theirs.
        SubnetLock taken = new(NetworkNamespace.Run(hostNamespace, NetworkNamespace.OpenOwn));
        // flock(2) that waits has no time limit: it is asked again and again.
        long start = Stopwatch.GetTimestamp();
        while (FileCalls.TryLock(taken._namespace, FileCalls.LOCK_EX | FileCalls.LOCK_NB) != 0
            && Stopwatch.GetElapsedTime(start) < s_patience)
            Thread.Sleep(s_pause);
        return taken;
    }

    public void Dispose() => FileCalls.Unlock(_namespace);
}
