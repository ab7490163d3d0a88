using System.Runtime.InteropServices;

namespace Berth.Engine;

/// <summary>How far somebody has read: a file by what it is known by, and bytes in it.</summary>
internal readonly record struct LogPosition(string File, long Offset)
{
    /// <summary>As it is written to disk.</summary>
    public override string ToString() => $"{File} {Offset}";

    /// <summary>Reads what <see cref="ToString"/> writes; null: it is something else.</summary>
    public static LogPosition? Parse(string text) =>
        text.Split(' ') is [{ Length: > 0 } file, string offset] && long.TryParse(offset, out long value) && value >= 0
            ? new LogPosition(file, value) : null;
}

/// <summary>Reads a log's files one after the other, also while they are rotated and compressed: every line once, none left out.</summary>
internal sealed class LogCursor : IDisposable
{
    private const int LineBytesMax = 1024 * 1024;
    private const int RememberedMax = 64;
    private const int WrongFilesMax = 200;
    private readonly string _path;
    private readonly byte[] _buffer;
    private readonly List<byte> _line = [];
    private readonly List<byte> _start = [];
    // Files read to their end, the newest last: while one is renamed and compressed, an older one can stand under its number for an
    // instant.
    private readonly Queue<string> _read = [];
    private Stream _stream;
    private string? _identity;
    private LogPosition? _before;
    private int _wrongFiles;
    private long _offset;
    private long _skipLines;
    private long _skipBytes;
    private bool _isRotated;

    private LogCursor(string path, Stream stream, int bufferBytes) =>
        (_path, _stream, _buffer) = (path, stream, new byte[bufferBytes]);

    /// <summary>After the last line that was read; null before the first.</summary>
    public LogPosition? Position => _identity is null ? null : new LogPosition(_identity, _offset);

    /// <summary>Opens at the first line, or so that <paramref name="tail"/> lines are left; null when there is no file yet.</summary>
    public static LogCursor? Open(string path, int? tail, int bufferBytes = 64 * 1024)
    {
        long lines = tail is null ? 0 : LogFiles.OldestFirst(path).Sum(CountLines);
        return LogFiles.OpenOldest(path) is not { } oldest ? null : new LogCursor(path, oldest.Stream, bufferBytes)
        {
            _skipLines = tail is { } last ? Math.Max(0, lines - last) : 0, _isRotated = !oldest.IsCurrent,
        };
    }

    /// <summary>Opens where somebody stopped; at the oldest line when that file is gone.</summary>
    public static LogCursor? OpenAt(string path, LogPosition position, int bufferBytes)
    {
        if (LogFiles.OpenIdentity(path, position.File) is { } stream)
            return new LogCursor(path, stream, bufferBytes) { _skipBytes = position.Offset };
        return Open(path, null, bufferBytes);
    }

    /// <summary>Adds what can be read now; false when there is nothing more at the moment.</summary>
    public bool Read(List<LogEntry> entries)
    {
        while (true)
        {
            int count = TryRead();
            if (count > 0)
            {
                Take(_buffer.AsSpan(0, count), entries);
                if (_identity is null || !_read.Contains(_identity))
                    return true;
                if (!TryGoBack())
                    return false;
                continue;
            }
            if (!_isRotated && !(_isRotated = WasRotated()))
                return false;
            // Nothing is written to it any more, and what was written before that has been seen just now or on the way here.
            if ((count = TryRead()) > 0)
            {
                Take(_buffer.AsSpan(0, count), entries);
                return true;
            }
            if (!TryNextFile())
                return false;
        }
    }

    public void Dispose() => _stream.Dispose();

    private int TryRead()
    {
        try
        {
            return _stream.Read(_buffer);
        }
        catch (InvalidDataException)
        {
            // A compressed file that was damaged ends where the damage begins.
            return 0;
        }
    }

    private void Take(ReadOnlySpan<byte> bytes, List<LogEntry> entries)
    {
        while (!bytes.IsEmpty)
        {
            int end = bytes.IndexOf((byte)'\n');
            ReadOnlySpan<byte> piece = end < 0 ? bytes : bytes[..(end + 1)];
            if (_identity is null)
                Know(piece);
            if (_identity is not null && _read.Contains(_identity))
                return;
            if (_line.Count + piece.Length > LineBytesMax)
                _line.Clear();
            else
                _line.AddRange(end < 0 ? piece : piece[..end]);
            _offset += piece.Length;
            if (end < 0)
                return;
            bytes = bytes[(end + 1)..];
            if (_skipLines > 0)
                _skipLines--;
            else if (_offset > _skipBytes && LogLines.Parse(CollectionsMarshal.AsSpan(_line)) is { } entry)
                entries.Add(entry);
            _line.Clear();
        }
    }

    private void Know(ReadOnlySpan<byte> piece)
    {
        _start.AddRange(piece);
        _identity = LogFiles.IdentityOf(CollectionsMarshal.AsSpan(_start)[..Math.Min(_start.Count, 512)]);
        if (_identity is not null)
            _start.Clear();
    }

    private bool WasRotated() => _identity is not null && LogFiles.IdentityOf(_path) != _identity;

    private bool TryNextFile()
    {
        (Stream Stream, bool IsCurrent)? next = _identity is null ? OpenCurrent() : LogFiles.OpenAfter(_path, _identity);
        if (next is not { } found)
            return false;
        if (_identity is not null)
            Remember(_identity);
        _before = Position;
        _stream.Dispose();
        _stream = found.Stream;
        (_identity, _offset, _skipBytes, _isRotated) = (null, 0, 0, !found.IsCurrent);
        _line.Clear();
        _start.Clear();
        return true;
    }

    // To the end of the file before, to look again for the one after it; false when that has been of no use for a while.
    private bool TryGoBack()
    {
        _stream.Dispose();
        _stream = Stream.Null;
        (_identity, _offset, _skipBytes, _isRotated) = (_before?.File, _before?.Offset ?? 0, 0, true);
        _line.Clear();
        _start.Clear();
        if (++_wrongFiles % WrongFilesMax == 0)
            return false;
        Thread.Sleep(1);
        return true;
    }

    private void Remember(string identity)
    {
        if (_read.Contains(identity))
            return;
        _read.Enqueue(identity);
        if (_read.Count > RememberedMax)
            _read.Dequeue();
    }

    // A file without one whole line is known by nothing: damaged, so what is being written is next.
    private (Stream Stream, bool IsCurrent)? OpenCurrent() => LogFiles.TryOpen(_path) is { } stream ? (stream, true) : null;

    private static long CountLines(string file)
    {
        using Stream? stream = LogFiles.TryOpen(file);
        if (stream is null)
            return 0;
        long lines = 0;
        byte[] buffer = new byte[128 * 1024];
        try
        {
            while (stream.Read(buffer) is > 0 and int count)
                lines += MemoryExtensions.Count(buffer.AsSpan(0, count), (byte)'\n');
        }
        catch (InvalidDataException)
        {
            // As far as it can be read.
        }
        return lines;
    }
}
