using Berth.Oci.Images;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>A request to make a container.</summary>
public sealed record CreateContainer
{
    /// <summary>The name; null or empty: one is made up.</summary>
    public string? Name { get; init; }

    /// <summary>The platform the image must have; null: any that is here.</summary>
    public Platform? Platform { get; init; }

    /// <summary>The program's part.</summary>
    public required ContainerSettings Config { get; init; }

    /// <summary>The machine's part.</summary>
    public HostSettings Host { get; init; } = new();

    /// <summary>Read-only bind mounts leave what is mounted below them as it is, as all did before API 1.44.</summary>
    public bool ReadOnlyIsFlat { get; init; }

    /// <summary>Endpoints by network name.</summary>
    public IReadOnlyDictionary<string, EndpointSettings> Networks { get; init; } = new Dictionary<string, EndpointSettings>();
}

/// <summary>A container that was made.</summary>
/// <param name="Id">Its 64-character ID.</param>
/// <param name="Warnings">What was accepted and cannot be done here.</param>
public sealed record CreatedContainer(string Id, IReadOnlyList<string> Warnings);

/// <summary>What a list of containers shows.</summary>
public sealed record ContainerQuery
{
    /// <summary>Also those that do not run.</summary>
    public bool All { get; init; }

    /// <summary>Only the last made, this many, running or not; 0: all.</summary>
    public int Limit { get; init; }

    /// <summary>With their sizes.</summary>
    public bool Size { get; init; }

    /// <summary>Restrictions.</summary>
    public FilterSet Filters { get; init; } = FilterSet.None;
}

/// <summary>What to wait for.</summary>
public enum WaitCondition
{
    /// <summary>It does not run, now or later.</summary>
    NotRunning,

    /// <summary>It ends the next time.</summary>
    NextExit,

    /// <summary>It is removed.</summary>
    Removed,
}

/// <summary>What waiting found.</summary>
/// <param name="StatusCode">The exit code.</param>
/// <param name="Error">What went wrong while removing; null.</param>
public sealed record WaitOutcome(int StatusCode, string? Error);

/// <summary>Which output of a container is asked for.</summary>
public sealed record LogQuery
{
    /// <summary>Standard output.</summary>
    public bool Stdout { get; init; } = true;

    /// <summary>Standard error.</summary>
    public bool Stderr { get; init; } = true;

    /// <summary>Go on with what is written later, until the container ends.</summary>
    public bool Follow { get; init; }

    /// <summary>Only lines at or after this moment.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only lines before this moment.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Only the last lines; null: all.</summary>
    public int? Tail { get; init; }
}

/// <summary>One line of output, or a piece of a very long one.</summary>
/// <param name="Source">Which stream.</param>
/// <param name="At">When it was written.</param>
/// <param name="Bytes">The bytes, the line's end included when it had one.</param>
public sealed record LogEntry(OutputSource Source, DateTimeOffset At, ReadOnlyMemory<byte> Bytes);

/// <summary>How to connect to a container's streams.</summary>
public sealed record AttachRequest
{
    /// <summary>Its input.</summary>
    public bool Stdin { get; init; }

    /// <summary>Its output.</summary>
    public bool Stdout { get; init; }

    /// <summary>Its errors.</summary>
    public bool Stderr { get; init; }

    /// <summary>Live output; without it only <see cref="Logs"/>.</summary>
    public bool Stream { get; init; }

    /// <summary>What it has written so far, first.</summary>
    public bool Logs { get; init; }

    /// <summary>Keys that let go; null: <c>ctrl-p,ctrl-q</c>. Only with a terminal.</summary>
    public string? DetachKeys { get; init; }
}

/// <summary>A connection to a container's or exec's streams.</summary>
/// <remarks>The read side ends (zero bytes) when both outputs have ended or the detach keys were typed.
/// <see cref="IContainerStreams.WriteAsync"/> watches for those keys.</remarks>
public interface IAttachment : IContainerStreams
{
    /// <summary>The other side is a terminal: the wire carries it raw, not in frames.</summary>
    bool IsTerminal { get; }

    /// <summary>The detach keys were typed.</summary>
    bool IsDetached { get; }
}

/// <summary>Changes to a container. Null leaves as it is.</summary>
/// <param name="Resources">Limits; those that are not given stay.</param>
/// <param name="RestartPolicy">The new policy.</param>
public sealed record ContainerUpdate(ResourceLimits Resources, RestartPolicy? RestartPolicy);

/// <summary>A request to make an image of a container.</summary>
public sealed record CommitRequest
{
    /// <summary>The container.</summary>
    public required string Container { get; init; }

    /// <summary>The repository to tag with; null or empty: none.</summary>
    public string? Repository { get; init; }

    /// <summary>The tag; null or empty: latest.</summary>
    public string? Tag { get; init; }

    /// <summary>For the image's history.</summary>
    public string? Comment { get; init; }

    /// <summary>Who made it.</summary>
    public string? Author { get; init; }

    /// <summary>Freeze the container meanwhile.</summary>
    public bool Pause { get; init; } = true;

    /// <summary>Dockerfile instructions that change the configuration.</summary>
    public IReadOnlyList<string> Changes { get; init; } = [];

    /// <summary>Settings laid over the container's; null: none.</summary>
    public ContainerSettings? Config { get; init; }
}

/// <summary>How an archive is put into a container.</summary>
/// <param name="NoOverwriteDirectoryNonDirectory">A directory is never replaced by something else, nor the reverse.</param>
/// <param name="CopyUidGid">Give everything to the container's user, when it has one; otherwise the archive's owners are kept.</param>
public sealed record ArchiveOptions(bool NoOverwriteDirectoryNonDirectory, bool CopyUidGid);
