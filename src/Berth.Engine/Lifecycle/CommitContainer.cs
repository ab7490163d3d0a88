using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;
using Berth.Runtime;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    /// <summary>Where images of containers are stored; set by the engine.</summary>
    internal ImageService? ImageStore { get; set; }

    /// <summary>Keeps new layers until their image is recorded; set by the engine.</summary>
    internal ImageCollector? Collector { get; set; }

    public async Task<Digest> CommitAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        Container container = Find(request.Container);
        List<ImageReference> names = string.IsNullOrEmpty(request.Repository) ? []
            : [string.IsNullOrEmpty(request.Tag) ? ImageReference.Parse(request.Repository).WithDefaultTag()
                : ImageReference.Parse(request.Repository).WithTag(request.Tag)];
        using IDisposable arrival = Collector!.Arrive();
        await container.Gate.WaitAsync(cancellationToken);
        Layer layer;
        try
        {
            layer = await CommitLockedAsync(container, request.Pause, cancellationToken);
        }
        finally
        {
            container.Gate.Release();
        }
        ImageConfig config = ConfigOf(container.Record, request, layer);
        Digest id = await ImageStore!.StoreConfigAsync(config, container.Record.ImageId, names, cancellationToken);
        Publish(container.Record, "commit", ("comment", request.Comment ?? ""), ("imageID", id.ToString()),
            ("imageRef", names.FirstOrDefault()?.Familiar ?? ""));
        return id;
    }

    private async Task<Layer> CommitLockedAsync(Container container, bool pauses, CancellationToken cancellationToken)
    {
        IContainer? frozen = pauses && container.State.Status == ContainerStatus.Running ? container.Runtime : null;
        if (frozen is not null && !await UnlessEndedAsync(container, frozen, () => frozen.PauseAsync(cancellationToken)))
            frozen = null;
        try
        {
            return await WithFilesAsync(
                container, () => parts.Layers.CommitCopyAsync(container.Id, MountStubs.Remove, cancellationToken));
        }
        finally
        {
            if (frozen is not null)
                await UnlessEndedAsync(container, frozen, () => frozen.ResumeAsync(CancellationToken.None));
        }
    }

    // One that is just ending holds still by itself. False: that is so.
    private static async Task<bool> UnlessEndedAsync(Container container, IContainer running, Func<Task> work)
    {
        try
        {
            await OfRunningAsync(container, running, work);
            return true;
        }
        catch (FaultException ended) when (ended.Kind == FaultKind.Conflict && running.Exited.IsCompleted)
        {
            return false;
        }
    }

    private ImageConfig ConfigOf(ContainerRecord record, CommitRequest request, Layer layer)
    {
        ImageConfig? based = images.TryGet(record.ImageId) is not null ? images.Config(record.ImageId)
            : record.Chain.IsEmpty ? null : throw FaultException.NotFound($"No such image: {record.ImageId}");
        DateTimeOffset now = parts.Time.GetUtcNow();
        HistoryEntry step = new()
        {
            Created = now, CreatedBy = string.Join(' ', record.Program), Author = Given(request.Author), Comment = Given(request.Comment),
        };
        return new ImageConfig
        {
            Created = now,
            Author = Given(request.Author),
            Architecture = based?.Architecture ?? Platform.Host.Architecture,
            Variant = based?.Variant,
            Os = record.Os,
            Config = ChangeInstructions.Apply(ToExecution(
                request.Config is null ? record.Config : MergeSettings.Merge(request.Config, ToExecution(record.Config))), request.Changes),
            RootFs = new RootFs { DiffIds = [.. based?.RootFs.DiffIds ?? [], layer.DiffId.Digest] },
            History = [.. based?.History ?? [], step],
        };
    }

    private static ExecutionConfig ToExecution(ContainerSettings settings) => new()
    {
        User = Given(settings.User),
        ExposedPorts = ToSet(settings.ExposedPorts),
        Env = settings.Env,
        Entrypoint = settings.Entrypoint is { Count: > 0 } ? settings.Entrypoint : null,
        Cmd = settings.Cmd,
        Volumes = ToSet(settings.Volumes),
        WorkingDir = Given(settings.WorkingDir),
        Labels = settings.Labels is { Count: > 0 } ? settings.Labels : null,
        StopSignal = Given(settings.StopSignal),
        StopTimeout = settings.StopTimeout,
        Healthcheck = settings.Healthcheck,
        OnBuild = settings.OnBuild,
        Shell = settings.Shell,
    };

    private static Dictionary<string, EmptyObject>? ToSet(IReadOnlyList<string>? keys) =>
        keys is { Count: > 0 } ? keys.ToDictionary(key => key, _ => EmptyObject.Instance) : null;

    private static string? Given(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
