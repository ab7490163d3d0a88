using System.Text.Json;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Sockets;
using Berth.Oci.Json;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Monitors;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Externals;

/// <summary>A container that an external runtime made: streams and end come from the monitor, everything else is that program's.</summary>
internal sealed class ExternalContainer(
    IContainer monitored, MonitorProgram program, ExternalCommands commands, Cgroup cgroup, CgroupHierarchy hierarchy,
    ContainerState state) : IContainer
{
    private const int Kill = 9;
    private static readonly TimeSpan s_killGrace = TimeSpan.FromSeconds(20);

    /// <inheritdoc/>
    public string Id => monitored.Id;

    /// <inheritdoc/>
    public int Pid => monitored.Pid;

    /// <inheritdoc/>
    public DateTimeOffset? StartedAt => monitored.StartedAt;

    /// <inheritdoc/>
    public Task<ContainerExit> Exited => monitored.Exited;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await monitored.StartAsync(cancellationToken);
        }
        catch (FaultException fault)
        {
            throw commands.FaultOf("start", commands.Directory, fault);
        }
    }

    /// <inheritdoc/>
    public Task<IContainerStreams> AttachAsync(bool stdin, CancellationToken cancellationToken) =>
        monitored.AttachAsync(stdin, cancellationToken);

    /// <inheritdoc/>
    // What the pid names may be a virtual machine: only its runtime knows how a signal gets inside.
    public bool TrySignal(int signal) => monitored.TrySignal(0) && (signal == 0
        || commands.TryRun("kill", Id, signal.ToString(System.Globalization.CultureInfo.InvariantCulture)) is null
        || (signal == Kill && monitored.TrySignal(signal)));

    /// <inheritdoc/>
    public Task ResizeAsync(int rows, int columns, CancellationToken cancellationToken) =>
        monitored.ResizeAsync(rows, columns, cancellationToken);

    /// <inheritdoc/>
    public Task PauseAsync(CancellationToken cancellationToken) => commands.RunAsync("pause", Id);

    /// <inheritdoc/>
    public Task ResumeAsync(CancellationToken cancellationToken) => commands.RunAsync("resume", Id);

    /// <inheritdoc/>
    public async Task UpdateAsync(LinuxResources resources, CancellationToken cancellationToken)
    {
        string file = Path.Join(commands.Directory, $"resources-{Guid.NewGuid():n}.json");
        await File.WriteAllBytesAsync(file, JsonSerializer.SerializeToUtf8Bytes(resources, RuntimeJson.Resources), cancellationToken);
        try
        {
            await commands.RunAsync("update", "--resources", file, Id);
        }
        finally
        {
            ExternalCommands.Remove(file);
        }
    }

    /// <inheritdoc/>
    public CgroupStatistics ReadStatistics() => monitored.ReadStatistics();

    /// <inheritdoc/>
    public IReadOnlyList<int> Processes() => monitored.Processes();

    /// <inheritdoc/>
    public async Task<IExecProcess> ExecAsync(ExecRequest request, CancellationToken cancellationToken)
    {
        if (Exited.IsCompleted || StartedAt is null)
            throw FaultException.Conflict($"container {Id} is not running");
        string directory = Path.Join(commands.Directory, $"exec-{request.Id}");
        Directory.CreateDirectory(directory);
        try
        {
            ProcessSpec process = ExternalSpec.Clamp(request.Process, Strictness.Taking([], state.IsStrict));
            byte[] description = JsonSerializer.SerializeToUtf8Bytes(process, RuntimeJson.Process);
            await File.WriteAllBytesAsync(Path.Join(directory, "process.json"), description, cancellationToken);
            IExecProcess running = await StartAsync(request, directory, cancellationToken);
            _ = ClearAfterAsync(running.Exited, directory);
            return running;
        }
        catch
        {
            RunDirectories.Clear(directory);
            throw;
        }
    }

    private async Task<IExecProcess> StartAsync(ExecRequest request, string directory, CancellationToken cancellationToken)
    {
        (System.Net.Sockets.Socket? own, FileDescriptor? other) = request.Detached ? default : PacketSockets.CreatePair();
        MonitoredProcess process;
        using (other)
        using (Plan plan = ExternalPlan.ForExec(request, commands, directory, state))
            process = program.Start(plan, other, []);
        try
        {
            await process.Created.WaitAsync(cancellationToken);
            await process.StartAsync(cancellationToken);
            return new ExecProcess(process, process.Pid, request.Process.Terminal, own is null ? null : new ContainerStreams(own));
        }
        catch (Exception failure)
        {
            own?.Dispose();
            process.Handle?.TrySignal(Kill);
            await process.DisposeAsync();
            if (failure is FaultException fault)
                throw commands.FaultOf("exec", directory, fault);
            throw;
        }
    }

    private static async Task ClearAfterAsync(Task ended, string directory)
    {
        await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Of an exec that goes on without us the next engine's deletion takes it.
        if (ended.IsCompletedSuccessfully)
            RunDirectories.Clear(directory);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(CancellationToken cancellationToken)
    {
        if (!Exited.IsCompleted)
        {
            if (await Task.Run(() => cgroup.IsFrozen, cancellationToken))
                await commands.TryRunAsync("resume", Id);
            await Task.Run(() => TrySignal(Kill), cancellationToken);
            await Task.WhenAny(Exited, Task.Delay(s_killGrace, cancellationToken));
        }
        // Also what it left behind of a start that failed or was killed half way; what it cannot, the groups' own removal does.
        await commands.TryRunAsync("delete", "--force", Id);
        if (!state.HasPrivateProcesses)
            await Task.Run(cgroup.Kill, cancellationToken);
        await monitored.DeleteAsync(cancellationToken);
        hierarchy.RemoveFromNamedTrees(cgroup.Path);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => monitored.DisposeAsync();
}
