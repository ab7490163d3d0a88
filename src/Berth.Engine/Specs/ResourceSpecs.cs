using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Engine.Specs;

/// <summary>Limits as the runtime wants them.</summary>
internal static class ResourceSpecs
{
    private const long MemoryMin = 6 * 1024 * 1024;
    private const long MicrosecondsPerPeriod = 100_000;
    private const long NanoPerCpu = 1_000_000_000;

    private static readonly DeviceRule[] s_defaultDevices =
    [
        new() { Allow = false, Access = "rwm" },
        new() { Allow = true, Type = "c", Access = "m" },
        new() { Allow = true, Type = "b", Access = "m" },
        new() { Allow = true, Type = "c", Major = 1, Minor = 3, Access = "rwm" },
        new() { Allow = true, Type = "c", Major = 1, Minor = 5, Access = "rwm" },
        new() { Allow = true, Type = "c", Major = 1, Minor = 7, Access = "rwm" },
        new() { Allow = true, Type = "c", Major = 1, Minor = 8, Access = "rwm" },
        new() { Allow = true, Type = "c", Major = 1, Minor = 9, Access = "rwm" },
        new() { Allow = true, Type = "c", Major = 5, Minor = 0, Access = "rwm" },
        new() { Allow = true, Type = "c", Major = 5, Minor = 1, Access = "rwm" },
        new() { Allow = true, Type = "c", Major = 5, Minor = 2, Access = "rwm" },
        new() { Allow = true, Type = "c", Major = 136, Access = "rwm" },
    ];

    /// <summary>Refuses limits that make no sense.</summary>
    /// <exception cref="FaultException">InvalidArgument with Docker's texts; NotSupported: GPUs and the like.</exception>
    public static void Validate(ResourceLimits limits)
    {
        if (limits.Memory is > 0 and < MemoryMin)
            throw FaultException.Invalid("Minimum memory limit allowed is 6MB");
        if (limits.MemorySwap > 0 && limits.Memory == 0)
            throw FaultException.Invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
        if (limits.MemorySwap > 0 && limits.MemorySwap < limits.Memory)
            throw FaultException.Invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
        if (limits.MemorySwappiness is < -1 or > 100)
            throw FaultException.Invalid($"Invalid value: {limits.MemorySwappiness}, valid memory swappiness range is 0-100");
        if (limits.MemoryReservation > 0 && limits.Memory > 0 && limits.Memory < limits.MemoryReservation)
            throw FaultException.Invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
        CheckProcessors(limits);
        if (limits.CpuShares < 0)
            throw FaultException.Invalid($"invalid CPU shares ({limits.CpuShares}): value must be a positive integer");
        if (limits.NanoCpus < 0 || limits.NanoCpus > Environment.ProcessorCount * NanoPerCpu)
            throw FaultException.Invalid(
                $"Range of CPUs is from 0.01 to {Environment.ProcessorCount}.00, as there are only {Environment.ProcessorCount} CPUs available");
        if (limits.CpuPeriod is not 0 and (< 1000 or > 1_000_000))
            throw FaultException.Invalid("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
        if (limits.CpuQuota is > 0 and < 1000)
            throw FaultException.Invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
        if (limits.BlkioWeight is not 0 and (< 10 or > 1000))
            throw FaultException.Invalid("Range of blkio weight is from 10 to 1000");
        CpuList.Check(limits.CpusetCpus, "cpuset.cpus");
        CpuList.Check(limits.CpusetMems, "cpuset.mems");
        Refuse(limits);
        foreach (Ulimit limit in limits.Ulimits ?? [])
            UlimitRules.Check(limit);
    }

    /// <summary>Refuses two ways to say how much of the processors there is.</summary>
    /// <exception cref="FaultException">InvalidArgument with Docker's texts.</exception>
    public static void CheckProcessors(ResourceLimits limits)
    {
        if (limits.NanoCpus != 0 && limits.CpuPeriod != 0)
            throw FaultException.Invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
        if (limits.NanoCpus != 0 && limits.CpuQuota != 0)
            throw FaultException.Invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
    }

    public static LinuxResources Build(ResourceLimits limits, bool isPrivileged) => new()
    {
        Devices = isPrivileged ? [new DeviceRule { Allow = true, Access = "rwm" }] : [.. s_defaultDevices, .. Devices.Rules(limits)],
        Memory = new MemoryLimits
        {
            Limit = Given(limits.Memory),
            // Of builds' steps, whose limits did not come through create.
            Swap = limits.MemorySwap != 0 ? limits.MemorySwap : limits.Memory > 0 ? limits.Memory * 2 : null,
            Reservation = Given(limits.MemoryReservation),
            Swappiness = limits.MemorySwappiness is >= 0 and long swappiness ? (ulong)swappiness : null,
            DisableOOMKiller = limits.OomKillDisable is true ? true : null,
        },
        Cpu = new CpuLimits
        {
            Shares = limits.CpuShares > 0 ? (ulong)limits.CpuShares : null,
            Quota = limits.NanoCpus > 0 ? limits.NanoCpus / (NanoPerCpu / MicrosecondsPerPeriod)
                : limits.CpuQuota != 0 ? limits.CpuQuota : null,
            Period = limits.NanoCpus > 0 ? MicrosecondsPerPeriod : limits.CpuPeriod > 0 ? (ulong)limits.CpuPeriod : null,
            Cpus = string.IsNullOrEmpty(limits.CpusetCpus) ? null : limits.CpusetCpus,
            Mems = string.IsNullOrEmpty(limits.CpusetMems) ? null : limits.CpusetMems,
        },
        Pids = limits.PidsLimit is { } pids && pids != 0 ? new PidsLimits { Limit = pids } : null,
        BlockIO = BlockLimits(limits),
    };

    private static void Refuse(ResourceLimits limits)
    {
        if (limits.CpuRealtimePeriod != 0 || limits.CpuRealtimeRuntime != 0)
            throw new FaultException(FaultKind.NotSupported, "--cpu-rt-period and --cpu-rt-runtime are not offered by this engine");
    }

    private static BlockIoLimits? BlockLimits(ResourceLimits limits)
    {
        if (limits is { BlkioWeight: 0, BlkioWeightDevice: null or { Count: 0 }, BlkioDeviceReadBps: null or { Count: 0 },
            BlkioDeviceWriteBps: null or { Count: 0 }, BlkioDeviceReadIOps: null or { Count: 0 },
            BlkioDeviceWriteIOps: null or { Count: 0 } })
            return null;
        return new BlockIoLimits
        {
            Weight = limits.BlkioWeight > 0 ? (ushort)limits.BlkioWeight : null,
            WeightDevice = limits.BlkioWeightDevice is not { Count: > 0 } weights ? null : [.. weights.Select(weight =>
            {
                DeviceSpec device = Devices.Find(weight.Path) ?? throw FaultException.Invalid($"no such device: {weight.Path}");
                return new WeightDevice { Major = device.Major, Minor = device.Minor, Weight = (ushort)weight.Rate };
            })],
            ThrottleReadBpsDevice = Throttles(limits.BlkioDeviceReadBps),
            ThrottleWriteBpsDevice = Throttles(limits.BlkioDeviceWriteBps),
            ThrottleReadIOPSDevice = Throttles(limits.BlkioDeviceReadIOps),
            ThrottleWriteIOPSDevice = Throttles(limits.BlkioDeviceWriteIOps),
        };
    }

    private static IReadOnlyList<ThrottleDevice>? Throttles(IReadOnlyList<BlockDeviceRate>? rates) => rates is not { Count: > 0 } ? null
        : [.. rates.Select(rate =>
        {
            DeviceSpec device = Devices.Find(rate.Path) ?? throw FaultException.Invalid($"no such device: {rate.Path}");
            return new ThrottleDevice { Major = device.Major, Minor = device.Minor, Rate = rate.Rate };
        })];

    private static long? Given(long value) => value > 0 ? value : null;
}
