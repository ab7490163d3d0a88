using Berth.Faults;
using Berth.Linux.Processes;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    public async Task KillAsync(string id, string? signal, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        int number = string.IsNullOrEmpty(signal) ? Signals.SIGKILL : SignalNames.Parse(signal);
        Task handled;
        await container.Gate.WaitAsync(cancellationToken);
        try
        {
            string stop = string.IsNullOrEmpty(container.Record.Config.StopSignal) ? "SIGTERM" : container.Record.Config.StopSignal;
            bool isStop = number == Signals.SIGKILL || number == SignalNames.Parse(stop);
            // As Docker: there is no process that could take the signal, so whichever it is, the restarts end.
            if (container.Runtime is null && EndRestarting(container, isByUser: isStop))
                return;
            if (container.Runtime is not { } running)
                throw FaultException.Conflict($"cannot kill container: {id}: container {container.Id} is not running");
            container.StopRequested |= isStop;
            if (container.State.Status == ContainerStatus.Paused && number == Signals.SIGKILL)
                await ThawAsync(container, cancellationToken);
            if (!running.TrySignal(number))
                throw FaultException.Conflict($"cannot kill container: {id}: container {container.Id} is not running");
            handled = container.ExitHandled.Task;
            Publish(container.Record, "kill", ("signal", number.ToString()));
        }
        finally
        {
            container.Gate.Release();
        }
        if (number == Signals.SIGKILL)
            await LongWaits.EndsAsync(handled, s_killWait, parts.Time, cancellationToken);
    }
}
