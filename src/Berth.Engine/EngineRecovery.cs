using Berth.Layers;
using Berth.Layers.Trees;
using Berth.Network;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>What an engine does when it opens: finds what runs, learns what ended meanwhile, sweeps what a crash left, and applies
/// restart policies.</summary>
internal sealed class EngineRecovery(EngineParts parts, ContainerService containers)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        parts.Containers.Load();
        List<Container> ended = [];
        foreach (Container container in parts.Containers.All)
            if (!await ReattachAsync(container, cancellationToken) && WasRunning(container))
                ended.Add(container);
        await TakeNetworksAsync(cancellationToken);
        foreach (Container container in parts.Containers.All.Where(container => container.Runtime is not null))
            containers.Adopt(container);
        foreach (Container container in parts.Containers.All.Where(container => container.Runtime is null))
            containers.ShipRest(container);
        Sweep();
        foreach (Container container in ended)
            containers.RecordLostExit(container);
        foreach (Container container in parts.Containers.All.Where(container => container.Runtime is null))
            if (container.Record.Endpoints.Count > 0)
                parts.Containers.Settle(container, container.Record with { Endpoints = [] });
        foreach (Container container in parts.Containers.All)
            containers.ApplyPolicyAtOpen(container);
    }

    private static bool WasRunning(Container container) => container.State.Running;

    // Also a container that was being started when the engine died: its run directory tells.
    private async Task<bool> ReattachAsync(Container container, CancellationToken cancellationToken)
    {
        string run = parts.RunDirectory(container.Id);
        if (!Directory.Exists(run))
            return false;
        IContainer? found = await parts.Runtime.ReattachAsync(container.Id, run, cancellationToken);
        if (found is null)
        {
            // Its start had come no further than this directory.
            Directory.Delete(run, recursive: true);
            return false;
        }
        if (!IsNews(container, found))
        {
            await found.DeleteAsync(cancellationToken);
            await found.DisposeAsync();
            return false;
        }
        container.Runtime = found;
        return true;
    }

    // What was made and never let go, nobody was told of. An end that is recorded already only left the run directory behind.
    private static bool IsNews(Container container, IContainer found) => found.Exited.IsCompletedSuccessfully
        ? found.StartedAt is not null && (container.State.Running || container.State.FinishedAt != found.Exited.Result.At)
        : found.StartedAt is not null;

    private async Task TakeNetworksAsync(CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, ISandbox> sandboxes = await parts.Networks.StartAsync(
            [.. parts.Containers.All.Where(container => container.Runtime is { Exited.IsCompleted: false })
                .Select(container =>
                    new LiveContainer(container.Id, container.Runtime!.Pid, container.Record.Endpoints))], cancellationToken);
        foreach ((string id, ISandbox sandbox) in sandboxes)
            if (parts.Containers.TryFind(id) is { } container)
                container.Sandbox = sandbox;
    }

    private void Sweep()
    {
        containers.SweepMounts();
        HashSet<string> known = [.. parts.Containers.All.Select(container => container.Id)];
        foreach (WritableLayer layer in parts.Layers.ListWritable().Where(layer => !known.Contains(layer.Name)))
            parts.Layers.RemoveWritable(layer.Name);
        foreach (string directory in Directory.EnumerateDirectories(Path.Combine(parts.Options.DataRoot, "containers")))
            if (!known.Contains(Path.GetFileName(directory)))
                Directory.Delete(directory, recursive: true);
        // What was being loaded or saved.
        foreach (string scratch in Directory.EnumerateFileSystemEntries(Path.Combine(parts.Options.DataRoot, "content"), ".*"))
            TreeRemover.Remove(scratch);
        foreach (string directory in Directory.EnumerateDirectories(Path.Combine(parts.Options.ExecRoot, "containers")))
            if (!known.Contains(Path.GetFileName(directory)))
                parts.Background.Run("sweep run directory", () => SweepRunAsync(directory));
    }

    // A build step or a container whose record was never written may still have processes.
    private async Task SweepRunAsync(string directory)
    {
        if (await parts.Runtime.ReattachAsync(Path.GetFileName(directory), directory, CancellationToken.None) is { } left)
        {
            await left.DeleteAsync(CancellationToken.None);
            await left.DisposeAsync();
        }
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
    }
}
