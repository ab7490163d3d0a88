using Berth.Runtime;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    private static readonly TimeSpan s_shippingAfterRemoval = TimeSpan.FromSeconds(10);

    /// <summary>Begins to send and compress the log of a run; a run after it waits for it to have sent all. Under the gate, or before
    /// anybody else sees the container.</summary>
    private void ShipLogs(Container container, IContainer? running)
    {
        if (LogOptions.Plan(container.Record.Host.LogConfig!) is not { } plan || !LogShipper.IsNeeded(plan))
            return;
        Task before = container.Shipping;
        CancellationToken stop = container.ShippingEnds.Token;
        LogShipper shipper = new(parts.LogPath(container.Id), plan, LogSource.Of(container.Record, plan), parts.Time, _logger);
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Shipping = done.Task;
        parts.Background.Run($"log of container {container.Id[..12]}", async () =>
        {
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop, parts.Closing.Token);
            try
            {
                await before;
                Task ended = running?.Exited ?? Task.CompletedTask;
                await shipper.RunAsync(ended, either.Token);
            }
            finally
            {
                done.TrySetResult();
            }
        });
        if (plan.Blocks && running is not null)
            parts.Background.Run($"hold back container {container.Id[..12]}", async () =>
            {
                using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop, parts.Closing.Token);
                await using IContainerStreams output = await running.AttachAsync(false, either.Token);
                await shipper.HoldBackAsync(output, either.Token);
            });
    }

    private LogFile? LogFileOf(State.ContainerRecord record) => LogOptions.Plan(record.Host.LogConfig!) is { } plan
        ? plan.FileAt(parts.LogPath(record.Id), LogSource.Of(record, plan)) : null;

    // What the container wrote last is still on its way; a server that is away does not keep its files for ever.
    private static async Task EndShippingAsync(Container container)
    {
        await Task.WhenAny(container.Shipping, Task.Delay(s_shippingAfterRemoval));
        await container.ShippingEnds.CancelAsync();
        await container.Shipping;
    }

    /// <summary>At the opening of an engine: what a container that does not run wrote and was not sent.</summary>
    internal void ShipRest(Container container)
    {
        if (LogOptions.Plan(container.Record.Host.LogConfig!)?.Open is not null && File.Exists(parts.LogPath(container.Id)))
            ShipLogs(container, null);
    }
}
