using Berth.Oci;

namespace Berth.Content;

/// <summary>A lease of <see cref="FileBlobStore"/>; its set is guarded by the store's lock.</summary>
internal sealed class BlobLease(FileBlobStore store) : IBlobLease
{
    private readonly HashSet<Digest> _digests = [];

    public void Add(Digest digest) => store.Add(_digests, digest);

    public void Dispose() => store.End(this);

    /// <summary>True when this lease protects the blob. Under the store's lock.</summary>
    internal bool Holds(Digest digest) => _digests.Contains(digest);
}
