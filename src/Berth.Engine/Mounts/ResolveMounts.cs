using Berth.Engine.State;
using Berth.Faults;

namespace Berth.Engine.Mounts;

/// <summary>Turns what a request and its image say about mounts into the list of mounts of a container. Later sources win over
/// the image's volumes; two of the request on one path are an error.</summary>
internal static class ResolveMounts
{
    private static readonly string[] s_propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

    /// <summary>Mounts by destination. Volumes are named but not made: <see cref="MountPoint.Name"/> is empty for those to come.</summary>
    /// <exception cref="FaultException">InvalidArgument, with Docker's texts.</exception>
    public static List<MountRecord> From(
        ContainerSettings config, HostSettings host, Func<string, ContainerRecord> findContainer)
    {
        Dictionary<string, MountRecord> byPath = new(StringComparer.Ordinal);
        foreach (string source in host.VolumesFrom ?? [])
            foreach (MountRecord inherited in Inherit(source, findContainer))
                byPath[inherited.Point.Destination] = inherited;

        HashSet<string> own = new(StringComparer.Ordinal);
        foreach (MountRecord mount in (host.Binds ?? []).Select(ParseBind)
            .Concat((host.Mounts ?? []).Select(FromRequest)).Concat((host.Tmpfs ?? new Dictionary<string, string>()).Select(FromTmpfs)))
        {
            if (!own.Add(mount.Point.Destination))
                throw FaultException.Invalid($"Duplicate mount point: {mount.Point.Destination}");
            byPath[mount.Point.Destination] = mount;
        }

        foreach (string volume in config.Volumes ?? [])
        {
            string destination = Destination(volume, volume);
            byPath.TryAdd(destination, new MountRecord { Anonymous = true, Point = VolumePoint("", destination, "", true) });
        }
        // Outer mounts first, or they would hide the inner ones.
        return [.. byPath.Values.OrderBy(m => m.Point.Destination.Count(c => c == '/')).ThenBy(
            m => m.Point.Destination, StringComparer.Ordinal)];
    }

    /// <summary>Reads <c>source:target[:options]</c> or <c>target</c>.</summary>
    public static MountRecord ParseBind(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length is 0 or > 3 || parts.Any(part => part.Length == 0))
            throw FaultException.Invalid($"invalid volume specification: '{text}'");
        if (parts.Length == 1)
            return new MountRecord { Anonymous = true, Point = VolumePoint("", Destination(parts[0], text), "", true) };
        string mode = parts.Length == 3 ? parts[2] : "";
        BindOptions options = BindOptions.Parse(mode, text);
        string destination = Destination(parts[1], text);
        if (!parts[0].StartsWith('/'))
        {
            VolumeNames.Check(parts[0], text);
            if (options.Propagation.Length > 0)
                throw Misplaced(text, "volume", "BindOptions");
            return new MountRecord
            {
                Options = options.NoCopy ? ["nocopy"] : [],
                Point = VolumePoint(parts[0], destination, mode, !options.ReadOnly),
            };
        }
        if (options.NoCopy)
            throw Misplaced(text, "bind", "VolumeOptions");
        return new MountRecord
        {
            Options = options.IsMapped ? ["create", UserNamespaceRules.BindOption] : ["create"],
            NonRecursive = options.NonRecursive,
            Point = new MountPoint
            {
                Type = "bind",
                Source = ContainerPath.Clean(parts[0]),
                Destination = destination,
                Mode = mode,
                ReadWrite = !options.ReadOnly,
                Propagation = options.Propagation.Length > 0 ? options.Propagation : "rprivate",
            },
        };
    }

    /// <summary>Checks a mount in the long form.</summary>
    public static MountRecord FromRequest(MountRequest request)
    {
        string destination = request.Target.Length > 0
            ? Destination(request.Target, request.Target)
            : throw Wrong(request, "field Target must not be empty");
        return request.Type switch
        {
            "bind" => FromBindRequest(request, destination),
            "volume" => FromVolumeRequest(request, destination),
            "tmpfs" => FromTmpfsRequest(request, destination),
            "" => throw Wrong(request, "field Type must not be empty"),
            "image" => FromImageRequest(request, destination),
            "npipe" or "cluster" => throw new FaultException(
                FaultKind.NotSupported, $"invalid mount config for type \"{request.Type}\": this type is not offered by this engine"),
            _ => throw Wrong(request, $"mount type unknown: \"{request.Type}\""),
        };
    }

    private static MountRecord FromBindRequest(MountRequest request, string destination)
    {
        if (request.Source.Length == 0)
            throw Wrong(request, "field Source must not be empty");
        if (!request.Source.StartsWith('/'))
            throw Wrong(request, $"invalid mount path: '{request.Source}' mount path must be absolute");
        string propagation = string.IsNullOrEmpty(request.Propagation) ? "rprivate" : request.Propagation;
        if (!s_propagations.Contains(propagation))
            throw Wrong(request, $"invalid propagation mode: {propagation}");
        if (request is { ReadOnlyNonRecursive: true, ReadOnlyForceRecursive: true })
            throw Wrong(request, "mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive");
        string source = ContainerPath.Clean(request.Source);
        if (!request.CreateMountpoint && !Path.Exists(source))
            throw Wrong(request, $"bind source path does not exist: {request.Source}");
        return new MountRecord
        {
            Options = request.CreateMountpoint ? ["create"] : [],
            NonRecursive = request.NonRecursive,
            ReadOnlyNonRecursive = request.ReadOnlyNonRecursive,
            ReadOnlyForceRecursive = request.ReadOnlyForceRecursive,
            Point = new MountPoint
            {
                Type = "bind", Source = source, Destination = destination, ReadWrite = !request.ReadOnly, Propagation = propagation,
            },
        };
    }

    private static MountRecord FromVolumeRequest(MountRequest request, string destination)
    {
        if (request.Source.Length > 0)
            VolumeNames.Check(request.Source, request.Source);
        if (!string.IsNullOrEmpty(request.Driver) && request.Driver != "local")
            throw FaultException.NotFound($"error looking up volume plugin {request.Driver}: plugin \"{request.Driver}\" not found");
        return new MountRecord
        {
            Anonymous = request.Source.Length == 0,
            Subpath = request.Subpath ?? "",
            Options = request.NoCopy ? ["nocopy"] : [],
            Point = VolumePoint(request.Source, destination, "z", !request.ReadOnly),
        };
    }

    private static MountRecord FromImageRequest(MountRequest request, string destination)
    {
        if (request.Source.Length == 0)
            throw Wrong(request, "field Source must not be empty");
        return new MountRecord
        {
            Subpath = request.Subpath ?? "",
            Point = new MountPoint { Type = "image", Source = request.Source, Destination = destination },
        };
    }

    private static MountRecord FromTmpfsRequest(MountRequest request, string destination)
    {
        if (request.Source.Length > 0)
            throw Wrong(request, "field Source must not be specified");
        List<string> options = ["noexec", "nosuid", "nodev"];
        if (request.ReadOnly)
            options.Add("ro");
        if (request.TmpfsSize > 0)
            options.Add($"size={request.TmpfsSize}");
        foreach (string option in request.TmpfsOptions ?? [])
        {
            if (option is not ("exec" or "noexec"))
                throw Wrong(request, $"invalid option: {option}");
            if (option == "exec")
                options.Remove("noexec");
        }
        if (request.TmpfsMode > 0)
            options.Add($"mode={Convert.ToString(request.TmpfsMode & 0xFFF, 8)}");
        return new MountRecord
        {
            Options = options,
            Point = new MountPoint { Type = "tmpfs", Destination = destination, ReadWrite = !request.ReadOnly },
        };
    }

    private static MountRecord FromTmpfs(KeyValuePair<string, string> entry)
    {
        string[] asked = [.. entry.Value.Split(',', StringSplitOptions.RemoveEmptyEntries)];
        string? wrong = asked.FirstOrDefault(option => !IsTmpfsOption(option));
        if (wrong is not null)
            throw FaultException.Invalid($"invalid tmpfs option [\"{wrong}\"]");
        List<string> options = ["noexec", "nosuid", "nodev"];
        foreach (string option in asked)
        {
            string opposite = option.StartsWith("no", StringComparison.Ordinal) ? option[2..] : "no" + option;
            options.Remove(opposite);
            if (!options.Contains(option))
                options.Add(option);
        }
        return new MountRecord
        {
            Hidden = true,
            Options = options,
            Point = new MountPoint { Type = "tmpfs", Destination = Destination(entry.Key, entry.Key), ReadWrite = !asked.Contains("ro") },
        };
    }

    private static bool IsTmpfsOption(string option) => option.Split('=', 2)[0] is "ro" or "rw" or "exec" or "noexec" or "suid" or "nosuid"
        or "dev" or "nodev" or "sync" or "async" or "atime" or "noatime" or "diratime" or "nodiratime" or "relatime" or "norelatime"
        or "strictatime" or "nostrictatime" or "size" or "mode" or "uid" or "gid" or "nr_inodes" or "nr_blocks" or "mpol" or "huge"
        or "private" or "rprivate" or "shared" or "rshared" or "slave" or "rslave";

    private static IEnumerable<MountRecord> Inherit(string text, Func<string, ContainerRecord> findContainer)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 2 || parts[0].Length == 0 || (parts.Length == 2 && parts[1] is not ("ro" or "rw" or "z" or "Z")))
            throw FaultException.Invalid($"invalid volumes-from specification: '{text}'");
        bool readOnly = parts is [_, "ro"];
        return findContainer(parts[0]).Mounts.Where(mount => mount.Point.Type != "tmpfs").Select(mount => mount with
        {
            Anonymous = mount.Anonymous,
            Options = [.. mount.Options.Append("nocopy")],
            Point = mount.Point with { ReadWrite = mount.Point.ReadWrite && !readOnly },
        });
    }

    private static MountPoint VolumePoint(string name, string destination, string mode, bool isWritable) => new()
    {
        Type = "volume", Name = name, Destination = destination, Driver = "local", Mode = mode, ReadWrite = isWritable,
    };

    private static string Destination(string path, string whole)
    {
        if (!path.StartsWith('/') || path.Contains('\0'))
            throw FaultException.Invalid(
                $"invalid volume specification: '{whole}': invalid mount path: '{path}' mount path must be absolute");
        string clean = ContainerPath.Clean(path);
        return clean != "/" ? clean
            : throw FaultException.Invalid($"invalid volume specification: '{whole}': invalid specification: destination can't be '/'");
    }

    private static FaultException Misplaced(string text, string type, string options) => FaultException.Invalid(
        $"invalid volume specification: '{text}': invalid mount config for type \"{type}\": field {options} must not be specified");

    private static FaultException Wrong(MountRequest request, string why) =>
        FaultException.Invalid($"invalid mount config for type \"{request.Type}\": {why}");
}
