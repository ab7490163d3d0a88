using Berth.Faults;

namespace Berth.Engine;

/// <summary>Directories that outlive containers.</summary>
public interface IVolumes
{
    /// <summary>Makes one, or returns the one of that name.</summary>
    /// <exception cref="FaultException">InvalidArgument: the name or an option is wrong. NotFound: no such driver. Conflict: it exists with
    /// another driver or other options.</exception>
    Task<VolumeDetails> CreateAsync(CreateVolume request, CancellationToken cancellationToken);

    /// <summary>One volume.</summary>
    /// <exception cref="FaultException">NotFound: <c>get x: no such volume</c>.</exception>
    VolumeDetails Inspect(string name);

    /// <summary>Lists volumes by name.</summary>
    IReadOnlyList<VolumeDetails> List(FilterSet filters);

    /// <summary>Removes one; with <paramref name="force"/> a missing one is fine.</summary>
    /// <exception cref="FaultException">Conflict: <c>remove x: volume is in use - […]</c>.</exception>
    Task RemoveAsync(string name, bool force, CancellationToken cancellationToken);

    /// <summary>Removes those that no container uses: without a name, or (filter <c>all=true</c>) all.</summary>
    Task<PruneReport> PruneAsync(FilterSet filters, CancellationToken cancellationToken);
}

/// <summary>A request to make a volume.</summary>
public sealed record CreateVolume
{
    /// <summary>The name; null or empty: 64 random hexadecimal characters.</summary>
    public string? Name { get; init; }

    /// <summary>The driver; null or empty: <c>local</c>.</summary>
    public string? Driver { get; init; }

    /// <summary>The driver's options: of <c>local</c> <c>type</c>, <c>device</c>, <c>o</c>.</summary>
    public IReadOnlyDictionary<string, string> DriverOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}

/// <summary>A volume.</summary>
public sealed record VolumeDetails
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its driver: <c>local</c>.</summary>
    public string Driver { get; init; } = "local";

    /// <summary>Its directory on the host.</summary>
    public required string Mountpoint { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The driver's options.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>It was made without a name, for one container.</summary>
    public bool Anonymous { get; init; }

    /// <summary>Bytes on disk; -1: not computed.</summary>
    public long Size { get; init; } = -1;

    /// <summary>Containers that use it; -1: not computed.</summary>
    public int References { get; init; } = -1;
}
