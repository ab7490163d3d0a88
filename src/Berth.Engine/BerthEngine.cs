using System.Net;
using System.Text;
using Berth.Content;
using Berth.Distribution;
using Berth.Engine.State;
using Berth.Layers;
using Berth.Layers.Stores;
using Berth.Linux;
using Berth.Network;
using Berth.Oci;
using Berth.Runtime;
using Berth.Runtime.Cgroups;
using Microsoft.Extensions.Logging;

namespace Berth.Engine;

/// <summary>
/// The whole domain of one container engine: what it owns on disk, what it runs, and the interfaces through which the protocols
/// reach it. Owned by the program that opened it; disposing lets go of everything while the containers go on running.
/// </summary>
/// <remarks>Named so because the namespace is already called Engine.</remarks>
public sealed partial class BerthEngine : IAsyncDisposable
{
    private readonly EngineParts _parts;
    private readonly DataRootLock _lock;
    private readonly List<IDisposable> _owned;
    private readonly ContainerService _containers;
    private readonly ReloadableDistribution? _registries;
    private int _disposed;

    private BerthEngine(EngineParts parts, DataRootLock dataRootLock, ImageDistributionOwner distribution, List<IDisposable> owned)
    {
        (_parts, _lock, _owned) = (parts, dataRootLock, owned);
        _registries = distribution.Distribution as ReloadableDistribution;
        ImageTable images = distribution.Images;
        ImageCollector collector = new(parts, images, distribution.LayerBlobs);
        VolumeService volumes = new(parts);
        HealthMonitor health = new(parts);
        ImageService imageService = new(parts, images, collector, distribution.LayerBlobs, distribution.Distribution);
        _containers = new ContainerService(parts, images, volumes, health) { ImageStore = imageService, Collector = collector };
        health.OnUnhealthy = _containers.ActOnUnhealthyAsync;
        BuildService builds = new(parts, images, imageService, collector, _containers);
        owned.Add(builds);
        Containers = _containers;
        Execs = new ExecService(parts, _containers, health);
        Images = imageService;
        Volumes = volumes;
        Networks = new NetworkService(parts, _containers);
        Builds = builds;
        System = new SystemService(parts, _containers, imageService, images, volumes, distribution.Distribution, builds.CacheEntries);
        volumes.Load();
    }

    /// <summary>Containers.</summary>
    public IContainers Containers { get; }

    /// <summary>Further processes in containers.</summary>
    public IExecs Execs { get; }

    /// <summary>Images.</summary>
    public IImages Images { get; }

    /// <summary>Volumes.</summary>
    public IVolumes Volumes { get; }

    /// <summary>Networks.</summary>
    public INetworkService Networks { get; }

    /// <summary>What happens.</summary>
    public IEvents Events => _parts.Events;

    /// <summary>Engine and machine.</summary>
    public ISystem System { get; }

    /// <summary>Builds.</summary>
    public IBuilds Builds { get; }

    internal EngineParts Parts => _parts;

    /// <summary>Opens an engine: takes its data root, sweeps what a crash left, finds the containers that run, applies restart
    /// policies.</summary>
    /// <exception cref="Faults.FaultException">Conflict: another engine uses the data root. InvalidArgument: a wrong option.
    /// Internal: the kernel refused the default network.</exception>
    public static Task<BerthEngine> OpenAsync(EngineOptions options, ILoggerFactory loggers, CancellationToken cancellationToken) =>
        OpenAsync(options, loggers, new EngineSubstitutes(), cancellationToken);

    internal static async Task<BerthEngine> OpenAsync(
        EngineOptions options, ILoggerFactory loggers, EngineSubstitutes substitutes, CancellationToken cancellationToken)
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        // Nobody else walks through: a set-user-id program that a container leaves in a volume is no program of the host's users
        // (CVE-2021-41091). Also for a directory that was there before.
        Directory.CreateDirectory(options.DataRoot, OwnerOnly | UnixFileMode.GroupExecute);
        File.SetUnixFileMode(options.DataRoot, OwnerOnly | UnixFileMode.GroupExecute);
        Directory.CreateDirectory(Path.Combine(options.DataRoot, "containers"), OwnerOnly);
        Directory.CreateDirectory(Path.Combine(options.ExecRoot, "containers"), OwnerOnly);
        DataRootLock dataRootLock = DataRootLock.Take(options.DataRoot);
        List<IDisposable> owned = [];
        try
        {
            StateDatabase state = StateDatabase.Open(Path.Combine(options.DataRoot, "berth.db"));
            owned.Add(state);
            EngineParts parts = Assemble(options, loggers, substitutes, state, owned);
            BerthEngine engine = new(parts, dataRootLock, Distribute(parts, substitutes, owned), owned);
            // Compiling takes a tenth of a second: nobody waits for it but the first container.
            parts.Background.Run("load the default AppArmor profile", () => Task.FromResult(parts.Confinement.Ensure()));
            await new EngineRecovery(parts, engine._containers).RunAsync(cancellationToken);
            state.KeepReserve();
            return engine;
        }
        catch
        {
            owned.Reverse();
            owned.ForEach(thing => thing.Dispose());
            dataRootLock.Dispose();
            throw;
        }
    }

    /// <summary>Takes over what can change while an engine is open: labels, registries, transfers, the defaults of new containers, and
    /// what happens to containers at its end. Everything else of <paramref name="options"/> is left as it is.</summary>
    /// <exception cref="Faults.FaultException">InvalidArgument: a wrong option; nothing has changed.</exception>
    public void Reload(EngineOptions options)
    {
        EngineOptions reloaded = _parts.Options with
        {
            Labels = options.Labels,
            RegistryMirrors = options.RegistryMirrors,
            InsecureRegistries = options.InsecureRegistries,
            MaxConcurrentDownloads = options.MaxConcurrentDownloads,
            MaxConcurrentUploads = options.MaxConcurrentUploads,
            StopContainersOnDispose = options.StopContainersOnDispose,
            ShutdownTimeoutSeconds = options.ShutdownTimeoutSeconds,
            LogDriver = options.LogDriver,
            LogOptions = options.LogOptions,
            DefaultUlimits = options.DefaultUlimits,
            DefaultShmSize = options.DefaultShmSize,
            DefaultPublishAddress = options.DefaultPublishAddress,
            DefaultCgroupNamespace = options.DefaultCgroupNamespace,
            DefaultIpc = options.DefaultIpc,
            Init = options.Init,
            Runtimes = options.Runtimes,
            DefaultRuntime = options.DefaultRuntime,
            Dns = options.Dns,
            DnsOptions = options.DnsOptions,
            DnsSearch = options.DnsSearch,
            NoNewPrivileges = options.NoNewPrivileges,
            SeccompProfile = options.SeccompProfile,
        };
        _ = LogOptions.Normal(null, reloaded);
        _registries?.Change(RegistryOptionsOf(reloaded));
        _parts.Options = reloaded;
    }

    /// <summary>Tells listeners of events that the settings were read again.</summary>
    /// <param name="attributes">The settings as they are now.</param>
    public void PublishReload(IReadOnlyDictionary<string, string> attributes) =>
        _parts.Events.Publish("daemon", "reload", _parts.EngineId, attributes);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        if (_parts.Options.StopContainersOnDispose)
            await Task.WhenAll(_parts.Containers.All.Where(container => container.State.Running).Select(StopQuietlyAsync));
        await _parts.Closing.CancelAsync();
        _parts.Events.Dispose();
        await _parts.Background.DisposeAsync();
        foreach (IContainer running in _parts.Containers.All.Select(container => container.Runtime).OfType<IContainer>())
            await running.DisposeAsync();
        if (!_parts.Containers.All.Any(container => container.State.Running))
            await ClearHostAsync();
        await _parts.Networks.DisposeAsync();
        if (_parts.Layers is IAsyncDisposable layers)
            await layers.DisposeAsync();
        _owned.Reverse();
        _owned.ForEach(thing => thing.Dispose());
        _lock.Dispose();
    }

    // Nothing runs that would need bridge, rules and cgroups: the next engine makes them anew in a few milliseconds.
    private async Task ClearHostAsync()
    {
        try
        {
            await _parts.Networks.TearDownAsync(CancellationToken.None);
            // A slice without units is systemd's to remove.
            if (!_parts.Options.SystemdCgroup && _parts.Options.CgroupParent.Trim('/').Length > 0)
                RemoveCgroupParent(CgroupHierarchy.DetectForEngine(), _parts.Options.CgroupParent);
        }
        catch (Exception left) when (left is IOException or Faults.FaultException)
        {
            // Somebody else's process or rule is in them; the next engine takes them over.
        }
    }

    private static void RemoveCgroupParent(CgroupHierarchy hierarchy, string parent)
    {
        hierarchy.Open(parent).TryRemoveEmpty();
        hierarchy.RemoveFromNamedTrees(parent);
    }

    private async Task StopQuietlyAsync(Container container)
    {
        try
        {
            await _containers.StopAsync(container, null, _parts.Options.ShutdownTimeoutSeconds, CancellationToken.None);
        }
        catch (Faults.FaultException)
        {
            // It does not end; the next engine will find it.
        }
    }

    private static EngineParts Assemble(
        EngineOptions options, ILoggerFactory loggers, EngineSubstitutes substitutes, StateDatabase state, List<IDisposable> owned)
    {
        TimeProvider time = substitutes.Time ?? TimeProvider.System;
        ILogger runtimeLogger = loggers.CreateLogger("Berth.Runtime");
        IContainerRuntime runtime =
            substitutes.Runtime ?? new ContainerRuntime(new RuntimeOptions
            {
                RuntimeBinary = options.RuntimeBinary, SystemdCgroup = options.SystemdCgroup,
                Warn = text => Log.OfRuntime(runtimeLogger, text),
            });
        if (runtime is IDisposable disposable)
            owned.Add(disposable);
        string engineId = state.ReadAll(Kinds.Engine, StateJson.Default.EngineRecord).FirstOrDefault().Document?.Id ?? NewId(state);
        return new EngineParts
        {
            Options = options,
            State = state,
            Runtime = runtime,
            Layers = substitutes.Layers ?? OpenLayers(options, loggers.CreateLogger("Berth.Layers")),
            Blobs = substitutes.Blobs ?? new FileBlobStore(Path.Combine(options.DataRoot, "content"), time),
            Networks = substitutes.Networks ?? new Berth.Network.Networks(
                NetworkOptionsOf(options) with { HostId = engineId }, loggers.CreateLogger("Berth.Network"), time),
            Time = time,
            Loggers = loggers,
            Events = new EventHub(time),
            Background = new BackgroundWork(loggers.CreateLogger("Berth.Engine")),
            Containers = new ContainerTable(state),
            EngineId = engineId,
            Confinement = substitutes.Confinement ?? DefaultConfinement.OfHost(loggers.CreateLogger("Berth.Engine"), time),
        };
    }

    private static string NewId(StateDatabase state)
    {
        EngineRecord record = new(Guid.NewGuid().ToString());
        state.Put(Kinds.Engine, "engine", record, StateJson.Default.EngineRecord);
        return record.Id;
    }

    private static ImageDistributionOwner Distribute(EngineParts parts, EngineSubstitutes substitutes, List<IDisposable> owned)
    {
        ImageTable images = new(parts.State, parts.Blobs, parts.Layers, parts.Time);
        images.Load();
        LayerBlobs layerBlobs = new(parts.State);
        layerBlobs.Load(parts.Blobs);
        IImageDistribution distribution = substitutes.Distribution ?? new ReloadableDistribution(
            options => new ImageDistribution(options, parts.Blobs, new LayerSink(parts.Layers), layerBlobs, parts.Time),
            RegistryOptionsOf(parts.Options));
        if (distribution is IDisposable disposable)
            owned.Add(disposable);
        return new ImageDistributionOwner(images, layerBlobs, distribution);
    }

    internal static RegistryOptions RegistryOptionsOf(EngineOptions options) => new()
    {
        Mirrors = options.RegistryMirrors,
        InsecureRegistries = options.InsecureRegistries,
        ConcurrentDownloads = options.MaxConcurrentDownloads,
        ConcurrentUploads = options.MaxConcurrentUploads,
    };

    internal static NetworkOptions NetworkOptionsOf(EngineOptions options) => new()
    {
        BridgeName = options.Bridge,
        TableName = TableName(options),
        StateDirectory = Path.Combine(options.DataRoot, "networks"),
        AddressPools = options.DefaultAddressPools.Count == 0 ? Network.AddressPool.Defaults
            : [.. options.DefaultAddressPools.Select(pool => new Network.AddressPool(InternetSubnet.Parse(pool.Base), pool.Size))],
        BridgeAddress = options.BridgeAddress,
        FixedCidr = Subnet(options.FixedCidr),
        BridgeHasIPv6 = options.BridgeHasIPv6,
        BridgeAddressIPv6 = options.BridgeAddressIPv6,
        FixedCidrIPv6 = Subnet(options.FixedCidrIPv6),
        Mtu = options.Mtu,
        Dns = [.. options.Dns.Select(IPAddress.Parse)],
        ReadyNamespaces = options.NetworkSandboxesPrepared,
        HostNamespace = options.Holder is { } holder ? NetworkNamespace.OpenOf(holder) : null,
        IsDetached = options.Holder is not null,
    };

    private static InternetSubnet? Subnet(string? text) => text is null ? null : InternetSubnet.Parse(text);

    // The next engine with the same data root must find the same table, whatever process it is.
    private static string TableName(EngineOptions options) => options.Bridge switch
    {
        "berth0" => "berth",
        "none" => "berth-" + Digest.Of(Encoding.UTF8.GetBytes(options.DataRoot)).Hex[..16],
        _ => "berth-" + options.Bridge,
    };

    private static ILayerStore OpenLayers(EngineOptions options, ILogger logger)
    {
        LayerStore layers = LayerStores.Open(Path.Combine(options.DataRoot, "layers"));
        layers.BackgroundFailed += fault => Log.LayersFailed(logger, fault.Message);
        return layers;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4102, Level = LogLevel.Warning, Message = "layer store: {Cause}")]
        public static partial void LayersFailed(ILogger logger, string cause);

        [LoggerMessage(EventId = 4111, Level = LogLevel.Warning, Message = "runtime: {Cause}")]
        public static partial void OfRuntime(ILogger logger, string cause);
    }
}

/// <summary>The image side of an engine while it is assembled.</summary>
internal sealed record ImageDistributionOwner(ImageTable Images, LayerBlobs LayerBlobs, IImageDistribution Distribution);
