using Berth.Distribution;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;

namespace Berth.Builder;

/// <summary>Finds the images that a build stands on; the engine implements it over its image store and registries.</summary>
public interface IBaseImages
{
    /// <summary>
    /// Resolves a reference as a user writes it (also an image ID) to an image whose layers are all in the layer store, pulling it
    /// when it is missing or when asked. The image must not be removed until <see cref="BaseImage.Lease"/> is disposed.
    /// </summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="progress">Takes what a pull reports, to be passed on to the client.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">NotFound, Unauthorized, Unavailable: as pull says. InvalidArgument: a malformed reference
    /// or an image for another platform only.</exception>
    Task<BaseImage> ResolveAsync(BaseImageRequest request, IProgress<TransferEvent> progress, CancellationToken cancellationToken);
}

/// <summary>A wanted base image.</summary>
/// <param name="Reference">The name, or an ID, as the Dockerfile gives it.</param>
/// <param name="Platform">For which machine.</param>
/// <param name="PlatformIsExplicit">The user named the platform; otherwise an image here for another one is taken with a warning.</param>
/// <param name="Pull">Ask the registry also when it is here.</param>
/// <param name="RegistryCredentials">From <see cref="BuildRequest.RegistryCredentials"/>.</param>
/// <param name="Client">Is asked for credentials that are not among those; null when nobody can be asked.</param>
public sealed record BaseImageRequest(
    string Reference, Platform Platform, bool PlatformIsExplicit, bool Pull,
    IReadOnlyDictionary<string, RegistryCredentials> RegistryCredentials, IBuildClient? Client = null);

/// <summary>An image to build on.</summary>
/// <param name="ImageId">The digest of its configuration.</param>
/// <param name="Config">Its configuration.</param>
/// <param name="Lease">Keeps it until disposed; null when nothing is needed.</param>
public sealed record BaseImage(Digest ImageId, ImageConfig Config, IDisposable? Lease = null);
