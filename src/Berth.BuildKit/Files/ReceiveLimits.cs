namespace Berth.BuildKit.Files;

/// <summary>How much a client may send.</summary>
/// <param name="EntriesMax">Files and directories that it tells of.</param>
/// <param name="BytesMax">Bytes of the files that are taken; null: what the disk holds.</param>
internal sealed record ReceiveLimits(int EntriesMax, long? BytesMax)
{
    /// <summary>Bytes of all paths together that are remembered.</summary>
    public long PathBytesMax { get; init; } = 256L * 1024 * 1024;

    /// <summary>For a build context.</summary>
    public static ReceiveLimits Context { get; } = new(2_000_000, null);

    /// <summary>For a Dockerfile and its ignore file, links on the way to them included.</summary>
    public static ReceiveLimits Definition { get; } = new(1000, 8 * 1024 * 1024);
}
