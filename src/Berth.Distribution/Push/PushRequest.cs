using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Distribution;

/// <summary>What to upload.</summary>
public sealed record PushRequest
{
    /// <summary>Where to; without a tag, <c>latest</c>.</summary>
    public required ImageReference Reference { get; init; }

    /// <summary>Who asks; null for nobody.</summary>
    public RegistryCredentials? Credentials { get; init; }

    /// <summary>The configuration's bytes, whose digest is the image ID.</summary>
    public required ReadOnlyMemory<byte> Config { get; init; }

    /// <summary>The layers, bottom first, one for each diff ID of the configuration.</summary>
    public required IReadOnlyList<PushLayer> Layers { get; init; }

    /// <summary>The manifest this image was pulled or loaded with. It is pushed byte for byte while its blobs can be had, and
    /// its kind (OCI or Docker) is kept where it cannot; null for an image made here, which is pushed as Docker's.</summary>
    public ManifestDocument? Original { get; init; }

    /// <summary>
    /// Writes the uncompressed tar of a layer that has no compressed blob here. Called at most once for each layer.
    /// </summary>
    public required Func<PushLayer, Stream, CancellationToken, Task> WriteLayerTar { get; init; }
}

/// <summary>One layer of an image to upload.</summary>
/// <param name="DiffId">The digest of its tar.</param>
/// <param name="Chain">The chain it is the top of.</param>
public sealed record PushLayer(DiffId DiffId, ChainId Chain)
{
    /// <summary>Repositories known to hold the layer's blob; those at the same registry are asked for a mount.</summary>
    public IReadOnlyList<ImageReference> MountCandidates { get; init; } = [];
}

/// <summary>What was uploaded.</summary>
/// <param name="Tag">The tag; null for a push by digest.</param>
/// <param name="Manifest">The manifest as it is at the registry now.</param>
public sealed record PushResult(string? Tag, ManifestDocument Manifest);
