using Berth.Linux;
using Berth.Oci.Runtime;
using Berth.Runtime.Monitors;
using Berth.Runtime.Plans;
using Berth.Stage;

namespace Berth.Runtime.Externals;

/// <summary>Plans of a monitor that calls an external runtime: streams, log and root are its own, the rest is that program's.</summary>
internal static class ExternalPlan
{
    /// <summary>Plans a container.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="commands">The runtime's.</param>
    /// <param name="room">Where a container with a user namespace has its mounts; null: it has none.</param>
    /// <param name="maps">With that, a namespace with its maps.</param>
    public static Plan ForContainer(ContainerRequest request, ExternalCommands commands, MappedRoom? room, FileDescriptor? maps)
    {
        Plan plan = new();
        PlanWriter writer = Begin(request.RunDirectory, request.Spec.Process!);
        PlanBuilder.AddRoot(writer, request);
        PlanBuilder.AddLog(writer, request.Log);
        room?.Add(plan, writer, request, maps!);
        if (room is null)
            AddBeneath(writer, request);
        bool hasPrivateProcesses = HasPrivateProcesses(request.Spec);
        writer.Header.Flags |= (request.OpenStdin ? PlanFlags.Stdin : 0) | (request.StdinOnce ? PlanFlags.StdinOnce : 0)
            | (hasPrivateProcesses ? PlanFlags.PrivateProcesses : 0);
        writer.Header.RunDirectory = writer.Text(request.RunDirectory);
        writer.Header.ExternalMake = writer.Pointers(commands.Create(request.Spec.Process!.Terminal));
        writer.Header.ExternalStart = writer.Pointers(commands.Start());
        return PlanBuilder.Finish(plan, writer);
    }

    private static void AddBeneath(PlanWriter writer, ContainerRequest request)
    {
        PlanStep[] steps = [.. ExternalSpec.Beneath(request).Select(beneath => new PlanStep
        {
            Kind = StepKind.Bind, Source = writer.Text(beneath.Mount.Source), Type = writer.Text(beneath.Path),
            Target = writer.Text(beneath.Name),
            Argument = beneath.Mount.Options?.Contains("rbind") == true ? MountMark.Recursive : 0,
        })];
        writer.Header.Steps = writer.Array<PlanStep>(steps);
        writer.Header.StepCount = (uint)steps.Length;
    }

    /// <summary>Plans a further process.</summary>
    public static Plan ForExec(ExecRequest request, ExternalCommands commands, string directory, ContainerState state)
    {
        PlanWriter writer = Begin(directory, request.Process);
        if (state.Users is not null)
            PlanBuilder.AddStreamOwner(writer, state.Users, state.Groups ?? [], request.Process.User.Uid);
        writer.Header.Flags |= (request.Stdin ? PlanFlags.Stdin | PlanFlags.StdinOnce : 0) | (request.Detached ? PlanFlags.Detached : 0);
        writer.Header.ExternalMake = writer.Pointers(commands.Exec(directory, request.Process.Terminal));
        return PlanBuilder.Finish(new Plan(), writer);
    }

    /// <summary>All its processes end with the first.</summary>
    public static bool HasPrivateProcesses(RuntimeSpec spec) =>
        spec.Linux?.Namespaces?.Any(static entry => entry.Type == "pid" && string.IsNullOrEmpty(entry.Path)) == true;

    private static PlanWriter Begin(string directory, ProcessSpec process)
    {
        PlanWriter writer = new();
        ref PlanHeader header = ref writer.Header;
        header.Flags |= PlanFlags.External | (process.Terminal ? PlanFlags.Terminal : 0);
        header.TargetDescriptor = header.NotifySocket = header.MapsDescriptor = -1;
        header.Rows = (ushort)Math.Min(process.ConsoleSize?.Height ?? 0, ushort.MaxValue);
        header.Columns = (ushort)Math.Min(process.ConsoleSize?.Width ?? 0, ushort.MaxValue);
        header.Environment = writer.Pointers(ExternalCommands.Environment);
        header.ExternalDirectory = writer.Text(directory);
        return writer;
    }
}
