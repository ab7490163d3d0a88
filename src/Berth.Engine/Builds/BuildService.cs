using System.Collections.Concurrent;
using Berth.Builder;
using Berth.Builder.Cache;
using Berth.Faults;
using Berth.Layers;
using Berth.Oci;

namespace Berth.Engine;

/// <inheritdoc cref="IBuilds"/>
internal sealed class BuildService : IBuilds, IDisposable
{
    private readonly EngineParts _parts;
    private readonly ImageTable _images;
    private readonly ImageCollector _collector;
    private readonly ImageBuilder _builder;
    private readonly SqliteBuildCache _cache;
    private readonly string _state;
    private readonly KeptContexts _contexts;
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _running = new(StringComparer.Ordinal);

    public BuildService(EngineParts parts, ImageTable images, ImageService store, ImageCollector collector, ContainerService containers)
    {
        (_parts, _images, _collector) = (parts, images, collector);
        _state = Path.Combine(parts.Options.DataRoot, "build");
        Directory.CreateDirectory(_state, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _cache = new SqliteBuildCache(Path.Combine(_state, "cache.db"), parts.Time);
        BuildImages bases = new(images, store);
        _builder = new ImageBuilder(parts.Layers, _cache, bases, new StepRunner(parts, containers), bases, parts.Time, _state);
        _builder.Recover();
        BuildContext.RemoveAbandoned(_state);
        _contexts = new KeptContexts(_state, parts.Time);
        collector.HeldByBuilds = _builder.LiveChains;
    }

    public async Task<Digest> BuildAsync(
        BuildSettings settings, Stream context, IProgress<ProgressMessage> progress, CancellationToken cancellationToken)
    {
        ClassicProgress text = new(progress, settings.Quiet);
        try
        {
            return await BuildAsync(settings, context, text, cancellationToken);
        }
        catch (FaultException fault)
        {
            throw text.Failed(fault);
        }
    }

    public async Task<Digest> BuildAsync(
        BuildSettings settings, Stream? context, IBuildProgress progress, CancellationToken cancellationToken)
    {
        if (settings.Remote is { Length: > 0 } remote)
            throw new FaultException(
                FaultKind.NotSupported, $"build {remote}: a remote context is not offered by this engine: clone or download it first");
        if (settings.Squash)
            throw new FaultException(FaultKind.NotSupported, "build: --squash is not offered by this engine");
        using IDisposable arrival = _collector.Arrive();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _parts.Closing.Token);
        if (settings.BuildId is { Length: > 0 } id)
            _running[id] = stop;
        try
        {
            return await BuildAsync(settings, context, progress, stop);
        }
        catch (IOException refused) when (DiskFull.IsRefusal(refused))
        {
            throw DiskFull.Explain("build", _parts.Options.DataRoot, refused);
        }
        finally
        {
            if (settings.BuildId is { Length: > 0 } done)
                _running.TryRemove(done, out _);
        }
    }

    private async Task<Digest> BuildAsync(
        BuildSettings settings, Stream? context, IBuildProgress progress, CancellationTokenSource stop)
    {
        string dockerfile = settings.Dockerfile.Length > 0 ? settings.Dockerfile : "Dockerfile";
        BuildContext unpacked = context is not null
            ? await BuildContext.ReceiveAsync(context, _state, dockerfile, stop.Token)
            : await BuildContext.FetchAsync(
                settings.Client ?? throw FaultException.Invalid("build: there is no context"), _contexts, _state, dockerfile, stop.Token);
        try
        {
            BuiltImage built = await _builder.BuildAsync(RequestOf(settings, unpacked, dockerfile), progress, stop.Token);
            return built.ImageId;
        }
        finally
        {
            Release(unpacked);
        }
    }

    private void Release(BuildContext context)
    {
        if (context.IsKept)
        {
            context.Dispose();
            return;
        }
        // Nobody waits for it: a killed engine's are swept at its next start.
        _parts.Background.Run("remove a build context", () =>
        {
            context.Dispose();
            return Task.CompletedTask;
        });
    }

    public async Task<string> ReadDefinitionAsync(IBuildClient client, string dockerfile, CancellationToken cancellationToken) =>
        (await BuildContext.FetchDefinitionAsync(client, _state, dockerfile, cancellationToken)).Text;

    public bool Cancel(string buildId)
    {
        if (!_running.TryGetValue(buildId, out CancellationTokenSource? stop))
            return false;
        stop.Cancel();
        return true;
    }

    public Task<PruneReport> PruneAsync(BuildPrune request, CancellationToken cancellationToken)
    {
        request.Filters.Allow("until", "unused-for", "id", "parent", "type", "description", "inuse", "shared", "private");
        if (request.Filters.Names.FirstOrDefault(name => name is not ("until" or "unused-for")) is { } other)
            throw new FaultException(FaultKind.NotSupported, $"prune build cache: the filter '{other}' is not offered by this engine");
        IReadOnlyList<string> until = request.Filters.Has("until") ? request.Filters["until"] : request.Filters["unused-for"];
        long mounts = MountBytes();
        IReadOnlyList<CacheRecord> forgotten = _builder.Prune(new CachePruneFilter
        {
            All = request.All,
            KeepBytes = request.KeepBytes,
            UnusedSince = until is [string text, ..] ? TimeText.Parse(text, _parts.Time) : null,
            UsedByImages = ImageChains(),
        });
        long freed = _collector.CollectLayers().Sum(layer => layer.Size) + Math.Max(0, mounts - MountBytes());
        if (request.KeepBytes == 0 && until.Count == 0)
            freed += _contexts.Clear();
        _parts.Events.Publish("builder", "prune", "", new Dictionary<string, string> { ["reclaimed"] = freed.ToString() });
        return Task.FromResult(new PruneReport([.. forgotten.Select(record => record.Key.Hex)], freed));
    }

    public IReadOnlyList<BuildCacheEntry> CacheEntries()
    {
        // Two records of one layer take its bytes once.
        HashSet<ChainId> counted = ImageChains();
        IEnumerable<BuildCacheEntry> mounts = _builder.Mounts().Select(mount => new BuildCacheEntry
        {
            Id = mount.Id,
            Type = "exec.cachemount",
            Description = "directory of RUN --mount=type=cache",
            InUse = mount.InUse,
            Size = DiskSize.Of(mount.Path),
            CreatedAt = mount.Changed,
            LastUsedAt = mount.Changed,
        });
        IEnumerable<BuildCacheEntry> contexts = _contexts.List().Select(context => new BuildCacheEntry
        {
            Id = context.Name,
            Type = "source.local",
            Description = "build context of a client",
            InUse = context.InUse,
            Size = context.Bytes,
            CreatedAt = context.LastUsed,
            LastUsedAt = context.LastUsed,
        });
        return [.. _cache.List().Select(record => new BuildCacheEntry
        {
            Id = record.Key.Hex,
            Description = record.Description,
            Shared = record.Chain is { } chain && !counted.Add(chain),
            Size = record.Size,
            CreatedAt = record.Created,
            LastUsedAt = record.LastUsed,
            UsageCount = record.UseCount,
        }), .. mounts, .. contexts];
    }

    public void Dispose()
    {
        _builder.Dispose();
        (_cache as IDisposable)?.Dispose();
    }

    private long MountBytes() => _builder.Mounts().Sum(mount => DiskSize.Of(mount.Path));

    private HashSet<ChainId> ImageChains() => [.. _images.All.SelectMany(image => ImageTable.Chains(_images.Config(image.Id)))];

    private static BuildRequest RequestOf(BuildSettings settings, BuildContext context, string dockerfile) => new()
    {
        Context = context,
        DockerfilePath = dockerfile,
        Tags = settings.Tags,
        BuildArguments = settings.BuildArgs,
        Labels = settings.Labels,
        Target = string.IsNullOrEmpty(settings.Target) ? null : settings.Target,
        NoCache = settings.NoCache,
        NoCacheStages = settings.NoCacheStages,
        NamedImages = settings.NamedImages,
        Pull = settings.Pull,
        Platform = settings.Platform,
        NetworkMode = string.IsNullOrEmpty(settings.NetworkMode) ? "default" : settings.NetworkMode,
        AllowsHostNetwork = settings.AllowsHostNetwork,
        ExtraHosts = settings.ExtraHosts,
        CacheFrom = settings.CacheFrom,
        Secrets = settings.Secrets,
        Client = settings.Client,
        Export = settings.Export,
        RegistryCredentials = settings.Logins.ToDictionary(login => login.Key, login => Logins.ToCredentials(login.Value)!),
        Limits = new StepLimits
        {
            MemoryBytes = settings.Resources.Memory,
            MemorySwapBytes = settings.Resources.MemorySwap,
            CpuShares = settings.Resources.CpuShares,
            CpuQuotaMicroseconds = settings.Resources.CpuQuota,
            CpuPeriodMicroseconds = settings.Resources.CpuPeriod,
            CpusetCpus = settings.Resources.CpusetCpus,
            CpusetMems = settings.Resources.CpusetMems,
            CgroupParent = settings.Resources.CgroupParent,
            ShmSizeBytes = settings.ShmSize,
            Ulimits = (settings.Resources.Ulimits ?? []).ToDictionary(limit => limit.Name, limit => (limit.Soft, limit.Hard)),
        },
    };
}
