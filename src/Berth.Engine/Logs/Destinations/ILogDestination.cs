namespace Berth.Engine.Logs.Destinations;

/// <summary>Where lines of one container are sent. One caller at a time; the connection is made when it is first needed and again after
/// it broke.</summary>
internal interface ILogDestination : IDisposable
{
    /// <summary>Its address, for messages.</summary>
    string Address { get; }

    /// <summary>How long to wait before the first try after a failure; it doubles from there.</summary>
    TimeSpan RetryAfter { get; }

    /// <summary>Tries for one batch before it is given up; 0: without end.</summary>
    int TriesMax { get; }

    /// <summary>Sends lines in order. When it fails, some of them may have arrived: the caller sends all of them again.</summary>
    /// <exception cref="IOException">It cannot be reached, or the connection broke.</exception>
    Task SendAsync(IReadOnlyList<LogEntry> lines, CancellationToken cancellationToken);
}

/// <summary>One piece of a line that was too long: which line, which piece, and whether it is the last.</summary>
internal readonly record struct LogPiece(string Line, int Ordinal, bool IsLast);

/// <summary>Numbers the pieces of long lines, for each of the two streams.</summary>
internal sealed class LogPieces
{
    private readonly (string Line, int Ordinal)[] _open = new (string, int)[2];

    /// <summary>What piece a line is; null: it is whole.</summary>
    public LogPiece? Of(LogEntry entry)
    {
        ref (string Line, int Ordinal) open = ref _open[entry.Source == Runtime.OutputSource.Stderr ? 1 : 0];
        bool isLast = entry.Bytes.Span is [.., (byte)'\n'];
        if (isLast && open.Ordinal == 0)
            return null;
        if (open.Ordinal == 0)
            open.Line = RandomIds.Next();
        LogPiece piece = new(open.Line, ++open.Ordinal, isLast);
        if (isLast)
            open.Ordinal = 0;
        return piece;
    }
}

/// <summary>A line as destinations take it.</summary>
internal static class LogText
{
    /// <summary>Without its end of line.</summary>
    public static ReadOnlyMemory<byte> Of(LogEntry entry) =>
        entry.Bytes.Span is [.., (byte)'\n'] ? entry.Bytes[..^1] : entry.Bytes;
}
