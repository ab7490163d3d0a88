using Berth.Engine.State;
using Berth.Network;
using Berth.Runtime;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    private static readonly TimeSpan s_backoffMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_backoffMax = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_saveAgain = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_settledAfter = TimeSpan.FromSeconds(10);

    /// <summary>Waits for the end of a run, in the background, until the engine closes.</summary>
    internal void WatchExit(Container container, IContainer running) =>
        parts.Background.Run($"watch container {container.Id[..12]}", async () =>
    {
        ContainerExit exit = await running.Exited.WaitAsync(parts.Closing.Token);
        // Now: what the engine waits for before it starts it again, a disk for one, is no time that it ran.
        await HandleExitAsync(container, running, exit, parts.Time.GetTimestamp());
    });

    /// <summary>Deals with the end of a run: state, events, network, policy, removal.</summary>
    internal async Task HandleExitAsync(Container container, IContainer running, ContainerExit exit, long seen)
    {
        await container.Gate.WaitAsync(CancellationToken.None);
        try
        {
            if (container.Runtime != running)
                return;
            await container.Run.CancelAsync();
            await LeaveNetworkAsync(container);
            bool restarts = !parts.Closing.IsCancellationRequested && WantsRestart(container, exit);
            container.Runtime = null;
            container.Cleanup = DeleteAsync(running);
            bool isRemoved = !restarts && container.Record.Host.AutoRemove && !container.IsBeingRestarted;
            ContainerRecord record = container.Record;
            record = record with
            {
                Endpoints = [],
                StoppedByUser = container.StopRequested,
                RestartCount = restarts ? record.RestartCount + 1 : record.RestartCount,
                State = HealthMonitor.Unwatched(record.State) with
                {
                    Status = restarts ? ContainerStatus.Restarting : ContainerStatus.Exited,
                    Pid = 0, ExitCode = exit.Code, FinishedAt = exit.At, OutOfMemory = exit.OutOfMemory,
                },
            };
            // What is removed at once need not be written first.
            if (isRemoved)
                container.Record = record;
            else
                Settle(container, record);
            PublishExit(container.Record, exit);
            container.ExitHandled.TrySetResult();
            if (restarts)
                ScheduleRestart(container, exit, seen);
            else if (isRemoved)
                RemoveLocked(container, removeVolumes: true);
            container.CompleteExit(new WaitOutcome(exit.Code, null));
        }
        finally
        {
            container.Gate.Release();
        }
    }

    // The end of a process cannot be refused. What the disk does not take now is tried again until it does.
    private void Settle(Container container, ContainerRecord record)
    {
        if (parts.Containers.Settle(container, record) is not { } fault)
            return;
        Log.Unsaved(_logger, record.Id[..12], fault.Message);
        parts.Background.Run($"save container {record.Id[..12]}", async () =>
        {
            while (parts.Containers.TryFind(container.Id) == container)
            {
                await Task.Delay(s_saveAgain, parts.Time, parts.Closing.Token);
                await container.Gate.WaitAsync(parts.Closing.Token);
                try
                {
                    if (parts.Containers.Settle(container, container.Record) is null)
                        return;
                }
                finally
                {
                    container.Gate.Release();
                }
            }
        });
    }

    private void PublishExit(ContainerRecord record, ContainerExit exit)
    {
        if (exit.OutOfMemory)
            Publish(record, "oom");
        long seconds = (long)Math.Max(0, (exit.At - (record.State.StartedAt ?? exit.At)).TotalSeconds);
        Publish(record, "die", ("execDuration", seconds.ToString()), ("exitCode", exit.Code.ToString()));
        foreach (MountRecord mount in record.Mounts.Where(mount => mount.Point.Type == "volume"))
            volumes.PublishMount("unmount", mount.Point.Name, record.Id, mount.Point);
    }

    private async Task LeaveNetworkAsync(Container container)
    {
        if (container.Sandbox is not { } sandbox)
            return;
        container.Sandbox = null;
        IReadOnlyList<Endpoint> endpoints = sandbox.Endpoints;
        await sandbox.DisposeAsync();
        foreach (Endpoint endpoint in endpoints)
            parts.Events.Publish("network", "disconnect", endpoint.NetworkId, new Dictionary<string, string>
            {
                ["container"] = container.Id, ["name"] = endpoint.NetworkName,
                ["type"] = parts.Networks.Find(endpoint.NetworkId)?.Driver ?? "bridge",
            });
    }

    private static bool WantsRestart(Container container, ContainerExit exit)
    {
        RestartPolicy policy = container.Record.Host.RestartPolicy;
        return !container.StopRequested && policy.Name switch
        {
            "always" or "unless-stopped" => true,
            "on-failure" => exit.Code != 0
                && (policy.MaximumRetryCount == 0 || container.Record.RestartCount < policy.MaximumRetryCount),
            _ => false,
        };
    }

    /// <summary>Starts it again after a pause that doubles while it keeps failing quickly.</summary>
    private void ScheduleRestart(Container container, ContainerExit exit, long seen)
    {
        TimeSpan? ran = container.StartedTimestamp is { } started
            ? parts.Time.GetElapsedTime(started, seen) : exit.At - container.State.StartedAt;
        bool isSettled = ran >= s_settledAfter;
        container.Backoff = isSettled || container.Backoff == TimeSpan.Zero ? s_backoffMin
            : container.Backoff * 2 < s_backoffMax ? container.Backoff * 2 : s_backoffMax;
        TimeSpan delay = container.Backoff;
        CancellationTokenSource wait = CancellationTokenSource.CreateLinkedTokenSource(parts.Closing.Token);
        container.Run = wait;
        parts.Background.Run($"restart container {container.Id[..12]}", async () =>
        {
            await Task.Delay(delay, parts.Time, wait.Token);
            await container.Gate.WaitAsync(wait.Token);
            try
            {
                if (container.State.Status == ContainerStatus.Restarting && !wait.IsCancellationRequested)
                    await StartLockedAsync(container, CancellationToken.None);
            }
            finally
            {
                container.Gate.Release();
            }
        });
    }

    private Task DeleteAsync(IContainer ended)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        parts.Background.Run($"clean up container {ended.Id[..12]}", async () =>
        {
            try
            {
                await ended.DeleteAsync(CancellationToken.None);
                await ended.DisposeAsync();
                _hostMounts.Remove(ended.Id);
            }
            finally
            {
                done.TrySetResult();
            }
        });
        return done.Task;
    }
}
