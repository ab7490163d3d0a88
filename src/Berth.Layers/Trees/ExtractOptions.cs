using Berth.Layers.Tar;
using Berth.Oci;

namespace Berth.Layers.Trees;

/// <summary>What an archive's whiteouts (<c>.wh.name</c>, <c>.wh..wh..opq</c>) become.</summary>
public enum WhiteoutMode
{
    /// <summary>They are files like any other: copies and build contexts know no whiteouts.</summary>
    Literal,

    /// <summary>overlayfs' own form: character device 0:0 and <c>trusted.overlay.opaque</c>.</summary>
    Overlay,

    /// <summary>What they name is deleted from the tree.</summary>
    Delete,
}

/// <summary>How an archive is unpacked.</summary>
public sealed record ExtractOptions
{
    /// <summary>What whiteouts become.</summary>
    public WhiteoutMode Whiteouts { get; init; }

    /// <summary>Entries get the archive's owners; false leaves them to whoever unpacks.</summary>
    public bool KeepOwners { get; init; } = true;

    /// <summary>Turns the archive's owner and group into those on disk; null keeps them.</summary>
    public Func<uint, uint, (uint Uid, uint Gid)>? MapOwner { get; init; }

    /// <summary>The tree shows its owners so; the archive has those of inside. Null: both are the same.</summary>
    public OwnerView? View { get; init; }

    /// <summary>Refuses to replace a directory by something else, or something else by a directory (docker cp).</summary>
    public bool NoOverwriteDirNonDir { get; init; }

    /// <summary>Device nodes are made; false refuses them.</summary>
    public bool AllowDevices { get; init; } = true;

    /// <summary>The digest of the whole stream is computed beside the unpacking.</summary>
    public bool ComputeDigest { get; init; }

    /// <summary>Bytes that may be written.</summary>
    public long WrittenBytesMax { get; init; } = long.MaxValue;

    /// <summary>Bounds on the archive itself.</summary>
    public TarLimits Limits { get; init; } = TarLimits.Default;
}

/// <summary>What was unpacked.</summary>
/// <param name="Digest">sha256 of the uncompressed stream, what follows the archive's end included; empty when not asked for.</param>
/// <param name="Entries">Entries of the archive.</param>
/// <param name="Bytes">Bytes of regular files, holes not counted.</param>
public sealed record ExtractSummary(Digest Digest, int Entries, long Bytes);
