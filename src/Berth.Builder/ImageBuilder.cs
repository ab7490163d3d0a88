using System.Collections.Concurrent;
using Berth.Builder.Cache;
using Berth.Builder.Files;
using Berth.Builder.Solving;
using Berth.Dockerfile;
using Berth.Dockerfile.Expansion;
using Berth.Dockerfile.Ignore;
using Berth.Faults;
using Berth.Layers;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Oci.References;

namespace Berth.Builder;

/// <summary>Builds images: reads the Dockerfile, picks the stages that are needed and solves them in parallel.</summary>
/// <remarks>All it keeps is below its state directory: <c>steps/</c> (running ones), <c>cache/</c> (cache mounts).</remarks>
public sealed class ImageBuilder : IImageBuilder, IDisposable
{
    internal const int DockerfileBytesMax = 4 * 1024 * 1024;
    private readonly BuildServices _services;
    private readonly ConcurrentDictionary<BuildSession, byte> _sessions = new();

    /// <summary>Makes the builder; call <see cref="Recover"/> once before the first build.</summary>
    /// <param name="layers">Where layers are made.</param>
    /// <param name="cache">Remembers steps.</param>
    /// <param name="baseImages">Finds base images.</param>
    /// <param name="runner">Runs commands.</param>
    /// <param name="sink">Takes results.</param>
    /// <param name="time">For records.</param>
    /// <param name="stateDirectory">A directory of the builder's own (<c>…/build</c>).</param>
    public ImageBuilder(
        ILayerStore layers, IBuildCache cache, IBaseImages baseImages, IStepRunner runner, IImageSink sink, TimeProvider time,
        string stateDirectory)
    {
        KeyedLocks locks = new();
        string state = Path.GetFullPath(stateDirectory);
        _services = new BuildServices(layers, cache, baseImages, runner, sink, time, state,
            new CacheMounts(Path.Combine(state, "cache"), locks), locks, UrlFetcher.CreateClient());
        foreach (string directory in new[] { _services.EmptyDirectory, _services.StepsDirectory, Path.Combine(state, "cache") })
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <inheritdoc/>
    public IBuildCache Cache => _services.Cache;

    /// <inheritdoc/>
    public async Task<BuiltImage> BuildAsync(BuildRequest request, IBuildProgress progress, CancellationToken cancellationToken)
    {
        string text = request.DockerfileText ?? request.Context.DockerfileText
            ?? request.Context.ReadText(request.DockerfilePath, DockerfileBytesMax)
            ?? throw FaultException.Invalid($"Cannot locate specified Dockerfile: {request.DockerfilePath}");
        ParsedDockerfile file = DockerfileParser.Parse(text, Path.GetFileName(request.DockerfilePath));
        await ReportDiagnosticsAsync(file, progress, cancellationToken).ConfigureAwait(false);
        WordExpander expander = new(file.Directives.Escape);
        BuildVariables variables = new(request, file.GlobalArgs, expander, request.Target ?? file.Stages[^1].Name ?? "default");
        IReadOnlyList<Stage> needed = StageGraph.Needed(file, request.Target,
            stage => expander.Expand(stage.From.Image, variables.Globals.GetValueOrDefault),
            name => NamedImages.Find(request, name) is not null);
        using BuildSession session = new()
        {
            Services = _services,
            Request = request,
            File = file,
            Variables = variables,
            Expander = expander,
            Progress = new OrderedProgress(progress, [.. needed.Select(stage => stage.Index)]),
            Context = request.Context.Open(),
        };
        _sessions.TryAdd(session, 0);
        try
        {
            StageState result = await SolveAsync(session, needed, progress, cancellationToken).ConfigureAwait(false);
            return await StoreAsync(session, result, progress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _sessions.TryRemove(session, out _);
        }
    }

    /// <inheritdoc/>
    public IReadOnlySet<ChainId> LiveChains() => new HashSet<ChainId>(
        _sessions.Keys.SelectMany(session => session.Held).Concat(Cache.List().Select(record => record.Chain).OfType<ChainId>()));

    /// <inheritdoc/>
    public IReadOnlyList<CacheRecord> Prune(CachePruneFilter filter)
    {
        HashSet<ChainId> running = [.. _sessions.Keys.SelectMany(session => session.Held)];
        List<CacheRecord> removed = [];
        long kept = 0;
        foreach (CacheRecord record in Cache.List().OrderByDescending(record => record.LastUsed))
        {
            bool held = record.Chain is { } chain && (running.Contains(chain) || (!filter.All && filter.UsedByImages.Contains(chain)));
            bool recent = filter.UnusedSince is { } since && record.LastUsed > since;
            bool fits = filter.KeepBytes > 0 && (kept += record.Size) <= filter.KeepBytes;
            if (!held && !recent && !fits && Cache.Remove(record.Key))
                removed.Add(record);
        }
        if (filter is { UnusedSince: null, KeepBytes: 0 })
            _services.CacheMounts.Clear();
        return removed;
    }

    /// <inheritdoc/>
    public IReadOnlyList<CacheMount> Mounts() => _services.CacheMounts.List();

    /// <inheritdoc/>
    public void Recover()
    {
        foreach (string step in Directory.EnumerateDirectories(_services.StepsDirectory))
        {
            foreach (string mount in Directory.EnumerateDirectories(step, "mount*"))
            {
                DetachedMounts.Unmount(Path.Combine(mount, "view"), DetachedMounts.MNT_DETACH);
                DetachedMounts.Unmount(mount, DetachedMounts.MNT_DETACH);
            }
            _services.Layers.RemoveWritable(Path.GetFileName(step));
            TreeRemover.Remove(step);
        }
    }

    /// <summary>Lets go of connections; no build may run.</summary>
    public void Dispose() => _services.Http.Dispose();

    private static async Task ReportDiagnosticsAsync(ParsedDockerfile file, IBuildProgress progress, CancellationToken cancellationToken)
    {
        foreach (Diagnostic warning in file.Diagnostics.Warnings)
            await progress.ReportAsync(
                new BuildWarning($"{warning.Rule}: {warning.Message}", warning.Range), cancellationToken).ConfigureAwait(false);
        if (!file.Diagnostics.HasErrors)
            return;
        Diagnostic[] errors = [.. file.Diagnostics.Errors];
        foreach (Diagnostic error in errors)
            await progress.ReportAsync(
                new StepFailed(error.Range, file.Excerpt(error.Range), 0, null, error.Message), cancellationToken).ConfigureAwait(false);
        throw FaultException.Invalid(string.Join('\n', errors.Select(error => error.ToString())));
    }

    private static async Task<StageState> SolveAsync(
        BuildSession session, IReadOnlyList<Stage> needed, IBuildProgress progress, CancellationToken cancellationToken)
    {
        int globals = session.File.GlobalArgs.Count;
        int count = globals + needed.Sum(stage => 1 + stage.Instructions.Count);
        for (int i = 0; i < globals; i++)
            await progress.ReportAsync(
                new StepStarted(i + 1, count, session.File.GlobalArgs[i].Text, session.File.GlobalArgs[i].Range, -1), cancellationToken)
                .ConfigureAwait(false);
        foreach (string name in session.Request.CacheFrom)
            await progress.ReportAsync(
                new BuildWarning($"cache-from {name}: only steps that were built here are taken from the cache"), cancellationToken)
                .ConfigureAwait(false);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        TaskCompletionSource begin = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int step = globals + 1;
        foreach (Stage stage in needed)
        {
            session.Stages[stage.Index] = RunStageAsync(session, stage, step, count, begin.Task, stop, cancellationToken);
            step += 1 + stage.Instructions.Count;
        }
        begin.SetResult();
        await Task.WhenAll(session.Stages.Values.Cast<Task>()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        // The stage that failed first cancelled the others: its failure is the one that counts.
        if (session.Stages.Values.FirstOrDefault(task => task.IsFaulted) is { } failed)
            await failed.ConfigureAwait(false);
        return await session.Stages[needed[^1].Index].ConfigureAwait(false);
    }

    private static async Task<StageState> RunStageAsync(
        BuildSession session, Stage stage, int step, int count, Task begin, CancellationTokenSource stop,
            CancellationToken cancellationToken)
    {
        await begin.ConfigureAwait(false);
        try
        {
            return await Task.Run(
                () => new StageBuilder(session, stage, step, count).BuildAsync(stop.Token), stop.Token).ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            try
            {
                await session.Progress.FinishAsync(stage.Index, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Whoever listened is gone; the build's own cancellation says so.
            }
        }
    }

    private async Task<BuiltImage> StoreAsync(
        BuildSession session, StageState state, IBuildProgress progress, CancellationToken cancellationToken)
    {
        BuildRequest request = session.Request;
        if (request.Labels.Count > 0)
        {
            Dictionary<string, string> labels = new(state.Config.Labels ?? new Dictionary<string, string>());
            foreach ((string name, string value) in request.Labels)
                labels[name] = value;
            state.Config = state.Config with { Labels = labels };
        }
        ImageConfig config = state.ToConfig();
        config = config with { Created = session.Variables.Epoch ?? config.Created ?? _services.Time.GetUtcNow() };
        byte[] bytes = OciJson.Write(config, OciJson.ImageConfig);
        Digest id = Digest.Of(bytes);
        ImageReference[] names = [.. request.Tags.Select(tag => tag.WithDefaultTag())];
        if (request.Export is { } export)
            await ExportAsync(export, state, cancellationToken).ConfigureAwait(false);
        else
            await _services.Sink.StoreAsync(id, bytes, config, names, cancellationToken).ConfigureAwait(false);
        foreach (string unused in session.Variables.NotConsumed.Count > 0
            ? [string.Join(' ', session.Variables.NotConsumed)] : Array.Empty<string>())
            await progress.ReportAsync(
                new BuildWarning($"One or more build-args [{unused}] were not consumed"), cancellationToken).ConfigureAwait(false);
        if (request.Export is not null)
            return new BuiltImage(id, config, []);
        await progress.ReportAsync(new ImageBuilt(id), cancellationToken).ConfigureAwait(false);
        foreach (ImageReference name in names)
            await progress.ReportAsync(new ImageTagged(name), cancellationToken).ConfigureAwait(false);
        return new BuiltImage(id, config, names);
    }

    private async Task ExportAsync(IBuildExport export, StageState state, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> directories = state.Chain is { } chain ? _services.Layers.Find(chain)?.Directories ?? [] : [];
        using FileDescriptor root = TargetTree.OpenForReading(directories, _services.EmptyDirectory);
        await export.ExportAsync(root, cancellationToken).ConfigureAwait(false);
    }
}
