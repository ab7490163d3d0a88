using System.Runtime.InteropServices;
using Berth.Daemon.Http;
using Berth.Engine;
using Berth.Engine.Specs;

namespace Berth.Daemon.Mapping;

/// <summary>Engine and machine as clients see them.</summary>
internal static class SystemViews
{
    // Where clients sign in that name no registry: Docker Hub's address of old.
    private const string HubIndex = "https://index.docker.io/v1/";
    private static readonly Wire.ApiVersion s_withParents = new(1, 42);
    private static readonly Wire.ApiVersion s_withDescribedDevices = new(1, 44);
    private static readonly Wire.ApiVersion s_withFirewall = new(1, 49);
    private static readonly Wire.ApiVersion s_withDiscoveredDevices = new(1, 50);
    private static readonly Wire.ApiVersion s_withoutBridgeFilters = new(1, 50);
    private static readonly Wire.ApiVersion s_withoutKernelMemory = new(1, 42);

    /// <summary>The answer of <c>GET /info</c>.</summary>
    public static Wire.SystemInfo ToWire(this SystemInfo info, DaemonServices services, Wire.ApiVersion version)
    {
        EngineOptions options = info.Options;
        var view = new Wire.SystemInfo
        {
            ID = info.Id,
            Containers = info.Containers,
            ContainersRunning = info.Running,
            ContainersPaused = info.Paused,
            ContainersStopped = info.Stopped,
            Images = info.Images,
            Driver = info.StorageDriver,
            DriverStatus = [["Backing Filesystem", info.BackingFilesystem]],
            Plugins = new Wire.PluginsInfo
            {
                Volume = ["local"],
                Network = ["bridge", "host", "null"],
                Log = info.LogDrivers,
            },
            Debug = services.Levels?.IsDebug ?? services.Program.Debug,
            NFd = info.OpenDescriptors,
            NGoroutines = ThreadPool.ThreadCount,
            SystemTime = Wire.GoTimeConverter.Format(services.Clock.GetUtcNow()),
            LoggingDriver = options.LogDriver,
            CgroupDriver = info.CgroupDriver,
            CgroupVersion = info.CgroupVersion,
            NEventsListener = info.EventListeners,
            KernelVersion = info.KernelVersion,
            OperatingSystem = info.OperatingSystem,
            OSVersion = info.OsVersion,
            OSType = "linux",
            Architecture = info.Architecture,
            IndexServerAddress = HubIndex,
            RegistryConfig = ToRegistryConfig(options),
            NCPU = info.Processors,
            MemTotal = info.MemoryTotal,
            DockerRootDir = options.DataRoot,
            HttpProxy = Environment.GetEnvironmentVariable("HTTP_PROXY") is { } http ? WithoutPassword(http) : "",
            HttpsProxy = Environment.GetEnvironmentVariable("HTTPS_PROXY") is { } https ? WithoutPassword(https) : "",
            NoProxy = Environment.GetEnvironmentVariable("NO_PROXY") ?? "",
            Name = info.HostName,
            Labels = options.Labels,
            ServerVersion = services.Program.Version,
            // The names of Docker's own are understood too, and mean ours.
            Runtimes = RuntimeNames.All(options).ToDictionary(name => name, name => ToRuntime(options, name)),
            DefaultRuntime = options.DefaultRuntime,
            Swarm = new Wire.SwarmInfo { LocalNodeState = "inactive" },
            LiveRestoreEnabled = !options.StopContainersOnDispose,
            InitBinary = "berth-runtime",
            ContainerdCommit = Commit("", version),
            RuncCommit = Commit(services.Program.Version, version),
            InitCommit = Commit(services.Program.Version, version),
            SecurityOptions = info.SecurityOptions,
            DefaultAddressPools = options.DefaultAddressPools.Count == 0 ? null
                : [.. options.DefaultAddressPools.Select(pool => new Wire.AddressPool { Base = pool.Base, Size = pool.Size })],
            FirewallBackend = version < s_withFirewall ? null : new Wire.FirewallInfo { Driver = "nftables" },
            CDISpecDirs = version < s_withDescribedDevices ? null : options.CdiDirectories,
            DiscoveredDevices = version < s_withDiscoveredDevices || info.DescribedDevices.Count == 0 ? null
                : [.. info.DescribedDevices.Select(name => new Wire.DiscoveredDevice { Source = "cdi", ID = name })],
            Warnings = info.Warnings.Count > 0 ? info.Warnings : null,
            BridgeNfIptables = version < s_withoutBridgeFilters ? IsOn("/proc/sys/net/bridge/bridge-nf-call-iptables") : null,
            BridgeNfIp6tables = version < s_withoutBridgeFilters ? IsOn("/proc/sys/net/bridge/bridge-nf-call-ip6tables") : null,
            // Kernels count it together with the rest; this engine sets no limit of its own for it.
            KernelMemory = version < s_withoutKernelMemory ? false : null,
            KernelMemoryTCP = version < s_withoutKernelMemory ? false : null,
        };
        SetCapabilities(view, info.Capabilities);
        return view;
    }

    /// <summary>The answer of <c>GET /version</c>.</summary>
    public static Wire.VersionResponse ToVersion(this SystemInfo info, ProgramIdentity program)
    {
        string architecture = RuntimeInformation.OSArchitecture is Architecture.Arm64 ? "arm64" : "amd64";
        return new Wire.VersionResponse
        {
            Platform = new Wire.VersionPlatform { Name = "Berth Engine" },
            Components =
            [
                new Wire.VersionComponent
                {
                    Name = "Engine",
                    Version = program.Version,
                    Details = new Dictionary<string, string>
                    {
                        ["ApiVersion"] = Wire.ApiVersion.Newest.ToString(),
                        ["Arch"] = architecture,
                        ["BuildTime"] = program.BuildTime,
                        ["Experimental"] = "false",
                        ["GitCommit"] = program.Commit,
                        ["GoVersion"] = RuntimeInformation.FrameworkDescription,
                        ["KernelVersion"] = info.KernelVersion,
                        ["MinAPIVersion"] = Wire.ApiVersion.Oldest.ToString(),
                        ["Os"] = "linux",
                    },
                },
            ],
            Version = program.Version,
            ApiVersion = Wire.ApiVersion.Newest.ToString(),
            MinAPIVersion = Wire.ApiVersion.Oldest.ToString(),
            GitCommit = program.Commit,
            GoVersion = RuntimeInformation.FrameworkDescription,
            Os = "linux",
            Arch = architecture,
            KernelVersion = info.KernelVersion,
            BuildTime = program.BuildTime,
        };
    }

    /// <summary>A record of the build cache.</summary>
    public static Wire.BuildCacheRecord ToWire(this BuildCacheEntry entry, Wire.ApiVersion version) => new()
    {
        ID = entry.Id,
        Parent = version < s_withParents && entry.Parents is [string first, ..] ? first : null,
        Parents = version >= s_withParents && entry.Parents.Count > 0 ? entry.Parents : null,
        Type = entry.Type,
        Description = entry.Description,
        InUse = entry.InUse,
        Shared = entry.Shared,
        Size = entry.Size,
        CreatedAt = entry.CreatedAt,
        LastUsedAt = entry.LastUsedAt,
        UsageCount = entry.UsageCount,
    };

    // The file is there while the kernel's module br_netfilter is loaded.
    private static bool IsOn(string path) => File.Exists(path) && File.ReadAllText(path).StartsWith('1');

    // Before 1.49 a second field said which one was expected; clients of then print what differs.
    private static Wire.CommitInfo Commit(string id, Wire.ApiVersion version) =>
        new() { ID = id, Expected = version < s_withFirewall ? id : null };

    private static void SetCapabilities(Wire.SystemInfo view, IReadOnlySet<string> capabilities)
    {
        view.MemoryLimit = capabilities.Contains("memory");
        view.SwapLimit = capabilities.Contains("swap");
        view.CpuCfsPeriod = view.CpuCfsQuota = capabilities.Contains("cpu-cfs");
        view.CPUShares = capabilities.Contains("cpu-shares");
        view.CPUSet = capabilities.Contains("cpuset");
        view.PidsLimit = capabilities.Contains("pids");
        view.OomKillDisable = capabilities.Contains("oom-kill-disable");
        view.IPv4Forwarding = capabilities.Contains("ipv4-forwarding");
    }

    private static Wire.RuntimeInfo ToRuntime(EngineOptions options, string name) => RuntimeNames.Find(options, name) is { } runtime
        ? new Wire.RuntimeInfo { Path = runtime.Path, RuntimeArgs = runtime.Arguments is { Count: > 0 } all ? all : null }
        : new Wire.RuntimeInfo { Path = "berth-runtime" };

    private static Wire.RegistryConfig ToRegistryConfig(EngineOptions options)
    {
        var indexes = new Dictionary<string, Wire.RegistryIndex>
        {
            ["docker.io"] = new()
            {
                Name = "docker.io", Mirrors = options.RegistryMirrors, Secure = true, Official = true,
            },
        };
        foreach (string registry in options.InsecureRegistries.Where(registry => !IsNetwork(registry)))
            indexes[registry] = new Wire.RegistryIndex { Name = registry, Secure = false };
        return new Wire.RegistryConfig
        {
            InsecureRegistryCIDRs = ["::1/128", "127.0.0.0/8", .. options.InsecureRegistries.Where(IsNetwork)],
            IndexConfigs = indexes,
            Mirrors = options.RegistryMirrors.Count > 0 ? options.RegistryMirrors : null,
        };
    }

    private static bool IsNetwork(string registry) => System.Net.IPNetwork.TryParse(registry, out _);

    private static string WithoutPassword(string proxy) =>
        Uri.TryCreate(proxy, UriKind.Absolute, out Uri? uri) && uri.UserInfo.Length > 0
            ? proxy.Replace(uri.UserInfo, "xxxxx:xxxxx", StringComparison.Ordinal) : proxy;
}
