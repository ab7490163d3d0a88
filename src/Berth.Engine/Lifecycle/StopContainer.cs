using Berth.Engine.State;
using Berth.Faults;
using Berth.Linux.Processes;
using Berth.Runtime;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    private const int StopTimeoutSeconds = 10;
    private static readonly TimeSpan s_killWait = TimeSpan.FromSeconds(10), s_killStep = TimeSpan.FromSeconds(1);

    public async Task<bool> StopAsync(string id, string? signal, int? timeoutSeconds, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        if (!await StopAsync(container, signal, timeoutSeconds, cancellationToken))
            return false;
        Publish(container.Record, "stop");
        return true;
    }

    public async Task RestartAsync(string id, string? signal, int? timeoutSeconds, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        container.IsBeingRestarted = true;
        try
        {
            if (await StopAsync(container, signal, timeoutSeconds, cancellationToken))
                Publish(container.Record, "stop");
            await container.Gate.WaitAsync(cancellationToken);
            try
            {
                if (container.Runtime is null && !container.Removed.Task.IsCompleted)
                    await StartLockedAsync(container, cancellationToken);
            }
            finally
            {
                container.Gate.Release();
            }
        }
        finally
        {
            container.IsBeingRestarted = false;
        }
        Publish(container.Record, "restart");
    }

    /// <summary>Restarts or stops a container that became unhealthy, as its settings say.</summary>
    internal async Task ActOnUnhealthyAsync(Container container)
    {
        Log.Unhealthy(_logger, container.Name, container.Id[..12], container.Record.Host.HealthOnFailure!);
        if (container.Record.Host.HealthOnFailure == "restart")
            await RestartAsync(container.Id, null, null, parts.Closing.Token);
        else if (await StopAsync(container, null, null, parts.Closing.Token))
            Publish(container.Record, "stop");
    }

    /// <summary>Asks, waits, kills. False: it did not run.</summary>
    internal async Task<bool> StopAsync(Container container, string? signal, int? timeoutSeconds, CancellationToken cancellationToken)
    {
        ContainerRecord record = container.Record;
        int number = SignalNames.Parse(string.IsNullOrEmpty(signal)
            ? (string.IsNullOrEmpty(record.Config.StopSignal) ? "SIGTERM" : record.Config.StopSignal) : signal);
        int seconds = timeoutSeconds ?? record.Config.StopTimeout ?? StopTimeoutSeconds;
        IContainer running;
        Task handled;
        await container.Gate.WaitAsync(cancellationToken);
        try
        {
            container.StopRequested = true;
            if (container.Runtime is null)
                return EndRestarting(container, isByUser: true);
            running = container.Runtime;
            handled = container.ExitHandled.Task;
            if (container.State.Status == ContainerStatus.Paused)
                await UnlessEndedAsync(container, running, () => ThawAsync(container, cancellationToken));
            if (running.TrySignal(number))
                Publish(record, "kill", ("signal", number.ToString()));
        }
        finally
        {
            container.Gate.Release();
        }
        TimeSpan grace = seconds < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(seconds);
        if (!await LongWaits.EndsAsync(handled, grace, parts.Time, cancellationToken))
            await KillHardAsync(container, running, handled, cancellationToken);
        return true;
    }

    // A container that waits for its restart is stopped by not restarting it.
    private bool EndRestarting(Container container, bool isByUser)
    {
        if (container.State.Status != ContainerStatus.Restarting)
            return false;
        container.Run.Cancel();
        Update(container, record => record with
        {
            StoppedByUser = isByUser, State = record.State with { Status = ContainerStatus.Exited },
        });
        container.CompleteExit(new WaitOutcome(container.State.ExitCode, null));
        return true;
    }

    private async Task KillHardAsync(Container container, IContainer running, Task handled, CancellationToken cancellationToken)
    {
        if (running.TrySignal(Signals.SIGKILL))
            Publish(container.Record, "kill", ("signal", Signals.SIGKILL.ToString()));
        for (TimeSpan waited = TimeSpan.Zero; waited < s_killWait; waited += s_killStep)
        {
            await ThawAgainAsync(container, running, cancellationToken);
            if (await LongWaits.EndsAsync(handled, s_killStep, parts.Time, cancellationToken))
                return;
        }
        throw FaultException.Internal(
            $"stop container {container.Name}: the kernel did not end its process within {s_killWait.TotalSeconds:0} s");
    }

    // Somebody may have paused it since it was asked to end, and what is frozen does not die.
    private async Task ThawAgainAsync(Container container, IContainer running, CancellationToken cancellationToken)
    {
        await container.Gate.WaitAsync(cancellationToken);
        try
        {
            if (container.Runtime == running && container.State.Status == ContainerStatus.Paused)
                await UnlessEndedAsync(container, running, () => ThawAsync(container, cancellationToken));
        }
        finally
        {
            container.Gate.Release();
        }
    }
}
