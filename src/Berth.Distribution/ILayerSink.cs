using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;

namespace Berth.Distribution;

/// <summary>Takes the layers of a pull. The engine implements it over its layer store.</summary>
public interface ILayerSink
{
    /// <summary>True when the chain is unpacked here.</summary>
    bool Contains(ChainId chain);

    /// <summary>
    /// Unpacks an uncompressed layer tar on top of a parent and verifies its diff ID; does nothing when that chain is here.
    /// </summary>
    /// <param name="parent">The chain below, unpacked already; null for a first layer.</param>
    /// <param name="expected">The diff ID the tar must turn out to have.</param>
    /// <param name="uncompressedTar">The tar, still being downloaded. Not to be disposed; a failed download makes reads throw.</param>
    /// <param name="cancellationToken">Gives up, nothing is kept.</param>
    /// <exception cref="FaultException">InvalidArgument: malformed or another diff ID; nothing is kept.</exception>
    Task ApplyAsync(ChainId? parent, DiffId expected, Stream uncompressedTar, CancellationToken cancellationToken);
}

/// <summary>Remembers which compressed blob belongs to a layer, so that a layer is compressed once. The engine persists it.</summary>
public interface ILayerBlobIndex
{
    /// <summary>The blob of a layer; null when none is known. Whether the blob is still here is another question.</summary>
    Descriptor? Find(DiffId layer);

    /// <summary>Records the blob of a layer; the later record wins.</summary>
    void Record(DiffId layer, Descriptor blob);
}
