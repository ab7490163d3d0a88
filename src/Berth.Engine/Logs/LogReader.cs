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
        // The end is so long from now, whatever happens to the clock meanwhile.
        TimeSpan patience = query.Until is { } limit ? limit - time.GetUtcNow() : TimeSpan.MaxValue;
        long begin = time.GetTimestamp();
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
                        // Not the end: where the clock was set back, earlier times come after later ones.
                        if (IsWanted(entry))
                            yield return entry;
                    }
                    batch.Clear();
                    cancellationToken.ThrowIfCancellationRequested();
                }
            }
            TimeSpan left = query.Until is null ? TimeSpan.MaxValue : patience - time.GetElapsedTime(begin);
            if (isOver || left <= TimeSpan.Zero)
                yield break;
            await changes!.WaitAsync(ended, left, cancellationToken);
        }
    }

    private bool IsWanted(LogEntry entry) =>
        (entry.Source == OutputSource.Stdout ? query.Stdout : query.Stderr) && !(entry.At < query.Since) && !(entry.At >= query.Until);

    private sealed class LogCursorHolder : IDisposable
    {
        public LogCursor? Cursor { get; set; }

        public void Dispose() => Cursor?.Dispose();
    }
}
