using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Builder;

/// <summary>Takes what a build made; the engine implements it over its image store.</summary>
public interface IImageSink
{
    /// <summary>
    /// Stores an image under all its names at once, or not at all. Its layers are in the layer store, where the builder protects
    /// them (<see cref="IImageBuilder.LiveChains"/>) until this has returned. Names that pointed elsewhere move.
    /// </summary>
    /// <param name="imageId">The digest of <paramref name="configBytes"/>.</param>
    /// <param name="configBytes">The image configuration, to be kept byte for byte.</param>
    /// <param name="config">The same, read.</param>
    /// <param name="names">The names; none makes a dangling image.</param>
    /// <param name="cancellationToken">Gives up, with nothing stored.</param>
    /// <exception cref="FaultException">Unavailable: the disk is full.</exception>
    Task StoreAsync(
        Digest imageId, ReadOnlyMemory<byte> configBytes, ImageConfig config, IReadOnlyList<ImageReference> names,
        CancellationToken cancellationToken);
}
