using Berth.Engine.State;
using Berth.Faults;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    public async Task RemoveAsync(string id, bool force, bool volumes, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        if (force && container.State.Running)
            await StopAsync(container, "SIGKILL", 10, cancellationToken);
        await container.Gate.WaitAsync(cancellationToken);
        try
        {
            string? problem = container.State.Status switch
            {
                ContainerStatus.Running => "container is running: stop the container before removing or force remove",
                ContainerStatus.Paused => "container is paused and must be unpaused first",
                ContainerStatus.Restarting => "container is restarting: stop the container before removing or force remove",
                _ => null,
            };
            if (problem is not null)
                throw FaultException.Conflict($"cannot remove container \"/{container.Name}\": {problem}");
            if (!container.Removed.Task.IsCompleted)
                RemoveLocked(container, volumes);
        }
        finally
        {
            container.Gate.Release();
        }
    }

    public async Task<PruneReport> PruneAsync(FilterSet filters, CancellationToken cancellationToken)
    {
        filters.Allow("label", "label!", "until");
        DateTimeOffset? until = filters["until"] is [string text, ..] ? TimeText.Parse(text, parts.Time) : null;
        List<string> removed = [];
        long freed = 0;
        foreach (Container container in parts.Containers.All)
        {
            if (container.State.Running || (until is { } limit && container.Record.Created >= limit)
                || !filters.MatchesLabels(container.Record.Config.Labels))
                continue;
            long size = parts.Layers.FindWritable(container.Id) is { } layer ? SizeOf(layer) ?? 0 : 0;
            try
            {
                await RemoveAsync(container.Id, force: false, volumes: false, cancellationToken);
                removed.Add(container.Id);
                freed += size;
            }
            catch (FaultException fault) when (fault.Kind is FaultKind.Conflict or FaultKind.NotFound)
            {
                // Started or removed by somebody else meanwhile.
            }
        }
        parts.Events.Publish("container", "prune", "", new Dictionary<string, string> { ["reclaimed"] = freed.ToString() });
        return new PruneReport(removed, freed);
    }

    /// <summary>Removes a container whose gate is held and that does not run: record and name at once, files in the background.</summary>
    private void RemoveLocked(Container container, bool removeVolumes)
    {
        container.Run.Cancel();
        ContainerRecord record = container.Record;
        string[] ownVolumes = removeVolumes ? OwnVolumes(record) : [];
        container.Record = record with { State = record.State with { Status = ContainerStatus.Removing } };
        try
        {
            parts.Containers.Remove(container, [.. ownVolumes.Select(name => Change.Delete(Kinds.Volume, name))]);
        }
        catch (FaultException)
        {
            container.Record = record;
            throw;
        }
        container.Pending.Abandon();
        container.Removed.TrySetResult(new WaitOutcome(record.State.ExitCode, null));
        Publish(record, "destroy");
        foreach (string volume in ownVolumes)
            volumes.Forget(volume);
        Task cleanup = container.Cleanup;
        parts.Background.Run($"remove container {record.Id[..12]}", async () =>
        {
            await cleanup;
            await EndShippingAsync(container);
            parts.Layers.RemoveWritable(record.Id);
            DeleteTree(parts.ContainerDirectory(record.Id));
            DeleteTree(parts.RunDirectory(record.Id));
        });
    }

    private string[] OwnVolumes(ContainerRecord record) =>
    [
        .. record.Mounts.Where(mount => mount.Anonymous && mount.Point.Type == "volume").Select(mount => mount.Point.Name)
            .Where(name => volumes.IsOnlyOf(record.Id, name)),
    ];

    private static void DeleteTree(string directory)
    {
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
    }
}
