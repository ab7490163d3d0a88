namespace Berth.Engine;

/// <summary>Wakes a reader when something is written into a log or its files are rotated.</summary>
/// <remarks>inotify(7) on the container's directory. Where the kernel gives no watch (the limit of watches), and on file systems
/// that tell nothing, a reader still looks once in a while.</remarks>
internal sealed class LogChanges : IDisposable
{
    private static readonly TimeSpan s_lookAnyway = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_lookWithoutWatch = TimeSpan.FromMilliseconds(100);
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly FileSystemWatcher? _watcher;
    private readonly TimeProvider _time;

    private LogChanges(FileSystemWatcher? watcher, TimeProvider time)
    {
        (_watcher, _time) = (watcher, time);
        if (watcher is null)
            return;
        watcher.Changed += (_, _) => Wake();
        watcher.Created += (_, _) => Wake();
        watcher.Renamed += (_, _) => Wake();
        watcher.Error += (_, _) => Wake();
    }

    /// <summary>Begins to watch: what happens from now on ends a <see cref="WaitAsync"/>.</summary>
    public static LogChanges Of(string path, TimeProvider time)
    {
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(Path.GetDirectoryName(path)!, Path.GetFileName(path) + "*")
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.Size | NotifyFilters.LastWrite,
            };
            LogChanges changes = new(watcher, time);
            watcher.EnableRaisingEvents = true;
            return changes;
        }
        catch (Exception exception) when (exception is IOException or ArgumentException)
        {
            watcher?.Dispose();
            return new LogChanges(null, time);
        }
    }

    /// <summary>Returns when something changed since the last call, when <paramref name="ended"/> completes, or after a while.</summary>
    public async Task WaitAsync(Task ended, TimeSpan atMost, CancellationToken cancellationToken)
    {
        TimeSpan anyway = _watcher is null ? s_lookWithoutWatch : s_lookAnyway;
        using CancellationTokenSource wait = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task changed = _changed.WaitAsync(wait.Token);
        Task later = Task.Delay(atMost < anyway ? atMost : anyway, _time, wait.Token);
        await Task.WhenAny(ended, changed, later);
        await wait.CancelAsync();
        await Task.WhenAll(changed, later).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    public void Dispose()
    {
        _watcher?.Dispose();
        // Not the semaphore: the watcher's thread may still be waking, and it holds nothing of the kernel.
    }

    private void Wake()
    {
        try
        {
            _changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // A wake is pending already.
        }
    }
}
