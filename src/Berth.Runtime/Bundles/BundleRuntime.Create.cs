using System.Globalization;
using System.Text;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Processes;
using Berth.Linux.Sockets;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Monitors;
using Berth.Runtime.Plans;
using Berth.Runtime.Systemd;
using Berth.Stage;

namespace Berth.Runtime.Bundles;

public sealed partial class BundleRuntime
{
    // What a container's making is about, and what has to be undone when it fails.
    private sealed class Making(StateDirectory directory, BundleState state, BundleRequest request)
    {
        public StateDirectory Directory => directory;

        public BundleState State { get; set; } = state;

        public BundleRequest Request => request;

        public Cgroup? Cgroup { get; set; }

        public SystemdScope? Scope { get; set; }

        public UnmonitoredProcess? Process { get; set; }
    }

    /// <summary>
    /// Makes a container up to the point where its first process waits to execute the program. Its streams are this process's own, it is
    /// this process's child, and it waits for <see cref="Start"/> when this process is gone.
    /// </summary>
    /// <returns>The first process, as the host sees it.</returns>
    /// <exception cref="FaultException">InvalidArgument: the configuration cannot be met. Conflict: the name is taken.</exception>
    public int Create(BundleRequest request)
    {
        Making making = Begin(request, waitsAtSocket: true);
        making.Process!.Dispose();
        return making.State.Pid;
    }

    /// <summary>Makes a container and lets its program execute. The first process is this process's child.</summary>
    /// <returns>Its pid, and the terminal's other side if it has one and no socket was named for it.</returns>
    /// <exception cref="FaultException">As <see cref="Create"/> and <see cref="Start"/>.</exception>
    public (int Pid, FileDescriptor? Terminal) Run(BundleRequest request)
    {
        Making making = Begin(request, waitsAtSocket: false);
        UnmonitoredProcess process = making.Process!;
        try
        {
            process.Proceed();
            process.AwaitExecution();
            AfterStart(making.State);
            FileDescriptor? terminal = process.Terminal is { } own && request.ConsoleSocket is null ? own.Duplicate() : null;
            process.Dispose();
            return (making.State.Pid, terminal);
        }
        catch
        {
            Undo(making);
            throw;
        }
    }

    private Making Begin(BundleRequest request, bool waitsAtSocket)
    {
        RuntimeSpec spec = BundleSpec.Resolve(request.Spec, request.Bundle);
        BundleSpec.Check(spec, request.ConsoleSocket is not null, waitsAtSocket);
        CallFilter filter = CallFilter.Compile(spec.Linux?.Seccomp);
        StateDirectory directory = StateDirectory.Make(_options.Root, request.Id);
        Making making = new(directory, NewState(request, spec, filter), request);
        try
        {
            // Before anything exists: whoever finds the directory later finds what to remove.
            directory.Save(making.State);
            Make(making, spec, filter, waitsAtSocket);
            return making;
        }
        catch
        {
            Undo(making);
            throw;
        }
    }

    private BundleState NewState(BundleRequest request, RuntimeSpec spec, CallFilter filter)
    {
        IReadOnlyList<NamespaceSpec> namespaces = spec.Linux?.Namespaces ?? [];
        ScopeName? scope = _options.SystemdCgroup ? ScopeName.Parse(spec.Linux?.CgroupsPath, request.Id, SystemdManager.IsUser) : null;
        return new BundleState
        {
            Id = request.Id,
            OciVersion = spec.OciVersion,
            Bundle = request.Bundle,
            Rootfs = spec.Root?.Path ?? "",
            CgroupPath = scope?.Path ?? PathOf(spec.Linux?.CgroupsPath, request.Id),
            SystemdUnit = scope?.Unit,
            Created = DateTimeOffset.UtcNow,
            Owner = OwnerName.Current,
            HasPidNamespace = namespaces.Any(static entry => entry is { Type: "pid", Path: null or "" }),
            HasUserNamespace = namespaces.Any(static entry => entry.Type == "user"),
            HasTimeNamespace = namespaces.Any(static entry => entry.Type == "time"),
            KeepsKeyring = request.NoNewKeyring,
            Annotations = spec.Annotations,
            Poststart = spec.Hooks?.Poststart,
            Poststop = spec.Hooks?.Poststop,
            Filter = filter,
            Personality = SchedulingPlan.Personality(spec.Linux?.Personality),
            ListenerPath = spec.Linux?.Seccomp?.ListenerPath,
            ListenerMetadata = spec.Linux?.Seccomp?.ListenerMetadata,
        };
    }

    private static string PathOf(string? text, string id) => text is { Length: > 0 } && text.Contains(':') && !text.Contains('/')
        ? throw FaultException.Invalid($"cgroupsPath {text}: this form needs --systemd-cgroup")
        : string.IsNullOrEmpty(text) ? $"/{id}" : text;

    private void Make(Making making, RuntimeSpec spec, CallFilter filter, bool waitsAtSocket)
    {
        bool strict = IsStrict(spec.Annotations);
        IList<string> warnings = Strictness.Taking(new WarningList(_options.Warn), strict);
        MakeCgroup(making, spec, warnings);
        using FileDescriptor? listener = ConnectListener(filter, making.State.ListenerPath);
        UnmonitoredOptions unmonitored = new()
        {
            WaitsAtSocket = waitsAtSocket,
            Preserved = Preserved(making.Request.PreservedDescriptors),
            Keyring = making.State.KeepsKeyring ? null : PlanBuilder.KeyringOf(making.Request.Id),
            NoPivot = making.Request.NoPivot,
            MappedByUser = making.State.HasUserNamespace && !Environment.IsPrivilegedProcess,
            KeepsGroups = spec.Linux?.GidMappings is { Count: > 0 } groups && IdMaps.GivesUpGroups(groups),
            NotifySocket = listener,
            IsStrict = strict,
        };
        ContainerRequest request = new()
        {
            Id = making.Request.Id, Spec = spec, RunDirectory = making.Directory.Path, Bundle = making.Request.Bundle,
        };
        using (Plan plan = PlanBuilder.ForContainer(request, filter, making.Cgroup, warnings, unmonitored, mount => MapOwners(mount, spec)))
            making.Process = UnmonitoredProcess.Start(_program, plan, _options.Warn, making.Cgroup);
        Finish(making, spec);
    }

    private bool IsStrict(IReadOnlyDictionary<string, string>? annotations) => Strictness.IsAsked(annotations) || _options.IsStrict;

    private static void Finish(Making making, RuntimeSpec spec)
    {
        UnmonitoredProcess process = making.Process!;
        // At once: from now on a delete finds the process.
        ulong start = ProcessIdentity.StartOf(process.Pid) ?? 0;
        making.State = making.State with { Pid = process.Pid, PidStart = start };
        if (spec.Linux is { UidMappings: { Count: > 0 } users, GidMappings: { Count: > 0 } groups } && HasNewUserNamespace(spec))
        {
            IdMaps.Write(process.Pid, users, groups);
            process.Proceed();
        }
        if (HookPlan.Pauses(spec))
            RunCreateHooks(making, spec);
        process.Await(Packet.Created);
        making.Scope?.Settle();
        making.Directory.Save(making.State);
        HandOver(process.Terminal, making.Request.ConsoleSocket);
        HandOverProcess(process.Pid, making.Request.ProcessSocket);
        WritePid(making.Request.PidFile, process.Pid);
    }

    private static bool HasNewUserNamespace(RuntimeSpec spec) =>
        spec.Linux?.Namespaces?.Any(static entry => entry is { Type: "user", Path: null or "" }) == true;

    private static void RunCreateHooks(Making making, RuntimeSpec spec)
    {
        making.Process!.Await(Packet.Namespaces);
        making.Directory.Save(making.State);
        string state = StateText(making.State, making.Process.Pid, "creating");
        HookRunner runner = HookRunner.OfCommand;
        runner.Run("prestart", HookPlan.Label(spec.Hooks?.Prestart), state, making.State.Bundle, CancellationToken.None);
        runner.Run("createRuntime", HookPlan.Label(spec.Hooks?.CreateRuntime), state, making.State.Bundle, CancellationToken.None);
        making.Process.Proceed();
    }

    private FileDescriptor MapOwners(MountSpec mount, RuntimeSpec spec) => UserNamespaces.Create(_program, mount with
    {
        // Without maps of its own, a mount is shown through the container's.
        UidMappings = mount.UidMappings is { Count: > 0 } users ? users : spec.Linux?.UidMappings,
        GidMappings = mount.GidMappings is { Count: > 0 } groups ? groups : spec.Linux?.GidMappings,
    });

    private static FileDescriptor? ConnectListener(CallFilter filter, string? path)
    {
        if ((filter.Flags & CallFilter.NewListener) == 0)
            return null;
        try
        {
            return DescriptorSockets.ConnectStream(path!);
        }
        catch (LinuxException refused)
        {
            throw FaultException.Invalid($"seccomp listener {path}: {refused.Message}", refused);
        }
    }

    private static FileDescriptor[] Preserved(int count) =>
        [.. Enumerable.Range(3, count).Select(static number => new FileDescriptor(number, ownsHandle: false))];

    /// <summary>The terminal's other side goes to the caller's socket, with its name as the message.</summary>
    private static void HandOver(FileDescriptor? terminal, string? socket)
    {
        if (terminal is null || socket is null)
            return;
        try
        {
            using FileDescriptor connection = DescriptorSockets.ConnectStream(socket);
            DescriptorSockets.Send(connection, "/dev/ptmx"u8, terminal);
        }
        catch (LinuxException refused)
        {
            throw FaultException.Invalid($"console socket {socket}: {refused.Message}", refused);
        }
    }

    /// <summary>A handle of the process goes to the caller's socket: unlike the pid it is never another process's.</summary>
    private static void HandOverProcess(int pid, string? socket)
    {
        if (socket is null)
            return;
        try
        {
            using ProcessHandle process = ProcessHandle.Open(pid) ?? throw FaultException.Internal($"process {pid} has ended");
            using FileDescriptor handle = new(process.Number, ownsHandle: false);
            using FileDescriptor connection = DescriptorSockets.ConnectStream(socket);
            DescriptorSockets.Send(connection, "pidfd"u8, handle);
        }
        catch (LinuxException refused)
        {
            throw FaultException.Invalid($"pidfd socket {socket}: {refused.Message}", refused);
        }
    }

    private static void WritePid(string? file, int pid)
    {
        if (file is not null)
            StateDirectory.WriteWhole(Path.GetFullPath(file), Encoding.ASCII.GetBytes(pid.ToString(CultureInfo.InvariantCulture)));
    }

    private void MakeCgroup(Making making, RuntimeSpec spec, IList<string> warnings)
    {
        LinuxResources? resources = spec.Linux?.Resources;
        // Also where the container comes to have no cgroup of its own.
        if (resources?.Unified is { Count: > 0 } unified && _hierarchy.Value.Mode != CgroupMode.Version2)
            throw FaultException.Invalid($"{LimitRules.NoUnified}: {unified.Keys.First()}");
        if (making.State.CgroupPath is not { } path)
            return;
        if (making.State.SystemdUnit is not null)
        {
            ScopeName name = ScopeName.Parse(spec.Linux?.CgroupsPath, making.Request.Id, SystemdManager.IsUser);
            making.Scope = _scopes.Value.Create(name, making.Request.Id, resources, spec.Annotations, warnings, known =>
            {
                making.State = making.State with { CgroupPath = known };
                making.Directory.Save(making.State);
            });
            making.Cgroup = making.Scope.Cgroup;
            return;
        }
        CheckFree(path);
        try
        {
            making.Cgroup = _hierarchy.Value.Create(path, resources, warnings);
        }
        catch (Exception refused) when (refused is UnauthorizedAccessException or IOException && _options.IsRootless)
        {
            if (resources is { Memory: not null } or { Cpu: not null } or { Pids: not null } or { BlockIO: not null })
                throw FaultException.Invalid($"limits need a cgroup that is delegated to this user: {FileErrors.TextOf(refused)}", refused);
            // Without a word, as runc: nothing is lost, and callers take the first line of all for the error that comes later.
            if (IsStrict(spec.Annotations))
                throw FaultException.Invalid($"the container has no cgroup of its own: {FileErrors.TextOf(refused)}", refused);
            making.State = making.State with { CgroupPath = null };
        }
    }

    // What lives there already would be killed with ours, and ours would never be made in one that is frozen.
    private void CheckFree(string path)
    {
        Cgroup there = _hierarchy.Value.Open(path);
        if (!there.ProcsFiles.Any(File.Exists))
            return;
        if (there.IsFrozen)
            throw FaultException.Conflict($"container's cgroup unexpectedly frozen: {path}");
        if (there.Processes() is { Count: > 0 } others)
            throw FaultException.Conflict($"container's cgroup is not empty: {others.Count} process(es) found: {path}");
    }

    private void Undo(Making making)
    {
        making.Process?.Kill();
        making.Process?.Dispose();
        making.Scope?.Dispose();
        if (making.Cgroup is { } cgroup && !cgroup.TryRemoveEmpty())
        {
            cgroup.Kill();
            TryRemove(cgroup);
        }
        making.Directory.Remove();
        RunPoststop(making.State);
    }

    private void TryRemove(Cgroup cgroup)
    {
        try
        {
            cgroup.Remove();
        }
        catch (FaultException left)
        {
            // Why the container was not made is what the caller has to know.
            _options.Warn(left.Message);
        }
    }
}
