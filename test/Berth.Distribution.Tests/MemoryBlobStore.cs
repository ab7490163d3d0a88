using System.Collections.Concurrent;
using Berth.Content;
using Berth.Faults;
using Berth.Oci;

namespace Berth.Distribution.Tests;

/// <summary>A blob store in memory that keeps partial blobs as the real one does.</summary>
internal sealed class MemoryBlobStore : IBlobStore
{
    private readonly ConcurrentDictionary<Digest, byte[]> _blobs = new();
    private readonly ConcurrentDictionary<Digest, MemoryStream> _partial = new();
    private readonly ConcurrentDictionary<Digest, bool> _open = new();

    public int OpenLeases;

    public bool Contains(Digest digest) => _blobs.ContainsKey(digest);

    public long? SizeOf(Digest digest) => _blobs.TryGetValue(digest, out byte[]? blob) ? blob.Length : null;

    public Stream OpenRead(Digest digest) => _blobs.TryGetValue(digest, out byte[]? blob)
        ? new MemoryStream(blob, writable: false) : throw FaultException.NotFound($"blob {digest} is not here");

    public IBlobIngest Begin() => new Ingest(this, null, new MemoryStream());

    public IBlobIngest Resume(Digest expected) => _open.TryAdd(expected, true)
        ? new Ingest(this, expected, _partial.GetOrAdd(expected, _ => new MemoryStream()))
        : throw FaultException.Conflict($"{expected} is being taken in");

    public IEnumerable<Digest> List() => _blobs.Keys;

    public bool Delete(Digest digest) => _blobs.TryRemove(digest, out _);

    public IBlobLease Lease() => new BlobLease(this);

    public ValueTask<long> CollectAsync(Func<IReadOnlySet<Digest>> live, CancellationToken cancellationToken) =>
        throw new NotSupportedException("not part of a transfer");

    public Digest Put(byte[] bytes)
    {
        Digest digest = Digest.Of(bytes);
        _blobs[digest] = bytes;
        return digest;
    }

    public void PutPartial(Digest digest, byte[] bytes)
    {
        MemoryStream partial = new();
        partial.Write(bytes);
        _partial[digest] = partial;
    }

    public byte[] Get(Digest digest) => _blobs[digest];

    private sealed class Ingest(MemoryBlobStore store, Digest? key, MemoryStream bytes) : IBlobIngest
    {
        public long Written => bytes.Length;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken)
        {
            bytes.Write(chunk.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask RestartAsync(CancellationToken cancellationToken)
        {
            bytes.SetLength(0);
            return ValueTask.CompletedTask;
        }

        public ValueTask CommitAsync(Digest expected, CancellationToken cancellationToken)
        {
            byte[] content = bytes.ToArray();
            bytes.SetLength(0);
            if (key is { } own)
                store._partial.TryRemove(own, out _);
            if (Digest.Of(content) != expected)
                throw FaultException.Invalid($"commit {expected}: content is {Digest.Of(content)}");
            store._blobs[expected] = content;
            return ValueTask.CompletedTask;
        }

        public ValueTask<Digest> CommitAsync(CancellationToken cancellationToken) => ValueTask.FromResult(store.Put(bytes.ToArray()));

        public ValueTask DisposeAsync()
        {
            if (key is { } own)
                store._open.TryRemove(own, out _);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class BlobLease : IBlobLease
    {
        private readonly MemoryBlobStore _store;

        public BlobLease(MemoryBlobStore store)
        {
            _store = store;
            Interlocked.Increment(ref store.OpenLeases);
        }

        public void Add(Digest digest)
        {
        }

        public void Dispose() => Interlocked.Decrement(ref _store.OpenLeases);
    }
}

/// <summary>Layers as their tars, with the diff ID verified as the real store does.</summary>
internal sealed class MemoryLayers : ILayerSink
{
    public ConcurrentDictionary<ChainId, byte[]> Tars { get; } = new();

    public bool Contains(ChainId chain) => Tars.ContainsKey(chain);

    public async Task ApplyAsync(ChainId? parent, DiffId expected, Stream uncompressedTar, CancellationToken cancellationToken)
    {
        if (parent is { } below && !Contains(below))
            throw FaultException.NotFound("the parent is not here");
        using MemoryStream tar = new();
        await uncompressedTar.CopyToAsync(tar, cancellationToken);
        if (Digest.Of(tar.ToArray()) != expected.Digest)
            throw FaultException.Invalid($"layer {expected}: the tar is {Digest.Of(tar.ToArray())}");
        Tars[ChainId.Extend(parent, expected)] = tar.ToArray();
    }
}

internal sealed class MemoryIndex : ILayerBlobIndex
{
    public ConcurrentDictionary<DiffId, Berth.Oci.Images.Descriptor> Blobs { get; } = new();

    public Berth.Oci.Images.Descriptor? Find(DiffId layer) => Blobs.GetValueOrDefault(layer);

    public void Record(DiffId layer, Berth.Oci.Images.Descriptor blob) => Blobs[layer] = blob;
}

internal sealed class Events : IProgress<TransferEvent>
{
    public List<TransferEvent> All { get; } = [];

    public IEnumerable<string> Lines => All.Select(step => step.Id is null ? step.Status : $"{step.Id}: {step.Status}");

    public void Report(TransferEvent value) => All.Add(value);
}
