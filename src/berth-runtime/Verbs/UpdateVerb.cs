using System.Globalization;
using Berth.Faults;
using Berth.Oci.Json;
using Berth.Oci.Runtime;
using Berth.Runtime.Bundles;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary><c>update</c>.</summary>
internal static class UpdateVerb
{
    private const string CacheSchema = "l3-cache-schema", BandwidthSchema = "mem-bw-schema";
    private static readonly string[] s_ignored = ["kernel-memory", "kernel-memory-tcp"];

    /// <summary>The command.</summary>
    public static Verb Definition => new()
    {
        Name = "update",
        Summary = "changes a container's limits",
        Options =
        [
            Option.Value("resources", "file with the limits as JSON; - is standard input", "r"),
            Option.Value("blkio-weight", "weight of block devices, 10 to 1000"),
            Option.Value("cpu-period", "microseconds of a period"),
            Option.Value("cpu-quota", "microseconds of a period it may run"),
            Option.Value("cpu-burst", "microseconds that may be saved up"),
            Option.Value("cpu-rt-period", "real-time period in microseconds"),
            Option.Value("cpu-rt-runtime", "real-time microseconds"),
            Option.Value("cpu-share", "processor weight, 2 to 262144"),
            Option.Value("cpu-idle", "1: idle class"),
            Option.Value("cpuset-cpus", "processors"),
            Option.Value("cpuset-mems", "memory nodes"),
            Option.Value("memory", "bytes of memory"),
            Option.Value("memory-reservation", "bytes to shrink to under pressure"),
            Option.Value("memory-swap", "bytes of memory and swap; -1: no limit"),
            Option.Value("pids-limit", "processes; -1: no limit"),
            Option.Value(CacheSchema, "refused: caches are not shared out (Intel RDT)"),
            Option.Value(BandwidthSchema, "refused: memory bandwidth is not shared out (Intel RDT)"),
            .. s_ignored.Select(static name => Option.Value(name, "ignored with a warning, as the kernel ignores it")),
        ],
        Run = static call =>
        {
            using BundleRuntime runtime = call.Open();
            // Whether there is such a container is said first.
            _ = runtime.State(call.Id);
            LinuxResources resources = Resources(call.Arguments);
            // Of a file the other options are none.
            if (call.Arguments.Value("resources") is null or "" && s_ignored.Any(name => Bytes(call.Arguments, name) is not null))
                call.Log.Warn("Kernel memory settings are ignored and will be removed");
            RefuseSchema(call.Arguments, CacheSchema, "L3", "Intel RDT/CAT: l3 cache schema");
            RefuseSchema(call.Arguments, BandwidthSchema, "MB", "Intel RDT/MBA: memory bandwidth schema");
            runtime.Update(call.Id, resources);
            return 0;
        },
    };

    // What the kernel has is seen at the place where it is always mounted. Kernel documentation, arch/x86/resctrl.
    private static void RefuseSchema(Arguments given, string option, string resource, string what)
    {
        if (given.Value(option) is not { Length: > 0 })
            return;
        throw new FaultException(FaultKind.NotSupported, Directory.Exists($"/sys/fs/resctrl/info/{resource}")
            ? $"{what}: --{option} is not supported" : $"{what} is not enabled");
    }

    private static LinuxResources Resources(Arguments given)
    {
        if (given.Value("resources") is not { Length: > 0 } file)
            return FromOptions(given);
        byte[] bytes;
        if (file == "-")
        {
            using Stream input = Console.OpenStandardInput();
            using MemoryStream all = new();
            input.CopyTo(all);
            bytes = all.ToArray();
        }
        else
            bytes = File.ReadAllBytes(file);
        // Device rules are part of what a container is made with: an update of them is not meant by those who send them along.
        return RuntimeJson.ReadResources(bytes, file == "-" ? "the limits" : file) with { Devices = null };
    }

    private static LinuxResources FromOptions(Arguments given) => new()
    {
        BlockIO = given.Number("blkio-weight") is { } weight and not 0 ? new BlockIoLimits { Weight = checked((ushort)weight) } : null,
        Cpu = new CpuLimits
        {
            Period = (ulong?)given.Number("cpu-period"),
            Quota = given.Number("cpu-quota"),
            Burst = (ulong?)given.Number("cpu-burst"),
            RealtimePeriod = (ulong?)given.Number("cpu-rt-period"),
            RealtimeRuntime = given.Number("cpu-rt-runtime"),
            Shares = (ulong?)given.Number("cpu-share"),
            Idle = given.Number("cpu-idle"),
            Cpus = given.Value("cpuset-cpus"),
            Mems = given.Value("cpuset-mems"),
        },
        Memory = new MemoryLimits
        {
            Limit = Bytes(given, "memory"),
            Reservation = Bytes(given, "memory-reservation"),
            Swap = Bytes(given, "memory-swap"),
        },
        Pids = given.Number("pids-limit") is { } pids and not 0 ? new PidsLimits { Limit = pids } : null,
    };

    // As units.RAMInBytes: powers of 1024, an optional b or ib.
    private static long? Bytes(Arguments given, string name)
    {
        if (given.Value(name) is not { Length: > 0 } text)
            return null;
        if (text == "-1")
            return -1;
        string number = text.ToLowerInvariant().TrimEnd('b').TrimEnd('i');
        int power = number.Length == 0 ? -1 : "kmgtp".IndexOf(number[^1]);
        number = power < 0 ? number : number[..^1];
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            ? (long)(value * Math.Pow(1024, power + 1))
            : throw FaultException.Invalid($"invalid value for {name}: invalid size: '{text}'");
    }
}
