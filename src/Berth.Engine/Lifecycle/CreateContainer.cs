using Berth.Engine.Mounts;
using Berth.Engine.Specs;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci.Images;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    // sethostname(2): HOST_NAME_MAX.
    private const int HostNameMax = 64;

    private const string JoinPrefix = "container:";

    public Task<CreatedContainer> CreateAsync(CreateContainer request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string? asked = string.IsNullOrEmpty(request.Name) ? null : ContainerNames.Parse(request.Name);
        ImageRecord image = FindImage(request);
        using IDisposable hold = images.Hold(image.Id);
        List<string> warnings = [];
        HostSettings host = ValidateHost.Normal(request.Host, parts, warnings);
        ImageConfig config = images.Config(image.Id);
        ContainerSettings merged = MergeSettings.Merge(request.Config, config.Config);
        ValidateHost.CheckAgainst(request, host, merged);
        if (merged.StopSignal is { Length: > 0 } signal)
            _ = SignalNames.Parse(signal);
        host = WithLinks(WithJoined(host));
        List<MountRecord> mounts = ResolveMounts.From(merged, host, Donor);
        if (request.ReadOnlyIsFlat)
            mounts = [.. mounts.Select(mount => mount.Point is { Type: "bind", ReadWrite: false }
                ? mount with { ReadOnlyNonRecursive = true } : mount)];

        bool isMapped = UserNamespaceRules.IsAsked(host, parts.Options);
        UserNamespaceRules.CheckMounts(mounts, isMapped);
        if (isMapped)
            parts.Runtime.CheckMapping(parts.Options.DataRoot);

        string id = RandomIds.Next();
        string name = parts.Containers.Reserve(asked, id);
        List<Action> undo = [() => parts.Containers.Release(name)];
        VolumeClaim claim = volumes.Claim(id);
        try
        {
            ContainerRecord record = Prepare(new ContainerRecord
            {
                Id = id,
                Name = name,
                Created = parts.Time.GetUtcNow(),
                ImageId = image.Id,
                Chain = image.Chain,
                Os = config.Os.Length > 0 ? config.Os : "linux",
                Config = merged with { Hostname = HostName(merged, host, id) },
                Host = host,
                Networks = RequestedNetworks(request, host),
                Mounts = mounts,
                UserMaps = isMapped ? MapsOf(host, id) : null,
            }, claim, undo, cancellationToken);
            _ = LogFileOf(record);
            parts.Containers.Add(record, claim.Together);
            undo.Clear();
            Publish(record, "create");
            warnings.AddRange(LimitWarnings.Of(host.Resources, HostLimits.Read()));
            warnings.AddRange(StartWarnings(record));
            SecurityOptions security = SecurityOptions.Parse(host.SecurityOpt ?? [], parts.Options);
            if (security.WarningFor(config.Architecture, host.Privileged) is { } warning)
                warnings.Add(warning);
            return Task.FromResult(new CreatedContainer(id, warnings));
        }
        catch (IOException exception)
        {
            throw DiskFull.Explain($"create container {name}", parts.Options.DataRoot, exception);
        }
        finally
        {
            claim.Dispose();
            undo.Reverse();
            undo.ForEach(step => step());
            if (isMapped)
                _userIds.Settle(id);
        }
    }

    // By ID, so that joining outlives a change of the other's name. One that is missing is said when this one starts.
    private HostSettings WithJoined(HostSettings host) => host with
    {
        NetworkMode = ByIdOf(host.NetworkMode), PidMode = ByIdOf(host.PidMode), IpcMode = ByIdOf(host.IpcMode),
        UsernsMode = ByIdOf(host.UsernsMode),
    };

    private string? ByIdOf(string? mode) => mode?.StartsWith(JoinPrefix, StringComparison.Ordinal) == true
        && RecordOf(mode[JoinPrefix.Length..]) is { } other ? JoinPrefix + other.Id : mode;

    // Clients take a "not found" for a missing image and pull it.
    private ContainerRecord Donor(string container) =>
        RecordOf(container) ?? throw FaultException.Invalid($"No such container: {container}");

    private ContainerRecord? RecordOf(string container) => parts.Containers.TryFind(container)?.Record;

    private UserMaps MapsOf(HostSettings host, string id) => UserNamespaceRules.IsPrivate(host) ? _userIds.Take(id)
        : UserNamespaceRules.MapsOfJoined(host, RecordOf) ?? parts.Options.DefaultUserMaps!;

    // The layer, the directory and the volumes; what was done is undone when a later step fails.
    private ContainerRecord Prepare(
        ContainerRecord record, VolumeClaim claim, List<Action> undo, CancellationToken cancellationToken)
    {
        WritableLayer layer = CreateLayer(record);
        undo.Add(() => parts.Layers.RemoveWritable(record.Id));
        MountStubs.MakeMark(layer);
        string directory = parts.ContainerDirectory(record.Id);
        Directory.CreateDirectory(directory);
        undo.Add(() => Directory.Delete(directory, recursive: true));
        return record.Mounts.Count == 0 ? record
            : record with
            {
                Mounts = [.. record.Mounts.Select(mount => MakeVolume(mount, record.Host, layer, claim, undo, cancellationToken))],
            };
    }

    private WritableLayer CreateLayer(ContainerRecord record)
    {
        try
        {
            return parts.Layers.CreateWritable(record.Id, record.Parent, StorageOptions.BytesMax(record.Host.StorageOpt));
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.NotSupported)
        {
            // Docker's text first, which its clients' users look for.
            throw new FaultException(FaultKind.NotSupported,
                "--storage-opt is supported only for overlay over xfs with 'pquota' mount option, "
                + "or over ext4 with 'prjquota': the data root is on no such file system", fault);
        }
    }

    private MountRecord MakeVolume(
        MountRecord mount, HostSettings host, WritableLayer layer, VolumeClaim claim, List<Action> undo,
        CancellationToken cancellationToken)
    {
        if (mount.Point.Type == "image")
            return mount with { Point = mount.Point with { Source = images.Find(mount.Point.Source).Id.ToString() } };
        if (mount.Point.Type != "volume")
            return mount;
        bool isNew = mount.Point.Name.Length == 0 || volumes.TryGet(mount.Point.Name) is null;
        // Labels and options of --mount are for a volume that is made now.
        MountRequest? asked = isNew ? (host.Mounts ?? []).FirstOrDefault(
            request => request.Type == "volume" && ContainerPath.Clean(request.Target) == mount.Point.Destination) : null;
        VolumeDetails volume = volumes.Create(new CreateVolume
        {
            Name = mount.Point.Name,
            Labels = asked?.Labels ?? new Dictionary<string, string>(),
            DriverOptions = asked?.DriverOptions ?? new Dictionary<string, string>(),
        }, claim);
        // Unless another container has come to use it meanwhile.
        if (isNew)
            undo.Add(() => volumes.TryDelete(volume.Name));
        if (!mount.Options.Contains("nocopy") && volume.Options.Count == 0
            && !Directory.EnumerateFileSystemEntries(volume.Mountpoint).Any())
            CopyUp(mount.Point.Destination, volume.Mountpoint, layer, cancellationToken);
        return mount with { Point = mount.Point with { Name = volume.Name, Source = volume.Mountpoint } };
    }

    // The image's path is resolved in the image's root by the kernel, so that a link in it cannot lead to the host.
    private static void CopyUp(string destination, string volume, WritableLayer layer, CancellationToken cancellationToken)
    {
        using ContainerRoot root = ContainerRoot.OfLayer(layer);
        try
        {
            TreeCopier.TryCopyInto(root.Directory, destination, volume, cancellationToken);
        }
        catch
        {
            // A volume that existed before must not stay half filled: the next container would take it for its owner's content.
            foreach (string entry in Directory.GetFileSystemEntries(volume))
                TreeRemover.Remove(entry);
            throw;
        }
    }

    // What a start will leave out on this host is said already now: create is where clients print it.
    private IReadOnlyList<string> StartWarnings(ContainerRecord record) => parts.Runtime.WarningsOf(new Oci.Runtime.ProcessSpec
    {
        Args = record.Program,
        Cwd = "/",
        Capabilities = SpecBuilder.CapabilitySets(
            Capabilities.Resolve(record.Host.Privileged, record.Host.CapAdd ?? [], record.Host.CapDrop ?? []), uid: 0),
        Rlimits = SpecBuilder.Rlimits(record.Host.Resources.Ulimits ?? [], parts.Options.DefaultUlimits),
        OomScoreAdj = record.Host.OomScoreAdj == 0 ? null : record.Host.OomScoreAdj,
    });

    private ImageRecord FindImage(CreateContainer request)
    {
        if (request.Config.Image.Length == 0)
            throw FaultException.Invalid("config.Image is empty: name an image");
        ImageRecord image = images.FindByReference(request.Config.Image);
        Platform actual = images.Config(image.Id).Platform;
        if (request.Platform is { } wanted && actual.Os.Length > 0 && !wanted.Accepts(actual))
            throw FaultException.NotFound($"image with reference {request.Config.Image} was found but its platform ({actual}) "
                + $"does not match the specified platform ({wanted})");
        return image;
    }

    private static string HostName(ContainerSettings config, HostSettings host, string id)
    {
        if (host.UTSMode == "host")
            return Environment.MachineName;
        if (string.IsNullOrEmpty(config.Hostname))
            return host.NetworkMode == "host" ? Environment.MachineName : id[..12];
        // What the kernel takes and one line of /etc/hosts can hold.
        bool isValid = config.Hostname.Length <= HostNameMax && !config.Hostname.Any(c => char.IsControl(c) || char.IsWhiteSpace(c));
        return isValid ? config.Hostname : throw FaultException.Invalid($"invalid hostname: {config.Hostname}");
    }

    private Dictionary<string, EndpointSettings> RequestedNetworks(CreateContainer request, HostSettings host)
    {
        string mode = host.NetworkMode!;
        if (request.Config.NetworkDisabled)
            return new() { ["none"] = new() };
        if (mode is "host" or "none" || mode.StartsWith(JoinPrefix, StringComparison.Ordinal))
        {
            foreach ((string key, EndpointSettings settings) in request.Networks)
                CheckEndpoint(NetworkName(key), settings);
            return mode is "host" or "none" ? new() { [mode] = new() } : [];
        }
        Dictionary<string, EndpointSettings> all = new(StringComparer.Ordinal);
        string first = NetworkName(mode);
        all[first] = new EndpointSettings { MacAddress = request.Config.MacAddress ?? "" };
        foreach ((string key, EndpointSettings settings) in request.Networks)
        {
            string name = NetworkName(key);
            EndpointSettings merged = settings.MacAddress.Length == 0 && name == first
                ? settings with { MacAddress = request.Config.MacAddress ?? "" } : settings;
            CheckEndpoint(name, merged);
            all[name] = merged;
        }
        return all;
    }

    private void CheckEndpoint(string network, EndpointSettings settings)
    {
        try
        {
            EndpointRules.Check(network, parts.Networks.Find(network), settings);
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.InvalidArgument)
        {
            throw FaultException.Invalid($"invalid config for network {network}: {fault.Message}", fault);
        }
    }

    // One that is missing is said when the container starts: clients take a "not found" here for a missing image and pull it.
    private string NetworkName(string text) => text == "default" ? "bridge"
        : parts.Networks.Find(text)?.Name ?? text;
}
