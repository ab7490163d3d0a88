using Berth.Oci;

namespace Berth.Distribution;

/// <summary>One step of a transfer; maps one to one to a progress line of the Engine API.</summary>
/// <param name="Stage">What happened.</param>
/// <param name="Id">The line it belongs to: a short digest, a tag, or null for a line of its own.</param>
/// <param name="Status">Docker's text: <c>Downloading</c>, <c>Digest: sha256:…</c>; empty beside an <see cref="Aux"/>.</param>
public sealed record TransferEvent(TransferStage Stage, string? Id, string Status)
{
    /// <summary>Bytes done, where the stage has progress.</summary>
    public long? Current { get; init; }

    /// <summary>Bytes to do; null when there is no progress or the total is not known.</summary>
    public long? Total { get; init; }

    /// <summary>What was pushed, for the <c>aux</c> of the last line, which has nothing else.</summary>
    public PushedManifest? Aux { get; init; }
}

/// <summary>The <c>aux</c> object at the end of a push.</summary>
/// <param name="Tag">The tag.</param>
/// <param name="Digest">The manifest's digest.</param>
/// <param name="Size">The manifest's size in bytes.</param>
public sealed record PushedManifest(string Tag, Digest Digest, long Size);

/// <summary>The steps of pulls and pushes.</summary>
public enum TransferStage
{
    /// <summary>A sentence about the whole: <c>Pulling from</c>, <c>Digest</c>, <c>Status</c>, <c>The push refers to</c>.</summary>
    Message,

    /// <summary>Pull: the layer is to be fetched.</summary>
    PullingLayer,

    /// <summary>The layer waits for its turn.</summary>
    Waiting,

    /// <summary>Pull: bytes are coming.</summary>
    Downloading,

    /// <summary>Pull: the digest is being compared.</summary>
    VerifyingChecksum,

    /// <summary>Pull: the blob is here.</summary>
    DownloadComplete,

    /// <summary>Pull: the layer is being unpacked.</summary>
    Extracting,

    /// <summary>Pull: the layer is unpacked.</summary>
    PullComplete,

    /// <summary>Pull: the layer was here before. Push: the registry had it.</summary>
    AlreadyExists,

    /// <summary>The transfer of a blob broke and goes on.</summary>
    Retrying,

    /// <summary>Push: the layer is being looked for or compressed.</summary>
    Preparing,

    /// <summary>Push: bytes are going.</summary>
    Pushing,

    /// <summary>Push: the registry has the blob.</summary>
    Pushed,

    /// <summary>Push: the registry took the blob from another of its repositories.</summary>
    Mounted,
}
