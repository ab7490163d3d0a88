using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers.Trees;

namespace Berth.Engine;

/// <inheritdoc cref="IVolumes"/>
internal sealed class VolumeService(EngineParts parts) : IVolumes
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, VolumeDetails> _volumes = new(StringComparer.Ordinal); // Guarded by _gate.

    /// <summary>Takes in what an earlier engine left and removes directories of volumes that were never recorded.</summary>
    public void Load()
    {
        foreach ((string name, VolumeDetails volume) in parts.State.ReadAll(Kinds.Volume, StateJson.Default.VolumeDetails))
            _volumes[name] = volume;
        Directory.CreateDirectory(Root);
        File.SetUnixFileMode(
            Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        foreach (string directory in Directory.EnumerateDirectories(Root))
            if (!_volumes.ContainsKey(Path.GetFileName(directory)))
                TreeRemover.Remove(directory);
    }

    public Task<VolumeDetails> CreateAsync(CreateVolume request, CancellationToken cancellationToken) => Task.FromResult(Create(request));

    /// <summary>Makes a volume, or returns the one of that name.</summary>
    /// <param name="request">What it is to be.</param>
    /// <param name="together">Where the record of one without a name goes, to be written together with that of the container that it
    /// is for: nobody could find it without. Null: it is written here.</param>
    public VolumeDetails Create(CreateVolume request, ICollection<Change>? together = null)
    {
        bool isAnonymous = string.IsNullOrEmpty(request.Name);
        string name = isAnonymous ? RandomIds.Next() : request.Name!;
        VolumeNames.Check(name, name);
        if (!string.IsNullOrEmpty(request.Driver) && request.Driver != "local")
            throw FaultException.NotFound(
                $"create {name}: error looking up volume plugin {request.Driver}: plugin \"{request.Driver}\" not found");
        LocalVolumeOptions.Check(name, request.DriverOptions);
        VolumeDetails volume;
        lock (_gate)
        {
            if (_volumes.TryGetValue(name, out VolumeDetails? known))
                return request.DriverOptions.Count == 0 || Same(known.Options, request.DriverOptions) ? known
                    : throw FaultException.Conflict(
                    $"volume {name} already exists with other options: remove it first or choose another name");
            volume = new VolumeDetails
            {
                Name = name,
                Mountpoint = Path.Combine(Root, name, "_data"),
                CreatedAt = parts.Time.GetUtcNow(),
                Labels = isAnonymous ? new Dictionary<string,
                    string>(request.Labels) { ["com.docker.volume.anonymous"] = "" } : request.Labels,
                Options = request.DriverOptions,
                Anonymous = isAnonymous,
            };
            Keep(volume, isAnonymous ? together : null);
            _volumes[name] = volume;
        }
        Publish("create", name, []);
        return volume;
    }

    private void Keep(VolumeDetails volume, ICollection<Change>? together)
    {
        string directory = Path.Combine(Root, volume.Name);
        Change record = Change.Put(Kinds.Volume, volume.Name, volume, StateJson.Default.VolumeDetails);
        try
        {
            Directory.CreateDirectory(volume.Mountpoint);
            if (together is null)
                parts.State.Apply([record]);
            else
                together.Add(record);
        }
        catch (Exception exception) when (exception is IOException or FaultException)
        {
            if (Directory.Exists(directory))
                Directory.Delete(directory, recursive: true);
            throw DiskFull.Explain($"create volume {volume.Name}", Root, exception);
        }
    }

    public VolumeDetails Inspect(string name) => TryGet(name) ?? throw FaultException.NotFound($"get {name}: no such volume");

    /// <summary>A volume; null when there is none.</summary>
    public VolumeDetails? TryGet(string name)
    {
        lock (_gate)
            return _volumes.GetValueOrDefault(name);
    }

    public IReadOnlyList<VolumeDetails> List(FilterSet filters)
    {
        filters.Allow("dangling", "driver", "label", "label!", "name");
        bool? dangling = filters.Flag("dangling");
        HashSet<string> used = UsedNames();
        VolumeDetails[] all;
        lock (_gate)
            all = [.. _volumes.Values];
        return [.. all.Where(volume => (dangling is null || dangling != used.Contains(volume.Name))
            && filters.Matches("driver", volume.Driver) && filters.MatchesLabels(volume.Labels)
            && (!filters.Has("name") || filters["name"].Any(part => volume.Name.Contains(part, StringComparison.Ordinal))))];
    }

    public Task RemoveAsync(string name, bool force, CancellationToken cancellationToken)
    {
        if (TryGet(name) is null)
            return force ? Task.CompletedTask : throw FaultException.NotFound($"get {name}: no such volume");
        string[] users = [.. parts.Containers.All.Where(container => Uses(container.Record, name)).Select(container => container.Id)];
        if (users.Length > 0)
            throw FaultException.Conflict($"remove {name}: volume is in use - [{string.Join(", ", users)}]");
        Delete(name);
        return Task.CompletedTask;
    }

    public Task<PruneReport> PruneAsync(FilterSet filters, CancellationToken cancellationToken)
    {
        filters.Allow("all", "label", "label!");
        bool all = filters.Flag("all") ?? false;
        HashSet<string> used = UsedNames();
        List<string> removed = [];
        long freed = 0;
        VolumeDetails[] candidates;
        lock (_gate)
            candidates = [.. _volumes.Values.Where(v => (all || v.Anonymous) && !used.Contains(v.Name) && filters.MatchesLabels(v.Labels))];
        foreach (VolumeDetails volume in candidates)
        {
            freed += DiskSize.Of(volume.Mountpoint);
            Delete(volume.Name);
            removed.Add(volume.Name);
        }
        parts.Events.Publish("volume", "prune", "", new Dictionary<string, string> { ["reclaimed"] = freed.ToString() });
        return Task.FromResult(new PruneReport(removed, freed));
    }

    /// <summary>Removes a volume's record at once and its files in the background.</summary>
    public void Delete(string name)
    {
        lock (_gate)
        {
            if (!_volumes.ContainsKey(name))
                return;
            parts.State.Delete(Kinds.Volume, name);
        }
        Forget(name);
    }

    /// <summary>Removes the files of a volume whose record is gone.</summary>
    public void Forget(string name)
    {
        lock (_gate)
        {
            if (!_volumes.Remove(name))
                return;
            // Out of the way first: a new volume of that name must start empty.
            string old = Path.Combine(Root, name);
            string gone = Path.Combine(Root, $".{RandomIds.Next()}.removed");
            if (Directory.Exists(old))
            {
                Directory.Move(old, gone);
                parts.Background.Run($"remove volume {name}", () =>
                {
                    TreeRemover.Remove(gone);
                    return Task.CompletedTask;
                });
            }
        }
        Publish("destroy", name, []);
    }

    /// <summary>Says that a container mounts or unmounts one.</summary>
    public void PublishMount(string action, string name, string container, MountPoint point) =>
        Publish(action, name, action == "mount" ? new()
        {
            ["container"] = container, ["destination"] = point.Destination, ["propagation"] = point.Propagation,
            ["read/write"] = point.ReadWrite ? "true" : "false",
        } : new() { ["container"] = container });

    /// <summary>How many containers use each volume.</summary>
    public int References(string name) => parts.Containers.All.Count(container => Uses(container.Record, name));

    internal static bool Uses(ContainerRecord container, string volume) =>
        container.Mounts.Any(mount => mount.Point.Type == "volume" && mount.Point.Name == volume);

    private string Root => Path.Combine(parts.Options.DataRoot, "volumes");

    private HashSet<string> UsedNames() =>
        [.. parts.Containers.All.SelectMany(container => container.Record.Mounts).Where(
            m => m.Point.Type == "volume").Select(m => m.Point.Name)];

    private void Publish(string action, string name, Dictionary<string, string> attributes)
    {
        attributes["driver"] = "local";
        parts.Events.Publish("volume", action, name, attributes);
    }

    private static bool Same(IReadOnlyDictionary<string, string> left, IReadOnlyDictionary<string, string> right) =>
        left.Count == right.Count && left.All(pair => right.TryGetValue(pair.Key, out string? value) && value == pair.Value);
}
