using Berth.Engine;
using Berth.Runtime;

namespace Berth.Daemon.Endpoints.Execs;

/// <summary>An exec's streams, whose output ends only when its exit code can be asked for: clients ask as soon as the connection
/// ends and take a missing code for success.</summary>
internal sealed class ExecAttachment(IAttachment inner, Task ended) : IAttachment
{
    public bool IsTerminal => inner.IsTerminal;

    public bool IsDetached => inner.IsDetached;

    public async ValueTask<(OutputSource Source, int Count)> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        (OutputSource source, int count) = await inner.ReadAsync(buffer, cancellationToken);
        if (count == 0 && !inner.IsDetached)
            await ended;
        return (source, count);
    }

    public ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        inner.WriteAsync(bytes, cancellationToken);

    public ValueTask CloseInputAsync() => inner.CloseInputAsync();

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
