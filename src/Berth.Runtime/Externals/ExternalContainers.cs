using System.Text.Json;
using Berth.Faults;
using Berth.Linux;
using Berth.Oci.Json;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Monitors;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Externals;

/// <summary>Makes containers by a runtime of others, which our monitor calls (docs/adr/0014-any-oci-runtime.md).</summary>
/// <param name="program">Our monitor.</param>
/// <param name="hierarchy">The machine's trees.</param>
/// <param name="open">Finds a container's cgroup.</param>
internal sealed class ExternalContainers(MonitorProgram program, CgroupHierarchy hierarchy, Func<ContainerState, Cgroup> open)
{
    /// <summary>Makes one up to the point where its first process waits to execute.</summary>
    /// <exception cref="FaultException">As <see cref="IContainerRuntime.CreateAsync"/>, with the runtime's own words.</exception>
    public async Task<IContainer> CreateAsync(
        ContainerRequest request, ContainerState state, ExternalRuntime runtime, CancellationToken cancellationToken)
    {
        ExternalSpec.Check(request, runtime.Name);
        CheckProgram(runtime);
        IList<string> warnings = request.Warnings ?? [];
        MappedRoom? room = request.MapsOwners ? MappedRoom.For(request.RunDirectory, runtime.Path) : null;
        if (room is not null && request.Init)
            request = request with { Spec = ExternalSpec.WithInit(request.Spec, program.Path), Init = false };
        byte[] configuration = JsonSerializer.SerializeToUtf8Bytes(ExternalSpec.Make(
            request, state.SystemdUnit is not null ? request.Spec.Linux!.CgroupsPath
                : hierarchy.Mode == CgroupMode.None ? null : state.CgroupPath, program.Path,
            Strictness.Taking(warnings, state.IsStrict), room), RuntimeJson.Spec);
        ExternalCommands commands = new(runtime, request.Id, request.RunDirectory, state.SystemdUnit is not null);
        Cgroup cgroup = open(state);
        MonitoredProcess? process = null;
        try
        {
            await File.WriteAllBytesAsync(Path.Join(request.RunDirectory, "config.json"), configuration, cancellationToken);
            using (FileDescriptor? maps = room is null ? null : MappedRoom.Maps(program, request.Spec.Linux!))
            using (Plan plan = ExternalPlan.ForContainer(request, commands, room, maps))
                process = program.Start(plan, attach: null, warnings);
            int pid = await process.Created.WaitAsync(cancellationToken);
            return Wrap(new RunningContainer(program, state, request.RunDirectory, cgroup, process, pid, startedAt: null),
                state, request.RunDirectory);
        }
        catch (Exception failure)
        {
            // Its log says why; it goes with the directory.
            FaultException? fault = failure is FaultException cause && process is not null
                ? commands.FaultOf("create", request.RunDirectory, cause) : null;
            await UndoAsync(process, commands, request.Id, cgroup);
            if (fault is not null)
                throw fault;
            throw;
        }
    }

    /// <summary>A container of such a runtime by its monitor, found or new.</summary>
    public IContainer Wrap(RunningContainer monitored, ContainerState state, string runDirectory) => new ExternalContainer(
        monitored, program, new ExternalCommands(state.Runtime!, state.Id, runDirectory, state.SystemdUnit is not null), open(state),
        hierarchy, state);

    private async Task UndoAsync(MonitoredProcess? process, ExternalCommands commands, string id, Cgroup cgroup)
    {
        // A program still at work would make what we are about to remove.
        if (process is not null)
            await ((Task)process.Created).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await commands.TryRunAsync("delete", "--force", id);
        await Task.Run(cgroup.Kill);
        if (process is not null)
        {
            process.Handle?.TrySignal(9);
            await process.Ended;
            await process.DisposeAsync();
        }
        await Task.Run(cgroup.Remove);
        hierarchy.RemoveFromNamedTrees(cgroup.Path);
        RunDirectories.Clear(commands.Directory);
    }

    private static void CheckProgram(ExternalRuntime runtime)
    {
        if (!File.Exists(runtime.Path))
            throw FaultException.Unavailable("failed to create task for container: failed to create shim task: OCI runtime create failed: "
                + $"unable to start runtime {runtime.Name}: fork/exec {runtime.Path}: no such file or directory: unknown");
    }
}
