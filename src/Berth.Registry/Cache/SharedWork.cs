namespace Berth.Registry.Cache;

/// <summary>Work that several want at once and that is done once. It belongs to all who wait for it: whoever goes away leaves it to the
/// others, and the last one ends it.</summary>
/// <remarks>It never outlives those who wait: the last of them waits also for the end of what he gives up.</remarks>
internal sealed class SharedWork<TKey>
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, Running> _running = []; // Guarded by _gate.

    /// <summary>How many wait now.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _running.Values.Sum(running => running.Waiting);
        }
    }

    /// <summary>Waits for the work of a key, which begins now if nobody waits for it.</summary>
    /// <param name="key">What is wanted.</param>
    /// <param name="workAsync">Does it; its token ends when nobody waits any more. Nothing of the one who asks may be used in it.</param>
    /// <param name="cancellationToken">Goes away.</param>
    public async Task JoinAsync(TKey key, Func<CancellationToken, Task> workAsync, CancellationToken cancellationToken)
    {
        Running running = Enter(key, workAsync);
        try
        {
            await running.Work.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (Leave(key, running))
            {
                await running.Stop.CancelAsync().ConfigureAwait(false);
                await running.Work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                running.Stop.Dispose();
            }
        }
    }

    private Running Enter(TKey key, Func<CancellationToken, Task> workAsync)
    {
        lock (_gate)
        {
            // What has ended says how it was then, and not how it is now.
            if (!_running.TryGetValue(key, out Running? running) || running.Work.IsCompleted)
            {
                var stop = new CancellationTokenSource();
                _running[key] = running = new Running(Task.Run(() => workAsync(stop.Token), CancellationToken.None), stop);
            }
            running.Waiting++;
            return running;
        }
    }

    // True: he was the last.
    private bool Leave(TKey key, Running running)
    {
        lock (_gate)
        {
            if (--running.Waiting > 0)
                return false;
            if (_running.GetValueOrDefault(key) == running)
                _running.Remove(key);
            return true;
        }
    }

    private sealed class Running(Task work, CancellationTokenSource stop)
    {
        public Task Work => work;

        public CancellationTokenSource Stop => stop;

        public int Waiting { get; set; }
    }
}
