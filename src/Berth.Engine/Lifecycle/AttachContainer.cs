using Berth.Faults;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    public async Task<IAttachment> AttachAsync(string id, AttachRequest request, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        bool isTerminal = container.Record.Config.Tty;
        if (!string.IsNullOrEmpty(request.DetachKeys))
            _ = DetachKeys.Parse(request.DetachKeys);
        await container.Gate.WaitAsync(cancellationToken);
        try
        {
            if (container.State.Status == ContainerStatus.Paused && request.Stream)
                throw FaultException.Conflict($"container {id} is paused, unpause the container before attach");
            if (container.State.Status == ContainerStatus.Removing)
                throw FaultException.Conflict($"container {id} is marked for removal");
            IAsyncEnumerator<LogEntry>? logs = request.Logs
                ? Logs(id, new LogQuery { Stdout = request.Stdout, Stderr = request.Stderr },
                    cancellationToken).GetAsyncEnumerator(cancellationToken) : null;
            Attachment attachment = new(request with { Stdin = request.Stdin && container.Record.Config.OpenStdin }, isTerminal, logs)
            {
                Detaching = () => Publish(container.Record, "detach"),
            };
            if (!request.Stream)
                attachment.Connect(null);
            else if (container.Runtime is { } running && !running.Exited.IsCompleted)
                attachment.Connect(await running.AttachAsync(attachment.Request.Stdin, cancellationToken));
            else
                container.Pending.Add(attachment);
            Publish(container.Record, "attach");
            return attachment;
        }
        finally
        {
            container.Gate.Release();
        }
    }

    public async Task ResizeAsync(string id, int rows, int columns, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        if (rows is < 0 or > ushort.MaxValue || columns is < 0 or > ushort.MaxValue)
            throw FaultException.Invalid($"resize container: {rows} rows and {columns} columns: out of range");
        if (container.Runtime is not { } running)
            throw NotRunning(container);
        await running.ResizeAsync(rows, columns, cancellationToken);
        Publish(container.Record, "resize", ("height", rows.ToString()), ("width", columns.ToString()));
    }
}
