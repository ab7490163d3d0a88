using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Berth.Faults;
using Berth.Oci;
using Berth.Registry.Storage;

namespace Berth.Registry.Tests.Collection;

/// <summary>A storage in memory, before each of whose steps another actor may have its turn.</summary>
internal sealed class GatedStorage(Func<Task> gate) : IBlobStorage
{
    private const string Uploads = "uploads/";

    private readonly Dictionary<string, List<byte>> _uploads = [];
    private readonly AsyncLocal<bool> _isCollecting = new();
    private string? _owner;

    /// <summary>What is stored, by location.</summary>
    public Dictionary<string, byte[]> Blobs { get; } = [];

    /// <summary>What was removed, by location: its bytes, and whether a collection did it. Requests remove what they have no use for by
    /// themselves.</summary>
    public Dictionary<string, (long Bytes, bool ByCollection)> Removed { get; } = [];

    /// <summary>What the calling actor removes from now on, a collection removes.</summary>
    public void BeginCollecting() => _isCollecting.Value = true;

    public int UploadCount => _uploads.Count;

    /// <summary>What is stored of uploads.</summary>
    public IEnumerable<string> UploadIds => _uploads.Keys;

    public async ValueTask<IBlobWriter> BeginAsync(string id, string algorithm, CancellationToken cancellationToken)
    {
        await gate();
        _uploads.Add(id, []);
        return new Writer(this, id);
    }

    public async ValueTask<IBlobWriter> ResumeAsync(string id, string algorithm, long bytes, CancellationToken cancellationToken)
    {
        await gate();
        if (!_uploads.TryGetValue(id, out List<byte>? content))
            throw FaultException.NotFound($"resume upload {id}: its bytes are gone");
        if (content.Count > bytes)
            content.RemoveRange((int)bytes, content.Count - (int)bytes);
        return new Writer(this, id);
    }

    public async ValueTask<long?> ArrivedAsync(string id, long bytes, CancellationToken cancellationToken)
    {
        await gate();
        return _uploads.TryGetValue(id, out List<byte>? content) ? Math.Min(content.Count, bytes) : null;
    }

    public async ValueTask<long> CancelAsync(string id, CancellationToken cancellationToken)
    {
        await gate();
        return Pieces(id).Sum(piece => Remove(piece.Location));
    }

    public async IAsyncEnumerable<StoredFile> PiecesAsync(string id, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await gate();
        foreach (StoredFile piece in Pieces(id))
            yield return piece;
    }

    public async ValueTask<IBlobReader?> OpenAsync(string location, CancellationToken cancellationToken)
    {
        await gate();
        return Blobs.TryGetValue(location, out byte[]? content) ? new Reader(content) : null;
    }

    // As services do it: first how much there is, which several may be told, and then it goes.
    public async ValueTask<long> DeleteAsync(string location, CancellationToken cancellationToken)
    {
        long bytes = await BytesAsync(location, cancellationToken) ?? 0;
        await gate();
        Remove(location);
        return bytes;
    }

    public async ValueTask<long?> BytesAsync(string location, CancellationToken cancellationToken)
    {
        await gate();
        return BytesOf(location);
    }

    public async IAsyncEnumerable<StoredFile> FilesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await gate();
        foreach (string id in _uploads.Keys.ToArray())
            yield return new StoredFile(Uploads + id, id);
        await gate();
        foreach (string location in Blobs.Keys.ToArray())
            yield return new StoredFile(location, location.Split('.')[1]);
    }

    // Everything seems old: as after an upload of many hours, or with clocks that do not agree.
    public async ValueTask<StoredState?> LookAsync(StoredFile file, CancellationToken cancellationToken)
    {
        await gate();
        return BytesOf(file.Location) is { } there ? new StoredState(there, DateTimeOffset.UnixEpoch) : null;
    }

    public async ValueTask<DateTimeOffset> ClockAsync(CancellationToken cancellationToken)
    {
        await gate();
        return DateTimeOffset.UnixEpoch.AddYears(1);
    }

    public async ValueTask<string?> OwnerAsync(CancellationToken cancellationToken)
    {
        await gate();
        return _owner;
    }

    public async ValueTask SetOwnerAsync(string owner, CancellationToken cancellationToken)
    {
        await gate();
        _owner ??= owner;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Writer(GatedStorage storage, string id) : IBlobWriter
    {
        private List<byte> Content => storage._uploads.TryGetValue(id, out List<byte>? content)
            ? content
            : throw FaultException.NotFound($"upload {id}: it was cancelled");

        private long _finished;

        public long Bytes => storage._uploads.TryGetValue(id, out List<byte>? content) ? content.Count : _finished;

        public ValueTask WriteAsync(ReadOnlySequence<byte> bytes, CancellationToken cancellationToken)
        {
            Content.AddRange(bytes.ToArray());
            return ValueTask.CompletedTask;
        }

        public bool HasUnsaved => false;

        public void Abandon()
        {
        }

        public ValueTask SuspendAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask<Digest> DigestAsync(string algorithm, CancellationToken cancellationToken) => new(algorithm == "sha512"
            ? Digest.FromSha512(SHA512.HashData(Content.ToArray()))
            : Digest.Of(Content.ToArray()));

        public async ValueTask<string> FinishAsync(Digest digest, CancellationToken cancellationToken)
        {
            await storage.GateAsync();
            _finished = Bytes;
            string location = $"{digest.Hex}.{id}";
            storage.Blobs.Add(location, [.. Content]);
            storage._uploads.Remove(id);
            return location;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class Reader(byte[] content) : IBlobReader
    {
        public long Bytes => content.Length;

        public FileStream? File => null;

        public async ValueTask CopyToAsync(PipeWriter output, long offset, long count, CancellationToken cancellationToken) =>
            await output.WriteAsync(content.AsMemory((int)offset, (int)count), cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private Task GateAsync() => gate();

    private List<StoredFile> Pieces(string id) => _uploads.ContainsKey(id)
        ? [new StoredFile(Uploads + id, id)]
        : [.. Blobs.Keys.Where(key => key.EndsWith(id, StringComparison.Ordinal)).Select(key => new StoredFile(key, id))];

    private long? BytesOf(string location) => location.StartsWith(Uploads, StringComparison.Ordinal)
        ? _uploads.GetValueOrDefault(location[Uploads.Length..])?.Count
        : Blobs.GetValueOrDefault(location)?.Length;

    private long Remove(string location)
    {
        if (BytesOf(location) is not { } bytes)
            return 0;
        // No location is ever used again.
        Removed.Add(location, (bytes, _isCollecting.Value));
        if (!Blobs.Remove(location))
            _uploads.Remove(location[Uploads.Length..]);
        return bytes;
    }
}
