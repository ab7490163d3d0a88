using System.Security.Cryptography;
using Berth.Builder.Cache;
using Berth.Builder.Files;
using Berth.Dockerfile;
using Berth.Dockerfile.Instructions;
using Berth.Faults;
using Berth.Layers;
using Berth.Oci;
using Berth.Oci.Images;

namespace Berth.Builder.Solving;

/// <summary>Builds one stage, instruction by instruction.</summary>
internal sealed partial class StageBuilder(BuildSession session, Stage stage, int firstStep, int stepCount)
{
    private readonly StepPlaces _places = new(session, stage);
    private StageState _state = null!;
    private int _exitCode;
    private string? _hint;
    private Instruction _current = stage.From;

    public async Task<StageState> BuildAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ReportAsync(Started(firstStep, stage.From), cancellationToken).ConfigureAwait(false);
            IReadOnlyList<string> triggers = await BeginAsync(cancellationToken).ConfigureAwait(false);
            await ReportAsync(new StepFinished(_state.Id), cancellationToken).ConfigureAwait(false);
            foreach (string trigger in triggers)
                await RunTriggerAsync(trigger, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < stage.Instructions.Count; i++)
            {
                _current = stage.Instructions[i];
                await ReportAsync(Started(firstStep + 1 + i, _current), cancellationToken).ConfigureAwait(false);
                await DispatchAsync(_current, cancellationToken).ConfigureAwait(false);
                await ReportAsync(new StepFinished(_state.Id), cancellationToken).ConfigureAwait(false);
            }
            return _state;
        }
        catch (Exception failure) when (failure is FaultException or IOException)
        {
            await ReportAsync(
                new StepFailed(_current.Range, session.File.Excerpt(_current.Range), _exitCode, _hint, failure.Message), cancellationToken)
                .ConfigureAwait(false);
            if (failure is FaultException)
                throw;
            throw FaultException.Internal($"{_current.Name}: {failure.Message}", failure);
        }
    }

    private StepStarted Started(int number, Instruction instruction) =>
        new(number, stepCount, instruction.Text, instruction.Range, stage.Index) { Place = _places.Next(instruction) };

    private ValueTask ReportAsync(BuildEvent happened, CancellationToken cancellationToken) =>
        session.Progress.ReportAsync(stage.Index, happened, cancellationToken);

    private string Expand(string word) => session.Expander.Expand(word, _state.Lookup);

    // FROM: scratch, an earlier stage or an image. Returns the image's triggers.
    private async Task<IReadOnlyList<string>> BeginAsync(CancellationToken cancellationToken)
    {
        FromInstruction from = stage.From;
        string name = session.Expander.Expand(from.Image, session.Variables.Globals.GetValueOrDefault);
        if (name.Length == 0)
            throw FaultException.Invalid($"base name ({from.Image}) should not be blank");
        string? platformText = from.Platform is null ? null
            : session.Expander.Expand(from.Platform, session.Variables.Globals.GetValueOrDefault);
        Platform? platform = string.IsNullOrEmpty(platformText) ? null : Platform.Parse(platformText);
        if (session.Earlier(stage, name, allowNumber: false) is { } below)
        {
            _state = (await session.StageAsync(below, cancellationToken).ConfigureAwait(false)).Copy();
        }
        else if (name == "scratch" && NamedImages.Find(session.Request, name) is null)
        {
            Platform target = platform ?? session.Platform;
            ImageConfig empty = new() { Os = target.Os, Architecture = target.Architecture, Variant = target.Variant };
            using KeyBuilder key = new("scratch");
            _state = StageState.From(empty, key.Add(target.ToString()).Finish());
        }
        else
        {
            BaseImage image = await session.ImageAsync(name, platform, stage.Index, cancellationToken).ConfigureAwait(false);
            _state = StageState.From(image.Config, image.ImageId);
        }
        IReadOnlyList<string> triggers = _state.Config.OnBuild ?? [];
        _state.Config = _state.Config with { OnBuild = null };
        return triggers;
    }

    private async Task RunTriggerAsync(string trigger, CancellationToken cancellationToken)
    {
        Diagnostics diagnostics = new();
        Instruction instruction = DockerfileParser.ParseTrigger(trigger, diagnostics)
            ?? throw FaultException.Invalid($"ONBUILD {trigger}: {diagnostics.Errors.First().Message}");
        if (diagnostics.HasErrors)
            throw FaultException.Invalid($"ONBUILD {trigger}: {diagnostics.Errors.First().Message}");
        await DispatchAsync(instruction, cancellationToken).ConfigureAwait(false);
    }

    private Task DispatchAsync(Instruction instruction, CancellationToken cancellationToken) => instruction switch
    {
        RunInstruction run => RunAsync(run, cancellationToken),
        FileInstruction copy => CopyAsync(copy, cancellationToken),
        WorkdirInstruction workdir => WorkdirAsync(workdir, cancellationToken),
        _ => RecordAsync(Configure(instruction), cancellationToken),
    };

    // A step without a layer: only its time is remembered, so that an unchanged build makes the same image.
    private async Task RecordAsync(string createdBy, CancellationToken cancellationToken)
    {
        using KeyBuilder builder = new("meta");
        Digest key = builder.Add(_state.Id.ToString()).Add(createdBy).Finish();
        CacheRecord? record = session.IsUncached(stage) ? null : session.Services.Cache.Find(key);
        if (record is not null)
            await ReportAsync(new StepCached(), cancellationToken).ConfigureAwait(false);
        else
            session.Services.Cache.Store(record = NewRecord(key, createdBy, null));
        Apply(record, createdBy);
    }

    private CacheRecord NewRecord(Digest key, string description, Layer? layer)
    {
        DateTimeOffset now = session.Services.Time.GetUtcNow();
        string clipped = description.Length > 500 ? description[..500] : description;
        return new CacheRecord(key, layer?.Chain, layer?.DiffId, layer?.Size ?? 0, now, now, 1, clipped, _state.Chain);
    }

    private void Apply(CacheRecord record, string createdBy)
    {
        session.Hold(record.Chain);
        _state.Apply(session.Variables.Epoch is { } epoch ? record with { Created = epoch } : record, createdBy);
    }

    // A step that makes a layer: taken from the cache, or made in a writable layer that is gone afterwards whatever happens.
    private async Task MakeLayerAsync(
        Digest key, string createdBy, Func<string, WritableLayer, Task> make, CancellationToken cancellationToken)
    {
        using IDisposable turn = await session.Services.Locks.TakeAsync("step:" + key, cancellationToken).ConfigureAwait(false);
        if (!session.IsUncached(stage) && session.Services.Cache.Find(key) is { } known
            && (known.Chain is not { } chain || session.Services.Layers.Find(chain) is not null))
        {
            await ReportAsync(new StepCached(), cancellationToken).ConfigureAwait(false);
            Apply(known, createdBy);
            return;
        }
        await session.Slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Layer layer = await MakeAsync(make, cancellationToken).ConfigureAwait(false);
            session.Hold(layer.Chain);
            CacheRecord record = NewRecord(key, createdBy, layer);
            session.Services.Cache.Store(record);
            Apply(record, createdBy);
        }
        finally
        {
            session.Slots.Release();
        }
    }

    private async Task<Layer> MakeAsync(Func<string, WritableLayer, Task> make, CancellationToken cancellationToken)
    {
        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        // The marker comes first: after a crash it says which writable layers were a build's.
        string scratch = Path.Combine(session.Services.StepsDirectory, id);
        Directory.CreateDirectory(scratch);
        try
        {
            WritableLayer writable = session.Services.Layers.CreateWritable(id, _state.Chain);
            await make(id, writable).ConfigureAwait(false);
            return await session.Services.Layers.CommitAsync(id, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            session.Services.Layers.RemoveWritable(id);
            Layers.Trees.TreeRemover.Remove(scratch);
        }
    }

    private async Task WorkdirAsync(WorkdirInstruction workdir, CancellationToken cancellationToken)
    {
        string path = PathText.Join(_state.WorkingDirectory, Expand(workdir.Path));
        _state.Config = _state.Config with { WorkingDir = path };
        string createdBy = $"WORKDIR {path}";
        if (path == "/" || DirectoryExists(path))
        {
            await RecordAsync(createdBy, cancellationToken).ConfigureAwait(false);
            return;
        }
        string user = _state.Config.User ?? "";
        using KeyBuilder key = new("workdir");
        key.Add(_state.Chain?.ToString()).Add(path).Add(user);
        await MakeLayerAsync(key.Finish(), createdBy, (_, layer) =>
        {
            using TargetTree tree = TargetTree.Open(layer, alone: false);
            using IDisposable made = tree.MakeDirectories(path, 0x1ED, OwnerLookup.FindProcess(tree, user), out bool _);
            return Task.CompletedTask;
        }, cancellationToken).ConfigureAwait(false);
    }

    private bool DirectoryExists(string path)
    {
        IReadOnlyList<string> directories = _state.Chain is { } chain ? session.Services.Layers.Find(chain)?.Directories ?? [] : [];
        using SourceTree tree = session.OpenTree(directories);
        using Linux.FileDescriptor? opened = tree.TryOpen(path, Linux.Files.FileCalls.O_PATH | Linux.Files.FileCalls.O_DIRECTORY);
        return opened is not null;
    }
}
