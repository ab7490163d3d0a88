using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Plans;
using Berth.Runtime.Systemd;
using Berth.Stage;

namespace Berth.Runtime.Bundles;

public sealed partial class BundleRuntime
{
    /// <summary>
    /// Runs a further process in a container. Its streams are this process's own, or a terminal, and it is this process's child.
    /// </summary>
    /// <returns>Its pid, and the terminal's other side if it has one and no socket was named for it.</returns>
    /// <exception cref="FaultException">NotFound, Forbidden: the program cannot be executed. Conflict: the container does not
    /// run.</exception>
    public (int Pid, FileDescriptor? Terminal) Exec(BundleExecRequest request)
    {
        StateDirectory directory = StateDirectory.Of(_options.Root, request.Id);
        BundleState state = directory.Load();
        using ProcessHandle first = OpenFirst(directory, state, request.IgnorePaused);
        if (state.SystemdUnit is not null)
            SystemdScopes.MoveBelowManager();
        CgroupPlace? place = PlaceOf(state, request.Cgroups);
        using FileDescriptor? listener = ConnectListener(state.Filter, state.ListenerPath);
        bool strict = IsStrict(state.Annotations);
        UnmonitoredOptions unmonitored = new()
        {
            Preserved = Preserved(request.PreservedDescriptors), NotifySocket = listener, IsStrict = strict,
            Keyring = state.KeepsKeyring ? null : PlanBuilder.KeyringOf(state.Id),
            KeepsGroups = state.HasUserNamespace && DeniesGroups(state.Pid),
            SharedNamespaces = UserNamespace.IsMachinesRoot ? 0 : SharedNamespaces.With(state.Pid),
        };
        UnmonitoredProcess process;
        using (Plan plan = PlanBuilder.ForExec(request.Process, first, state.Joined, place,
            Strictness.Taking(new WarningList(_options.Warn), strict), PlanFlags.None, unmonitored,
            (plan, writer) => NotifyPlan.Add(plan, writer, SpecOf(state), state.Id, state.Bundle, "running", listener)))
            process = UnmonitoredProcess.Start(_program, plan, _options.Warn);
        using (process)
        {
            FileDescriptor? terminal = Finish(process, request);
            return (process.Pid, terminal);
        }
    }

    private CgroupPlace? PlaceOf(BundleState state, IReadOnlyList<string> words)
    {
        SubCgroups? groups = SubCgroups.Parse(words);
        return groups is null ? CgroupOf(state)?.PlaceBeside(state.Pid) : NeedCgroup(state).PlaceBelow(groups);
    }

    // An ordinary user may map groups only where nobody can give up one. user_namespaces(7), "setgroups".
    private static bool DeniesGroups(int pid) => File.ReadAllText($"/proc/{pid}/setgroups").StartsWith("deny", StringComparison.Ordinal);

    private static FileDescriptor? Finish(UnmonitoredProcess process, BundleExecRequest request)
    {
        try
        {
            process.Await(Packet.Created);
            HandOver(process.Terminal, request.ConsoleSocket);
            process.Proceed();
            process.AwaitBorn();
            HandOverProcess(process.Pid, request.ProcessSocket);
            WritePid(request.PidFile, process.Pid);
            process.Proceed();
            process.AwaitExecution();
            return process.Terminal is { } own && request.ConsoleSocket is null ? own.Duplicate() : null;
        }
        catch
        {
            process.Kill();
            throw;
        }
    }

    private ProcessHandle OpenFirst(StateDirectory directory, BundleState state, bool ignorePaused)
    {
        BundleStatus status = StatusOf(directory, state);
        if (status is BundleStatus.Stopped or BundleStatus.Creating)
            throw FaultException.Conflict($"cannot exec in a {NameOf(status)} container");
        if (status is BundleStatus.Paused && !ignorePaused)
            throw FaultException.Conflict("cannot exec in a paused container (use --ignore-paused to override)");
        ProcessHandle? first = ProcessHandle.Open(state.Pid);
        if (first is null || !ProcessIdentity.IsAlive(state.Pid, state.PidStart))
        {
            first?.Dispose();
            throw FaultException.Conflict("cannot exec in a stopped container");
        }
        return first;
    }
}
