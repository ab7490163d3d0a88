using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Bpf;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Cgroups;

/// <summary>Writes limits, which are given in version 1's scales, into version 2's files.</summary>
internal sealed class CgroupV2Limits(string directory, IList<string> warnings, bool sharesDeviceRules)
{
    private const ulong DefaultPeriod = 100_000;

    /// <summary>Limits of which one file holds two, with the half that is set where only the other is given.</summary>
    /// <exception cref="FaultException">InvalidArgument: swap is limited without memory, or to less than it.</exception>
    public static LinuxResources Completed(LinuxResources resources, string directory) => resources with
    {
        Memory = resources.Memory is { } memory ? Completed(memory, directory) : null,
        Cpu = resources.Cpu is { } cpu ? Completed(cpu, directory) : null,
    };

    private static MemoryLimits Completed(MemoryLimits memory, string directory)
    {
        // As with version 1, who lifts the limit of memory means swap too.
        if (memory.Swap is null or 0)
            return memory.Limit == -1 ? memory with { Swap = -1 } : memory;
        if (memory.Swap == -1)
            return memory;
        long? limit = memory.Limit is 0 ? null : memory.Limit;
        string? set = CgroupFile.Read(directory, "memory.max");
        if (limit is null && long.TryParse(set, out long bytes))
            limit = bytes;
        if (limit == -1 || (limit is null && set is not null))
            throw FaultException.Invalid("unable to set swap limit without memory limit");
        if (memory.Swap < limit)
            throw FaultException.Invalid("memory+swap limit should be >= memory limit");
        return memory with { Limit = limit };
    }

    private static CpuLimits Completed(CpuLimits cpu, string directory)
    {
        bool hasQuota = cpu.Quota is not null and not 0, hasPeriod = cpu.Period is not null and not 0;
        if (hasQuota == hasPeriod || CgroupFile.Read(directory, "cpu.max")?.Split(' ') is not [var quota, var period])
            return cpu;
        if (hasQuota)
            return cpu with { Period = ulong.TryParse(period, out ulong set) ? set : null };
        return cpu with { Quota = long.TryParse(quota, out long given) ? given : -1 };
    }

    /// <summary>Sets the limits that are given and leaves the others.</summary>
    /// <exception cref="FaultException">InvalidArgument: the kernel refuses a value.</exception>
    public void Set(LinuxResources resources)
    {
        LimitRules.Check(resources);
        resources = Completed(resources, directory);
        TellIgnored(resources);
        if (resources.Devices is { Count: > 0 } devices)
            SetDevices(devices);
        if (resources.Memory is { } memory)
            SetMemory(memory);
        if (resources.Cpu is { } cpu)
            SetCpu(cpu);
        if (resources.Pids is { } pids)
            Write("pids.max", pids.Limit > 0 ? pids.Limit.ToString() : "max", "the limit on processes");
        if (resources.BlockIO is { } block)
            SetBlock(block);
        foreach (HugepageLimit limit in resources.HugepageLimits ?? [])
            Write($"hugetlb.{limit.PageSize}.max", limit.Limit.ToString(), "the limit on huge pages");
        foreach ((string device, RdmaLimits limits) in resources.Rdma ?? new Dictionary<string, RdmaLimits>())
            Write("rdma.max", CgroupFile.RdmaLine(device, limits), "the RDMA limit");
        foreach ((string file, string value) in resources.Unified ?? new Dictionary<string, string>())
            SetUnified(file, value);
    }

    // Before anything is set: a strict container's update ends here.
    private void TellIgnored(LinuxResources resources)
    {
        if (resources.Memory?.Kernel is not (null or 0 or -1) || resources.Memory?.KernelTCP is not (null or 0 or -1))
            warnings.Add(LimitRules.KernelMemory);
        if (resources.Memory?.Swappiness is not (null or LimitRules.NoSwappiness))
            warnings.Add(LimitRules.Swappiness);
        if (resources.Memory?.DisableOOMKiller == true)
            warnings.Add(LimitRules.OomKillDisable);
        if (resources.Cpu?.RealtimePeriod is not (null or 0) || resources.Cpu?.RealtimeRuntime is not (null or 0))
            warnings.Add("Real-time limits are discarded: cgroup version 2 has none.");
        if (resources.BlockIO?.LeafWeight is not (null or 0)
            || resources.BlockIO?.WeightDevice?.Any(static device => device.LeafWeight is not (null or 0)) == true)
            warnings.Add("Block I/O leaf weights are discarded: cgroup version 2 has none.");
        if (resources.Network is not null)
            warnings.Add("Network classes and priorities are discarded: cgroup version 2 has none.");
    }

    /// <summary>Version 1's 2 to 262144 in version 2's 1 to 10000.</summary>
    internal static ulong WeightOf(ulong shares) =>
        1 + ((Math.Clamp(shares, 2, 262_144) - 2) * 9_999 / 262_142);

    /// <summary>Version 1's 10 to 1000 in version 2's 1 to 10000.</summary>
    internal static ulong BlockWeightOf(ushort weight) => 1 + ((Math.Clamp(weight, (ulong)10, 1000) - 10) * 9_999 / 990);

    // The name is a file of this directory, never a path.
    private void SetUnified(string file, string value)
    {
        if (file.Contains('/') || !file.Contains('.'))
            throw FaultException.Invalid($"unified resource {file}: must be the name of a cgroup file");
        CgroupFile.Write(directory, file, value);
    }

    private void SetDevices(IReadOnlyList<DeviceRule> rules)
    {
        using FileDescriptor descriptor = CgroupDirectory.Open(directory);
        try
        {
            DeviceProgram.Attach(descriptor, DeviceRules.Compile(rules), sharesDeviceRules);
        }
        // Without the machine's root there are no nodes but the machine's, and its rights to them hold; and rules that allow everything
        // are kept by having none.
        catch (LinuxException refused) when (IsBearable(refused, rules))
        {
            warnings.Add($"The device rules are not enforced: {refused.Message}");
        }
        catch (LinuxException refused)
        {
            throw new FaultException(refused.Error == Errno.EPERM ? FaultKind.Forbidden : FaultKind.Internal,
                $"set the device rules of cgroup {directory}: {refused.Message}: it takes CAP_SYS_ADMIN, and no group above with a device "
                + "program that allows none below it", refused);
        }
    }

    private static bool IsBearable(LinuxException refused, IReadOnlyList<DeviceRule> rules) =>
        refused.Error is Errno.EPERM or Errno.ENOSYS
        && (!UserNamespace.IsMachinesRoot || DeviceRules.AllowAll(rules));

    private void SetMemory(MemoryLimits memory)
    {
        // memory.swap.max counts swap alone; the specification's value is memory and swap together.
        if (memory.Swap is { } both and not 0)
        {
            string swap = both == -1 || memory.Limit is not { } limit ? "max" : (both - limit).ToString();
            if (!CgroupFile.TryWrite(directory, "memory.swap.max", swap) && both != -1)
                warnings.Add("Your kernel does not support swap limit capabilities or the cgroup is not mounted. "
                    + "Memory limited without swap.");
        }
        if (memory.Limit is { } bytes and not 0)
            Write("memory.max", bytes == -1 ? "max" : bytes.ToString(), "the memory limit");
        if (memory.Reservation is { } low and not 0)
            Write("memory.low", low == -1 ? "max" : low.ToString(), "the memory reservation");
    }

    private void SetCpu(CpuLimits cpu)
    {
        if (cpu.Shares is { } shares and not 0)
            Write("cpu.weight", WeightOf(shares).ToString(), "the processor weight");
        if (cpu.Idle is { } idle)
            Write("cpu.idle", idle.ToString(), "the idle class");
        if (cpu.Quota is { } and not 0 || cpu.Period is { } and not 0)
        {
            string quota = cpu.Quota is { } microseconds and > 0 ? microseconds.ToString() : "max";
            ulong period = cpu.Period is { } given and not 0 ? given : DefaultPeriod;
            Write("cpu.max", $"{quota} {period}", "the processor limit");
        }
        if (cpu.Burst is { } burst)
            Write("cpu.max.burst", burst.ToString(), "the processor burst");
        if (cpu.Cpus is { Length: > 0 } cpus)
            Write("cpuset.cpus", cpus, "the set of processors");
        if (cpu.Mems is { Length: > 0 } mems)
            Write("cpuset.mems", mems, "the set of memory nodes");
    }

    private void SetBlock(BlockIoLimits block)
    {
        if (block.Weight is { } weight and not 0
            && !CgroupFile.TryWrite(directory, "io.bfq.weight", weight.ToString())
            && !CgroupFile.TryWrite(directory, "io.weight", BlockWeightOf(weight).ToString()))
            warnings.Add("Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.");
        foreach (WeightDevice device in block.WeightDevice ?? [])
        {
            if (device.Weight is { } own && !CgroupFile.TryWrite(directory, "io.bfq.weight", $"{device.Major}:{device.Minor} {own}")
                && !CgroupFile.TryWrite(directory, "io.weight", $"{device.Major}:{device.Minor} {BlockWeightOf(own)}"))
                warnings.Add($"The kernel offers no block I/O weight of device {device.Major}:{device.Minor}: it is discarded.");
        }
        Throttle("rbps", block.ThrottleReadBpsDevice);
        Throttle("wbps", block.ThrottleWriteBpsDevice);
        Throttle("riops", block.ThrottleReadIOPSDevice);
        Throttle("wiops", block.ThrottleWriteIOPSDevice);
    }

    private void Throttle(string key, IReadOnlyList<ThrottleDevice>? devices)
    {
        foreach (ThrottleDevice device in devices ?? [])
            Write("io.max", $"{device.Major}:{device.Minor} {key}={device.Rate}", "the block device limit");
    }

    private void Write(string file, string value, string what)
    {
        if (File.Exists(Path.Join(directory, file)))
            CgroupFile.Write(directory, file, value);
        else
            warnings.Add($"The kernel offers no {file} here: {what} is discarded.");
    }
}
