namespace Berth.Engine;

/// <summary>Waits of any length that clients ask for: a timer of .NET throws where it is to wait longer than some 49 days.</summary>
internal static class LongWaits
{
    /// <summary>What one timer can wait: milliseconds of 32 bits, less one that means for ever (<see cref="Timer"/>).</summary>
    public static readonly TimeSpan TimerMax = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    /// <summary>Waits so long, by as many timers as that takes.</summary>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public static async Task DelayAsync(TimeSpan delay, TimeProvider time, CancellationToken cancellationToken)
    {
        for (; delay > TimerMax; delay -= TimerMax)
            await Task.Delay(TimerMax, time, cancellationToken);
        await Task.Delay(delay, time, cancellationToken);
    }

    /// <summary>Waits so long for the end of a task; whether it ended, with whatever outcome.</summary>
    /// <param name="task">What may end.</param>
    /// <param name="within">How long; <see cref="Timeout.InfiniteTimeSpan"/>: as long as it takes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public static async Task<bool> EndsAsync(Task task, TimeSpan within, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task late = within < TimeSpan.Zero
            ? Task.Delay(Timeout.InfiniteTimeSpan, either.Token) : DelayAsync(within, time, either.Token);
        await Task.WhenAny(task, late);
        await either.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return task.IsCompleted;
    }
}
