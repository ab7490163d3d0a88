using Berth.Engine.Specs;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>All that tells one engine from another. Two engines whose roots, bridge and cgroup parent differ never touch each
/// other.</summary>
public sealed record EngineOptions
{
    /// <summary>Where everything that survives a reboot is kept.</summary>
    public string DataRoot { get; init; } = "/var/lib/berth";

    /// <summary>Where run directories, sockets and the like are kept; empty after a reboot.</summary>
    public string ExecRoot { get; init; } = "/run/berth";

    /// <summary>The bridge of the default network; <c>none</c>: there is no default network.</summary>
    public string Bridge { get; init; } = "berth0";

    /// <summary>The address of the default bridge with its prefix length; null: the first free pool.</summary>
    public string? BridgeAddress { get; init; }

    /// <summary>The part of the default bridge's IPv4 subnet that containers get, in CIDR form; null: all of it.</summary>
    public string? FixedCidr { get; init; }

    /// <summary>The default network has IPv6 addresses too.</summary>
    public bool BridgeHasIPv6 { get; init; }

    /// <summary>The default bridge's IPv6 address with its prefix length; null: of <see cref="FixedCidrIPv6"/>, else of a pool.</summary>
    public string? BridgeAddressIPv6 { get; init; }

    /// <summary>The IPv6 addresses that containers on the default bridge get, in CIDR form; null: all of its subnet.</summary>
    public string? FixedCidrIPv6 { get; init; }

    /// <summary>Driver options of user-defined networks that do not say otherwise.</summary>
    public IReadOnlyDictionary<string, string> DefaultNetworkOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Bytes per packet on new bridges; 0: as the link with the default route.</summary>
    public int Mtu { get; init; }

    /// <summary>The process that holds the namespaces of an ordinary user's engine: bridges are made in its network namespace, which a
    /// user-mode network connects to the machine's. Null: this is the machine's root.</summary>
    public int? Holder { get; init; }

    /// <summary>The cgroup below which containers get theirs; with systemd a slice: <c>system.slice</c>.</summary>
    public string CgroupParent { get; init; } = "/berth";

    /// <summary>Cgroups are scopes of systemd.</summary>
    public bool SystemdCgroup { get; init; }

    /// <summary>The program whose early stage becomes monitor and first process; null: beside this program.</summary>
    public string? RuntimeBinary { get; init; }

    /// <summary>Runtimes of others that containers may ask for, by name.</summary>
    public IReadOnlyDictionary<string, ExternalRuntime> Runtimes { get; init; } = new Dictionary<string, ExternalRuntime>();

    /// <summary>The name of the runtime of containers that ask for none.</summary>
    public string DefaultRuntime { get; init; } = RuntimeNames.Own;

    /// <summary>The log driver of containers that name none.</summary>
    public string LogDriver { get; init; } = "json-file";

    /// <summary>Options of the default log driver.</summary>
    public IReadOnlyDictionary<string, string> LogOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Limits of containers that do not say otherwise.</summary>
    public IReadOnlyList<Ulimit> DefaultUlimits { get; init; } = [];

    /// <summary>The size of <c>/dev/shm</c> of containers that do not say otherwise, in bytes.</summary>
    public long DefaultShmSize { get; init; } = 64 * 1024 * 1024;

    /// <summary>The cgroup namespace of containers that do not say otherwise: <c>private</c> or <c>host</c>; empty: by privilege.
    /// </summary>
    public string DefaultCgroupNamespace { get; init; } = "";

    /// <summary>How containers that do not say otherwise share their IPC: <c>private</c> or <c>shareable</c>.</summary>
    public string DefaultIpc { get; init; } = "private";

    /// <summary>The user namespace's ids of all containers that do not say otherwise (<c>userns-remap</c>); null: they are in the engine's.
    /// </summary>
    public UserMaps? DefaultUserMaps { get; init; }

    /// <summary>Give every container that does not say otherwise an init.</summary>
    public bool Init { get; init; }

    /// <summary>Mirrors tried before Docker Hub: base addresses with their scheme.</summary>
    public IReadOnlyList<string> RegistryMirrors { get; init; } = [];

    /// <summary>Registries (host, host:port or a network in CIDR form) spoken to over plain HTTP or with unverified TLS.</summary>
    public IReadOnlyList<string> InsecureRegistries { get; init; } = [];

    /// <summary>Layers fetched at the same time.</summary>
    public int MaxConcurrentDownloads { get; init; } = 3;

    /// <summary>Layers sent at the same time.</summary>
    public int MaxConcurrentUploads { get; init; } = 5;

    /// <summary>Name servers of containers that do not say otherwise; empty: the host's.</summary>
    public IReadOnlyList<string> Dns { get; init; } = [];

    /// <summary>Options for <c>resolv.conf</c> of containers that do not say otherwise.</summary>
    public IReadOnlyList<string> DnsOptions { get; init; } = [];

    /// <summary>Search domains of containers that do not say otherwise.</summary>
    public IReadOnlyList<string> DnsSearch { get; init; } = [];

    /// <summary>Where the addresses of new networks come from.</summary>
    public IReadOnlyList<AddressPool> DefaultAddressPools { get; init; } = [];

    /// <summary>The address ports are published on when a request names none.</summary>
    public string DefaultPublishAddress { get; init; } = "0.0.0.0";

    /// <summary>Stop running containers when the engine is disposed instead of leaving them to the next one.</summary>
    public bool StopContainersOnDispose { get; init; }

    /// <summary>How long an orderly stop on dispose waits for a container, in seconds.</summary>
    public int ShutdownTimeoutSeconds { get; init; } = 15;

    /// <summary>Labels of the engine itself, as <c>key=value</c>.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Where descriptions of devices are (CDI); later ones win.</summary>
    public IReadOnlyList<string> CdiDirectories { get; init; } = ["/etc/cdi", "/var/run/cdi"];

    /// <summary>The Docker-form seccomp profile used by default, as JSON; null: the built-in one.</summary>
    public string? SeccompProfile { get; init; }

    /// <summary>Containers cannot gain privileges unless they say otherwise.</summary>
    public bool NoNewPrivileges { get; init; }

    /// <summary>How many network namespaces are kept prepared.</summary>
    public int NetworkSandboxesPrepared { get; init; } = 2;
}

/// <summary>A range from which networks are cut.</summary>
/// <param name="Base">The range in CIDR form, such as <c>172.80.0.0/16</c>.</param>
/// <param name="Size">The prefix length of each network, such as 24.</param>
public sealed record AddressPool(string Base, int Size);
