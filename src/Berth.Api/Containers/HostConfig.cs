using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>How a container runs on this machine: the other half of its creation.</summary>
/// <remarks>Engine API "HostConfig".</remarks>
public sealed record HostConfig : Resources
{
    /// <summary>Binds and volumes as <c>source:target[:options]</c>.</summary>
    public IReadOnlyList<string>? Binds { get; set; }

    /// <summary>The file that the client wrote the ID to.</summary>
    public string ContainerIDFile { get; set => field = value ?? ""; } = "";

    /// <summary>How its output is logged.</summary>
    public LogConfig LogConfig { get; set; } = new();

    /// <summary><c>default</c>, <c>bridge</c>, <c>host</c>, <c>none</c>, <c>container:ID</c> or a network's
    /// name.</summary>
    public string NetworkMode { get; set => field = value ?? ""; } = "";

    /// <summary>Published ports, by <c>port/protocol</c> inside.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<PortBinding>?>? PortBindings { get; set; }

    /// <summary>What happens when it ends.</summary>
    public RestartPolicy RestartPolicy { get; set; } = new();

    /// <summary>What is done when its health check fails for good: <c>restart</c>, <c>stop</c>, <c>none</c>. Not a field of Docker's;
    /// left out when it was not given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? HealthOnFailure { get; set; }

    /// <summary>Remove it when it ends.</summary>
    public bool AutoRemove { get; set; }

    /// <summary>The driver of volumes that are made by it.</summary>
    public string VolumeDriver { get; set => field = value ?? ""; } = "";

    /// <summary>Containers whose volumes it gets, each with <c>:ro</c> or <c>:rw</c>.</summary>
    public IReadOnlyList<string>? VolumesFrom { get; set; }

    /// <summary>Rows and columns of the terminal at the start.</summary>
    public IReadOnlyList<uint>? ConsoleSize { get; set; }

    /// <summary>Annotations handed to the runtime.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Annotations { get; set; }

    /// <summary>Capabilities beside the default ones.</summary>
    public IReadOnlyList<string>? CapAdd { get; set; }

    /// <summary>Default capabilities it does not get.</summary>
    public IReadOnlyList<string>? CapDrop { get; set; }

    /// <summary><c>private</c>, <c>host</c> or empty for the default.</summary>
    public string CgroupnsMode { get; set => field = value ?? ""; } = "";

    /// <summary>Name servers.</summary>
    public IReadOnlyList<string>? Dns { get; set; }

    /// <summary>Resolver options.</summary>
    public IReadOnlyList<string>? DnsOptions { get; set; }

    /// <summary>Search domains.</summary>
    public IReadOnlyList<string>? DnsSearch { get; set; }

    /// <summary>Lines of <c>/etc/hosts</c> as <c>name:address</c>.</summary>
    public IReadOnlyList<string>? ExtraHosts { get; set; }

    /// <summary>Further groups of its first process.</summary>
    public IReadOnlyList<string>? GroupAdd { get; set; }

    /// <summary><c>private</c>, <c>shareable</c>, <c>host</c>, <c>none</c>, <c>container:ID</c>.</summary>
    public string IpcMode { get; set => field = value ?? ""; } = "";

    /// <summary>The cgroup, for <c>container:ID</c>; hardly used.</summary>
    public string Cgroup { get; set => field = value ?? ""; } = "";

    /// <summary>Legacy links as <c>name:alias</c>.</summary>
    public IReadOnlyList<string>? Links { get; set; }

    /// <summary>-1000 to 1000.</summary>
    public int OomScoreAdj { get; set; }

    /// <summary>Empty, <c>host</c> or <c>container:ID</c>.</summary>
    public string PidMode { get; set => field = value ?? ""; } = "";

    /// <summary>All capabilities and devices, no confinement.</summary>
    public bool Privileged { get; set; }

    /// <summary>Publish every exposed port on a free one.</summary>
    public bool PublishAllPorts { get; set; }

    /// <summary>Its root cannot be written.</summary>
    public bool ReadonlyRootfs { get; set; }

    /// <summary><c>no-new-privileges</c>, <c>seccomp=…</c>, <c>apparmor=…</c>, …</summary>
    public IReadOnlyList<string>? SecurityOpt { get; set; }

    /// <summary>Options of the storage driver.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? StorageOpt { get; set; }

    /// <summary>Paths of tmpfs mounts and their options.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Tmpfs { get; set; }

    /// <summary>Empty or <c>host</c>.</summary>
    public string UTSMode { get; set => field = value ?? ""; } = "";

    /// <summary>Empty or <c>host</c>.</summary>
    public string UsernsMode { get; set => field = value ?? ""; } = "";

    /// <summary>Bytes of <c>/dev/shm</c>.</summary>
    public long ShmSize { get; set; }

    /// <summary>Kernel parameters of its namespaces.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Sysctls { get; set; }

    /// <summary>The OCI runtime by its name.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Runtime { get; set; }

    /// <summary>Windows only.</summary>
    public string Isolation { get; set => field = value ?? ""; } = "";

    /// <summary>Mounts in their long form.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Mount>? Mounts { get; set; }

    /// <summary>Paths that are hidden; null takes the default.</summary>
    public IReadOnlyList<string>? MaskedPaths { get; set; }

    /// <summary>Paths that are read-only; null takes the default.</summary>
    public IReadOnlyList<string>? ReadonlyPaths { get; set; }

    /// <summary>A tiny init as process 1; null takes the daemon's default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Init { get; set; }
}

/// <summary>A log driver and its options.</summary>
public sealed record LogConfig
{
    /// <summary><c>json-file</c>, <c>local</c>, <c>none</c>, …; empty takes the daemon's.</summary>
    public string Type { get; set => field = value ?? ""; } = "";

    /// <summary>The driver's options.</summary>
    public IReadOnlyDictionary<string, string>? Config { get; set; }
}

/// <summary>What happens when a container ends.</summary>
public sealed record RestartPolicy
{
    /// <summary><c>no</c>, <c>always</c>, <c>unless-stopped</c>, <c>on-failure</c>.</summary>
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>For <c>on-failure</c>; zero: no limit.</summary>
    public int MaximumRetryCount { get; set; }
}

/// <summary>An address of the host that leads to a port of a container.</summary>
public sealed record PortBinding
{
    /// <summary>The address; empty: all.</summary>
    public string HostIp { get; set => field = value ?? ""; } = "";

    /// <summary>A port, a range, or empty for a free one.</summary>
    public string HostPort { get; set => field = value ?? ""; } = "";
}
