using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers.Trees;

namespace Berth.Engine;

/// <inheritdoc cref="IVolumes"/>
internal sealed class VolumeService(EngineParts parts) : IVolumes
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, VolumeDetails> _volumes = new(StringComparer.Ordinal); // Guarded by _gate.

    // Volumes of containers that are just being made and stand in no table yet. Guarded by _gate.
    private readonly List<VolumeClaim> _claims = [];

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
    /// <param name="claim">The container that it is for: until that is in the table or has failed, nobody removes the volume. The record
    /// of one without a name goes there, to be written together with that of the container: nobody could find it without. Null: it is
    /// for nobody, and written here.</param>
    public VolumeDetails Create(CreateVolume request, VolumeClaim? claim = null)
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
            {
                if (request.DriverOptions.Count > 0 && !Same(known.Options, request.DriverOptions))
                    throw FaultException.Conflict(
                        $"volume {name} already exists with other options: remove it first or choose another name");
                claim?.Names.Add(name);
                return known;
            }
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
            Keep(volume, isAnonymous ? claim?.Together : null);
            _volumes[name] = volume;
            claim?.Names.Add(name);
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
        string[] users = TryDelete(name);
        return users.Length == 0 ? Task.CompletedTask
            : throw FaultException.Conflict($"remove {name}: volume is in use - [{string.Join(", ", users)}]");
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
            long size = DiskSize.Of(volume.Mountpoint);
            // Somebody may have come to use it meanwhile.
            if (TryDelete(volume.Name).Length > 0)
                continue;
            freed += size;
            removed.Add(volume.Name);
        }
        parts.Events.Publish("volume", "prune", "", new Dictionary<string, string> { ["reclaimed"] = freed.ToString() });
        return Task.FromResult(new PruneReport(removed, freed));
    }

    /// <summary>Removes a volume's record at once and its files in the background, unless a container uses it.</summary>
    /// <returns>The containers that use it; none: it is gone.</returns>
    public string[] TryDelete(string name)
    {
        lock (_gate)
        {
            if (!_volumes.ContainsKey(name))
                return [];
            string[] users = UsersOf(name);
            if (users.Length > 0)
                return users;
            parts.State.Delete(Kinds.Volume, name);
            Forget(name);
            return [];
        }
    }

    /// <summary>Claims volumes for a container that is being made.</summary>
    public VolumeClaim Claim(string container)
    {
        VolumeClaim claim = new(container, this);
        lock (_gate)
            _claims.Add(claim);
        return claim;
    }

    /// <summary>Lets go of what was claimed: the container is in the table now, or will never be.</summary>
    public void Release(VolumeClaim claim)
    {
        lock (_gate)
            _claims.Remove(claim);
    }

    /// <summary>Whether only this container uses a volume, of those that are and those that are being made.</summary>
    public bool IsOnlyOf(string container, string name)
    {
        lock (_gate)
            return UsersOf(name).All(user => user == container);
    }

    // Under _gate. In this order: who is in the table has let go of the claim only then.
    private string[] UsersOf(string name) =>
    [
        .. _claims.Where(claim => claim.Names.Contains(name)).Select(claim => claim.Container)
            .Union(parts.Containers.All.Where(container => Uses(container.Record, name)).Select(container => container.Id)),
    ];

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

/// <summary>The volumes of a container that is being made: nobody removes them until this is disposed of.</summary>
/// <param name="container">Its ID.</param>
/// <param name="volumes">Where they are.</param>
internal sealed class VolumeClaim(string container, VolumeService volumes) : IDisposable
{
    public string Container => container;

    /// <summary>Their names. Guarded by the service.</summary>
    public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

    /// <summary>Records to be written with the container's.</summary>
    public List<Change> Together { get; } = [];

    public void Dispose() => volumes.Release(this);
}
