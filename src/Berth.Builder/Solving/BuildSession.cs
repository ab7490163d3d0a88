using System.Collections.Concurrent;
using Berth.Builder.Cache;
using Berth.Builder.Files;
using Berth.Dockerfile;
using Berth.Dockerfile.Expansion;
using Berth.Dockerfile.Ignore;
using Berth.Layers;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Oci.Images;

namespace Berth.Builder.Solving;

/// <summary>What the stages of one build share.</summary>
internal sealed class BuildSession : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<Task<BaseImage>>> _images = new();
    private readonly ConcurrentDictionary<ChainId, byte> _held = new();
    private readonly ConcurrentBag<IDisposable> _leases = [];

    public required BuildServices Services { get; init; }

    public required BuildRequest Request { get; init; }

    public required ParsedDockerfile File { get; init; }

    public required BuildVariables Variables { get; init; }

    public required WordExpander Expander { get; init; }

    public required OrderedProgress Progress { get; init; }

    public required ISourceTree Context { get; init; }

    /// <summary>How many steps run at once.</summary>
    public SemaphoreSlim Slots { get; } = new(Math.Max(2, Environment.ProcessorCount));

    /// <summary>The stages being built, by number.</summary>
    public Dictionary<int, Task<StageState>> Stages { get; } = [];

    public Platform Platform => Request.Platform ?? Platform.Host;

    public IEnumerable<ChainId> Held => _held.Keys;

    /// <summary>Protects a chain until the build ends.</summary>
    public void Hold(ChainId? chain)
    {
        if (chain is { } held)
            _held.TryAdd(held, 0);
    }

    /// <summary>The stage that a name means for an instruction of a stage; null: it is an image.</summary>
    public Stage? Earlier(Stage of, string name, bool allowNumber) =>
        NamedImages.Find(Request, name) is null ? StageGraph.Earlier(File, of, name, allowNumber) : null;

    /// <summary>True when a stage takes nothing from the cache.</summary>
    public bool IsUncached(Stage stage) => Request.NoCache
        || (stage.Name is { } name && Request.NoCacheStages.Contains(name, StringComparer.OrdinalIgnoreCase));

    /// <summary>Resolves an image once for the whole build.</summary>
    public async Task<BaseImage> ImageAsync(string name, Platform? platform, int stage, CancellationToken cancellationToken)
    {
        string reference = NamedImages.Find(Request, name) ?? name;
        Lazy<Task<BaseImage>> resolving = _images.GetOrAdd($"{platform}|{reference}", _ => new Lazy<Task<BaseImage>>(
            () => ResolveAsync(reference, platform, stage, cancellationToken)));
        return await resolving.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What an earlier stage made. Its failure is reported by itself and only stops the one that waits.</summary>
    public async Task<StageState> StageAsync(Stage stage, CancellationToken cancellationToken)
    {
        try
        {
            return await Stages[stage.Index].WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Faults.FaultException failure)
        {
            throw new OperationCanceledException($"stage {stage.Index} failed", failure);
        }
    }

    /// <summary>Opens what <c>--from</c> names: a stage's or an image's tree.</summary>
    public async Task<(IReadOnlyList<string> Directories, string Key)> TreeOfAsync(
        Stage of, string name, CancellationToken cancellationToken)
    {
        ChainId? chain;
        if (Earlier(of, name, allowNumber: true) is { } stage)
            chain = (await StageAsync(stage, cancellationToken).ConfigureAwait(false)).Chain;
        else
            chain = (await ImageAsync(name, null, of.Index, cancellationToken).ConfigureAwait(false)).Config.RootFs.Chain;
        IReadOnlyList<string> directories = chain is { } id
            ? Services.Layers.Find(id)?.Directories ?? throw Faults.FaultException.Internal(
                $"the layers of {name} went away during the build")
            : [];
        return (directories, chain?.ToString() ?? "empty");
    }

    public SourceTree OpenTree(IReadOnlyList<string> directories) =>
        new(TargetTree.OpenForReading(directories, Services.EmptyDirectory), IgnoreFile.Empty);

    public void Dispose()
    {
        foreach (IDisposable lease in _leases)
            lease.Dispose();
        Context.Dispose();
        Progress.Dispose();
        Slots.Dispose();
    }

    private async Task<BaseImage> ResolveAsync(string reference, Platform? platform, int stage, CancellationToken cancellationToken)
    {
        BaseImageRequest wanted = new(reference, platform ?? Platform, platform is not null || Request.Platform is not null,
            Request.Pull, Request.RegistryCredentials, Request.Client);
        PullRelay relay = new(this, stage, cancellationToken);
        BaseImage image = await Services.BaseImages.ResolveAsync(wanted, relay, cancellationToken).ConfigureAwait(false);
        await relay.FinishAsync().ConfigureAwait(false);
        Hold(image.Config.RootFs.Chain);
        if (image.Lease is not null)
            _leases.Add(image.Lease);
        return image;
    }

    // A pull reports without waiting; its events go on in order, one behind the other.
    private sealed class PullRelay(BuildSession session, int stage, CancellationToken cancellationToken)
        : IProgress<Distribution.TransferEvent>
    {
        private readonly Lock _gate = new();
        private Task _last = Task.CompletedTask; // Guarded by _gate.

        public void Report(Distribution.TransferEvent value)
        {
            lock (_gate)
                _last = RelayAsync(_last, value);
        }

        public Task FinishAsync()
        {
            lock (_gate)
                return _last;
        }

        private async Task RelayAsync(Task before, Distribution.TransferEvent value)
        {
            await before.ConfigureAwait(false);
            await session.Progress.ReportAsync(stage, new BasePullProgress(value), cancellationToken).ConfigureAwait(false);
        }
    }
}

/// <summary>What all builds share.</summary>
internal sealed record BuildServices(
    ILayerStore Layers, IBuildCache Cache, IBaseImages BaseImages, IStepRunner Runner, IImageSink Sink, TimeProvider Time,
    string StateDirectory, CacheMounts CacheMounts, KeyedLocks Locks, HttpClient Http)
{
    public string EmptyDirectory => Path.Combine(StateDirectory, "empty");

    public string StepsDirectory => Path.Combine(StateDirectory, "steps");
}
