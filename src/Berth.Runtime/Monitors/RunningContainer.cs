using System.Buffers.Binary;
using System.Net.Sockets;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Processes;
using Berth.Linux.Sockets;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Plans;
using Berth.Stage;

namespace Berth.Runtime.Monitors;

/// <summary>A container whose monitor we talk to, or one that has ended.</summary>
internal sealed class RunningContainer : IContainer
{
    private static readonly TimeSpan s_killGrace = TimeSpan.FromSeconds(20);

    private readonly MonitorProgram _program;
    private readonly ContainerState _state;
    private readonly string _runDirectory;
    private readonly Cgroup _cgroup;
    private readonly MonitoredProcess? _process;
    private volatile bool _paused;
    private int _hooksRun;

    /// <summary>One that lives.</summary>
    public RunningContainer(MonitorProgram program, ContainerState state, string runDirectory, Cgroup cgroup,
        MonitoredProcess process, int pid, DateTimeOffset? startedAt)
    {
        (_program, _state, _runDirectory, _cgroup, _process) = (program, state, runDirectory, cgroup, process);
        Pid = pid;
        StartedAt = startedAt;
        Exited = AwaitExitAsync(process);
    }

    private RunningContainer(MonitorProgram program, ContainerState state, string runDirectory, Cgroup cgroup, ExitRecord record)
    {
        (_program, _state, _runDirectory, _cgroup) = (program, state, runDirectory, cgroup);
        StartedAt = record.StartedAt;
        Exited = Task.FromResult(new ContainerExit(record.Code, record.At, WasOutOfMemory(cgroup, runDirectory)));
    }

    /// <summary>One that ended while nobody watched.</summary>
    public static RunningContainer AfterEnd(
        MonitorProgram program, ContainerState state, string runDirectory, Cgroup cgroup, ExitRecord record, Action<string> warn) =>
        new(program, state, runDirectory, cgroup, record) { Warn = warn };

    /// <summary>What is run once the program runs.</summary>
    public IReadOnlyList<LabelledHook> Poststart { get; init; } = [];

    /// <summary>What those are told: all but the pid.</summary>
    public string RunningState { get; init; } = "";

    /// <summary>Is told of hooks that fail when nobody waits for them any more.</summary>
    public Action<string> Warn { get; init; } = static _ => { };

    /// <inheritdoc/>
    public string Id => _state.Id;

    /// <inheritdoc/>
    public int Pid { get; }

    /// <inheritdoc/>
    public DateTimeOffset? StartedAt { get; private set; }

    /// <inheritdoc/>
    public Task<ContainerExit> Exited { get; }

    /// <summary>The kernel has killed a process of it for memory.</summary>
    internal static bool WasOutOfMemory(Cgroup cgroup, string runDirectory) =>
        cgroup.OutOfMemoryKills() > 0 || File.Exists(Path.Join(runDirectory, StageContract.OutOfMemoryName));

    private async Task<ContainerExit> AwaitExitAsync(MonitoredProcess process)
    {
        MonitorReport? end = await process.Ended;
        bool outOfMemory = WasOutOfMemory(_cgroup, _runDirectory);
        if (end is { } report)
            return new ContainerExit(report.Value, report.At, outOfMemory);
        ExitRecord? record = RunDirectories.ReadExit(_runDirectory);
        return new ContainerExit(record?.Code ?? 137, record?.At ?? DateTimeOffset.UtcNow, outOfMemory);
    }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_process is null)
            throw FaultException.Conflict($"container {Id} has ended");
        StartedAt = await _process.StartAsync(cancellationToken);
        try
        {
            await HookRunner.OfEngine.RunAsync("poststart", Poststart, $"{{\"pid\":{Pid}{RunningState}", _runDirectory, cancellationToken);
        }
        catch
        {
            // As our program for others does it, and runc.
            TrySignal(Signals.SIGKILL);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<IContainerStreams> AttachAsync(bool stdin, CancellationToken cancellationToken)
    {
        if (RunDirectories.TryConnect(_runDirectory) is not { } socket)
            throw FaultException.Conflict($"container {Id} is not running");
        try
        {
            await socket.SendAsync(new byte[] { (byte)Packet.Attach, (byte)(stdin ? 1 : 0) }, cancellationToken);
            byte[] answer = new byte[1];
            if (await PacketReader.ReceiveAsync(socket, answer, cancellationToken) != 1)
                throw FaultException.Conflict($"container {Id} is not running");
            return new ContainerStreams(socket);
        }
        catch (SocketException gone)
        {
            socket.Dispose();
            throw FaultException.Conflict($"container {Id} is not running", gone);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public bool TrySignal(int signal) => _process?.Handle?.TrySignal(signal) == true;

    /// <inheritdoc/>
    public async Task ResizeAsync(int rows, int columns, CancellationToken cancellationToken)
    {
        if (!_state.Terminal)
            throw FaultException.Conflict($"container {Id} has no terminal");
        if (_process is null || !await _process.TrySendAsync(ResizePacket.Of(rows, columns), cancellationToken))
            throw FaultException.Conflict($"container {Id} is not running");
    }

    /// <inheritdoc/>
    public Task PauseAsync(CancellationToken cancellationToken) => Task.Run(() =>
    {
        _cgroup.Freeze();
        _paused = true;
    }, cancellationToken);

    /// <inheritdoc/>
    public Task ResumeAsync(CancellationToken cancellationToken) => Task.Run(() =>
    {
        _cgroup.Thaw();
        _paused = false;
    }, cancellationToken);

    /// <inheritdoc/>
    public Task UpdateAsync(LinuxResources resources, CancellationToken cancellationToken) =>
        Task.Run(() => _cgroup.Update(resources, []), cancellationToken);

    /// <inheritdoc/>
    public CgroupStatistics ReadStatistics() => _cgroup.ReadStatistics();

    /// <inheritdoc/>
    public IReadOnlyList<int> Processes() => _cgroup.IsNowhere && !Exited.IsCompleted ? ProcessTree.Of(Pid) : _cgroup.Processes();

    /// <inheritdoc/>
    public async Task<IExecProcess> ExecAsync(ExecRequest request, CancellationToken cancellationToken)
    {
        if (_process?.Handle is not { } first || Exited.IsCompleted || StartedAt is null)
            throw FaultException.Conflict($"container {Id} is not running");
        if (_paused)
            throw FaultException.Conflict($"container {Id} is paused, unpause the container before exec");
        List<string> warnings = [];
        PlanFlags flags = (_state.IsStrict ? PlanFlags.Strict : 0) | (request.Stdin ? PlanFlags.Stdin | PlanFlags.StdinOnce : 0)
            | (request.Detached ? PlanFlags.Detached : 0);
        using Plan plan = PlanBuilder.ForExec(
            request.Process, first, _state.Joined, _cgroup.PlaceBeside(Pid), Strictness.Taking(warnings, _state.IsStrict), flags,
            more: (_, writer) => PlanBuilder.AddKeyring(writer, Id));
        (Socket? own, FileDescriptor? other) = request.Detached ? default : PacketSockets.CreatePair();
        MonitoredProcess process;
        using (other)
            process = _program.Start(plan, other, warnings);
        try
        {
            await process.Created.WaitAsync(cancellationToken);
            await process.StartAsync(cancellationToken);
            return new ExecProcess(process, process.Pid, request.Process.Terminal, own is null ? null : new ContainerStreams(own));
        }
        catch
        {
            own?.Dispose();
            process.Handle?.TrySignal(9);
            await process.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(CancellationToken cancellationToken)
    {
        if (!Exited.IsCompleted)
        {
            if (_paused)
                await ResumeAsync(cancellationToken);
            TrySignal(9);
            await Task.WhenAny(Exited, Task.Delay(s_killGrace, cancellationToken));
        }
        await Task.Run(() =>
        {
            if (!_cgroup.TryRemoveEmpty())
            {
                _cgroup.Kill();
                _cgroup.Remove();
            }
        }, cancellationToken);
        // While its directory is there: the next engine goes on with what this one could not end.
        if (Interlocked.Exchange(ref _hooksRun, 1) == 0 && Directory.Exists(_runDirectory))
            await HookRunner.OfEngine.TryRunAsync("poststop", _state.Poststop, _state.StateAfterEnd, _runDirectory, Warn);
        await Task.Run(() => RunDirectories.Clear(_runDirectory), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process?.DisposeAsync() ?? ValueTask.CompletedTask;
}

/// <summary>The packet that sets a terminal's size.</summary>
internal static class ResizePacket
{
    /// <summary>Makes one.</summary>
    /// <exception cref="FaultException">InvalidArgument: no size of a terminal.</exception>
    public static byte[] Of(int rows, int columns)
    {
        if (rows is < 0 or > ushort.MaxValue || columns is < 0 or > ushort.MaxValue)
            throw FaultException.Invalid($"invalid terminal size {rows}x{columns}");
        byte[] packet = [(byte)Packet.Resize, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt16LittleEndian(packet.AsSpan(1), (ushort)rows);
        BinaryPrimitives.WriteUInt16LittleEndian(packet.AsSpan(3), (ushort)columns);
        return packet;
    }
}
