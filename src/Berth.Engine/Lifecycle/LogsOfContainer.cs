using Berth.Faults;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    public IAsyncEnumerable<LogEntry> Logs(string id, LogQuery query, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        if (!query.Stdout && !query.Stderr)
            throw FaultException.Invalid("Bad parameters: you must choose at least one stream");
        if (LogOptions.Plan(container.Record.Host.LogConfig!) is not { IsReadable: true })
            throw new FaultException(FaultKind.NotSupported, "configured logging driver does not support reading");
        // Before its first start a follower waits for the start, as Docker does.
        Task ended = container.Runtime is null && container.State.Status != ContainerStatus.Created
            ? Task.CompletedTask : EndOf(container);
        return new LogReader(parts.LogPath(container.Id), query, parts.Time).ReadAsync(ended, cancellationToken);
    }

    private static async Task EndOf(Container container)
    {
        await Task.WhenAny(container.NextExit, container.Removed.Task);
    }
}
