namespace Berth.Engine.Specs;

/// <summary>What of the limits that were asked for this host cannot hold, in Docker's words: its clients print them.</summary>
internal static class LimitWarnings
{
    /// <param name="asked">The limits that were asked for.</param>
    /// <param name="host">The names of those that the host has (<see cref="HostLimits"/>).</param>
    public static IEnumerable<string> Of(ResourceLimits asked, IReadOnlySet<string> host) =>
        [.. OfMemory(asked, host), .. OfProcessors(asked, host), .. OfBlockDevices(asked, host)];

    private static IEnumerable<string> OfMemory(ResourceLimits asked, IReadOnlySet<string> host)
    {
        bool hasMemory = host.Contains("memory");
        if (asked.Memory > 0 && !hasMemory)
            yield return "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.";
        else if (asked is { Memory: > 0, MemorySwap: not -1 } && !host.Contains("swap"))
            yield return "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.";
        if (asked.MemorySwappiness is >= 0 && !host.Contains("swappiness"))
            yield return "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. "
                + "Memory swappiness discarded.";
        if (asked.MemoryReservation > 0 && !hasMemory)
            yield return "Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.";
        if (asked.OomKillDisable is true && !host.Contains("oom-kill-disable"))
            yield return "Your kernel does not support OomKillDisable. OomKillDisable discarded.";
        if (asked.PidsLimit is > 0 && !host.Contains("pids"))
            yield return "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.";
    }

    private static IEnumerable<string> OfProcessors(ResourceLimits asked, IReadOnlySet<string> host)
    {
        if (asked.NanoCpus > 0 && !host.Contains("cpu-cfs"))
            yield return "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted";
        if (asked.CpuShares > 0 && !host.Contains("cpu-shares"))
            yield return "Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.";
        if ((asked.CpuPeriod > 0 || asked.CpuQuota > 0) && !host.Contains("cpu-cfs"))
            yield return "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.";
        if ((!string.IsNullOrEmpty(asked.CpusetCpus) || !string.IsNullOrEmpty(asked.CpusetMems)) && !host.Contains("cpuset"))
            yield return "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.";
    }

    private static IEnumerable<string> OfBlockDevices(ResourceLimits asked, IReadOnlySet<string> host)
    {
        if (host.Contains("block"))
            yield break;
        if (asked.BlkioWeight > 0)
            yield return "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.";
        if (asked.BlkioWeightDevice is { Count: > 0 })
            yield return "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.";
        if (asked.BlkioDeviceReadBps is { Count: > 0 })
            yield return "Your kernel does not support BPS Block I/O read limit or the cgroup is not mounted. "
                + "Block I/O BPS read limit discarded.";
        if (asked.BlkioDeviceWriteBps is { Count: > 0 })
            yield return "Your kernel does not support BPS Block I/O write limit or the cgroup is not mounted. "
                + "Block I/O BPS write limit discarded.";
        if (asked.BlkioDeviceReadIOps is { Count: > 0 })
            yield return "Your kernel does not support IOPS Block read limit or the cgroup is not mounted. "
                + "Block I/O IOPS read limit discarded.";
        if (asked.BlkioDeviceWriteIOps is { Count: > 0 })
            yield return "Your kernel does not support IOPS Block write limit or the cgroup is not mounted. "
                + "Block I/O IOPS write limit discarded.";
    }
}
