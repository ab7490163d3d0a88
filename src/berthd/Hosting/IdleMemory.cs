using System.Runtime;
using Berth.Linux.Processes;

namespace Berth.Daemon.Hosting;

/// <summary>Gives memory back to the machine once nothing has been asked of the daemon for a while.</summary>
/// <remarks>The collector keeps the room that the last burst needed for the next one, which on a machine that runs containers may never
/// come. One compacting collection after a quiet time returns it; it takes some tens of milliseconds in which nobody waits. Code that
/// ran is let go as well: a third of an idle daemon would be pages of its program that the page cache holds anyway.</remarks>
internal sealed class IdleMemory : IDisposable
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(4);
    private readonly Timer _timer;
    private long _lastUse;
    private int _isUsed;

    public IdleMemory() => _timer = new Timer(_ => OnTimer());

    /// <summary>Notes that a request began or ended.</summary>
    public void Touch()
    {
        Volatile.Write(ref _lastUse, Environment.TickCount64);
        if (Volatile.Read(ref _isUsed) == 0 && Interlocked.Exchange(ref _isUsed, 1) == 0)
            _timer.Change(s_quiet, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void OnTimer()
    {
        TimeSpan left = s_quiet - TimeSpan.FromMilliseconds(Environment.TickCount64 - Volatile.Read(ref _lastUse));
        if (left > TimeSpan.Zero)
        {
            _timer.Change(left, Timeout.InfiniteTimeSpan);
            return;
        }
        Volatile.Write(ref _isUsed, 0);
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        ProgramPages.Release();
    }
}
