using System.Globalization;
using System.Runtime.InteropServices;
using Berth.Distribution;
using Berth.Linux.Processes;
using Berth.Runtime;

namespace Berth.Engine;

/// <inheritdoc cref="ISystem"/>
internal sealed class SystemService(
    EngineParts parts, ContainerService containers, ImageService images, ImageTable table, VolumeService volumes,
    IImageDistribution distribution, Func<IReadOnlyList<BuildCacheEntry>> buildCache) : ISystem
{
    public SystemInfo Info()
    {
        ContainerState[] states = [.. parts.Containers.All.Select(container => container.State)];
        int running = states.Count(state => state.Status is ContainerStatus.Running or ContainerStatus.Restarting);
        int paused = states.Count(state => state.Status == ContainerStatus.Paused);
        IReadOnlySet<string> limits = Limits();
        Cdi.CdiDevices devices = Cdi.CdiDevices.Read(parts.Options.CdiDirectories);
        bool isPlain = parts.Layers is Layers.CopyLayerStore;
        return new SystemInfo
        {
            Id = parts.EngineId,
            Options = parts.Options,
            LogDrivers = LogOptions.Drivers,
            Events = parts.Events.Published,
            HealthChecks = parts.HealthChecks.Total,
            HealthChecksFailed = parts.HealthChecks.Failed,
            Containers = states.Length,
            Running = running,
            Paused = paused,
            Stopped = states.Length - running - paused,
            Images = table.All.Count,
            StorageDriver = isPlain ? "vfs" : "overlay2",
            BackingFilesystem = new DriveInfo(parts.Options.DataRoot).DriveFormat,
            CgroupVersion = File.Exists("/sys/fs/cgroup/cgroup.controllers") ? "2" : "1",
            EventListeners = parts.Events.Listeners,
            OpenDescriptors = Directory.GetFiles("/proc/self/fd").Length,
            HostName = Environment.MachineName,
            KernelVersion = File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
            OperatingSystem = Release("PRETTY_NAME", "Linux"),
            OsVersion = Release("VERSION_ID", ""),
            Architecture = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "aarch64" : "x86_64",
            Processors = Environment.ProcessorCount,
            MemoryTotal = MemoryTotal(),
            SecurityOptions = [.. AppArmorOptions(), "name=seccomp,profile=builtin",
                .. UserNamespace.IsInitial ? Array.Empty<string>() : ["name=rootless"],
                .. parts.Options.DefaultUserMaps is null ? Array.Empty<string>() : ["name=userns"]],
            CgroupDriver = parts.Options.SystemdCgroup ? "systemd" : HostLimits.HasNoCgroups ? "none" : "cgroupfs",
            Capabilities = limits,
            DescribedDevices = [.. devices.All.Select(device => device.FullName)],
            Warnings = [.. Warnings(limits),
                .. parts.Confinement.Warning is { } warning ? [$"WARNING: {warning}"] : Array.Empty<string>(),
                .. devices.Problems.Select(problem => $"WARNING: CDI: {problem}")],
        };
    }

    public async Task<DiskUsage> DiskUsageAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<ImageSummary> all = await images.ListAsync(new ImageQuery { All = true, SharedSize = true }, cancellationToken);
        IReadOnlyList<BuildCacheEntry> cache = buildCache();
        // What only the build cache holds is counted there; compressed layers as they were pulled are beside the unpacked ones.
        long layers = parts.Layers.List().Sum(layer => layer.Size)
            - cache.Where(entry => !entry.Shared && entry.Type == BuildCacheEntry.Regular).Sum(entry => entry.Size);
        return new DiskUsage
        {
            LayersSize = layers + parts.Blobs.List().Sum(blob => parts.Blobs.SizeOf(blob) ?? 0),
            Images = all,
            Containers = await containers.ListAsync(new ContainerQuery { All = true, Size = true }, cancellationToken),
            Volumes = [.. volumes.List(FilterSet.None).Select(volume => volume with
            {
                Size = DiskSize.Of(volume.Mountpoint), References = volumes.References(volume.Name),
            })],
            BuildCache = cache,
        };
    }

    public async Task<string?> LoginAsync(RegistryLogin login, CancellationToken cancellationToken)
    {
        LoginResult result = await distribution.LoginAsync(Logins.ToCredentials(login)!, cancellationToken);
        return result.IdentityToken.Length > 0 ? result.IdentityToken : null;
    }

    private string[] AppArmorOptions() => !AppArmor.IsEnabled ? []
        : parts.Confinement.Ensure() is { } profile ? [$"name=apparmor,profile={profile}"] : ["name=apparmor"];

    private static HashSet<string> Limits()
    {
        HashSet<string> all = HostLimits.Read();
        if (!UserNamespace.IsInitial || (File.Exists("/proc/sys/net/ipv4/ip_forward")
            && File.ReadAllText("/proc/sys/net/ipv4/ip_forward").Trim() == "1"))
            all.Add("ipv4-forwarding");
        return all;
    }

    private static List<string> Warnings(IReadOnlySet<string> limits)
    {
        List<string> all = [];
        foreach ((string name, string text) in (
            (string, string)[])[("memory", "No memory limit support"), ("swap", "No swap limit support"),
            ("cpu-cfs", "No cpu cfs quota support"), ("cpu-shares", "No cpu shares support"), ("cpuset", "No cpuset support"),
            ("pids", "No pids limit support"), ("ipv4-forwarding", "IPv4 forwarding is disabled")])
            if (!limits.Contains(name))
                all.Add("WARNING: " + text);
        return all;
    }

    private static string Release(string key, string otherwise) => !File.Exists("/etc/os-release") ? otherwise
        : File.ReadLines("/etc/os-release").FirstOrDefault(
            line => line.StartsWith(key + "=", StringComparison.Ordinal))?[(key.Length + 1)..].Trim('"') ?? otherwise;

    private static long MemoryTotal()
    {
        string? line = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith("MemTotal:", StringComparison.Ordinal));
        return line is null ? 0
            : long.Parse(line[9..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) * 1024;
    }
}
