using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci.Runtime;

namespace Berth.Engine.Specs;

/// <summary>Host devices for containers.</summary>
internal static class Devices
{
    private static readonly string[] s_own =
        ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console", "/dev/ptmx"];

    /// <summary>Checks mappings and rules.</summary>
    /// <exception cref="FaultException">InvalidArgument, with Docker's texts.</exception>
    public static void Validate(ResourceLimits limits)
    {
        foreach (DeviceMapping mapping in limits.Devices ?? [])
            if (mapping.CgroupPermissions.Any(c => c is not ('r' or 'w' or 'm')))
                throw FaultException.Invalid($"invalid device mode: {mapping.CgroupPermissions}");
        foreach (string rule in limits.DeviceCgroupRules ?? [])
            _ = ParseRule(rule);
        foreach (BlockDeviceRate weight in limits.BlkioWeightDevice ?? [])
            CheckWeight(weight);
    }

    // Only the scheduler bfq shares a device by weights; with another the kernel refuses the weight, and it would be lost in silence.
    private static void CheckWeight(BlockDeviceRate weight)
    {
        if (weight.Rate is < 10 or > 1000)
            throw FaultException.Invalid($"invalid weight for device: {weight.Path}:{weight.Rate}: it is 10 to 1000");
        DeviceSpec device = Find(weight.Path) is { Type: "b" } found ? found : throw FaultException.Invalid(
            $"invalid weight for device: {weight.Path}: it is no block device of this host");
        string queue = $"/sys/dev/block/{device.Major}:{device.Minor}/queue/scheduler";
        string file = File.Exists(queue) ? queue : $"/sys/dev/block/{device.Major}:{device.Minor}/../queue/scheduler";
        string schedulers = File.Exists(file) ? File.ReadAllText(file).Trim() : "none";
        if (!schedulers.Contains("[bfq]", StringComparison.Ordinal))
            throw new FaultException(FaultKind.NotSupported, $"blkio weight of device {weight.Path}: its I/O scheduler has no weights "
                + $"({schedulers}): write bfq to {Path.GetFullPath(file)} first");
    }

    /// <summary>The nodes to make: those asked for, or all of the host for a privileged container.</summary>
    public static IReadOnlyList<DeviceSpec> Build(HostSettings host)
    {
        List<DeviceSpec> all = host.Privileged ? [.. Below("/dev", 0)] : [];
        foreach (DeviceMapping mapping in host.Resources.Devices ?? [])
        {
            string inside = mapping.PathInContainer.Length > 0 ? mapping.PathInContainer : mapping.PathOnHost;
            if (Directory.Exists(mapping.PathOnHost))
                all.AddRange(Below(mapping.PathOnHost, 0).Select(
                    device => device with { Path = inside + device.Path[mapping.PathOnHost.Length..] }));
            else
                all.Add(Find(mapping.PathOnHost) is { } device ? device with { Path = inside } : throw FaultException.Invalid(
                    $"error gathering device information while adding custom device \"{mapping.PathOnHost}\": no such file or directory"));
        }
        return [.. all.DistinctBy(device => device.Path)];
    }

    /// <summary>What the devices cgroup allows for them.</summary>
    public static IEnumerable<DeviceRule> Rules(ResourceLimits limits)
    {
        foreach (DeviceMapping mapping in limits.Devices ?? [])
        {
            string access = mapping.CgroupPermissions.Length > 0 ? mapping.CgroupPermissions : "rwm";
            foreach (DeviceSpec device in Directory.Exists(mapping.PathOnHost) ? Below(mapping.PathOnHost, 0)
                : [Find(mapping.PathOnHost) ?? new DeviceSpec()])
                if (device.Path.Length > 0)
                    yield return new DeviceRule { Allow = true, Type = device.Type, Major = device.Major, Minor =
                        device.Minor, Access = access };
        }
        foreach (string rule in limits.DeviceCgroupRules ?? [])
            yield return ParseRule(rule);
    }

    /// <summary>A device of the host; null when there is none at that path.</summary>
    public static DeviceSpec? Find(string path)
    {
        using FileDescriptor? file = OpenPath(path);
        if (file is null)
            return null;
        FileStatus status = FileCalls.Status(file);
        string? type = status.Type switch { FileCalls.S_IFCHR => "c", FileCalls.S_IFBLK => "b", _ => null };
        return type is null ? null : new DeviceSpec
        {
            Path = path, Type = type, Major = status.RealMajor, Minor = status.RealMinor,
            FileMode = (uint)status.Permissions, Uid = status.Uid, Gid = status.Gid,
        };
    }

    private static FileDescriptor? OpenPath(string path) =>
        FileCalls.TryOpen(FileCalls.WorkingDirectory, FileCalls.PathOf(path), FileCalls.O_PATH, 0, 0,
            out FileDescriptor file) == 0 ? file : null;

    private static IEnumerable<DeviceSpec> Below(string directory, int depth)
    {
        const int DepthMax = 8;
        foreach (string path in Directory.EnumerateFileSystemEntries(directory))
        {
            if (new FileInfo(path).LinkTarget is not null || s_own.Contains(path))
                continue;
            if (Directory.Exists(path))
            {
                if (depth < DepthMax && path is not ("/dev/pts" or "/dev/shm" or "/dev/fd" or "/dev/mqueue" or "/dev/.lxc" or "/dev/.udev"))
                    foreach (DeviceSpec inner in Below(path, depth + 1))
                        yield return inner;
            }
            else if (Find(path) is { } device)
                yield return device;
        }
    }

    private static DeviceRule ParseRule(string text)
    {
        string[] parts = text.Split(' ');
        string[] numbers = parts.Length == 3 ? parts[1].Split(':') : [];
        if (numbers.Length != 2 || parts[0] is not ("a" or "b" or "c") || parts[2].Length is 0 or > 3
            || parts[2].Any(c => c is not ('r' or 'w' or 'm')) || !numbers.All(n => n == "*" || uint.TryParse(n, out _)))
            throw FaultException.Invalid($"invalid device cgroup rule format: '{text}'");
        return new DeviceRule
        {
            Allow = true, Type = parts[0], Access = parts[2],
            Major = numbers[0] == "*" ? null : long.Parse(numbers[0]), Minor = numbers[1] == "*" ? null : long.Parse(numbers[1]),
        };
    }
}
