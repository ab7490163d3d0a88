using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>One line of <c>GET /containers/json</c>.</summary>
public sealed record ContainerSummary
{
    /// <summary>The 64-character ID.</summary>
    public string Id { get; set => field = value ?? ""; } = "";

    /// <summary>Its names, each with a leading slash.</summary>
    public IReadOnlyList<string> Names { get; set; } = [];

    /// <summary>The image as the user named it, or its ID when that name is gone.</summary>
    public string Image { get; set => field = value ?? ""; } = "";

    /// <summary>The image's ID.</summary>
    public string ImageID { get; set => field = value ?? ""; } = "";

    /// <summary>The command line.</summary>
    public string Command { get; set => field = value ?? ""; } = "";

    /// <summary>Seconds since 1970.</summary>
    public long Created { get; set; }

    /// <summary>Its ports.</summary>
    public IReadOnlyList<PortSummary> Ports { get; set; } = [];

    /// <summary>Bytes written by it; only when asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long SizeRw { get; set; }

    /// <summary>Bytes of its whole root; only when asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long SizeRootFs { get; set; }

    /// <summary>Its labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; set; } = new Dictionary<string, string>();

    /// <summary><c>created</c>, <c>running</c>, …</summary>
    public string State { get; set => field = value ?? ""; } = "";

    /// <summary>A sentence such as <c>Up 3 minutes (healthy)</c>.</summary>
    public string Status { get; set => field = value ?? ""; } = "";

    /// <summary>A little of how it runs.</summary>
    public ContainerSummaryHostConfig HostConfig { get; set; } = new();

    /// <summary>Its networks.</summary>
    public ContainerSummaryNetworks NetworkSettings { get; set; } = new();

    /// <summary>Its mounts.</summary>
    public IReadOnlyList<MountPoint> Mounts { get; set; } = [];
}

/// <summary>A port of a container in a list.</summary>
public sealed record PortSummary
{
    /// <summary>The host's address it is published on.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? IP { get; set; }

    /// <summary>The port inside.</summary>
    public ushort PrivatePort { get; set; }

    /// <summary>The port on the host.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ushort PublicPort { get; set; }

    /// <summary><c>tcp</c>, <c>udp</c>, <c>sctp</c>.</summary>
    public string Type { get; set => field = value ?? ""; } = "";
}

/// <summary>What a list tells of a container's host configuration.</summary>
public sealed record ContainerSummaryHostConfig
{
    /// <summary>The network mode.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NetworkMode { get; set; }

    /// <summary>Annotations.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Annotations { get; set; }
}

/// <summary>What a list tells of a container's networks.</summary>
public sealed record ContainerSummaryNetworks
{
    /// <summary>The connections by network name.</summary>
    public IReadOnlyDictionary<string, EndpointSettings> Networks { get; set; } = new Dictionary<string, EndpointSettings>();
}
