namespace Berth.Layers.Tar;

/// <summary>Bounds on foreign archives, so that memory, time and disk stay bounded.</summary>
public sealed record TarLimits
{
    /// <summary>The bounds for layers and for what clients send.</summary>
    public static TarLimits Default { get; } = new();

    /// <summary>Bytes of one extended header (PAX or GNU long name); file capabilities and ACLs fit many times.</summary>
    public int ExtendedHeaderBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Bytes of one path or link target: Linux' PATH_MAX with its NUL.</summary>
    public int PathBytesMax { get; init; } = 4096;

    /// <summary>Data stretches of one sparse file.</summary>
    public int SparseRegionsMax { get; init; } = 1_000_000;

    /// <summary>Logical size of one file: the largest file of ext4.</summary>
    public long FileBytesMax { get; init; } = 16L << 40;

    /// <summary>Entries of one archive.</summary>
    public int EntriesMax { get; init; } = 10_000_000;
}
