namespace Berth.Registry.Collection;

/// <summary>What a collection did.</summary>
/// <param name="UploadsExpired">Uploads that nobody went on with.</param>
/// <param name="BlobsUnlinked">Blobs that were taken out of repositories which no longer needed them.</param>
/// <param name="BlobsRemoved">Blobs that no repository had any more.</param>
/// <param name="UnnamedRemoved">Files that no row named: a crash had left them.</param>
/// <param name="BytesFreed">What the storage got back, as the storage counted it.</param>
public sealed record CollectionReport(
    long UploadsExpired, long BlobsUnlinked, long BlobsRemoved, long UnnamedRemoved, long BytesFreed)
{
    /// <summary>Why files that no row names were not looked for; null: they were, or it was not asked for.</summary>
    public string? SweepRefusal { get; init; }
}
