using System.Security.Cryptography;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;

namespace Berth.Content;

/// <summary>An ingest of <see cref="FileBlobStore"/>: a file in <c>ingest/</c> and the running hash of what is in it.</summary>
internal sealed class FileBlobIngest : IBlobIngest
{
    private readonly FileBlobStore _store;
    private readonly string _path;
    private readonly FileDescriptor _file;
    private readonly Digest? _expected;
    private IncrementalHash _hash;
    private bool _finished;

    private FileBlobIngest(FileBlobStore store, string path, FileDescriptor file, Digest? expected)
    {
        (_store, _path, _file, _expected) = (store, path, file, expected);
        _hash = CreateHash();
    }

    public long Written { get; private set; }

    private string What => _expected?.ToString() ?? "of unknown digest";

    internal static FileBlobIngest Open(FileBlobStore store, string path, Digest? expected)
    {
        int flags = FileCalls.O_RDWR | FileCalls.O_CREAT | FileCalls.O_NOFOLLOW;
        int error = FileCalls.TryOpen(FileCalls.WorkingDirectory, FileCalls.PathOf(path), flags, 0x180, 0, out FileDescriptor file);
        if (error != 0)
            throw store.WriteFault(expected?.ToString() ?? "of unknown digest", new LinuxException("openat2", path, error));
        FileBlobIngest ingest = new(store, path, file, expected);
        try
        {
            ingest.HashWhatIsThere();
            return ingest;
        }
        catch
        {
            file.Dispose();
            ingest._hash.Dispose();
            throw;
        }
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_finished, this);
        cancellationToken.ThrowIfCancellationRequested();
        // A write to the page cache takes less time than handing it to another thread would.
        int error = FileCalls.TryWriteAt(_file, bytes.Span, Written);
        if (error != 0)
            return ValueTask.FromException(_store.WriteFault(What, new LinuxException("pwrite", _path, error)));
        _hash.AppendData(bytes.Span);
        Written += bytes.Length;
        return ValueTask.CompletedTask;
    }

    public ValueTask RestartAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int error = FileCalls.TrySetLength(_file, 0);
        if (error != 0)
            return ValueTask.FromException(_store.WriteFault(What, new LinuxException("ftruncate", _path, error)));
        _hash.Dispose();
        _hash = CreateHash();
        Written = 0;
        return ValueTask.CompletedTask;
    }

    public async ValueTask CommitAsync(Digest expected, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_finished, this);
        cancellationToken.ThrowIfCancellationRequested();
        Digest actual = expected.Algorithm == Algorithm ? Finish() : HashAgain(expected);
        if (actual != expected)
        {
            Discard();
            throw FaultException.Invalid($"commit blob {expected}: content is {actual} ({Written} bytes)");
        }
        await PublishAsync(actual, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<Digest> CommitAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_finished, this);
        cancellationToken.ThrowIfCancellationRequested();
        Digest actual = Algorithm == "sha256" ? Finish() : HashAgain(Digest.Of([]));
        await PublishAsync(actual, cancellationToken).ConfigureAwait(false);
        return actual;
    }

    public ValueTask DisposeAsync()
    {
        if (!_finished && _expected is null)
            Discard();
        else if (!_finished)
            End();
        return ValueTask.CompletedTask;
    }

    private string Algorithm => _expected?.Algorithm ?? "sha256";

    private async ValueTask PublishAsync(Digest digest, CancellationToken cancellationToken)
    {
        // A write that failed half-way has left bytes behind those that were hashed.
        int error = FileCalls.TrySetLength(_file, Written);
        if (error != 0)
            throw _store.WriteFault(What, new LinuxException("ftruncate", _path, error));
        await _store.PublishAsync(_file, _path, digest, cancellationToken).ConfigureAwait(false);
        End();
    }

    private void HashWhatIsThere()
    {
        byte[] buffer = new byte[256 * 1024];
        while (FileCalls.Read(_file, buffer) is > 0 and int count)
        {
            _hash.AppendData(buffer, 0, count);
            Written += count;
        }
    }

    private Digest Finish() => ToDigest(Algorithm, _hash.GetCurrentHash());

    // The ingest was begun without knowing that another algorithm would be asked for.
    private Digest HashAgain(Digest kind)
    {
        using IncrementalHash hash = kind.CreateHash();
        byte[] buffer = new byte[256 * 1024];
        FileCalls.Seek(_file, 0, FileCalls.SEEK_SET);
        while (FileCalls.Read(_file, buffer) is > 0 and int count)
            hash.AppendData(buffer, 0, count);
        return ToDigest(kind.Algorithm, hash.GetCurrentHash());
    }

    private static Digest ToDigest(string algorithm, byte[] hash) =>
        algorithm == "sha512" ? Digest.FromSha512(hash) : Digest.FromSha256(hash);

    private IncrementalHash CreateHash() => IncrementalHash.CreateHash(
        Algorithm == "sha512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);

    private void Discard()
    {
        File.Delete(_path);
        End();
    }

    private void End()
    {
        _finished = true;
        _file.Dispose();
        _hash.Dispose();
        _store.Close(_path);
    }
}
