using Microsoft.Win32.SafeHandles;

namespace Berth.Registry.Storage;

/// <summary>What has arrived of an upload to S3 and is too short for a part: a little of it in memory, more in a local file.</summary>
/// <remarks>The file has no name, so it ends with the process, however that ends. Of uploads that stay open there may be very many, and
/// each may hold a part's length: memory for them all no machine has.</remarks>
internal sealed class S3Tail(string directory) : IDisposable
{
    private const int MemoryBytes = 16 * 1024;
    private const int FirstBytes = 1024;

    private byte[] _memory = [];
    private SafeFileHandle? _file;

    /// <summary>How much is there.</summary>
    public int Bytes { get; private set; }

    /// <summary>Adds bytes.</summary>
    /// <exception cref="FaultException">Unavailable: no space. What was there still is.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_file is null && Bytes + bytes.Length <= MemoryBytes)
        {
            if (Bytes + bytes.Length > _memory.Length)
                Array.Resize(ref _memory, Math.Min(MemoryBytes, Math.Max(Bytes + bytes.Length, Math.Max(_memory.Length * 2, FirstBytes))));
            bytes.CopyTo(_memory.AsSpan(Bytes));
        }
        else
        {
            Spool(bytes);
        }
        Bytes += bytes.Length;
    }

    /// <summary>Forgets all behind the first bytes.</summary>
    public void Cut(int bytes) => Bytes = Math.Min(Bytes, bytes);

    /// <summary>What is there, from its beginning. It is read before anything is added.</summary>
    public Stream OpenRead() =>
        _file is null ? new MemoryStream(_memory, 0, Bytes, writable: false) : new Reader(_file, Bytes);

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    private void Spool(ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (_file is null)
            {
                SafeFileHandle file = Create();
                RandomAccess.Write(file, _memory.AsSpan(0, Bytes), 0);
                (_file, _memory) = (file, []);
            }
            RandomAccess.Write(_file, bytes, Bytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FileBlobStorage.WriteFault(exception);
        }
    }

    private SafeFileHandle Create()
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string path = Path.Join(directory, UploadIds.Next());
        SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        File.Delete(path);
        return file;
    }

    // The S3 client reads it again when it tries again, and closes it.
    private sealed class Reader(SafeFileHandle file, long length) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override int Read(Span<byte> buffer)
        {
            int count = RandomAccess.Read(file, buffer[..(int)Math.Min(buffer.Length, length - Position)], Position);
            Position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Memory<byte> room = buffer[..(int)Math.Min(buffer.Length, length - Position)];
            int count = await RandomAccess.ReadAsync(file, room, Position, cancellationToken).ConfigureAwait(false);
            Position += count;
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => Position + offset,
            _ => length + offset,
        };

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
