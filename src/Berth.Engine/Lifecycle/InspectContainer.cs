using System.Globalization;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Runtime;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    public Task<ContainerDetails> InspectAsync(string id, bool size, CancellationToken cancellationToken)
    {
        ContainerDetails details = Describe(Find(id), size);
        return Task.FromResult(details with { Host = Specs.SpecBuilder.WithPaths(details.Host) });
    }

    internal ContainerDetails Describe(Container container, bool size)
    {
        ContainerRecord record = container.Record;
        Specs.ManagedFiles paths = new(parts.ContainerDirectory(record.Id));
        WritableLayer? layer = parts.Layers.FindWritable(record.Id);
        long? own = size && layer is not null ? SizeOf(layer) : null;
        return new ContainerDetails
        {
            Id = record.Id,
            Name = record.Name,
            Created = record.Created,
            Path = record.Path,
            Args = record.Arguments,
            State = record.State,
            ImageId = record.ImageId,
            Config = record.Config,
            Host = record.Host with { Links = ShownLinks(record) },
            LinkNames = LinkNames(record.Id),
            Mounts = [.. record.Mounts.Where(mount => !mount.Hidden).Select(mount => mount.Point)],
            Networks = ContainerNetworking.Describe(record, parts),
            RestartCount = record.RestartCount,
            ExecIds = ExecsOf?.Invoke(record.Id) ?? [],
            LogPath = record.Host.LogConfig?.Type == "json-file" ? parts.LogPath(record.Id) : "",
            LogAttributes = LogOptions.Plan(record.Host.LogConfig!) is { } plan
                ? LogSource.Of(record, plan).Shown() : new Dictionary<string, string>(),
            ResolvConfPath = paths.ResolvConf,
            HostnamePath = paths.Hostname,
            HostsPath = paths.Hosts,
            Os = record.Os,
            AppArmorProfile = AppArmorProfileOf(container),
            GraphDriver = layer is null ? new Dictionary<string, string>() : Directories(layer),
            SizeRw = own,
            SizeRootFs = own + (images.TryGet(record.ImageId) is null ? 0 : images.SizeOf(images.Config(record.ImageId))),
        };
    }

    // Of one that runs it is what the kernel says: it may have been started by an engine that had no profile of its own.
    private string AppArmorProfileOf(Container container)
    {
        if (!AppArmor.IsEnabled)
            return "";
        HostSettings host = container.Record.Host;
        return (container.Runtime is { } running && container.State.Running
            ? AppArmor.ProfileOf(running.Pid.ToString(CultureInfo.InvariantCulture))
            : Specs.SecurityOptions.Parse(host.SecurityOpt ?? [], parts.Options)
                .AppArmorFor(host.Privileged, parts.Confinement.Ensure())) ?? Specs.SecurityOptions.Unconfined;
    }

    /// <summary>Bytes of a container's own files; null when its tree cannot be walked, which one hostile container must not make
    /// everybody's problem.</summary>
    internal long? SizeOf(WritableLayer layer)
    {
        try
        {
            return parts.Layers.SizeOf(layer);
        }
        catch (Exception exception) when (exception is FaultException or IOException)
        {
            Log.SizeUnknown(_logger, layer.Name, exception.Message);
            return null;
        }
    }

    /// <summary>The execs of a container that have not ended; set by the exec service.</summary>
    internal Func<string, IReadOnlyList<string>>? ExecsOf { get; set; }

    private static Dictionary<string, string> Directories(WritableLayer layer) => new()
    {
        ["LowerDir"] = string.Join(':', layer.LowerDirectories),
        ["MergedDir"] = layer.MountPoint,
        ["UpperDir"] = layer.UpperDirectory,
        ["WorkDir"] = layer.WorkDirectory,
    };
}
