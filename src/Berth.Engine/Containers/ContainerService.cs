using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Linux;
using Berth.Runtime;
using Microsoft.Extensions.Logging;

namespace Berth.Engine;

/// <inheritdoc cref="IContainers"/>
/// <remarks>One file per verb beside this one.</remarks>
internal sealed partial class ContainerService(
    EngineParts parts, ImageTable images, VolumeService volumes, HealthMonitor health) : IContainers
{
    private static readonly TimeSpan s_endIsKnown = TimeSpan.FromSeconds(1);
    private readonly System.Collections.Concurrent.ConcurrentDictionary<Oci.ChainId, Users.UserDatabase> _users = [];
    private readonly Mounts.HostMounts _hostMounts = new(parts);
    private readonly UserIdRanges _userIds = new(() => MapsInUse(parts));
    private readonly Runtime.RuntimeFeatures _runtimeFeatures = new();
    private readonly ILogger _logger = parts.Loggers.CreateLogger<ContainerService>();

    // Those of the engine's default too: a container with a range of its own shares with none of them.
    private static IEnumerable<UserMaps> MapsInUse(EngineParts parts) => parts.Containers.All
        .Select(static container => container.Record.UserMaps).Append(parts.Options.DefaultUserMaps).OfType<UserMaps>();

    private Container Find(string id) => parts.Containers.Find(id);

    /// <summary>Publishes an event of a container with its labels, image and name.</summary>
    internal void Publish(ContainerRecord container, string action, params ReadOnlySpan<(string Key, string Value)> extra) =>
        PublishOf(parts, container, action, extra);

    /// <summary>As <see cref="Publish"/>, for other services.</summary>
    internal static void PublishOf(
        EngineParts parts, ContainerRecord container, string action, params ReadOnlySpan<(string Key, string Value)> extra)
    {
        Dictionary<string, string> attributes = new(container.Config.Labels ?? new Dictionary<string, string>());
        foreach ((string key, string value) in extra)
            attributes[key] = value;
        attributes["image"] = container.Config.Image;
        attributes["name"] = container.Name;
        parts.Events.Publish("container", action, container.Id, attributes);
    }

    private void Update(Container container, Func<ContainerRecord, ContainerRecord> change) =>
        parts.Containers.Update(container, change(container.Record));

    private WritableLayer Layer(Container container) => parts.Layers.FindWritable(container.Id)
        ?? throw FaultException.Internal($"container {container.Name}: its writable layer is missing");

    /// <summary>The tree as of now: through its process while it runs, by a private mount otherwise.</summary>
    /// <param name="container">The container.</param>
    /// <param name="toWrite">Files are to be written, by one who holds <see cref="Container.Tree"/>.</param>
    internal ContainerRoot OpenRoot(Container container, bool toWrite = false)
    {
        if (container.Runtime is { } running && container.State.Running && !running.Exited.IsCompleted)
            return ContainerRoot.OfProcess(running, container.Record.UserMaps);
        return toWrite ? ContainerRoot.OfLayerToWrite(Layer(container)) : ContainerRoot.OfLayer(Layer(container));
    }

    /// <summary>Does something with a container's files. What fails because the container has been removed meanwhile says that.</summary>
    private static async Task<T> WithFilesAsync<T>(Container container, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception gone) when (gone is FaultException or LinuxException or IOException && container.Removed.Task.IsCompleted)
        {
            throw FaultException.NotFound($"No such container: {container.Id}", gone);
        }
    }

    private static void WithFiles(Container container, Action work) => WithFilesAsync(container, () =>
    {
        work();
        return Task.FromResult(true);
    }).GetAwaiter().GetResult();

    /// <summary>Asks something of what runs. What a process that is just ending refuses is said by whichever call meets it; its end is
    /// known a moment later.</summary>
    /// <exception cref="FaultException">Conflict: it has ended. What was refused, otherwise.</exception>
    internal static async Task<T> OfRunningAsync<T>(Container container, IContainer running, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.Internal)
        {
            await Task.WhenAny(running.Exited, Task.Delay(s_endIsKnown));
            throw running.Exited.IsCompleted ? FaultException.Conflict($"container {container.Id} is not running", fault) : fault;
        }
    }

    private static Task OfRunningAsync(Container container, IContainer running, Func<Task> work) =>
        OfRunningAsync(container, running, async () =>
        {
            await work();
            return true;
        });

    private static FaultException NotRunning(Container container) =>
        FaultException.Conflict($"container {container.Id} is not running");

    private static partial class Log
    {
        [LoggerMessage(EventId = 4103, Level = LogLevel.Warning, Message = "container {Name} ({Id}) runs, but: {Warning}")]
        public static partial void StartedWith(ILogger logger, string name, string id, string warning);

        [LoggerMessage(EventId = 4109, Level = LogLevel.Warning, Message = "container {Name} ({Id}) is unhealthy: {Action}")]
        public static partial void Unhealthy(ILogger logger, string name, string id, string action);

        [LoggerMessage(EventId = 4110, Level = LogLevel.Warning, Message = "state of container {Id} is not on disk yet: {Cause}")]
        public static partial void Unsaved(ILogger logger, string id, string cause);

        [LoggerMessage(EventId = 4104, Level = LogLevel.Warning, Message = "size of container {Id} is unknown: {Cause}")]
        public static partial void SizeUnknown(ILogger logger, string id, string cause);
    }
}
