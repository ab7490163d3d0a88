using System.Globalization;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Text;

namespace Berth.Cli.Running;

/// <summary>Limits and devices of a container.</summary>
internal static class ResourceOptions
{
    public static void Apply(ParsedCommand parsed, Resources resources)
    {
        Shared(parsed, resources);
        resources.CpuCount = parsed.Int("cpu-count");
        resources.CpuPercent = parsed.Int("cpu-percent");
        resources.IOMaximumIOps = (ulong)parsed.Int("io-maxiops");
        resources.IOMaximumBandwidth = (ulong)parsed.Bytes("io-maxbandwidth");
        resources.CgroupParent = parsed.String("cgroup-parent");
        resources.KernelMemory = parsed.Bytes("kernel-memory");
        resources.MemorySwappiness = parsed.Int("memory-swappiness");
        resources.OomKillDisable = parsed.Bool("oom-kill-disable");
        resources.PidsLimit = parsed.Int("pids-limit");
        resources.DeviceCgroupRules = parsed.List("device-cgroup-rule") is { Count: > 0 } rules ? rules : null;
        resources.Ulimits = parsed.List("ulimit").Select(Ulimit).OrderBy(static u => u.Name, StringComparer.Ordinal).ToList();
        resources.BlkioWeightDevice = parsed.List("blkio-weight-device").Select(WeightDevice).ToList();
        resources.BlkioDeviceReadBps = Throttles(parsed, "device-read-bps", isBytes: true);
        resources.BlkioDeviceWriteBps = Throttles(parsed, "device-write-bps", isBytes: true);
        resources.BlkioDeviceReadIOps = Throttles(parsed, "device-read-iops", isBytes: false);
        resources.BlkioDeviceWriteIOps = Throttles(parsed, "device-write-iops", isBytes: false);
        Devices(parsed, resources);
    }

    /// <summary>The limits that <c>update</c> can change too.</summary>
    public static void Shared(ParsedCommand parsed, Resources resources)
    {
        resources.CpuShares = parsed.Int("cpu-shares");
        resources.Memory = parsed.Bytes("memory");
        resources.MemoryReservation = parsed.Bytes("memory-reservation");
        resources.MemorySwap = parsed.String("memory-swap") == "-1" ? -1 : parsed.Bytes("memory-swap");
        resources.NanoCpus = parsed.String("cpus") is { Length: > 0 } cpus && GoValue.TryParseNanoCpus(cpus, out long nano) ? nano : 0;
        resources.BlkioWeight = (ushort)parsed.Int("blkio-weight");
        resources.CpuPeriod = parsed.Int("cpu-period");
        resources.CpuQuota = parsed.Int("cpu-quota");
        resources.CpuRealtimePeriod = parsed.Int("cpu-rt-period");
        resources.CpuRealtimeRuntime = parsed.Int("cpu-rt-runtime");
        resources.CpusetCpus = parsed.String("cpuset-cpus");
        resources.CpusetMems = parsed.String("cpuset-mems");
    }

    /// <summary><c>name=soft[:hard]</c>.</summary>
    /// <exception cref="UsageException">Not a limit.</exception>
    public static Ulimit Ulimit(string text)
    {
        (string name, string values) = KeyValues.Split(text);
        string[] parts = values.Split(':');
        if (!text.Contains('=') || parts.Length > 2 || values.Length == 0)
            throw Wrong(text, $"invalid ulimit argument: {text}");
        if (name is not ("core" or "cpu" or "data" or "fsize" or "locks" or "memlock" or "msgqueue" or "nice" or "nofile" or "nproc"
            or "rss" or "rtprio" or "rttime" or "sigpending" or "stack"))
        {
            throw Wrong(text, $"invalid ulimit type: {name}");
        }
        if (!long.TryParse(parts[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long soft))
            throw Wrong(text, $"strconv.ParseInt: parsing {GoValue.Quote(parts[0])}: invalid syntax");
        long hard = soft;
        if (parts.Length == 2 && !long.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out hard))
            throw Wrong(text, $"strconv.ParseInt: parsing {GoValue.Quote(parts[1])}: invalid syntax");
        if (hard != -1 && (soft == -1 || soft > hard))
            throw Wrong(text, $"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}");
        return new Ulimit { Name = name, Soft = soft, Hard = hard };
    }

    private static UsageException Wrong(string text, string problem) =>
        new($"invalid argument {GoValue.Quote(text)} for \"--ulimit\" flag: {problem}");

    private static void Devices(ParsedCommand parsed, Resources resources)
    {
        List<DeviceMapping> devices = [];
        List<string> qualified = [];
        foreach (string text in parsed.List("device"))
        {
            // vendor.example/class=name is a device of the container device interface, not a path.
            if (!text.StartsWith('/') && text.Contains('/') && text.Contains('=') && !text.Contains(':'))
                qualified.Add(text);
            else
                devices.Add(Device(text));
        }
        List<DeviceRequest> requests = parsed.List("gpus").Select(GpuRequest.Parse).ToList();
        if (qualified.Count > 0)
            requests.Add(new DeviceRequest { Driver = "cdi", DeviceIDs = qualified });
        resources.Devices = devices;
        resources.DeviceRequests = requests.Count > 0 ? requests : null;
    }

    private static DeviceMapping Device(string text)
    {
        string[] parts = text.Split(':');
        string host = parts[0];
        string inside = host;
        string permissions = "rwm";
        if (parts.Length == 2)
        {
            if (IsMode(parts[1]))
                permissions = parts[1];
            else
                inside = parts[1];
        }
        else if (parts.Length == 3)
            (inside, permissions) = (parts[1], IsMode(parts[2]) ? parts[2] : throw new UsageException($"bad mode specified: {parts[2]}"));
        if (parts.Length > 3 || !host.StartsWith('/') || !inside.StartsWith('/'))
        {
            throw new UsageException(parts.Length > 3 ? $"bad format for path: {text}"
                : $"{(host.StartsWith('/') ? inside : host)} is not an absolute path");
        }
        return new DeviceMapping { PathOnHost = host, PathInContainer = inside, CgroupPermissions = permissions };
    }

    private static bool IsMode(string text) => text.Length > 0 && text.All(static c => c is 'r' or 'w' or 'm')
        && text.Distinct().Count() == text.Length;

    private static WeightDevice WeightDevice(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon < 0)
            throw new UsageException($"invalid argument {GoValue.Quote(text)} for \"--blkio-weight-device\" flag: bad format: {text}");
        string path = text[..colon];
        if (!path.StartsWith("/dev/", StringComparison.Ordinal))
            throw new UsageException(
                $"invalid argument {GoValue.Quote(text)} for \"--blkio-weight-device\" flag: bad format for device path: {text}");
        return ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort weight)
            && weight is 0 or >= 10 and <= 1000
            ? new WeightDevice { Path = path, Weight = weight }
            : throw new UsageException(
                $"invalid argument {GoValue.Quote(text)} for \"--blkio-weight-device\" flag: invalid weight for device: {text}");
    }

    private static List<ThrottleDevice> Throttles(ParsedCommand parsed, string flag, bool isBytes) =>
        parsed.List(flag).Select(text => Throttle(flag, text, isBytes)).ToList();

    private static ThrottleDevice Throttle(string flag, string text, bool isBytes)
    {
        int colon = text.LastIndexOf(':');
        string path = colon < 0 ? text : text[..colon];
        string rate = colon < 0 ? "" : text[(colon + 1)..];
        if (!path.StartsWith("/dev/", StringComparison.Ordinal) || colon < 0)
            throw new UsageException($"invalid argument {GoValue.Quote(text)} for \"--{flag}\" flag: bad format: {text}");
        if (isBytes && GoValue.TryParseBytes(rate, out long bytes) && bytes >= 0)
            return new ThrottleDevice { Path = path, Rate = (ulong)bytes };
        if (!isBytes && ulong.TryParse(rate, NumberStyles.None, CultureInfo.InvariantCulture, out ulong count))
            return new ThrottleDevice { Path = path, Rate = count };
        throw new UsageException($"invalid argument {GoValue.Quote(text)} for \"--{flag}\" flag: invalid rate for device: {text}. "
            + (isBytes ? "The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. "
                + "Unit is optional and can be kb, mb, or gb"
                : "The correct format is <device-path>:<number>. Number must be a positive integer"));
    }
}
