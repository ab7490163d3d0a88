using System.Text;

namespace Berth.Oci;

/// <summary>The digest of a layer's uncompressed tar.</summary>
/// <remarks>OCI image-spec 1.1, config.md "Layer DiffID".</remarks>
public readonly record struct DiffId(Digest Digest)
{
    /// <summary>The canonical text of the digest.</summary>
    public override string ToString() => Digest.ToString();
}

/// <summary>The identity of a stack of layers: what a tree looks like after all of them were applied in order.</summary>
/// <remarks>OCI image-spec 1.1, config.md "Layer ChainID": the first layer's is its diff ID; each next is
/// <c>sha256(parent + " " + diffId)</c>.</remarks>
public readonly record struct ChainId(Digest Digest)
{
    /// <summary>The chain of a stack with one layer more.</summary>
    /// <param name="parent">The chain below, or null for the first layer.</param>
    /// <param name="layer">The layer put on top.</param>
    public static ChainId Extend(ChainId? parent, DiffId layer) => parent is { } below
        ? new ChainId(Oci.Digest.Of(Encoding.ASCII.GetBytes($"{below.Digest} {layer.Digest}")))
        : new ChainId(layer.Digest);

    /// <summary>The chain of a whole stack, bottom first; null for no layers.</summary>
    public static ChainId? Of(IEnumerable<DiffId> layers) =>
        layers.Aggregate((ChainId?)null, (parent, layer) => Extend(parent, layer));

    /// <summary>The canonical text of the digest.</summary>
    public override string ToString() => Digest.ToString();
}
