namespace Berth.Engine;

internal sealed partial class ContainerService
{
    public Task<WaitOutcome> Wait(string id, WaitCondition condition, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        // Taken before the state is looked at: an exit in between completes it.
        Task<WaitOutcome> next = container.NextExit;
        Task<WaitOutcome> waited = condition switch
        {
            WaitCondition.Removed => container.Removed.Task,
            WaitCondition.NotRunning when !container.State.Running =>
                Task.FromResult(new WaitOutcome(
                    container.State.ExitCode, string.IsNullOrEmpty(container.State.Error) ? null : container.State.Error)),
            WaitCondition.NotRunning => UntilStopped(container, next),
            _ => FirstOf(next, container.Removed.Task),
        };
        return waited.WaitAsync(cancellationToken);
    }

    private static async Task<WaitOutcome> FirstOf(Task<WaitOutcome> first, Task<WaitOutcome> second) =>
        await await Task.WhenAny(first, second);

    // A policy that restarts it means that it still runs, in Docker's sense.
    private static async Task<WaitOutcome> UntilStopped(Container container, Task<WaitOutcome> next)
    {
        while (true)
        {
            WaitOutcome outcome = await FirstOf(next, container.Removed.Task);
            next = container.NextExit;
            if (!container.State.Running || container.Removed.Task.IsCompleted)
                return outcome;
        }
    }
}
