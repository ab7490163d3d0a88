using Berth.Faults;

namespace Berth.BuildKit.Control;

/// <summary>The builds that clients of the Control service have asked for, by the names the clients gave them. One that has ended stays
/// a little while, so that whoever asks for its progress a moment late hears it.</summary>
internal sealed class BuildTable(TimeProvider time) : IDisposable
{
    /// <summary>Builds at a time.</summary>
    public const int BuildsMax = 256;

    /// <summary>Ended builds that are kept.</summary>
    public const int EndedMax = 16;

    /// <summary>The longest name.</summary>
    public const int NameLengthMax = 128;

    /// <summary>How long an ended build is kept.</summary>
    public static readonly TimeSpan EndedTime = TimeSpan.FromSeconds(10);

    // BuildKit's own patience: calls of one client arrive in any order.
    private static readonly TimeSpan s_arrivalTime = TimeSpan.FromSeconds(6);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, BuildJob> _jobs = new(StringComparer.Ordinal); // Guarded by _gate.
    private readonly Queue<BuildJob> _ended = []; // Guarded by _gate.
    private TaskCompletionSource _changed = NewSignal(); // Guarded by _gate.
    private ITimer? _sweep; // Guarded by _gate.

    /// <summary>How many are known.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _jobs.Count;
        }
    }

    /// <summary>Takes in a build that begins; <see cref="End"/> must follow.</summary>
    /// <exception cref="FaultException">InvalidArgument: no name. Conflict: the name is taken. Unavailable: there are too many.</exception>
    public BuildJob Begin(string name, string session, bool isGateway)
    {
        if (name.Length is 0 or > NameLengthMax)
            throw FaultException.Invalid($"solve: a ref of 1 to {NameLengthMax} characters is expected");
        lock (_gate)
        {
            if (_jobs.TryGetValue(name, out BuildJob? other) && !other.IsEnded)
                throw FaultException.Conflict($"job ID {name} exists");
            if (_jobs.Count - _ended.Count >= BuildsMax)
                throw FaultException.Unavailable($"solve {name}: {BuildsMax} builds are running, wait for one to end");
            BuildJob job = _jobs[name] = new BuildJob(name, session, isGateway);
            _changed.TrySetResult();
            _changed = NewSignal();
            return job;
        }
    }

    /// <summary>Notes that a build has ended.</summary>
    public void End(BuildJob job)
    {
        job.Complete();
        lock (_gate)
        {
            job.Ended = time.GetTimestamp();
            _ended.Enqueue(job);
            while (_ended.Count > EndedMax)
                RemoveLocked(_ended.Dequeue());
            _sweep ??= time.CreateTimer(_ => Sweep(), null, EndedTime, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Finds a build, waiting a moment for one that is about to begin.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="isRunning">One that has ended does not count.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">NotFound: there is none, with BuildKit's text.</exception>
    public async Task<BuildJob> FindAsync(string name, bool isRunning, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = new(s_arrivalTime, time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            while (true)
            {
                Task changed;
                lock (_gate)
                {
                    if (_jobs.TryGetValue(name, out BuildJob? job) && !(isRunning && job.IsEnded))
                        return job;
                    changed = _changed.Task;
                }
                await changed.WaitAsync(both.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw FaultException.NotFound($"no such job {name}");
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _sweep?.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Sweep()
    {
        lock (_gate)
        {
            while (_ended.TryPeek(out BuildJob? oldest) && time.GetElapsedTime(oldest.Ended) >= EndedTime)
                RemoveLocked(_ended.Dequeue());
            _sweep?.Dispose();
            // Not less than nothing: the next one's time may have come since it was looked at.
            TimeSpan? left = _ended.TryPeek(out BuildJob? next) ? EndedTime - time.GetElapsedTime(next.Ended) : null;
            _sweep = left is null ? null
                : time.CreateTimer(_ => Sweep(), null, left > TimeSpan.Zero ? left.Value : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    // Another build may have the name by now.
    private void RemoveLocked(BuildJob job)
    {
        if (_jobs.TryGetValue(job.Name, out BuildJob? found) && ReferenceEquals(found, job))
            _jobs.Remove(job.Name);
    }
}
