using System.Net.Sockets;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Processes;
using Berth.Stage;

namespace Berth.Runtime.Monitors;

/// <summary>A control connection to a monitor and what came over it: made, started, ended.</summary>
/// <remarks>
/// It owns the socket and the task that reads it; both end with the monitor or on dispose. A monitor that is our child and lives on
/// when this is disposed keeps its connection, in the care of the program's <see cref="MonitorProgram.Linger"/>: a child has to be reaped.
/// </remarks>
internal sealed class MonitoredProcess : IAsyncDisposable
{
    private const int BufferBytes = 512;

    private readonly Socket _control;
    private readonly int _monitorPid;
    private readonly MonitorProgram? _reaper;
    private readonly IList<string> _warnings;
    private readonly TaskCompletionSource<int> _paused = New<int>();
    private readonly TaskCompletionSource<int> _created = New<int>();
    private readonly TaskCompletionSource<DateTimeOffset> _started = New<DateTimeOffset>();
    private readonly TaskCompletionSource<MonitorReport?> _ended = New<MonitorReport?>();
    private readonly Task _reading;
    private ProcessHandle? _handle;
    private volatile int _pid;

    /// <summary>Starts to listen.</summary>
    /// <param name="control">The connection.</param>
    /// <param name="monitorPid">Our child to reap at the end, or 0.</param>
    /// <param name="reaper">Who waits for our child when this is disposed before its end.</param>
    /// <param name="warnings">Where warnings go.</param>
    public MonitoredProcess(Socket control, int monitorPid, MonitorProgram? reaper, IList<string> warnings)
    {
        _control = control;
        _monitorPid = monitorPid;
        _reaper = reaper;
        _warnings = warnings;
        // Nobody may ever ask: a failure that is not awaited is not an error of the program.
        _ = _created.Task.Exception;
        _ = _paused.Task.Exception;
        _reading = ReadAsync();
    }

    /// <summary>The pid when the process waits for hooks that were planned.</summary>
    public Task<int> Paused => _paused.Task;

    /// <summary>The pid when the process waits to execute.</summary>
    public Task<int> Created => _created.Task;

    /// <summary>When it executed its program.</summary>
    public Task<DateTimeOffset> Started => _started.Task;

    /// <summary>How it ended; null when the monitor went without a word; cancelled when this let go before the end.</summary>
    public Task<MonitorReport?> Ended => _ended.Task;

    /// <summary>The process as the host sees it: of an exec, another one once it executes its program.</summary>
    public int Pid => _pid;

    /// <summary>The process as a handle; null before it exists or when it was gone before we could look.</summary>
    public ProcessHandle? Handle => _handle;

    /// <summary>The monitor went before the process waited to execute, and has not said why.</summary>
    public bool EndedUnmade { get; private set; }

    /// <summary>Asks the monitor to let the process execute and waits until it has.</summary>
    public async Task<DateTimeOffset> StartAsync(CancellationToken cancellationToken)
    {
        if (!await TrySendAsync(new byte[] { (byte)Packet.Start }, cancellationToken))
            throw FaultException.Conflict("the container's monitor has ended");
        return await _started.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Lets a process go on that waited for hooks.</summary>
    public async Task ProceedAsync(CancellationToken cancellationToken)
    {
        if (!await TrySendAsync(new byte[] { (byte)Packet.Proceed }, cancellationToken))
            throw FaultException.Conflict("the container's monitor has ended");
    }

    /// <summary>Sends a packet; false when the monitor has gone.</summary>
    public async ValueTask<bool> TrySendAsync(ReadOnlyMemory<byte> packet, CancellationToken cancellationToken)
    {
        try
        {
            await _control.SendAsync(packet, cancellationToken);
            return true;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private async Task ReadAsync()
    {
        byte[] buffer = new byte[BufferBytes];
        while (await PacketReader.ReceiveAsync(_control, buffer, CancellationToken.None) is > 0 and var count)
        {
            if (MonitorReport.TryParse(buffer.AsSpan(0, count), out MonitorReport report))
                Hear(report);
        }
        EndedUnmade = !_created.Task.IsCompleted;
        FaultException lost = FaultException.Internal(
            "the container's monitor ended before its process was started: berth-runtime may be of another build than the engine: "
            + "build or install both together");
        Fail(lost);
        if (_isAbandoned)
        {
            _ended.TrySetCanceled();
            return;
        }
        _ended.TrySetResult(null);
        if (_monitorPid != 0)
            ProcessSpawner.Reap(_monitorPid);
    }

    private volatile bool _isAbandoned;

    private void Hear(MonitorReport report)
    {
        switch (report.Kind)
        {
            case Packet.Namespaces:
                if (TryOpen(report.Value))
                    _paused.TrySetResult(report.Value);
                break;
            case Packet.Created:
                if (TryOpen(report.Value))
                    _created.TrySetResult(report.Value);
                break;
            case Packet.Started:
                if (!TryOpen(report.Value))
                    break;
                // In this order: who sees that it was made must also see that it was let go, or would take it for half made.
                _started.TrySetResult(report.At);
                _created.TrySetResult(report.Value);
                break;
            case Packet.Warning:
                _warnings.Add(StageFailures.Warning(report));
                break;
            case Packet.Failed:
                Fail(StageFailures.Fault(report));
                break;
            case Packet.Exited:
                // All output and the record are out; what is left of the monitor is its own end.
                _ended.TrySetResult(report);
                break;
        }
    }

    private void Fail(FaultException fault)
    {
        _paused.TrySetException(fault);
        _created.TrySetException(fault);
        _started.TrySetException(fault);
        // Nobody may be waiting for one of them.
        _ = _paused.Task.Exception;
        _ = _created.Task.Exception;
        _ = _started.Task.Exception;
    }

    private bool TryOpen(int pid)
    {
        try
        {
            if (_handle is not null && _pid == pid)
                return true;
            ProcessHandle? before = _handle;
            _handle = ProcessHandle.Open(pid);
            _pid = pid;
            before?.Dispose();
            return true;
        }
        catch (LinuxException refused)
        {
            Fail(FaultException.Internal($"watch process {pid}: {refused.Message}", refused));
            return false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_monitorPid != 0 && _reaper is not null && !_ended.Task.IsCompleted
            && await TrySendAsync(new byte[] { (byte)Packet.Release }, CancellationToken.None))
        {
            _reaper.Linger(this);
            return;
        }
        if (!_ended.Task.IsCompleted)
            Abandon();
        await CloseAsync();
    }

    /// <summary>Lets go of a monitor that lives on: it will be somebody else's child.</summary>
    public void Abandon()
    {
        _isAbandoned = true;
        _control.Dispose();
    }

    /// <summary>Waits for the monitor's end and closes what is ours.</summary>
    public async Task CloseAsync()
    {
        await _reading;
        _control.Dispose();
        _handle?.Dispose();
    }

    private static TaskCompletionSource<T> New<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>Receives packets.</summary>
internal static class PacketReader
{
    /// <summary>The next packet's length; 0 when the other side has gone and everything was read.</summary>
    public static async ValueTask<int> ReceiveAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await socket.ReceiveAsync(buffer, cancellationToken);
            }
            catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
            {
                // The monitor went with input of ours unread. The kernel says so once, before the packets that are still there.
            }
            catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
            {
                return 0;
            }
        }
    }
}
