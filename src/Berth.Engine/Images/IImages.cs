using Berth.Distribution;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Engine;

/// <summary>Images that are here.</summary>
/// <remarks>Everywhere <c>name</c> is a reference, an image ID (with or without <c>sha256:</c>) or a unique prefix of one of at
/// least one character; when there is none, NotFound with <c>No such image: x</c>.</remarks>
public interface IImages
{
    /// <summary>Lists images, the newest first.</summary>
    Task<IReadOnlyList<ImageSummary>> ListAsync(ImageQuery query, CancellationToken cancellationToken);

    /// <summary>All that is known about one.</summary>
    ImageDetails Inspect(string name, Platform? platform);

    /// <summary>Its steps, the newest first.</summary>
    IReadOnlyList<ImageHistoryEntry> History(string name, Platform? platform);

    /// <summary>Fetches an image and tags it.</summary>
    /// <param name="reference">What; without tag and digest and with <paramref name="allTags"/> every tag.</param>
    /// <param name="allTags">Every tag of the repository.</param>
    /// <param name="platform">Which of a multi-platform image; null: the host's.</param>
    /// <param name="login">Who; null: anonymous.</param>
    /// <param name="progress">Hears of every step.</param>
    /// <param name="cancellationToken">Gives up; what was fetched is kept to go on later.</param>
    Task PullAsync(
        ImageReference reference, bool allTags, Platform? platform, RegistryLogin? login, IProgress<ProgressMessage> progress,
        CancellationToken cancellationToken);

    /// <summary>Sends an image; without a tag and with <paramref name="allTags"/> every tag of the repository.</summary>
    Task PushAsync(
        ImageReference reference, bool allTags, Platform? platform, RegistryLogin? login, IProgress<ProgressMessage> progress,
        CancellationToken cancellationToken);

    /// <summary>Gives an image a further name.</summary>
    Task TagAsync(string name, ImageReference target, CancellationToken cancellationToken);

    /// <summary>Removes a name, and the image when it was the last.</summary>
    /// <exception cref="FaultException">Conflict, with Docker's text: it is in use.</exception>
    Task<IReadOnlyList<ImageDeletion>> RemoveAsync(string name, bool force, bool noPrune, CancellationToken cancellationToken);

    /// <summary>Images as one tar that both docker and OCI tools read. Faults are thrown before the first byte.</summary>
    Task<IArchive> SaveAsync(IReadOnlyList<string> names, Platform? platform, CancellationToken cancellationToken);

    /// <summary>Takes in such a tar.</summary>
    Task LoadAsync(Stream tar, Platform? platform, IProgress<ProgressMessage> progress, CancellationToken cancellationToken);

    /// <summary>Makes an image of one layer from a tar of a tree.</summary>
    Task<Digest> ImportAsync(ImportRequest request, Stream tar, CancellationToken cancellationToken);

    /// <summary>An archive on a web server, as it comes, to be imported.</summary>
    /// <exception cref="FaultException">It is not there, in Docker's words.</exception>
    Task<Stream> OpenRemoteAsync(string url, CancellationToken cancellationToken);

    /// <summary>Removes images that nothing uses: those without a name, or (filter <c>dangling=false</c>) all.</summary>
    Task<ImagePruneReport> PruneAsync(FilterSet filters, CancellationToken cancellationToken);

    /// <summary>What a registry has under a name, without fetching it.</summary>
    Task<RegistryImage> LookUpAsync(ImageReference reference, RegistryLogin? login, CancellationToken cancellationToken);

    /// <summary>The tags that a repository has at its registry, after one and at most so many.</summary>
    Task<IReadOnlyList<string>> ListTagsAsync(
        ImageReference repository, string after, int? count, RegistryLogin? login, CancellationToken cancellationToken);

    /// <summary>What a registry's search finds.</summary>
    Task<IReadOnlyList<FoundRepository>> SearchAsync(
        SearchTerm term, int count, RegistryLogin? login, CancellationToken cancellationToken);
}

/// <summary>What a list of images shows.</summary>
public sealed record ImageQuery
{
    /// <summary>Intermediate ones too.</summary>
    public bool All { get; init; }

    /// <summary>With shared sizes.</summary>
    public bool SharedSize { get; init; }

    /// <summary>With the manifests they came with.</summary>
    public bool Manifests { get; init; }

    /// <summary>Restrictions.</summary>
    public FilterSet Filters { get; init; } = FilterSet.None;
}

/// <summary>An image in a list.</summary>
public sealed record ImageSummary
{
    /// <summary>The digest of its configuration.</summary>
    public required Digest Id { get; init; }

    /// <summary>The image it was made from, when that is known.</summary>
    public Digest? ParentId { get; init; }

    /// <summary>Names as users write them: <c>busybox:latest</c>.</summary>
    public IReadOnlyList<string> RepoTags { get; init; } = [];

    /// <summary>Names by digest: <c>busybox@sha256:…</c>.</summary>
    public IReadOnlyList<string> RepoDigests { get; init; } = [];

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>Bytes of its layers, unpacked.</summary>
    public long Size { get; init; }

    /// <summary>Bytes of layers shared with other images; -1: not computed.</summary>
    public long SharedSize { get; init; } = -1;

    /// <summary>Containers that use it; -1: not computed.</summary>
    public int Containers { get; init; } = -1;

    /// <summary>Its labels.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>The manifest it came with; null: it was made here, or nobody asked.</summary>
    public ImageManifest? Manifest { get; init; }
}

/// <summary>The manifest an image came with, and what it leads to.</summary>
public sealed record ImageManifest
{
    /// <summary>The manifest.</summary>
    public required Descriptor Descriptor { get; init; }

    /// <summary>The machine it is for.</summary>
    public required Platform Platform { get; init; }

    /// <summary>Its layers, as they came, are still here.</summary>
    public required bool IsAvailable { get; init; }

    /// <summary>Bytes of the manifest, the configuration and the compressed layers that are here.</summary>
    public required long ContentSize { get; init; }

    /// <summary>IDs of the containers that use the image.</summary>
    public required IReadOnlyList<string> Containers { get; init; }
}

/// <summary>All that is known about an image.</summary>
public sealed record ImageDetails
{
    /// <summary>As in a list.</summary>
    public required ImageSummary Summary { get; init; }

    /// <summary>Its configuration document.</summary>
    public required ImageConfig Config { get; init; }

    /// <summary>When a name was last given to it.</summary>
    public DateTimeOffset? LastTagTime { get; init; }

    /// <summary>The comment of its last step.</summary>
    public string Comment { get; init; } = "";

    /// <summary>Lower and upper directories.</summary>
    public IReadOnlyDictionary<string, string> GraphDriver { get; init; } = new Dictionary<string, string>();
}

/// <summary>One step of an image.</summary>
/// <param name="Id">The image after this step; null when it is not known.</param>
/// <param name="Created">When.</param>
/// <param name="CreatedBy">The instruction.</param>
/// <param name="Tags">Names of that image.</param>
/// <param name="Size">Bytes of its layer.</param>
/// <param name="Comment">A comment.</param>
public sealed record ImageHistoryEntry(
    Digest? Id, DateTimeOffset? Created, string CreatedBy, IReadOnlyList<string> Tags, long Size, string Comment);

/// <summary>Something that a removal did: exactly one is set.</summary>
/// <param name="Untagged">A name that is gone.</param>
/// <param name="Deleted">An image or layer that is gone.</param>
public sealed record ImageDeletion(string? Untagged, string? Deleted);

/// <summary>What pruning images did.</summary>
/// <param name="Deleted">Names and images that are gone.</param>
/// <param name="SpaceReclaimed">Bytes on disk.</param>
public sealed record ImagePruneReport(IReadOnlyList<ImageDeletion> Deleted, long SpaceReclaimed);

/// <summary>A step of a long operation.</summary>
public sealed record ProgressMessage
{
    /// <summary>The layer or tag it is about; null: the whole.</summary>
    public string? Id { get; init; }

    /// <summary>What is being done, with Docker's words: <c>Downloading</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Text for the user's terminal, as it is.</summary>
    public string? Stream { get; init; }

    /// <summary>Bytes so far.</summary>
    public long Current { get; init; }

    /// <summary>Bytes in all; 0: unknown, and without <see cref="Current"/> no bar.</summary>
    public long Total { get; init; }

    /// <summary>A result for programs.</summary>
    public ProgressResult? Result { get; init; }
}

/// <summary>A result within a progress stream (<c>aux</c>).</summary>
/// <param name="Tag">The tag that was pushed; null.</param>
/// <param name="Digest">The manifest's digest, or (build) the image's ID.</param>
/// <param name="Size">The manifest's bytes.</param>
/// <param name="IsImageId">The digest is an image ID.</param>
public sealed record ProgressResult(string? Tag, Digest Digest, long Size, bool IsImageId);

/// <summary>Who speaks to a registry.</summary>
public sealed record RegistryLogin
{
    /// <summary>Name.</summary>
    public string? Username { get; init; }

    /// <summary>Password.</summary>
    public string? Password { get; init; }

    /// <summary>A refresh token of the registry's token service.</summary>
    public string? IdentityToken { get; init; }

    /// <summary>A bearer token to be sent as it is.</summary>
    public string? RegistryToken { get; init; }

    /// <summary>The registry it is for.</summary>
    public string? ServerAddress { get; init; }
}

/// <summary>How a tar becomes an image.</summary>
public sealed record ImportRequest
{
    /// <summary>What to call it; null: nothing.</summary>
    public ImageReference? Reference { get; init; }

    /// <summary>For its history.</summary>
    public string? Message { get; init; }

    /// <summary>Where the tar came from, for its history.</summary>
    public string Source { get; init; } = "-";

    /// <summary>Dockerfile instructions for its configuration.</summary>
    public IReadOnlyList<string> Changes { get; init; } = [];

    /// <summary>Its platform; null: the host's.</summary>
    public Platform? Platform { get; init; }
}

/// <summary>What a registry has under a name.</summary>
/// <param name="Descriptor">Its manifest or index.</param>
/// <param name="Platforms">The platforms it is for.</param>
public sealed record RegistryImage(Descriptor Descriptor, IReadOnlyList<Platform> Platforms);
