using System.Buffers;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;

namespace Berth.Registry.Storage;

/// <summary>An upload as a file that grows, with the hash of what is in it.</summary>
internal sealed class FileBlobWriter : IBlobWriter
{
    private const int ReadBytes = 256 * 1024;

    // Segments of a request's pipe are 4 KiB; this many at once is as far as one pwritev(2) goes.
    private const int SegmentsMax = 1024;

    // The disk begins with this much while more arrives, so that in the end the sync has little left to wait for.
    private const int BegunBytes = 4 * 1024 * 1024;

    private readonly FileBlobStorage _storage;
    private readonly string _path;
    private readonly string _id;
    private readonly FileStream _file;
    private readonly List<ReadOnlyMemory<byte>> _segments = [];
    private RunningHash? _hash;
    private long _begun;

    private FileBlobWriter(FileBlobStorage storage, string path, string id, FileStream file, RunningHash hash) =>
        (_storage, _path, _id, _file, _hash) = (storage, path, id, file, hash);

    public long Bytes { get; private set; }

    public static FileBlobWriter Create(FileBlobStorage storage, string path, string id, string algorithm) =>
        new(storage, path, id, new FileStream(path, FileBlobStorage.WriterOptions(FileMode.CreateNew)), new RunningHash(algorithm));

    public static async ValueTask<FileBlobWriter> ResumeAsync(
        FileBlobStorage storage, string path, string id, string algorithm, long bytes, CancellationToken cancellationToken)
    {
        FileStream file = Open(path, id);
        RunningHash? hash = null;
        try
        {
            // Whoever had it until just now may have made it a blob between our look at its name and its lock.
            if (!File.Exists(path))
                throw FaultException.NotFound($"resume upload {id}: it has ended");
            long length = RandomAccess.GetLength(file.SafeFileHandle);
            // What stands behind the agreed length was written by a request that did not end; fewer bytes, by a loss of power.
            if (length > bytes)
                RandomAccess.SetLength(file.SafeFileHandle, bytes);
            long count = Math.Min(length, bytes);
            hash = storage.Hashes.Take(id, algorithm, count) ?? new RunningHash(algorithm);
            await HashAsync(file, hash, count, cancellationToken).ConfigureAwait(false);
            return new FileBlobWriter(storage, path, id, file, hash) { Bytes = count, _begun = count };
        }
        catch
        {
            hash?.Dispose();
            await file.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // Written by one, and locked by him until it is a blob: who lost his lease in a long pause must not write into what another has
    // finished, and a process that ends gives its locks back.
    private static FileStream Open(string path, string id)
    {
        try
        {
            return new FileStream(path, FileBlobStorage.WriterOptions(FileMode.Open));
        }
        catch (IOException exception) when (exception.HResult == Errno.EAGAIN)
        {
            throw FaultException.Conflict($"resume upload {id}: another request writes it", exception);
        }
    }

    // The file system has it all.
    public bool HasUnsaved => false;

    public void Abandon()
    {
        _hash?.Dispose();
        _hash = null;
    }

    public ValueTask WriteAsync(ReadOnlySequence<byte> bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // A write to the page cache takes less time than handing it to another thread would.
        try
        {
            foreach (ReadOnlyMemory<byte> segment in bytes)
            {
                _segments.Add(segment);
                if (_segments.Count == SegmentsMax)
                    WriteSegments();
            }
            WriteSegments();
            return ValueTask.CompletedTask;
        }
        catch (IOException exception)
        {
            return ValueTask.FromException(FileBlobStorage.WriteFault(exception));
        }
        finally
        {
            _segments.Clear();
        }
    }

    // The file system is where the next process looks; only FinishAsync promises more.
    public ValueTask SuspendAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public async ValueTask<Digest> DigestAsync(string algorithm, CancellationToken cancellationToken)
    {
        if (_hash!.Algorithm == algorithm)
            return _hash.Digest();
        // The upload was begun without knowing that another algorithm would be asked for.
        using var hash = new RunningHash(algorithm);
        await HashAsync(_file, hash, Bytes, cancellationToken).ConfigureAwait(false);
        return hash.Digest();
    }

    public ValueTask<string> FinishAsync(Digest digest, CancellationToken cancellationToken)
    {
        try
        {
            // A write that failed half-way has left bytes behind those that count.
            if (RandomAccess.GetLength(_file.SafeFileHandle) > Bytes)
                RandomAccess.SetLength(_file.SafeFileHandle, Bytes);
            Flush();
            string location = _storage.Publish(_path, _id, digest);
            Abandon();
            // Readers share the lock that this would hold on.
            _file.Dispose();
            return new(location);
        }
        catch (FileNotFoundException exception)
        {
            throw FaultException.NotFound($"finish upload {_id}: it was cancelled", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or LinuxException)
        {
            throw FileBlobStorage.WriteFault(exception);
        }
    }

    public ValueTask DisposeAsync()
    {
        if (_hash is { } hash)
            _storage.Hashes.Keep(_id, hash);
        _hash = null;
        return _file.DisposeAsync();
    }

    private void Flush()
    {
        try
        {
            _storage.Flush(_file.SafeFileHandle);
        }
        catch (IOException)
        {
            // The kernel tells once that it could not write and then takes the pages for written: asked again, it would say that all is
            // on the disk. So there is no second time.
            File.Delete(_path);
            throw;
        }
    }

    private void WriteSegments()
    {
        if (_segments.Count == 0)
            return;
        RandomAccess.Write(_file.SafeFileHandle, _segments, Bytes);
        foreach (ReadOnlyMemory<byte> segment in _segments)
        {
            _hash!.Append(segment.Span);
            Bytes += segment.Length;
        }
        _segments.Clear();
        if (Bytes - _begun < BegunBytes)
            return;
        // Where the file system cannot, the sync does it all.
        _ = FileCalls.TryBeginWriting(_file.SafeFileHandle, _begun, Bytes - _begun);
        _begun = Bytes;
    }

    private static async ValueTask HashAsync(FileStream file, RunningHash hash, long bytes, CancellationToken cancellationToken)
    {
        if (hash.Bytes == bytes)
            return;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            while (hash.Bytes < bytes)
            {
                Memory<byte> room = buffer.AsMemory(0, (int)Math.Min(buffer.Length, bytes - hash.Bytes));
                int count = await RandomAccess.ReadAsync(file.SafeFileHandle, room, hash.Bytes, cancellationToken).ConfigureAwait(false);
                if (count == 0)
                    throw new EndOfStreamException("an upload's file became shorter while it was read");
                hash.Append(room.Span[..count]);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
