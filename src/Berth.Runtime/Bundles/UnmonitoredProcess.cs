using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Linux.Sockets;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Monitors;
using Berth.Runtime.Plans;
using Berth.Stage;

namespace Berth.Runtime.Bundles;

/// <summary>A process in the making without a monitor: our child, whom we hear over one connection (docs/adr/0012).</summary>
internal sealed class UnmonitoredProcess : IDisposable
{
    private readonly FileDescriptor _control;
    private readonly Action<string> _warn;
    private readonly byte[] _buffer = new byte[512];

    private readonly Cgroup? _cgroup;
    private readonly Plan _plan;

    private UnmonitoredProcess(FileDescriptor control, Plan plan, Action<string> warn, Cgroup? cgroup) =>
        (_control, _plan, _warn, _cgroup) = (control, plan, warn, cgroup);

    /// <summary>Its pid, known from the first report on.</summary>
    public int Pid { get; private set; }

    /// <summary>The terminal's other side, once it was opened.</summary>
    public FileDescriptor? Terminal { get; private set; }

    /// <summary>Starts the making.</summary>
    /// <param name="program">The stage.</param>
    /// <param name="plan">What it does.</param>
    /// <param name="warn">Takes what is left out.</param>
    /// <param name="cgroup">The container's own, which knows whether the kernel ended the process for memory; null: none.</param>
    public static UnmonitoredProcess Start(IStageProgram program, Plan plan, Action<string> warn, Cgroup? cgroup = null)
    {
        using FileDescriptor bytes = MemoryFile.CreateSealed("berth-plan", plan.Bytes);
        (FileDescriptor own, FileDescriptor other) = DescriptorSockets.CreatePair();
        UnmonitoredProcess process = new(own, plan, warn, cgroup);
        try
        {
            int stage;
            using (other)
            {
                stage = ProcessSpawner.Spawn(program.Executable, ["berth-process", StageContract.UnmonitoredVerb],
                    [0, 1, 2, bytes.Number, other.Number, -1, .. plan.Descriptors]);
            }
            // The stage's own process ends as soon as its child exists, or has said why not.
            ProcessSpawner.Reap(stage);
            process.AwaitMade();
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    // The child may speak before its maker: those reports are kept for whoever waits for them.
    private readonly Queue<MonitorReport> _early = new();
    private (int Pid, ProcessHandle? Handle)? _known;

    private void AwaitMade()
    {
        while (Pid == 0)
        {
            // Its maker has ended: what it had to say is there. The child of one that was killed waits for ever.
            MonitorReport report = DescriptorSockets.AwaitInput(_control, process: null) && Receive() is { } said ? said
                : throw FaultException.Internal("the process was not made: its stage ended without a word");
            if (report.Kind == Packet.Made)
                Pid = report.Value;
            else
                _early.Enqueue(report);
        }
    }

    /// <summary>Waits for a report of one kind.</summary>
    /// <exception cref="FaultException">It failed, or ended before.</exception>
    public void Await(Packet kind)
    {
        while (Next().Kind != kind)
        {
        }
    }

    private MonitorReport Next() => _early.TryDequeue(out MonitorReport early) ? early : ReceiveWhileAlive() ?? throw Ended();

    // In runc's words.
    private FaultException Ended() => FaultException.Internal(_cgroup?.OutOfMemoryKills() > 0
        ? "container init was OOM-killed (memory limit too low?): unknown" : "the process ended while it was made");

    /// <summary>Waits until a further process has made the one that becomes the program, which is our child too, and reaps the
    /// former.</summary>
    /// <exception cref="FaultException">It failed before.</exception>
    public void AwaitBorn()
    {
        bool hasLeft = false;
        MonitorReport report;
        while ((report = Next()).Kind != Packet.Born)
        {
            if (report.Kind != Packet.Full)
                continue;
            hasLeft = _plan.Counted?.TryLeave(Pid) == true;
            DescriptorSockets.Send(_control, [hasLeft ? StageContract.RoomMade : (byte)0]);
        }
        ProcessSpawner.Reap(Pid);
        Pid = report.Value;
        if (hasLeft)
            _plan.Counted!.Enter(Pid);
        if (report.Place == Place.Limit && _plan.ProcessLimit is { } limit)
            ResourceLimits.Set(Pid, StageContract.ProcessLimit, limit.Soft, limit.Hard);
    }

    /// <summary>Waits until it executes its program, or has said why not.</summary>
    /// <exception cref="FaultException">As <see cref="IContainer.StartAsync"/>.</exception>
    public void AwaitExecution() => AwaitExecution(_control, _warn);

    /// <summary>The same over another connection to it.</summary>
    public static void AwaitExecution(FileDescriptor connection, Action<string> warn)
    {
        byte[] buffer = new byte[512];
        while (DescriptorSockets.Receive(connection, buffer, out FileDescriptor? descriptor) is > 0 and var count)
        {
            descriptor?.Dispose();
            if (MonitorReport.TryParse(buffer.AsSpan(0, count), out MonitorReport report))
                Hear(report, warn);
        }
    }

    // Also when something that it made, and that nobody knows, still holds the other side.
    private MonitorReport? ReceiveWhileAlive()
    {
        if (_known?.Pid != Pid)
        {
            _known?.Handle?.Dispose();
            _known = (Pid, ProcessHandle.Open(Pid));
        }
        return DescriptorSockets.AwaitInput(_control, _known.Value.Handle) ? Receive() : null;
    }

    private MonitorReport? Receive()
    {
        while (true)
        {
            int count = DescriptorSockets.Receive(_control, _buffer, out FileDescriptor? descriptor);
            if (count == 0)
                return null;
            if (!MonitorReport.TryParse(_buffer.AsSpan(0, count), out MonitorReport report))
                continue;
            if (report.Kind == Packet.Attach)
                Terminal = descriptor;
            Hear(report, _warn);
            return report;
        }
    }

    private static void Hear(MonitorReport report, Action<string> warn)
    {
        if (report.Kind == Packet.Warning)
            warn(StageFailures.Warning(report));
        if (report.Kind == Packet.Failed)
            throw StageFailures.Fault(report);
    }

    /// <summary>Lets it go on, and tells it its pid as we see it.</summary>
    public void Proceed() => DescriptorSockets.Send(_control, StartWord(Pid));

    /// <summary>The word that lets a process go on.</summary>
    public static byte[] StartWord(int pid) => [(byte)'s', .. BitConverter.GetBytes(pid)];

    /// <summary>Ends it, when its making failed halfway.</summary>
    public void Kill()
    {
        if (Pid == 0)
            return;
        Signals.TrySend(Pid, Signals.SIGKILL);
        ProcessSpawner.Reap(Pid);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Terminal?.Dispose();
        _known?.Handle?.Dispose();
        _control.Dispose();
    }
}
