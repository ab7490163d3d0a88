using System.Text.Json;
using System.Text.Json.Serialization;

namespace Berth.Api;

/// <summary>The answer of <c>GET /info</c>.</summary>
public sealed record SystemInfo
{
    /// <summary>The engine's ID.</summary>
    public string ID { get; set => field = value ?? ""; } = "";

    /// <summary>All containers.</summary>
    public int Containers { get; set; }

    /// <summary>Running ones.</summary>
    public int ContainersRunning { get; set; }

    /// <summary>Frozen ones.</summary>
    public int ContainersPaused { get; set; }

    /// <summary>The rest.</summary>
    public int ContainersStopped { get; set; }

    /// <summary>Images.</summary>
    public int Images { get; set; }

    /// <summary>The storage driver.</summary>
    public string Driver { get; set => field = value ?? ""; } = "";

    /// <summary>What the storage driver tells, in pairs.</summary>
    public IReadOnlyList<IReadOnlyList<string>> DriverStatus { get; set; } = [];

    /// <summary>Legacy.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<IReadOnlyList<string>>? SystemStatus { get; set; }

    /// <summary>Names of drivers.</summary>
    public PluginsInfo Plugins { get; set; } = new();

    /// <summary>Memory limits work.</summary>
    public bool MemoryLimit { get; set; }

    /// <summary>Swap limits work.</summary>
    public bool SwapLimit { get; set; }

    /// <summary>CFS periods work.</summary>
    public bool CpuCfsPeriod { get; set; }

    /// <summary>CFS quotas work.</summary>
    public bool CpuCfsQuota { get; set; }

    /// <summary>CPU shares work.</summary>
    public bool CPUShares { get; set; }

    /// <summary>CPU sets work.</summary>
    public bool CPUSet { get; set; }

    /// <summary>Process limits work.</summary>
    public bool PidsLimit { get; set; }

    /// <summary>The machine forwards IPv4.</summary>
    public bool IPv4Forwarding { get; set; }

    /// <summary>Bridged packets go through the filters of IPv4; only before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? BridgeNfIptables { get; set; }

    /// <summary>Bridged packets go through the filters of IPv6; only before API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? BridgeNfIp6tables { get; set; }

    /// <summary>The kernel's memory for a container can be limited; only before API 1.42.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? KernelMemory { get; set; }

    /// <summary>The same for TCP's buffers; only before API 1.42.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? KernelMemoryTCP { get; set; }

    /// <summary>Debug logging is on.</summary>
    public bool Debug { get; set; }

    /// <summary>Open descriptors of the daemon.</summary>
    public int NFd { get; set; }

    /// <summary>Killing for memory can be turned off.</summary>
    public bool OomKillDisable { get; set; }

    /// <summary>Threads of the daemon.</summary>
    public int NGoroutines { get; set; }

    /// <summary>The machine's time, RFC 3339.</summary>
    public string SystemTime { get; set => field = value ?? ""; } = "";

    /// <summary>The default log driver.</summary>
    public string LoggingDriver { get; set => field = value ?? ""; } = "";

    /// <summary><c>cgroupfs</c> or <c>systemd</c>.</summary>
    public string CgroupDriver { get; set => field = value ?? ""; } = "";

    /// <summary><c>1</c> or <c>2</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CgroupVersion { get; set; }

    /// <summary>Listeners of <c>GET /events</c>.</summary>
    public int NEventsListener { get; set; }

    /// <summary>The kernel's release.</summary>
    public string KernelVersion { get; set => field = value ?? ""; } = "";

    /// <summary>The distribution's name.</summary>
    public string OperatingSystem { get; set => field = value ?? ""; } = "";

    /// <summary>The distribution's version.</summary>
    public string OSVersion { get; set => field = value ?? ""; } = "";

    /// <summary><c>linux</c>.</summary>
    public string OSType { get; set => field = value ?? ""; } = "";

    /// <summary>The processor, as <c>uname -m</c> has it.</summary>
    public string Architecture { get; set => field = value ?? ""; } = "";

    /// <summary>The default registry's sign-in address.</summary>
    public string IndexServerAddress { get; set => field = value ?? ""; } = "";

    /// <summary>How registries are reached.</summary>
    public RegistryConfig RegistryConfig { get; set; } = new();

    /// <summary>Processors.</summary>
    public int NCPU { get; set; }

    /// <summary>Bytes of memory.</summary>
    public long MemTotal { get; set; }

    /// <summary>Swarm only.</summary>
    public IReadOnlyList<JsonElement>? GenericResources { get; set; }

    /// <summary>The data root.</summary>
    public string DockerRootDir { get; set => field = value ?? ""; } = "";

    /// <summary>The proxy for HTTP.</summary>
    public string HttpProxy { get; set => field = value ?? ""; } = "";

    /// <summary>The proxy for HTTPS.</summary>
    public string HttpsProxy { get; set => field = value ?? ""; } = "";

    /// <summary>What is reached without a proxy.</summary>
    public string NoProxy { get; set => field = value ?? ""; } = "";

    /// <summary>The machine's name.</summary>
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>Labels of the daemon.</summary>
    public IReadOnlyList<string> Labels { get; set; } = [];

    /// <summary>Experimental features are on.</summary>
    public bool ExperimentalBuild { get; set; }

    /// <summary>The engine's version.</summary>
    public string ServerVersion { get; set => field = value ?? ""; } = "";

    /// <summary>OCI runtimes by name.</summary>
    public IReadOnlyDictionary<string, RuntimeInfo> Runtimes { get; set; } = new Dictionary<string, RuntimeInfo>();

    /// <summary>The one used when none is named.</summary>
    public string DefaultRuntime { get; set => field = value ?? ""; } = "";

    /// <summary>Always inactive.</summary>
    public SwarmInfo Swarm { get; set; } = new();

    /// <summary>Containers live on while the daemon is away.</summary>
    public bool LiveRestoreEnabled { get; set; }

    /// <summary>Windows only.</summary>
    public string Isolation { get; set => field = value ?? ""; } = "";

    /// <summary>The program of <c>--init</c>.</summary>
    public string InitBinary { get; set => field = value ?? ""; } = "";

    /// <summary>Not used by this engine.</summary>
    public CommitInfo ContainerdCommit { get; set; } = new();

    /// <summary>The runtime's version.</summary>
    public CommitInfo RuncCommit { get; set; } = new();

    /// <summary>The init's version.</summary>
    public CommitInfo InitCommit { get; set; } = new();

    /// <summary><c>name=seccomp,profile=builtin</c> and the like.</summary>
    public IReadOnlyList<string> SecurityOptions { get; set; } = [];

    /// <summary>A licence's name.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ProductLicense { get; set; }

    /// <summary>Where new networks get their subnets.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AddressPool>? DefaultAddressPools { get; set; }

    /// <summary>How packets are filtered; since API 1.49.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FirewallInfo? FirewallBackend { get; set; }

    /// <summary>Where device descriptions are looked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? CDISpecDirs { get; set; }

    /// <summary>Devices found there; since API 1.50.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<DiscoveredDevice>? DiscoveredDevices { get; set; }

    /// <summary>What a user should know of this machine.</summary>
    public IReadOnlyList<string>? Warnings { get; set; }
}

/// <summary>Names of drivers by kind.</summary>
public sealed record PluginsInfo
{
    /// <summary>Volume drivers.</summary>
    public IReadOnlyList<string> Volume { get; set; } = [];

    /// <summary>Network drivers.</summary>
    public IReadOnlyList<string> Network { get; set; } = [];

    /// <summary>Authorization plugins.</summary>
    public IReadOnlyList<string>? Authorization { get; set; }

    /// <summary>Log drivers.</summary>
    public IReadOnlyList<string> Log { get; set; } = [];
}

/// <summary>How registries are reached.</summary>
public sealed record RegistryConfig
{
    /// <summary>Always null.</summary>
    public IReadOnlyList<string>? AllowNondistributableArtifactsCIDRs { get; set; }

    /// <summary>Always null.</summary>
    public IReadOnlyList<string>? AllowNondistributableArtifactsHostnames { get; set; }

    /// <summary>Networks whose registries need no TLS.</summary>
    public IReadOnlyList<string> InsecureRegistryCIDRs { get; set; } = [];

    /// <summary>Registries by name.</summary>
    public IReadOnlyDictionary<string, RegistryIndex> IndexConfigs { get; set; } = new Dictionary<string, RegistryIndex>();

    /// <summary>Mirrors of the default registry.</summary>
    public IReadOnlyList<string>? Mirrors { get; set; }
}

/// <summary>How one registry is reached.</summary>
public sealed record RegistryIndex
{
    /// <summary>Its name.</summary>
    public string Name { get; set => field = value ?? ""; } = "";

    /// <summary>Its mirrors.</summary>
    public IReadOnlyList<string> Mirrors { get; set; } = [];

    /// <summary>It must have TLS.</summary>
    public bool Secure { get; set; }

    /// <summary>It is the default one.</summary>
    public bool Official { get; set; }
}

/// <summary>An OCI runtime.</summary>
public sealed record RuntimeInfo
{
    /// <summary>Its program.</summary>
    [JsonPropertyName("path")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Path { get; set; }

    /// <summary>Arguments before the command.</summary>
    [JsonPropertyName("runtimeArgs")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? RuntimeArgs { get; set; }

    /// <summary>What it tells of itself.</summary>
    [JsonPropertyName("status")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Status { get; set; }
}

/// <summary>A program's version.</summary>
public sealed record CommitInfo
{
    /// <summary>What it is.</summary>
    public string ID { get; set => field = value ?? ""; } = "";

    /// <summary>What was expected; before API 1.49.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Expected { get; set; }
}

/// <summary>The state of swarm mode, which this engine does not have.</summary>
public sealed record SwarmInfo
{
    /// <summary>Empty.</summary>
    public string NodeID { get; set => field = value ?? ""; } = "";

    /// <summary>Empty.</summary>
    public string NodeAddr { get; set => field = value ?? ""; } = "";

    /// <summary><c>inactive</c>.</summary>
    public string LocalNodeState { get; set => field = value ?? ""; } = "";

    /// <summary>False.</summary>
    public bool ControlAvailable { get; set; }

    /// <summary>Empty.</summary>
    public string Error { get; set => field = value ?? ""; } = "";

    /// <summary>Null.</summary>
    public IReadOnlyList<JsonElement>? RemoteManagers { get; set; }
}

/// <summary>Where new networks get their subnets.</summary>
public sealed record AddressPool
{
    /// <summary>The whole range.</summary>
    public string Base { get; set => field = value ?? ""; } = "";

    /// <summary>The prefix length of each subnet.</summary>
    public int Size { get; set; }
}

/// <summary>How packets are filtered.</summary>
public sealed record FirewallInfo
{
    /// <summary><c>nftables</c>.</summary>
    public string Driver { get; set => field = value ?? ""; } = "";

    /// <summary>What it tells, in pairs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<IReadOnlyList<string>>? Info { get; set; }
}

/// <summary>A device that containers can ask for by its name.</summary>
public sealed record DiscoveredDevice
{
    /// <summary>Who describes it: <c>cdi</c>.</summary>
    public string Source { get; set => field = value ?? ""; } = "";

    /// <summary>Its full name, <c>vendor.com/class=name</c>.</summary>
    public string ID { get; set => field = value ?? ""; } = "";
}
