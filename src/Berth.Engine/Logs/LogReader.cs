using System.Runtime.CompilerServices;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>
/// Reads a container's rotated log files in order, and goes on with what is written: a line is delivered once and none is left out,
/// also when files are rotated while they are read.
/// </summary>
/// <remarks>A file that is open keeps its inode, so the file after ours is found by looking for ours among the rotated names.</remarks>
internal sealed class LogReader(string path, LogQuery query, TimeProvider time)
{
    private const int LineBytesMax = 1024 * 1024;

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

    /// <summary>Where a reader is: an open file and an unfinished line.</summary>
    private sealed class LogCursor : IDisposable
    {
        private readonly string _path;
        private readonly byte[] _buffer = new byte[64 * 1024];
        private readonly List<byte> _line = [];
        private FileDescriptor _file;
        private long _skip;

        private LogCursor(string path, FileDescriptor file) => (_path, _file) = (path, file);

        /// <summary>Opens at the first line wanted; null when there is no file yet.</summary>
        public static LogCursor? Open(string path, int? tail)
        {
            string[] files = [.. Rotated(path).Reverse().Append(path).Where(File.Exists)];
            if (files.Length == 0)
                return null;
            long lines = tail is null ? 0 : files.Sum(CountLines);
            FileDescriptor? first = TryOpen(files[0]);
            return first is null ? null : new LogCursor(path, first) { _skip = tail is { } last ? Math.Max(0, lines - last) : 0 };
        }

        /// <summary>Adds what can be read now; false when there is nothing more at the moment.</summary>
        public bool Read(List<LogEntry> entries)
        {
            while (true)
            {
                int count = FileCalls.Read(_file, _buffer);
                if (count > 0)
                {
                    Take(_buffer.AsSpan(0, count), entries);
                    return true;
                }
                if (!TryNextFile())
                    return false;
            }
        }

        public void Dispose() => _file.Dispose();

        private void Take(ReadOnlySpan<byte> bytes, List<LogEntry> entries)
        {
            while (!bytes.IsEmpty)
            {
                int end = bytes.IndexOf((byte)'\n');
                if (_line.Count + (end < 0 ? bytes.Length : end) > LineBytesMax)
                    _line.Clear();
                else
                    _line.AddRange(end < 0 ? bytes : bytes[..end]);
                if (end < 0)
                    return;
                bytes = bytes[(end + 1)..];
                if (_skip > 0)
                    _skip--;
                else if (LogLines.Parse(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_line)) is { } entry)
                    entries.Add(entry);
                _line.Clear();
            }
        }

        // Ours is at its end. When it was rotated away, and still is at its end, the next one is the name before it.
        private bool TryNextFile()
        {
            ulong own = FileCalls.Status(_file).Inode;
            if (InodeOf(_path) == own)
                return false;
            int more = FileCalls.Read(_file, _buffer.AsSpan(0, 1));
            if (more > 0)
            {
                FileCalls.Seek(_file, -1, 1);
                return true;
            }
            string? next = NameAfter(own);
            FileDescriptor? file = next is null ? null : TryOpen(next);
            if (file is null)
                return false;
            _file.Dispose();
            _file = file;
            _line.Clear();
            return true;
        }

        private string? NameAfter(ulong own)
        {
            string newer = _path;
            foreach (string rotated in Rotated(_path))
            {
                ulong inode = InodeOf(rotated);
                if (inode == 0)
                    break;
                if (inode == own)
                    return File.Exists(newer) ? newer : null;
                newer = rotated;
            }
            // Ours is gone for good: go on with the oldest that is left.
            return File.Exists(newer) ? newer : null;
        }

        private static IEnumerable<string> Rotated(string path) =>
            Enumerable.Range(1, 1000).Select(number => $"{path}.{number}").TakeWhile(File.Exists);

        private static FileDescriptor? TryOpen(string path) => FileCalls.TryOpen(FileCalls.WorkingDirectory, FileCalls.PathOf(path),
            FileCalls.O_RDONLY, 0, 0, out FileDescriptor file) == 0 ? file : null;

        private static ulong InodeOf(string path) =>
            FileCalls.TryStatus(FileCalls.WorkingDirectory, FileCalls.PathOf(path), out FileStatus status) == 0 ? status.Inode : 0;

        private static long CountLines(string path)
        {
            long lines = 0;
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] buffer = new byte[128 * 1024];
            while (stream.Read(buffer) is > 0 and int count)
                lines += System.MemoryExtensions.Count(buffer.AsSpan(0, count), (byte)'\n');
            return lines;
        }
    }
}
