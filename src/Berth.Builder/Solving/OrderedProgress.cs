namespace Berth.Builder.Solving;

/// <summary>
/// Lets stages that run in parallel report as if they ran one after the other: the lowest unfinished one speaks, the others wait
/// in a queue of limited length. A stage depends on lower ones only, so the one that speaks never waits for one that is held back.
/// A sink that takes stages side by side gets everything at once.
/// </summary>
internal sealed class OrderedProgress(IBuildProgress sink, IReadOnlyList<int> stages) : IDisposable
{
    private const int QueueMax = 4096;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<int, Queue<BuildEvent>> _queues =
        stages.ToDictionary(stage => stage, _ => new Queue<BuildEvent>()); // Guarded by _gate.
    private readonly HashSet<int> _finished = []; // Guarded by _gate.
    private TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously); // Guarded by _gate.
    private int _front; // Guarded by _gate. Index into stages.

    public void Dispose() => _gate.Dispose();

    public async ValueTask ReportAsync(int stage, BuildEvent happened, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task wait;
            await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (sink is IStageProgress sideBySide)
                {
                    await sideBySide.ReportAsync(stage, happened, cancellationToken).ConfigureAwait(false);
                    return;
                }
                if (_front >= stages.Count || stages[_front] == stage)
                {
                    await sink.ReportAsync(happened, cancellationToken).ConfigureAwait(false);
                    return;
                }
                if (_queues[stage].Count < QueueMax)
                {
                    _queues[stage].Enqueue(happened);
                    return;
                }
                wait = _moved.Task;
            }
            finally
            {
                _gate.Release();
            }
            await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask FinishAsync(int stage, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _finished.Add(stage);
            while (_front < stages.Count && _finished.Contains(stages[_front]))
            {
                _front++;
                if (_front < stages.Count)
                    await DrainAsync(_queues[stages[_front]], cancellationToken).ConfigureAwait(false);
            }
            _moved.TrySetResult();
            _moved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask DrainAsync(Queue<BuildEvent> queue, CancellationToken cancellationToken)
    {
        while (queue.TryDequeue(out BuildEvent? happened))
            await sink.ReportAsync(happened, cancellationToken).ConfigureAwait(false);
    }
}
