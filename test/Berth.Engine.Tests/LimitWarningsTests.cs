using Berth.Engine.Specs;

namespace Berth.Engine.Tests;

/// <summary>A limit that the host cannot hold is said, and nothing else is.</summary>
public sealed class LimitWarningsTests
{
    private static readonly HashSet<string> s_all =
        ["memory", "swap", "swappiness", "oom-kill-disable", "cpu-cfs", "cpu-shares", "cpuset", "pids", "block"];

    private static readonly ResourceLimits s_asked = new()
    {
        Memory = 50 << 20, MemoryReservation = 40 << 20, MemorySwappiness = 3, OomKillDisable = true, PidsLimit = 10, NanoCpus = 1_000_000_000,
        CpuShares = 2, CpuQuota = 1000, CpusetCpus = "0", BlkioWeight = 10, BlkioWeightDevice = [new("/dev/null", 10)],
        BlkioDeviceReadBps = [new("/dev/null", 10)], BlkioDeviceWriteBps = [new("/dev/null", 10)],
        BlkioDeviceReadIOps = [new("/dev/null", 10)], BlkioDeviceWriteIOps = [new("/dev/null", 10)],
    };

    [Fact]
    public void HostWithAll_OrNothingAsked_SaysNothing()
    {
        Assert.Empty(LimitWarnings.Of(s_asked, s_all));
        Assert.Empty(LimitWarnings.Of(new ResourceLimits { MemorySwappiness = -1, PidsLimit = -1, CpuQuota = -1 }, new HashSet<string>()));
    }

    [Fact]
    public void HostWithoutAny_SaysEachLimitOnce() =>
        Assert.Equal(15, LimitWarnings.Of(s_asked, new HashSet<string>()).Distinct().Count());

    [Theory]
    [InlineData("memory", "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.")]
    [InlineData("swap", "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.")]
    [InlineData("swappiness", "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. "
        + "Memory swappiness discarded.")]
    [InlineData("pids", "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.")]
    [InlineData("cpu-cfs", "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted")]
    [InlineData("cpuset", "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.")]
    public void HostWithoutOne_IsToldInDockersWords(string missing, string warning) =>
        Assert.Equal(warning, LimitWarnings.Of(s_asked, new HashSet<string>(s_all.Where(name => name != missing))).First());
}
