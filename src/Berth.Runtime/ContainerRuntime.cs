using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Sockets;
using Berth.Oci.Json;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Externals;
using Berth.Runtime.Monitors;
using Berth.Runtime.Plans;
using Berth.Runtime.Systemd;
using Berth.Stage;

namespace Berth.Runtime;

/// <summary>Berth's own runtime, in the process of whoever uses it. One for an engine; thread-safe.</summary>
public sealed class ContainerRuntime : IContainerRuntime, IDisposable
{
    private readonly CgroupHierarchy _hierarchy = CgroupHierarchy.DetectForEngine();
    private readonly MonitorProgram _program;
    private readonly ExternalContainers _externals;
    private readonly MappingCheck _mapping;
    private readonly SystemdScopes _scopes;
    private readonly bool _makesScopes;
    private readonly Action<string> _warn;

    /// <summary>Makes a runtime. The program is first looked for when it is needed, systemd at once.</summary>
    /// <exception cref="FaultException">Unavailable: systemd is to make the cgroups, and is not there.</exception>
    public ContainerRuntime(RuntimeOptions options)
    {
        _program = new MonitorProgram(options);
        _mapping = new MappingCheck(_program);
        _scopes = new SystemdScopes(_program);
        _makesScopes = options.SystemdCgroup;
        _warn = options.Warn;
        _externals = new ExternalContainers(_program, _hierarchy, Open);
        if (_makesScopes)
            SystemdScopes.Prepare();
    }

    private Cgroup Open(ContainerState state) =>
        state.SystemdUnit is { } unit ? _scopes.Open(state.CgroupPath, unit) : _hierarchy.Open(state.CgroupPath);

    /// <inheritdoc/>
    public IReadOnlyList<string> WarningsOf(Oci.Runtime.ProcessSpec process)
    {
        List<string> warnings = [];
        PlanBuilder.Check(process, warnings);
        return warnings;
    }

    /// <inheritdoc/>
    public void CheckMapping(string directory) => _mapping.Check(directory);

    /// <inheritdoc/>
    public async Task<IContainer> CreateAsync(ContainerRequest request, CancellationToken cancellationToken)
    {
        IList<string> warnings = request.Warnings ?? [];
        KernelParameters.Check(request.Spec);
        bool strict = Strictness.IsAsked(request.Spec.Annotations);
        CallFilter filter = request.Runtime is null ? CallFilter.Compile(request.Spec.Linux?.Seccomp) : CallFilter.None;
        if (File.Exists(Path.Join(request.RunDirectory, ContainerState.FileName)))
            throw FaultException.Conflict($"container {request.Id}: its run directory {request.RunDirectory} is in use");
        ScopeName? scope = _makesScopes ? ScopeName.Parse(request.Spec.Linux?.CgroupsPath, request.Id, SystemdManager.IsUser) : null;
        if (request.Runtime is null && request.Spec.Hooks is not null)
            request = await WithBundleAsync(request, cancellationToken);
        ContainerState state = new()
        {
            Id = request.Id,
            CgroupPath = scope is { } unit ? await Task.Run(() => SystemdScopes.PathOf(unit), cancellationToken)
                : request.Spec.Linux?.CgroupsPath is { Length: > 0 } path ? path : $"/berth/{request.Id}",
            SystemdUnit = scope?.Unit,
            Terminal = request.Spec.Process?.Terminal == true,
            HasUserNamespace = request.Spec.Linux?.Namespaces?.Any(static entry => entry.Type == "user") == true,
            Users = request.MapsOwners ? request.Spec.Linux?.UidMappings : null,
            Groups = request.MapsOwners ? request.Spec.Linux?.GidMappings : null,
            HasTimeNamespace = request.Spec.Linux?.Namespaces?.Any(static entry => entry.Type == "time") == true,
            HasPrivateProcesses = ExternalPlan.HasPrivateProcesses(request.Spec),
            Runtime = request.Runtime,
            IsStrict = strict,
            Filter = filter,
            Personality = SchedulingPlan.Personality(request.Spec.Linux?.Personality),
            Poststop = request.Runtime is null ? HookPlan.Label(request.Spec.Hooks?.Poststop, request) : [],
            StateAfterEnd = request.Spec.Hooks?.Poststop is { Count: > 0 } ? "{\"pid\":0" + StateOf(request, "stopped") : "",
        };
        // Before anything in the kernel: an engine that finds the run directory finds all that was made for it.
        WriteState(request.RunDirectory, state);
        if (request.Runtime is { } external)
            return await _externals.CreateAsync(request, state, external, cancellationToken);
        Cgroup? cgroup = null;
        MonitoredProcess? process = null;
        SystemdScope? made = null;
        try
        {
            IList<string> told = Strictness.Taking(warnings, strict);
            if (scope is { } name)
            {
                // To its end: what was begun has to be known to be undone.
                made = await Task.Run(() => _scopes.Create(name, request.Id, request.Spec.Linux?.Resources, request.Spec.Annotations, told,
                    static _ => { }), CancellationToken.None);
            }
            cgroup = made?.Cgroup ?? _hierarchy.Create(state.CgroupPath, request.Spec.Linux?.Resources, told);
            process = Launch(request, state, cgroup, warnings);
            if (HookPlan.Pauses(request.Spec))
                await RunHooksAsync(process, request, cancellationToken);
            int pid = await process.Created.WaitAsync(cancellationToken);
            made?.Settle();
            return new RunningContainer(_program, state, request.RunDirectory, cgroup, process, pid, startedAt: null)
            {
                Poststart = HookPlan.Label(request.Spec.Hooks?.Poststart, request),
                RunningState = StateOf(request, "running"),
                Warn = _warn,
            };
        }
        catch
        {
            // Asked before the group goes. In runc's words.
            bool isKilled = process?.EndedUnmade == true && cgroup is not null
                && RunningContainer.WasOutOfMemory(cgroup, request.RunDirectory);
            made?.Dispose();
            await UndoAsync(process, cgroup, state, request.RunDirectory);
            if (isKilled)
                throw FaultException.Internal("container init was OOM-killed (memory limit too low?): unknown");
            throw;
        }
    }

    // Hooks look there for the root, among others.
    private static async Task<ContainerRequest> WithBundleAsync(ContainerRequest request, CancellationToken cancellationToken)
    {
        HookPlan.Check(request.Spec.Hooks);
        RootSpec root = request.Spec.Root ?? new RootSpec { Path = "" };
        RuntimeSpec spec = request.Spec with { Root = root with { Path = request.Overlay?.MountPoint ?? root.Path } };
        await File.WriteAllBytesAsync(Path.Join(request.RunDirectory, "config.json"),
            JsonSerializer.SerializeToUtf8Bytes(spec, RuntimeJson.Spec), cancellationToken);
        return request with { Bundle = request.RunDirectory };
    }

    private static string StateOf(ContainerRequest request, string status) =>
        HookPlan.Rest(request.Spec, request.Id, request.Bundle, status);

    private static async Task RunHooksAsync(MonitoredProcess process, ContainerRequest request, CancellationToken cancellationToken)
    {
        int pid = await process.Paused.WaitAsync(cancellationToken);
        string told = string.Create(CultureInfo.InvariantCulture, $"{{\"pid\":{pid}") + StateOf(request, "creating");
        HooksSpec hooks = request.Spec.Hooks!;
        await HookRunner.OfEngine.RunAsync(
            "prestart", HookPlan.Label(hooks.Prestart, request), told, request.RunDirectory, cancellationToken);
        await HookRunner.OfEngine.RunAsync(
            "createRuntime", HookPlan.Label(hooks.CreateRuntime, request), told, request.RunDirectory, cancellationToken);
        await process.ProceedAsync(cancellationToken);
    }

    private MonitoredProcess Launch(ContainerRequest request, ContainerState state, Cgroup cgroup, IList<string> warnings)
    {
        using Plan plan = PlanBuilder.ForContainer(
            request, state.Filter, cgroup, Strictness.Taking(warnings, state.IsStrict), unmonitored: null,
            mount => UserNamespaces.Create(_program, mount));
        return _program.Start(plan, attach: null, warnings);
    }

    // Under another name first: a reader finds all of it or nothing.
    private static void WriteState(string runDirectory, ContainerState state)
    {
        string path = Path.Join(runDirectory, ContainerState.FileName);
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(state, ContainerStateJson.Default.ContainerState));
        File.Move(path + ".new", path);
    }

    private async Task UndoAsync(MonitoredProcess? process, Cgroup? cgroup, ContainerState state, string runDirectory)
    {
        await Task.Run(() =>
        {
            cgroup?.Kill();
            process?.Handle?.TrySignal(9);
        });
        if (process is not null)
        {
            await process.Ended;
            await process.DisposeAsync();
        }
        if (cgroup is not null)
            await Task.Run(cgroup.Remove);
        await HookRunner.OfEngine.TryRunAsync("poststop", state.Poststop, state.StateAfterEnd, runDirectory, _warn);
        RunDirectories.Clear(runDirectory);
    }

    /// <inheritdoc/>
    public async Task<IContainer?> ReattachAsync(string id, string runDirectory, CancellationToken cancellationToken)
    {
        if (ReadState(runDirectory) is not { } state || state.Id != id)
            return null;
        Cgroup cgroup = Open(state);
        if (RunDirectories.ReadExit(runDirectory) is { } record)
            return Wrap(RunningContainer.AfterEnd(_program, state, runDirectory, cgroup, record, _warn), state, runDirectory);
        MonitoredProcess? process = await ConnectAsync(runDirectory, cancellationToken);
        if (process is not null)
        {
            Task first = await Task.WhenAny(process.Created, process.Ended).WaitAsync(cancellationToken);
            if (first == process.Created && process.Created.IsCompletedSuccessfully)
            {
                DateTimeOffset? started = process.Started.IsCompletedSuccessfully ? await process.Started : null;
                return Wrap(new RunningContainer(_program, state, runDirectory, cgroup, process, await process.Created, started)
                {
                    Warn = _warn,
                }, state, runDirectory);
            }
            await process.DisposeAsync();
        }
        // The monitor is gone: either it recorded the end just now, or somebody killed it, and then its container goes too.
        if (RunDirectories.ReadExit(runDirectory) is not { } late)
        {
            await Task.Run(cgroup.Kill, cancellationToken);
            late = new ExitRecord(137, DateTimeOffset.UtcNow, null);
        }
        return Wrap(RunningContainer.AfterEnd(_program, state, runDirectory, cgroup, late, _warn), state, runDirectory);
    }

    private IContainer Wrap(RunningContainer container, ContainerState state, string runDirectory) =>
        state.Runtime is null ? container : _externals.Wrap(container, state, runDirectory);

    private static async Task<MonitoredProcess?> ConnectAsync(string runDirectory, CancellationToken cancellationToken)
    {
        if (RunDirectories.TryConnect(runDirectory) is not { } socket)
            return null;
        try
        {
            await socket.SendAsync(new byte[] { (byte)Packet.Control }, cancellationToken);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
        return new MonitoredProcess(socket, monitorPid: 0, reaper: null, []);
    }

    private static ContainerState? ReadState(string runDirectory)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Join(runDirectory, ContainerState.FileName)),
                ContainerStateJson.Default.ContainerState);
        }
        catch (Exception unreadable) when (unreadable is IOException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Lets go of the program's sealed copy. Containers go on.</summary>
    public void Dispose() => _program.Dispose();
}
