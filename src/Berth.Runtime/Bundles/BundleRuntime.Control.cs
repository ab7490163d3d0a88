using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Processes;
using Berth.Linux.Sockets;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Monitors;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Bundles;

public sealed partial class BundleRuntime
{
    private static readonly TimeSpan s_endMax = TimeSpan.FromSeconds(10);

    /// <summary>Lets the first process execute the program; returns when it has.</summary>
    /// <exception cref="FaultException">NotFound, Forbidden: the program cannot be executed. Conflict: it was started before, or has
    /// ended.</exception>
    public void Start(string id)
    {
        StateDirectory directory = StateDirectory.Of(_options.Root, id);
        BundleState state = directory.Load();
        switch (StatusOf(directory, state))
        {
            case BundleStatus.Created: break;
            case BundleStatus.Stopped: throw FaultException.Conflict("cannot start a container that has stopped");
            case BundleStatus.Creating: throw FaultException.Conflict("cannot start a container that is not created yet");
            case BundleStatus.Paused: throw FaultException.Conflict("cannot start a container in the paused state");
            default: throw FaultException.Conflict("cannot start an already running container");
        }
        using FileDescriptor connection = ConnectStart(directory);
        DescriptorSockets.Send(connection, UnmonitoredProcess.StartWord(state.Pid));
        directory.RemoveStartSocket();
        UnmonitoredProcess.AwaitExecution(connection, _options.Warn);
        AfterStart(state);
    }

    private static FileDescriptor ConnectStart(StateDirectory directory)
    {
        try
        {
            return DescriptorSockets.ConnectPackets(directory.StartSocket);
        }
        catch (LinuxException gone) when (gone.Error is Errno.ENOENT or Errno.ECONNREFUSED)
        {
            throw FaultException.Conflict("cannot start an already running container", gone);
        }
    }

    private void AfterStart(BundleState state)
    {
        if (state.Poststart is not { Count: > 0 })
            return;
        try
        {
            HookRunner.OfCommand.Run(
                "poststart", HookPlan.Label(state.Poststart), StateText(state, state.Pid, "running"), state.Bundle, CancellationToken.None);
        }
        catch (FaultException)
        {
            Signals.TrySend(state.Pid, Signals.SIGKILL);
            throw;
        }
    }

    /// <summary>Sends a signal to the first process, or to all.</summary>
    /// <exception cref="FaultException">Conflict: it has ended.</exception>
    public void Kill(string id, int signal, bool all)
    {
        StateDirectory directory = StateDirectory.Of(_options.Root, id);
        BundleState state = directory.Load();
        Cgroup? cgroup = CgroupOf(state);
        bool alive = ProcessIdentity.IsAlive(state.Pid, state.PidStart);
        // Without a process namespace of its own, the others do not end with the first.
        if (all || (signal == Signals.SIGKILL && !state.HasPidNamespace))
        {
            foreach (int pid in cgroup?.Processes() ?? [])
                Signals.TrySend(pid, signal);
        }
        else if (!alive)
            throw FaultException.Conflict("container not running");
        if (alive && !TrySignal(state, signal) && !all)
            throw FaultException.Conflict("container not running");
        if (signal == Signals.SIGKILL)
            cgroup?.Thaw();
    }

    private static bool TrySignal(BundleState state, int signal)
    {
        using ProcessHandle? process = ProcessHandle.Open(state.Pid);
        // Looked at again with the handle open: the pid may have gone to another process before.
        return process is not null && ProcessIdentity.IsAlive(state.Pid, state.PidStart) && process.TrySignal(signal);
    }

    /// <summary>Removes what is left of a container that has ended or was never started, or of any with <paramref name="force"/>.</summary>
    /// <exception cref="FaultException">NotFound: no such container. Conflict: it runs.</exception>
    public void Delete(string id, bool force)
    {
        StateDirectory directory = StateDirectory.Of(_options.Root, id);
        if (directory.TryLoad() is not { } state)
        {
            if (!force)
                throw FaultException.NotFound("container does not exist");
            if (Directory.Exists(directory.Path))
                directory.Remove();
            return;
        }
        BundleStatus status = StatusOf(directory, state);
        if (!force && status is BundleStatus.Running or BundleStatus.Paused)
            throw FaultException.Conflict($"cannot delete container {id} that is not stopped: {NameOf(status)}");
        if (status is not BundleStatus.Stopped and not BundleStatus.Creating)
            End(state);
        RemoveCgroup(state);
        directory.Remove();
        RunPoststop(state);
    }

    private void RunPoststop(BundleState state) => HookRunner.OfCommand.TryRun(
        "poststop", HookPlan.Label(state.Poststop), StateText(state, 0, "stopped"), state.Bundle, _options.Warn);

    private void End(BundleState state)
    {
        using ProcessHandle? process = ProcessHandle.Open(state.Pid);
        if (process is null || !ProcessIdentity.IsAlive(state.Pid, state.PidStart))
            return;
        process.TrySignal(Signals.SIGKILL);
        CgroupOf(state)?.Thaw();
        if (!process.WaitForEnd(s_endMax))
            throw FaultException.Internal($"container init still running: pid {state.Pid} does not end");
    }

    private void RemoveCgroup(BundleState state)
    {
        if (CgroupOf(state) is { } cgroup && !cgroup.TryRemoveEmpty())
        {
            cgroup.Kill();
            if (!cgroup.Remove())
                throw FaultException.Internal($"unable to remove cgroup {cgroup.Path}: processes still live in it");
        }
    }

    /// <summary>The pids of all its processes, as the host sees them.</summary>
    public IReadOnlyList<int> Processes(string id) => NeedCgroup(StateDirectory.Of(_options.Root, id).Load()).Processes();

    /// <summary>Counts of its cgroup at this moment.</summary>
    /// <exception cref="FaultException">Conflict: it does not run.</exception>
    public CgroupStatistics Statistics(string id) => NeedRunning(id, $"container with id {id} is not running").ReadStatistics();

    /// <summary>Further counts of it.</summary>
    /// <exception cref="FaultException">Conflict: it does not run.</exception>
    public CgroupDetails Details(string id) => NeedRunning(id, $"container with id {id} is not running").ReadDetails();

    /// <summary>How many of its processes the kernel has killed for memory; 0 once its cgroup is gone.</summary>
    public ulong OutOfMemoryKills(string id) => CgroupOf(StateDirectory.Of(_options.Root, id).Load())?.OutOfMemoryKills() ?? 0;

    /// <summary>Stops all its processes where they are.</summary>
    /// <exception cref="FaultException">Conflict: it does not run.</exception>
    public void Pause(string id) => NeedRunning(id, "container not running", isPausedToo: false).Freeze();

    /// <summary>Lets them go on.</summary>
    /// <exception cref="FaultException">Conflict: it is not paused.</exception>
    public void Resume(string id)
    {
        StateDirectory directory = StateDirectory.Of(_options.Root, id);
        BundleState state = directory.Load();
        if (StatusOf(directory, state) != BundleStatus.Paused)
            throw FaultException.Conflict("container not paused");
        NeedCgroup(state).Thaw();
    }

    /// <summary>Changes limits.</summary>
    /// <exception cref="FaultException">InvalidArgument: the kernel refuses a value.</exception>
    public void Update(string id, LinuxResources resources)
    {
        DeviceRules.Check(resources.Devices ?? []);
        StateDirectory directory = StateDirectory.Of(_options.Root, id);
        BundleState state = directory.Load();
        if (StatusOf(directory, state) is BundleStatus.Stopped)
            throw FaultException.Conflict("container not running");
        NeedCgroup(state).Update(resources, Strictness.Taking(new WarningList(_options.Warn), IsStrict(state.Annotations)));
    }

    private Cgroup NeedRunning(string id, string refusal, bool isPausedToo = true)
    {
        StateDirectory directory = StateDirectory.Of(_options.Root, id);
        BundleState state = directory.Load();
        BundleStatus status = StatusOf(directory, state);
        return status is BundleStatus.Running or BundleStatus.Created || (isPausedToo && status is BundleStatus.Paused)
            ? NeedCgroup(state) : throw FaultException.Conflict(refusal);
    }

    private Cgroup NeedCgroup(BundleState state) => CgroupOf(state)
        ?? throw new FaultException(FaultKind.NotSupported, $"container {state.Id} has no cgroup of its own");
}
