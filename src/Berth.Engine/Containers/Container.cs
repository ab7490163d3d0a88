using Berth.Engine.State;
using Berth.Network;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>One container in memory: its record and, while it runs, what holds it. Owned by <see cref="ContainerTable"/> from
/// creation to removal.</summary>
/// <remarks>Whoever changes it holds <see cref="Gate"/>; reading <see cref="Record"/> needs nothing, because it is replaced whole.
/// Lock order: <see cref="Gate"/>, <see cref="Tree"/>, then the table, then the state.</remarks>
internal sealed class Container(ContainerRecord record)
{
    private readonly Lock _waiters = new();
    private TaskCompletionSource<WaitOutcome> _nextExit = New(); // Guarded by _waiters.
    private volatile ContainerRecord _record = record;

    /// <summary>Held by whoever changes the container.</summary>
    public SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>Held by whoever writes files into its tree from outside, and by a start: two overlays of one upper and work directory that
    /// write at once take each other's unfinished files away. Taken after Gate, never before.</summary>
    public SemaphoreSlim Tree { get; } = new(1, 1);

    /// <summary>What is known about it.</summary>
    public ContainerRecord Record
    {
        get => _record;
        set => _record = value;
    }

    public string Id => _record.Id;

    public string Name => _record.Name;

    public ContainerState State => _record.State;

    /// <summary>What runs; null when nothing does. Set under Gate.</summary>
    public IContainer? Runtime { get; set; }

    /// <summary>Its network namespace while it runs. Set under Gate.</summary>
    public ISandbox? Sandbox { get; set; }

    /// <summary>Those who attached before it started.</summary>
    public PendingAttachments Pending { get; } = new();

    /// <summary>Ends the health checks and the restart back-off of this run; replaced at each start. Set under Gate.</summary>
    public CancellationTokenSource Run { get; set; } = new();

    /// <summary>When this engine started its run, as a timestamp: the clock may be set meanwhile. Null: an earlier engine did. Set under
    /// Gate.</summary>
    public long? StartedTimestamp { get; set; }

    /// <summary>The last back-off; doubles with each quick failure. Set under Gate.</summary>
    public TimeSpan Backoff { get; set; }

    /// <summary>It ran when an earlier engine ended, and nothing of it was found. Set before anybody else sees it.</summary>
    public bool LostAtOpen { get; set; }

    /// <summary>A stop by the user is under way: the policy must not restart it. Set under Gate, read by the exit.</summary>
    public bool StopRequested { get; set; }

    /// <summary>Somebody stops it only to start it again: <c>--rm</c> must wait for another end.</summary>
    public volatile bool IsBeingRestarted;

    /// <summary>Completes when the exit of the current run has been dealt with.</summary>
    public TaskCompletionSource ExitHandled { get; set; } = CompletedSource();

    /// <summary>The removal of what the last run left in the kernel; the next start waits for it. Set under Gate.</summary>
    public Task Cleanup { get; set; } = Task.CompletedTask;

    /// <summary>Sends and compresses the log; completes when everything is done with. Set under Gate.</summary>
    public Task Shipping { get; set; } = Task.CompletedTask;

    /// <summary>Ends the sending of the log, whatever is left.</summary>
    public CancellationTokenSource ShippingEnds { get; } = new();

    /// <summary>Completes when it is gone.</summary>
    public TaskCompletionSource<WaitOutcome> Removed { get; } = New();

    /// <summary>Completes at its next exit.</summary>
    public Task<WaitOutcome> NextExit
    {
        get
        {
            lock (_waiters)
                return _nextExit.Task;
        }
    }

    /// <summary>Tells everybody who waits for an exit.</summary>
    public void CompleteExit(WaitOutcome outcome)
    {
        TaskCompletionSource<WaitOutcome> waiting;
        lock (_waiters)
        {
            waiting = _nextExit;
            _nextExit = New();
        }
        waiting.TrySetResult(outcome);
    }

    private static TaskCompletionSource<WaitOutcome> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static TaskCompletionSource CompletedSource()
    {
        TaskCompletionSource source = new();
        source.SetResult();
        return source;
    }
}
