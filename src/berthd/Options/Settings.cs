namespace Berth.Daemon.Options;

/// <summary>All settings. Flags and keys are dockerd's where they mean the same.</summary>
internal static class Settings
{
    public static readonly Setting ConfigFile = new(null, "config-file", SettingKind.Text, "Daemon configuration file");
    public static readonly Setting Hosts = new("hosts", "host", SettingKind.List, "Daemon socket(s) to connect to") { Short = "-H" };
    public static readonly Setting Group = new("group", "group", SettingKind.Text, "Group for the unix socket") { Short = "-G" };
    public static readonly Setting DataRoot = new("data-root", "data-root", SettingKind.Text, "Root directory of persistent state");
    public static readonly Setting ExecRoot = new("exec-root", "exec-root", SettingKind.Text, "Root directory for execution state files");
    public static readonly Setting PidFile =
        new("pidfile", "pidfile", SettingKind.Text, "Path to use for daemon PID file") { Short = "-p" };
    public static readonly Setting Debug = new("debug", "debug", SettingKind.Flag, "Enable debug mode") { Short = "-D" };
    public static readonly Setting LogLevel = new(
        "log-level", "log-level", SettingKind.Text, "Set the logging level (debug, info, warn, error, fatal)") { Short = "-l" };
    public static readonly Setting LogFormat =
        new("log-format", "log-format", SettingKind.Text, "Set the logging format (text, json)");
    public static readonly Setting Metrics =
        new("metrics-addr", "metrics-addr", SettingKind.Text, "Address and port to serve metrics for Prometheus on");
    public static readonly Setting CgroupNamespace = new(
        "default-cgroupns-mode", "default-cgroupns-mode", SettingKind.Text, "Default cgroup namespace of containers (host, private)");
    public static readonly Setting Ipc = new(
        "default-ipc-mode", "default-ipc-mode", SettingKind.Text, "Default mode for containers ipc (shareable, private)");
    public static readonly Setting Bridge = new(
        "bridge", "bridge", SettingKind.Text, "Attach containers to this network bridge; none: no default network") { Short = "-b" };
    public static readonly Setting BridgeAddress =
        new("bip", "bip", SettingKind.Text, "Address of the default bridge with its prefix length");
    public static readonly Setting FixedCidr =
        new("fixed-cidr", "fixed-cidr", SettingKind.Text, "IPv4 subnet for fixed IPs");
    public static readonly Setting IPv6 = new("ipv6", "ipv6", SettingKind.Flag, "Enable IPv6 networking on the default bridge");
    public static readonly Setting BridgeAddressIPv6 =
        new("bip6", "bip6", SettingKind.Text, "IPv6 address of the default bridge with its prefix length");
    public static readonly Setting FixedCidrIPv6 = new("fixed-cidr-v6", "fixed-cidr-v6", SettingKind.Text, "IPv6 subnet for fixed IPs");
    public static readonly Setting FirewallIPv6 = new(
        "ip6tables", "ip6tables", SettingKind.Flag, "Make rules for IPv6 networks; this engine always does");
    public static readonly Setting NetworkDefaults = new(
        "default-network-opts", "default-network-opt", SettingKind.NetworkOptions, "Default network options: driver=name=value");
    public static readonly Setting Mtu = new("mtu", "mtu", SettingKind.Number, "Set the containers network MTU");
    public static readonly Setting AddressPools = new(
        "default-address-pools", "default-address-pool", SettingKind.Pools, "Default address pools for networks");
    public static readonly Setting PublishAddress =
        new("ip", "ip", SettingKind.Text, "Host IP for port publishing from the default bridge network");
    public static readonly Setting CgroupParent =
        new("cgroup-parent", "cgroup-parent", SettingKind.Text, "Set parent cgroup for all containers");
    public static readonly Setting ExecOptions =
        new("exec-opts", "exec-opt", SettingKind.List, "Runtime execution options: native.cgroupdriver=cgroupfs or systemd");
    public static readonly Setting Mirrors = new("registry-mirrors", "registry-mirror", SettingKind.List, "Preferred registry mirror");
    public static readonly Setting Insecure = new(
        "insecure-registries", "insecure-registry", SettingKind.List, "Registries reached without TLS or without its verification");
    public static readonly Setting Ulimits =
        new("default-ulimits", "default-ulimit", SettingKind.Ulimits, "Default ulimits for containers");
    public static readonly Setting ShmSize =
        new("default-shm-size", "default-shm-size", SettingKind.Text, "Default shm size for containers");
    public static readonly Setting LogDriver = new("log-driver", "log-driver", SettingKind.Text, "Default driver for container logs");
    public static readonly Setting LogOptions = new("log-opts", "log-opt", SettingKind.Map, "Default log driver options for containers");
    public static readonly Setting Dns = new("dns", "dns", SettingKind.List, "DNS server to use");
    public static readonly Setting DnsOptions = new("dns-opts", "dns-opt", SettingKind.List, "DNS options to use");
    public static readonly Setting DnsSearch = new("dns-search", "dns-search", SettingKind.List, "DNS search domains to use");
    public static readonly Setting Init = new("init", "init", SettingKind.Flag, "Run an init in containers by default");
    public static readonly Setting Runtimes = new(
        "runtimes", "add-runtime", SettingKind.Runtimes, "Register an additional OCI compatible runtime: name=path");
    public static readonly Setting DefaultRuntime =
        new("default-runtime", "default-runtime", SettingKind.Text, "Default OCI runtime for containers");
    public static readonly Setting LiveRestore = new(
        "live-restore", "live-restore", SettingKind.Flag, "Containers go on while the daemon is away; here that is the default");
    public static readonly Setting ShutdownTimeout = new(
        "shutdown-timeout", "shutdown-timeout", SettingKind.Number, "Seconds for containers to stop, without live-restore");
    public static readonly Setting Downloads = new(
        "max-concurrent-downloads", "max-concurrent-downloads", SettingKind.Number, "Layers fetched at the same time");
    public static readonly Setting Uploads = new(
        "max-concurrent-uploads", "max-concurrent-uploads", SettingKind.Number, "Layers sent at the same time");
    public static readonly Setting Features =
        new("features", null, SettingKind.Switches, "buildkit: false makes clients that have both builders take the classic one");
    public static readonly Setting CdiDirectories =
        new("cdi-spec-dirs", "cdi-spec-dir", SettingKind.List, "Directories with descriptions of devices (CDI)");
    public static readonly Setting Labels = new("labels", "label", SettingKind.List, "Set key=value labels to the daemon");
    public static readonly Setting NoNewPrivileges = new(
        "no-new-privileges", "no-new-privileges", SettingKind.Flag, "Set no-new-privileges by default for new containers");
    public static readonly Setting Remap = new("userns-remap", "userns-remap", SettingKind.Text,
        "User/Group setting for user namespaces: default, or whose ids of /etc/subuid and /etc/subgid containers get");
    public static readonly Setting Seccomp = new("seccomp-profile", "seccomp-profile", SettingKind.Text, "Path to seccomp profile");
    public static readonly Setting TlsVerify = new("tlsverify", "tlsverify", SettingKind.Flag, "Use TLS and verify the remote");
    public static readonly Setting TlsCa = new("tlscacert", "tlscacert", SettingKind.Text, "Trust certs signed only by this CA");
    public static readonly Setting TlsCertificate = new("tlscert", "tlscert", SettingKind.Text, "Path to TLS certificate file");
    public static readonly Setting TlsKey = new("tlskey", "tlskey", SettingKind.Text, "Path to TLS key file");

    /// <summary>All of them, as <c>--help</c> lists them.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        ConfigFile, Hosts, Group, DataRoot, ExecRoot, PidFile, Debug, LogLevel, LogFormat, Metrics,
        CgroupNamespace, Ipc, Bridge, BridgeAddress, FixedCidr, IPv6, BridgeAddressIPv6, FixedCidrIPv6, FirewallIPv6, NetworkDefaults,
        Mtu, AddressPools,
        PublishAddress, CgroupParent, ExecOptions, Mirrors, Insecure, Ulimits, ShmSize, LogDriver, LogOptions, Dns, DnsOptions, DnsSearch,
        Init, Runtimes, DefaultRuntime, LiveRestore, ShutdownTimeout, Downloads, Uploads, Features, CdiDirectories, Labels, NoNewPrivileges,
        Remap, Seccomp, TlsVerify, TlsCa, TlsCertificate, TlsKey,
    ];
}
