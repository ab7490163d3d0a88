using System.Runtime.CompilerServices;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>
/// Reads a container's rotated log files in order, and goes on with what is written: a line is delivered once and none is left out,
/// also when files are rotated while they are read.
/// </summary>
internal sealed class LogReader(string path, LogQuery query, TimeProvider time)
{
    /// <summary>Reads until the end, or with <see cref="LogQuery.Follow"/> until <paramref name="ended"/> and
    /// everything was read.</summary>
    public async IAsyncEnumerable<LogEntry> ReadAsync(Task ended, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using LogCursorHolder holder = new();
        // Watched before anything is read, so that nothing is written between the two.
        using LogChanges? changes = query.Follow ? LogChanges.Of(path, time) : null;
        List<LogEntry> batch = [];
        while (true)
        {
            // Whether it has ended is asked before reading, so that what came before the end is read after it.
            bool isOver = !query.Follow || ended.IsCompleted;
            holder.Cursor ??= LogCursor.Open(path, query.Tail);
            if (holder.Cursor is { } current)
            {
                while (current.Read(batch))
                {
                    foreach (LogEntry entry in batch)
                    {
                        if (query.Until is { } until && entry.At >= until)
                            yield break;
                        if (IsWanted(entry))
                            yield return entry;
                    }
                    batch.Clear();
                    cancellationToken.ThrowIfCancellationRequested();
                }
            }
            if (isOver || (query.Until is { } limit && time.GetUtcNow() >= limit))
                yield break;
            TimeSpan left = query.Until is { } end ? end - time.GetUtcNow() : TimeSpan.MaxValue;
            await changes!.WaitAsync(ended, left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken);
        }
    }

    private bool IsWanted(LogEntry entry) =>
        (entry.Source == OutputSource.Stdout ? query.Stdout : query.Stderr) && !(entry.At < query.Since);

    private sealed class LogCursorHolder : IDisposable
    {
        public LogCursor? Cursor { get; set; }

        public void Dispose() => Cursor?.Dispose();
    }
}
