using Berth.Faults;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Cgroups;

/// <summary>Writes limits into version 1's files.</summary>
internal sealed class CgroupV1Limits(Func<string, string?> directoryOf, IList<string> warnings)
{
    private static readonly MemoryLimits s_noMemory = new();
    private static readonly CpuLimits s_noCpu = new();

    /// <summary>Sets the limits that are given and leaves the others.</summary>
    /// <exception cref="FaultException">InvalidArgument: a value is refused.</exception>
    public void Set(LinuxResources resources)
    {
        LimitRules.Check(resources);
        if (resources.Memory?.Kernel is not (null or 0 or -1))
            warnings.Add(LimitRules.KernelMemory);
        if (resources.Devices is { Count: > 0 } devices)
            SetDevices(devices);
        if (resources.Memory is { } memory && memory != s_noMemory)
            SetMemory(memory);
        if (resources.Cpu is { } cpu && cpu != s_noCpu)
            SetCpu(cpu);
        if (resources.Pids is { } pids && Need("pids", "the limit on processes") is { } directory)
            CgroupFile.Write(directory, "pids.max", pids.Limit > 0 ? pids.Limit.ToString() : "max");
        if (resources.BlockIO is { } block)
            SetBlock(block);
        foreach (HugepageLimit limit in resources.HugepageLimits ?? [])
        {
            if (Need("hugetlb", "the limit on huge pages") is { } huge)
                CgroupFile.Write(huge, $"hugetlb.{limit.PageSize}.limit_in_bytes", limit.Limit.ToString());
        }
        foreach ((string device, RdmaLimits limits) in resources.Rdma ?? new Dictionary<string, RdmaLimits>())
        {
            if (Need("rdma", "the RDMA limit") is { } rdma)
                CgroupFile.Write(rdma, "rdma.max", CgroupFile.RdmaLine(device, limits));
        }
        if (resources.Network is { } network)
            SetNetwork(network);
        if (resources.Unified is { Count: > 0 } unified)
        {
            throw FaultException.Invalid($"{LimitRules.NoUnified}: {unified.Keys.First()}");
        }
    }

    private void SetNetwork(NetworkLimits network)
    {
        if (network.ClassId is { } mark && Need("net_cls", "the network class") is { } classes)
            CgroupFile.Write(classes, "net_cls.classid", mark.ToString());
        foreach (InterfacePriority priority in network.Priorities ?? [])
        {
            if (Need("net_prio", "the network priority") is { } priorities)
                CgroupFile.Write(priorities, "net_prio.ifpriomap", $"{priority.Name} {priority.Priority}");
        }
    }

    private void SetDevices(IReadOnlyList<DeviceRule> rules)
    {
        // Without the machine's root there are no nodes but the machine's, and its rights to them hold.
        if (!UserNamespace.IsInitial || Need("devices", "the device rules") is not { } directory)
            return;
        foreach (DeviceRule rule in DeviceRules.Unordered(rules))
            CgroupFile.Write(directory, rule.Allow ? "devices.allow" : "devices.deny", DeviceRules.Text(rule));
    }

    private void SetMemory(MemoryLimits memory)
    {
        if (Need("memory", "the memory limit") is not { } directory)
            return;
        SetMemoryAndSwap(directory, memory);
        if (memory.Reservation is { } reservation and not 0)
            CgroupFile.Write(directory, "memory.soft_limit_in_bytes", reservation.ToString());
        if (memory.KernelTCP is { } tcp and not 0)
            CgroupFile.Write(directory, "memory.kmem.tcp.limit_in_bytes", tcp.ToString());
        if (memory.Swappiness is { } swappiness and not LimitRules.NoSwappiness
            && !CgroupFile.TryWrite(directory, "memory.swappiness", swappiness.ToString()))
            warnings.Add(LimitRules.Swappiness);
        if (memory.DisableOOMKiller == true && !CgroupFile.TryWrite(directory, "memory.oom_control", "1"))
            warnings.Add(LimitRules.OomKillDisable);
    }

    // Memory plus swap may never be less than memory: which is written first depends on whether the limit grows.
    private void SetMemoryAndSwap(string directory, MemoryLimits memory)
    {
        long? limit = memory.Limit is 0 ? null : memory.Limit;
        long? swap = memory.Swap is 0 ? null : memory.Swap;
        bool swapFirst = limit is { } wanted && swap is { } both
            && (both == -1 || (ulong)both > CgroupFile.ReadNumber(directory, "memory.memsw.limit_in_bytes"))
            && (wanted == -1 || (ulong)wanted > CgroupFile.ReadNumber(directory, "memory.limit_in_bytes"));
        if (swapFirst)
            SetSwap(directory, swap);
        if (limit is { } bytes)
            CgroupFile.Write(directory, "memory.limit_in_bytes", bytes.ToString());
        if (!swapFirst)
            SetSwap(directory, swap);
    }

    private void SetSwap(string directory, long? swap)
    {
        if (swap is not { } bytes)
            return;
        if (File.Exists(Path.Join(directory, "memory.memsw.limit_in_bytes")))
            CgroupFile.Write(directory, "memory.memsw.limit_in_bytes", bytes.ToString());
        else
            warnings.Add("Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.");
    }

    private void SetCpu(CpuLimits cpu)
    {
        if (Need("cpu", "the processor limit") is { } directory)
        {
            if (cpu.Shares is { } shares and not 0)
                CgroupFile.Write(directory, "cpu.shares", shares.ToString());
            if (cpu.Idle is { } idle)
                CgroupFile.Write(directory, "cpu.idle", idle.ToString());
            if (cpu.Period is { } period and not 0)
                CgroupFile.Write(directory, "cpu.cfs_period_us", period.ToString());
            if (cpu.Quota is { } quota and not 0)
                CgroupFile.Write(directory, "cpu.cfs_quota_us", quota.ToString());
            if (cpu.Burst is { } burst)
                CgroupFile.Write(directory, "cpu.cfs_burst_us", burst.ToString());
            if (cpu.RealtimePeriod is { } realtimePeriod and not 0)
                CgroupFile.Write(directory, "cpu.rt_period_us", realtimePeriod.ToString());
            if (cpu.RealtimeRuntime is { } realtimeRuntime and not 0)
                CgroupFile.Write(directory, "cpu.rt_runtime_us", realtimeRuntime.ToString());
        }
        if (cpu.Cpus is { Length: > 0 } cpus && Need("cpuset", "the set of processors") is { } set)
            CgroupFile.Write(set, "cpuset.cpus", cpus);
        if (cpu.Mems is { Length: > 0 } mems && Need("cpuset", "the set of memory nodes") is { } nodes)
            CgroupFile.Write(nodes, "cpuset.mems", mems);
    }

    private void SetBlock(BlockIoLimits block)
    {
        if (Need("blkio", "the block device limits") is not { } directory)
            return;
        if (block.Weight is { } weight and not 0 && !CgroupFile.TryWrite(directory, "blkio.bfq.weight", weight.ToString())
            && !CgroupFile.TryWrite(directory, "blkio.weight", weight.ToString()))
            warnings.Add("Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.");
        // A file of CFQ's alone: as with runc, kernels without it refuse what is asked for.
        if (block.LeafWeight is { } leaf and not 0)
            CgroupFile.Write(directory, "blkio.leaf_weight", leaf.ToString());
        foreach (WeightDevice device in block.WeightDevice ?? [])
        {
            if (device.LeafWeight is { } own and not 0)
                CgroupFile.Write(directory, "blkio.leaf_weight_device", $"{device.Major}:{device.Minor} {own}");
            string line = $"{device.Major}:{device.Minor} {device.Weight}";
            if (device.Weight is not null && !CgroupFile.TryWrite(directory, "blkio.bfq.weight_device", line)
                && !CgroupFile.TryWrite(directory, "blkio.weight_device", line))
                warnings.Add($"The kernel offers no block I/O weight of device {device.Major}:{device.Minor}: it is discarded.");
        }
        Throttle(directory, "blkio.throttle.read_bps_device", block.ThrottleReadBpsDevice);
        Throttle(directory, "blkio.throttle.write_bps_device", block.ThrottleWriteBpsDevice);
        Throttle(directory, "blkio.throttle.read_iops_device", block.ThrottleReadIOPSDevice);
        Throttle(directory, "blkio.throttle.write_iops_device", block.ThrottleWriteIOPSDevice);
    }

    private static void Throttle(string directory, string file, IReadOnlyList<ThrottleDevice>? devices)
    {
        foreach (ThrottleDevice device in devices ?? [])
            CgroupFile.Write(directory, file, $"{device.Major}:{device.Minor} {device.Rate}");
    }

    private string? Need(string controller, string what)
    {
        string? directory = directoryOf(controller);
        if (directory is null)
            warnings.Add($"The kernel offers no {controller} controller here: {what} is discarded.");
        return directory;
    }
}
