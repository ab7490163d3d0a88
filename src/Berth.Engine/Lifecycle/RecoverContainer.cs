using Berth.Engine.State;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    private const int ExitUnknown = 255;

    /// <summary>Goes on with a container that an earlier engine started.</summary>
    internal void Adopt(Container container)
    {
        Runtime.IContainer running = container.Runtime!;
        container.ExitHandled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Run = CancellationTokenSource.CreateLinkedTokenSource(parts.Closing.Token);
        container.StopRequested = container.Record.StoppedByUser && !container.State.Running;
        if (!container.State.Running && !running.Exited.IsCompleted)
        {
            // It was let go just before the engine died: it runs, so that is what it says.
            Update(container, record => record with
            {
                State = record.State with { Status = ContainerStatus.Running, Pid = running.Pid, StartedAt = running.StartedAt },
            });
        }
        WatchExit(container, running);
        ShipLogs(container, running);
        if (!running.Exited.IsCompleted)
            health.Watch(container, running, container.Run.Token);
    }

    /// <summary>Takes away the mounts of containers that ended while no engine looked.</summary>
    internal void SweepMounts() => _hostMounts.Sweep(parts.Containers.All.Where(
        container => container.Runtime is { Exited.IsCompleted: false }).Select(container => container.Id).ToHashSet());

    /// <summary>A container that ran and of which nothing is left, as after a reboot.</summary>
    internal void RecordLostExit(Container container)
    {
        bool wasRestarting = container.State.Status == ContainerStatus.Restarting;
        Update(container, record => record with
        {
            Endpoints = [],
            State = HealthMonitor.Unwatched(record.State) with
            {
                Status = ContainerStatus.Exited, Pid = 0, ExitCode = wasRestarting ? record.State.ExitCode : ExitUnknown,
                FinishedAt = wasRestarting ? record.State.FinishedAt : parts.Time.GetUtcNow(),
            },
        });
        container.LostAtOpen = true;
    }

    /// <summary>Starts or removes a container that does not run, as its settings say.</summary>
    internal void ApplyPolicyAtOpen(Container container)
    {
        ContainerRecord record = container.Record;
        if (container.Runtime is not null || record.State.Status == ContainerStatus.Created)
            return;
        bool starts = record.Host.RestartPolicy.Name switch
        {
            "always" => true,
            "unless-stopped" => !record.StoppedByUser,
            "on-failure" => container.LostAtOpen && record.State.ExitCode != 0,
            _ => false,
        };
        if (starts)
            parts.Background.Run($"start container {container.Id[..12]}", () => StartQuietlyAsync(container));
        else if (record.Host.AutoRemove)
            RemoveLocked(container, removeVolumes: true);
    }

    private async Task StartQuietlyAsync(Container container)
    {
        await container.Gate.WaitAsync(parts.Closing.Token);
        try
        {
            if (container.Runtime is null && !container.Removed.Task.IsCompleted)
                await StartLockedAsync(container, parts.Closing.Token);
        }
        finally
        {
            container.Gate.Release();
        }
    }
}
