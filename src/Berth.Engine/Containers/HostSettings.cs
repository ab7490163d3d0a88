namespace Berth.Engine;

/// <summary>What belongs to the machine a container runs on. Names are those of the Engine API's <c>HostConfig</c>.</summary>
public sealed record HostSettings
{
    /// <summary>Limits.</summary>
    public ResourceLimits Resources { get; init; } = new();

    /// <summary>Bind mounts and named volumes as <c>source:target[:options]</c>.</summary>
    public IReadOnlyList<string>? Binds { get; init; }

    /// <summary>Mounts in the long form.</summary>
    public IReadOnlyList<MountRequest>? Mounts { get; init; }

    /// <summary>Paths with a tmpfs and its options.</summary>
    public IReadOnlyDictionary<string, string>? Tmpfs { get; init; }

    /// <summary>Containers whose mounts are taken over, as <c>name[:ro]</c>.</summary>
    public IReadOnlyList<string>? VolumesFrom { get; init; }

    /// <summary>The driver of volumes that are made on the way; empty or <c>local</c>.</summary>
    public string? VolumeDriver { get; init; }

    /// <summary><c>default</c>, <c>bridge</c>, <c>host</c>, <c>none</c>, <c>container:…</c> or a network.</summary>
    public string? NetworkMode { get; init; }

    /// <summary>Published ports, by container port as <c>80/tcp</c>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<PortBinding>>? PortBindings { get; init; }

    /// <summary>Publish every exposed port on a free one.</summary>
    public bool PublishAllPorts { get; init; }

    /// <summary>What happens when it ends.</summary>
    public RestartPolicy RestartPolicy { get; init; } = RestartPolicy.No;

    /// <summary>What is done when its health check fails for good: <c>restart</c>, <c>stop</c>; null, empty or <c>none</c>: nothing.
    /// Not a field of Docker's.</summary>
    public string? HealthOnFailure { get; init; }

    /// <summary>Remove it when it ends.</summary>
    public bool AutoRemove { get; init; }

    /// <summary>Where its output is logged; null: as the engine does by default.</summary>
    public LogSettings? LogConfig { get; init; }

    /// <summary>Capabilities beside the default ones, or <c>ALL</c>.</summary>
    public IReadOnlyList<string>? CapAdd { get; init; }

    /// <summary>Capabilities taken away, or <c>ALL</c>.</summary>
    public IReadOnlyList<string>? CapDrop { get; init; }

    /// <summary>All capabilities and devices, no confinement.</summary>
    public bool Privileged { get; init; }

    /// <summary>The root cannot be written.</summary>
    public bool ReadonlyRootfs { get; init; }

    /// <summary>Such as <c>no-new-privileges</c>, <c>seccomp=unconfined</c> or <c>seccomp=</c> and a profile as JSON.</summary>
    public IReadOnlyList<string>? SecurityOpt { get; init; }

    /// <summary>Name servers.</summary>
    public IReadOnlyList<string>? Dns { get; init; }

    /// <summary>Options for <c>resolv.conf</c>.</summary>
    public IReadOnlyList<string>? DnsOptions { get; init; }

    /// <summary>Search domains.</summary>
    public IReadOnlyList<string>? DnsSearch { get; init; }

    /// <summary>Lines for <c>/etc/hosts</c> as <c>name:address</c>.</summary>
    public IReadOnlyList<string>? ExtraHosts { get; init; }

    /// <summary>Further groups by name or number.</summary>
    public IReadOnlyList<string>? GroupAdd { get; init; }

    /// <summary><c>private</c>, <c>shareable</c>, <c>none</c>, <c>host</c> or <c>container:…</c>.</summary>
    public string? IpcMode { get; init; }

    /// <summary><c>host</c> or <c>container:…</c>; empty: its own.</summary>
    public string? PidMode { get; init; }

    /// <summary><c>host</c>; empty: its own.</summary>
    public string? UTSMode { get; init; }

    /// <summary><c>host</c>, or <c>private</c> for ids of its own; empty: as the engine does.</summary>
    public string? UsernsMode { get; init; }

    /// <summary><c>private</c> or <c>host</c>.</summary>
    public string? CgroupnsMode { get; init; }

    /// <summary>An old field, kept so that it can be refused.</summary>
    public string? Cgroup { get; init; }

    /// <summary>Kernel settings of its namespaces.</summary>
    public IReadOnlyDictionary<string, string>? Sysctls { get; init; }

    /// <summary>Bytes of <c>/dev/shm</c>; 0: the engine's default.</summary>
    public long ShmSize { get; init; }

    /// <summary>-1000 to 1000.</summary>
    public int OomScoreAdj { get; init; }

    /// <summary>Run an init as process 1; null: as the engine does.</summary>
    public bool? Init { get; init; }

    /// <summary>Annotations for the runtime.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>The runtime's name; empty: ours.</summary>
    public string? Runtime { get; init; }

    /// <summary>Windows only; <c>default</c> is accepted.</summary>
    public string? Isolation { get; init; }

    /// <summary>Options of the storage driver: not offered.</summary>
    public IReadOnlyDictionary<string, string>? StorageOpt { get; init; }

    /// <summary>Links on the default bridge, as <c>container:alias</c>.</summary>
    public IReadOnlyList<string>? Links { get; init; }

    /// <summary>Hidden paths; null: the defaults.</summary>
    public IReadOnlyList<string>? MaskedPaths { get; init; }

    /// <summary>Read-only paths; null: the defaults.</summary>
    public IReadOnlyList<string>? ReadonlyPaths { get; init; }

    /// <summary>The first size of the terminal: rows, columns; 0, 0: unknown.</summary>
    public (int Rows, int Columns) ConsoleSize { get; init; }

    /// <summary>The file in which the client wrote the ID, for inspect.</summary>
    public string? ContainerIDFile { get; init; }
}

/// <summary>What happens when a container ends.</summary>
/// <param name="Name"><c>no</c> (or empty), <c>always</c>, <c>unless-stopped</c>, <c>on-failure</c>.</param>
/// <param name="MaximumRetryCount">Tries of <c>on-failure</c>; 0 without end.</param>
public sealed record RestartPolicy(string Name, int MaximumRetryCount)
{
    /// <summary>It stays ended.</summary>
    public static RestartPolicy No { get; } = new("no", 0);
}

/// <summary>Where output is logged.</summary>
/// <param name="Type"><c>json-file</c>, <c>local</c>, <c>none</c>, <c>syslog</c>, <c>journald</c> or <c>fluentd</c>.</param>
/// <param name="Config">The driver's options.</param>
public sealed record LogSettings(string Type, IReadOnlyDictionary<string, string> Config);

/// <summary>Where a port is published.</summary>
/// <param name="HostIp">The address; empty: all.</param>
/// <param name="HostPort">A port or a range; empty: a free one.</param>
public sealed record PortBinding(string HostIp, string HostPort);

/// <summary>A mount in the long form.</summary>
public sealed record MountRequest
{
    /// <summary><c>bind</c>, <c>volume</c>, <c>tmpfs</c> or <c>image</c>.</summary>
    public string Type { get; init; } = "";

    /// <summary>A path of the host, the name of a volume or that of an image.</summary>
    public string Source { get; init; } = "";

    /// <summary>The path in the container.</summary>
    public string Target { get; init; } = "";

    /// <summary>Nothing can be written through it.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Accepted and without meaning on Linux.</summary>
    public string? Consistency { get; init; }

    /// <summary>Of a bind mount: <c>rprivate</c>, <c>private</c>, <c>rshared</c>, <c>shared</c>, <c>rslave</c>, <c>slave</c>.</summary>
    public string? Propagation { get; init; }

    /// <summary>Of a bind mount: without the mounts below it.</summary>
    public bool NonRecursive { get; init; }

    /// <summary>Of a read-only bind mount: what is mounted below it stays as it is.</summary>
    public bool ReadOnlyNonRecursive { get; init; }

    /// <summary>Of a read-only bind mount: refuse rather than leave something below it that can be written.</summary>
    public bool ReadOnlyForceRecursive { get; init; }

    /// <summary>Of a bind mount: make the source when it is missing.</summary>
    public bool CreateMountpoint { get; init; }

    /// <summary>Of a volume: do not copy what the image has there.</summary>
    public bool NoCopy { get; init; }

    /// <summary>Of a volume: labels when it is made.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Of a volume: its driver.</summary>
    public string? Driver { get; init; }

    /// <summary>Of a volume: its driver's options.</summary>
    public IReadOnlyDictionary<string, string>? DriverOptions { get; init; }

    /// <summary>Of a volume or an image: a path in it instead of its root.</summary>
    public string? Subpath { get; init; }

    /// <summary>Of a tmpfs: its bytes; 0 without limit.</summary>
    public long TmpfsSize { get; init; }

    /// <summary>Of a tmpfs: further options, <c>exec</c> or <c>noexec</c>.</summary>
    public IReadOnlyList<string>? TmpfsOptions { get; init; }

    /// <summary>Of a tmpfs: its mode bits; 0: 1777.</summary>
    public int TmpfsMode { get; init; }
}
