using Berth.Faults;
using Berth.Runtime;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    public async Task PauseAsync(string id, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        await container.Gate.WaitAsync(cancellationToken);
        try
        {
            if (container.State.Status == ContainerStatus.Paused)
                throw FaultException.Conflict($"Container {id} is already paused");
            if (container.State.Status == ContainerStatus.Restarting)
                throw FaultException.Conflict($"Container {id} is restarting, wait until the container is running");
            if (container.Runtime is not { } running)
                throw FaultException.Conflict($"Container {id} is not running");
            await OfRunningAsync(container, running, () => running.PauseAsync(cancellationToken));
            Update(container, record => record with
            {
                State = HealthMonitor.Unwatched(record.State) with { Status = ContainerStatus.Paused },
            });
            Publish(container.Record, "pause");
        }
        finally
        {
            container.Gate.Release();
        }
    }

    public async Task UnpauseAsync(string id, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        await container.Gate.WaitAsync(cancellationToken);
        try
        {
            if (container.State.Status != ContainerStatus.Paused)
                throw FaultException.Conflict($"Container {id} is not paused");
            await ThawAsync(container, cancellationToken);
        }
        finally
        {
            container.Gate.Release();
        }
    }

    private async Task ThawAsync(Container container, CancellationToken cancellationToken)
    {
        IContainer running = container.Runtime!;
        await OfRunningAsync(container, running, () => running.ResumeAsync(cancellationToken));
        Update(container, record => record with { State = record.State with { Status = ContainerStatus.Running } });
        Publish(container.Record, "unpause");
    }
}
