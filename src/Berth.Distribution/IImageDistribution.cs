using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Distribution;

/// <summary>
/// Moves images between the blob store and registries: pull, push, login and the small questions. One for the daemon; safe for
/// concurrent use. It records no image: the caller does, while it holds the <see cref="PullResult"/>.
/// </summary>
/// <remarks>
/// Every failure that a user can be told is a <see cref="FaultException"/> whose text never holds a credential. Credentials go
/// to the registry of the reference and to the token service that this registry names, nowhere else. Example:
/// <code>
/// using PullResult pulled = await distribution.PullAsync(new PullRequest { Reference = reference }, progress, token);
/// images.Record(pulled.Reference, pulled.ImageId);   // From here on the record keeps the blobs alive, not the lease.
/// </code>
/// </remarks>
public interface IImageDistribution
{
    /// <summary>Fetches an image, verifies every digest and unpacks its layers through the <see cref="ILayerSink"/>.</summary>
    /// <param name="request">What to fetch.</param>
    /// <param name="progress">Told of each step, from any thread, never concurrently; must be quick.</param>
    /// <param name="cancellationToken">Gives up; what was downloaded is kept for the next attempt.</param>
    /// <exception cref="FaultException">NotFound: no such image, or none for the platform. Unauthorized, Forbidden: not for this
    /// user. InvalidArgument: what came is not what its digest says. NotSupported: schema 1, foreign layers. Unavailable: the
    /// registry cannot be reached, or all attempts failed.</exception>
    Task<PullResult> PullAsync(PullRequest request, IProgress<TransferEvent> progress, CancellationToken cancellationToken);

    /// <summary>Uploads an image under a tag; what the registry has already is not sent.</summary>
    /// <exception cref="FaultException">As for pulling.</exception>
    Task<PushResult> PushAsync(PushRequest request, IProgress<TransferEvent> progress, CancellationToken cancellationToken);

    /// <summary>Checks a user's credentials against their <see cref="RegistryCredentials.ServerAddress"/>.</summary>
    /// <exception cref="FaultException">Unauthorized: refused. Unavailable: not reached.</exception>
    Task<LoginResult> LoginAsync(RegistryCredentials credentials, CancellationToken cancellationToken);

    /// <summary>Every tag of a repository, in the registry's order.</summary>
    /// <exception cref="FaultException">As for pulling.</exception>
    Task<IReadOnlyList<string>> ListTagsAsync(
        ImageReference repository, RegistryCredentials? credentials, CancellationToken cancellationToken);

    /// <summary>Tags of a repository after one, at most so many.</summary>
    /// <exception cref="FaultException">As for pulling.</exception>
    Task<IReadOnlyList<string>> ListTagsAsync(
        ImageReference repository, string after, int? count, RegistryCredentials? credentials, CancellationToken cancellationToken);

    /// <summary>What a registry's search finds.</summary>
    /// <param name="registry">The registry's domain.</param>
    /// <param name="words">What is searched for.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="credentials">Who asks; null for nobody.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">As for pulling; NotSupported: this registry cannot be searched.</exception>
    Task<IReadOnlyList<FoundRepository>> SearchAsync(
        string registry, string words, int count, RegistryCredentials? credentials, CancellationToken cancellationToken);

    /// <summary>Fetches the manifest or index that a reference names, without its image.</summary>
    /// <exception cref="FaultException">As for pulling.</exception>
    Task<ManifestDocument> GetManifestAsync(
        ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken);

    /// <summary>The descriptor of what a reference names, by a HEAD request; null when there is none.</summary>
    /// <exception cref="FaultException">As for pulling.</exception>
    Task<Descriptor?> HeadManifestAsync(
        ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken);

    /// <summary>Finds the image for a platform and reads its configuration, without layers: for builds and remote inspection.</summary>
    /// <exception cref="FaultException">As for pulling.</exception>
    Task<RemoteImage> ResolveAsync(
        ImageReference reference, Platform? platform, RegistryCredentials? credentials, CancellationToken cancellationToken);
}

/// <summary>What to fetch.</summary>
public sealed record PullRequest
{
    /// <summary>The image; without tag and digest, <c>latest</c>.</summary>
    public required ImageReference Reference { get; init; }

    /// <summary>The machine it must be for; null for this one, leniently.</summary>
    public Platform? Platform { get; init; }

    /// <summary>Who asks; null for nobody.</summary>
    public RegistryCredentials? Credentials { get; init; }

    /// <summary>The image that the caller has under this reference now; decides between <c>Downloaded newer image</c> and
    /// <c>Image is up to date</c>.</summary>
    public Digest? CurrentImageId { get; init; }
}

/// <summary>What was pulled. Its blobs are leased until this is disposed.</summary>
public sealed class PullResult : IDisposable
{
    private readonly IDisposable? _lease;

    /// <summary>Takes over the lease.</summary>
    public PullResult(IDisposable? lease) => _lease = lease;

    /// <summary>The reference that was asked for, with its default tag.</summary>
    public required ImageReference Reference { get; init; }

    /// <summary>What the reference named at the registry: an index or a manifest. Its digest is the repository digest.</summary>
    public required Descriptor Target { get; init; }

    /// <summary>The image's manifest, byte for byte; it is in the blob store too.</summary>
    public required ManifestDocument Manifest { get; init; }

    /// <summary>The index it was found in; null when the reference named the manifest itself. In the blob store too.</summary>
    public ManifestDocument? Index { get; init; }

    /// <summary>The digest of the configuration, which is the image ID; the configuration is in the blob store.</summary>
    public required Digest ImageId { get; init; }

    /// <summary>The configuration.</summary>
    public required ImageConfig Config { get; init; }

    /// <summary>The compressed layers, bottom first, as many as the configuration has diff IDs. A layer that was unpacked here
    /// already was not fetched, so its blob may be missing.</summary>
    public required IReadOnlyList<Descriptor> Layers { get; init; }

    /// <summary>False when the caller had this very image already.</summary>
    public required bool IsNewer { get; init; }

    /// <inheritdoc/>
    public void Dispose() => _lease?.Dispose();
}

/// <summary>A manifest or an index as it came, with what it is.</summary>
/// <param name="Descriptor">Its media type, digest and size.</param>
/// <param name="Bytes">The document; its digest was verified.</param>
public sealed record ManifestDocument(Descriptor Descriptor, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>True for an index or manifest list.</summary>
    public bool IsIndex => MediaTypes.IsIndex(Descriptor.MediaType);
}

/// <summary>An image at a registry, looked at but not fetched.</summary>
/// <param name="Target">What the reference named: an index or the manifest.</param>
/// <param name="Manifest">The image's manifest.</param>
/// <param name="ImageId">The digest of the configuration.</param>
/// <param name="Config">The configuration.</param>
/// <param name="ConfigBytes">The configuration as it came.</param>
public sealed record RemoteImage(
    Descriptor Target, ManifestDocument Manifest, Digest ImageId, ImageConfig Config, ReadOnlyMemory<byte> ConfigBytes);

/// <summary>The answer to a login.</summary>
/// <param name="Status">Docker's text, <c>Login Succeeded</c>.</param>
/// <param name="IdentityToken">What to store instead of the password, where the token service gave one; empty otherwise.</param>
public sealed record LoginResult(string Status, string IdentityToken)
{
    /// <summary>Leaves the token out.</summary>
    public override string ToString() => Status;
}
