using Berth.Faults;

namespace Berth.Layers.Stores;

/// <summary>Removals and flushes that go on behind the calls that asked for them. Owned by a store, which waits for them.</summary>
internal sealed class BackgroundWork
{
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _running = []; // Guarded by _gate.
    private FaultException? _failure;             // Guarded by _gate: the first since it was taken.

    /// <summary>Is told of each failure, on the thread it happened on.</summary>
    public event Action<FaultException>? Failed;

    /// <summary>Begins work.</summary>
    /// <param name="attempt">What is attempted, for the message of a failure.</param>
    /// <param name="work">The work; its failures are kept.</param>
    public void Run(string attempt, Action work)
    {
        Task task = new(() =>
        {
            try
            {
                work();
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FaultException)
            {
                Report(attempt, failure);
            }
        });
        lock (_gate)
            _running.Add(task);
        _ = task.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        task.Start(TaskScheduler.Default);
    }

    /// <summary>Keeps a failure and tells it.</summary>
    public void Report(string attempt, Exception cause)
    {
        FaultException failure = FaultException.Internal($"{attempt}: {cause.Message}", cause);
        lock (_gate)
            _failure ??= failure;
        Failed?.Invoke(failure);
    }

    /// <summary>The first failure since the last call, or null.</summary>
    public FaultException? TakeFailure()
    {
        lock (_gate)
        {
            FaultException? failure = _failure;
            _failure = null;
            return failure;
        }
    }

    /// <summary>Waits until nothing runs.</summary>
    public async Task WaitAsync()
    {
        while (true)
        {
            Task[] running;
            lock (_gate)
                running = [.. _running];
            if (running.Length == 0)
                return;
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            lock (_gate)
                _running.ExceptWith(running);
        }
    }

    private void Forget(Task task)
    {
        lock (_gate)
            _running.Remove(task);
    }
}
