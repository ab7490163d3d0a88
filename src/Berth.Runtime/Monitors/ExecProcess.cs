using Berth.Faults;

namespace Berth.Runtime.Monitors;

/// <summary>A further process, made by a monitor of its own.</summary>
internal sealed class ExecProcess : IExecProcess
{
    private readonly MonitoredProcess _process;
    private readonly bool _terminal;

    /// <summary>One that executes its program.</summary>
    public ExecProcess(MonitoredProcess process, int pid, bool terminal, IContainerStreams? streams)
    {
        (_process, _terminal, Pid, Streams) = (process, terminal, pid, streams);
        Exited = AwaitExitAsync();
    }

    /// <inheritdoc/>
    public int Pid { get; }

    /// <inheritdoc/>
    public IContainerStreams? Streams { get; }

    /// <inheritdoc/>
    public Task<int> Exited { get; }

    // A monitor that went without a word was killed, and its process with it or without streams: 137 as for SIGKILL.
    private async Task<int> AwaitExitAsync() => (await _process.Ended)?.Value ?? 137;

    /// <inheritdoc/>
    public async Task ResizeAsync(int rows, int columns, CancellationToken cancellationToken)
    {
        if (!_terminal)
            throw FaultException.Conflict("the exec has no terminal");
        if (!await _process.TrySendAsync(ResizePacket.Of(rows, columns), cancellationToken))
            throw FaultException.Conflict("the exec has ended");
    }

    /// <inheritdoc/>
    public bool TrySignal(int signal) => _process.Handle?.TrySignal(signal) == true;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Streams is not null)
            await Streams.DisposeAsync();
        // Whoever awaits the exit still gets it; the connection ends with the process.
        await _process.DisposeAsync();
    }
}
