using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Tests.Cgroups;

/// <summary>Limits that a version does not have are told, and refused by a strict container; values that are none are refused.</summary>
public sealed class LimitRulesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-rules-").FullName;
    private readonly List<string> _warnings = [];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private void Set(int version, LinuxResources resources, bool isStrict = false)
    {
        IList<string> warnings = Strictness.Taking(_warnings, isStrict);
        if (version == 1)
            new CgroupV1Limits(_ => _directory, warnings).Set(resources);
        else
            new CgroupV2Limits(_directory, warnings, sharesDeviceRules: false).Set(resources);
    }

    private static LinuxResources Memory(MemoryLimits limits) => new() { Memory = limits };

    private static LinuxResources Cpu(CpuLimits limits) => new() { Cpu = limits };

    private static LinuxResources Block(BlockIoLimits limits) => new() { BlockIO = limits };

    private static readonly Dictionary<string, LinuxResources> s_limits = new()
    {
        ["swappiness"] = Memory(new MemoryLimits { Swappiness = 10 }),
        ["disableOOMKiller"] = Memory(new MemoryLimits { DisableOOMKiller = true }),
        ["kernel"] = Memory(new MemoryLimits { Kernel = 1 << 25 }),
        ["kernelTCP"] = Memory(new MemoryLimits { KernelTCP = 1 << 25 }),
        ["realtimeRuntime"] = Cpu(new CpuLimits { RealtimeRuntime = 1000 }),
        ["realtimePeriod"] = Cpu(new CpuLimits { RealtimePeriod = 1000 }),
        ["leafWeight"] = Block(new BlockIoLimits { LeafWeight = 300 }),
        ["leafWeight of a device"] = Block(new BlockIoLimits { WeightDevice = [new WeightDevice { Major = 8, LeafWeight = 300 }] }),
        ["network"] = new LinuxResources { Network = new NetworkLimits { ClassId = 1 } },
        ["shares 1"] = Cpu(new CpuLimits { Shares = 1 }),
        ["shares 262145"] = Cpu(new CpuLimits { Shares = 262_145 }),
        ["swappiness 101"] = Memory(new MemoryLimits { Swappiness = 101 }),
    };

    [Theory]
    [InlineData(1, "kernel", LimitRules.KernelMemory)]
    [InlineData(2, "kernel", LimitRules.KernelMemory)]
    [InlineData(2, "kernelTCP", LimitRules.KernelMemory)]
    [InlineData(2, "swappiness", LimitRules.Swappiness)]
    [InlineData(2, "disableOOMKiller", LimitRules.OomKillDisable)]
    [InlineData(2, "realtimeRuntime", "Real-time limits are discarded: cgroup version 2 has none.")]
    [InlineData(2, "realtimePeriod", "Real-time limits are discarded: cgroup version 2 has none.")]
    [InlineData(2, "leafWeight", "Block I/O leaf weights are discarded: cgroup version 2 has none.")]
    [InlineData(2, "leafWeight of a device", "Block I/O leaf weights are discarded: cgroup version 2 has none.")]
    [InlineData(2, "network", "Network classes and priorities are discarded: cgroup version 2 has none.")]
    public void LimitWithoutEffect_IsTold_OrRefusedByAStrictContainer(int version, string limit, string told)
    {
        Set(version, s_limits[limit]);
        Assert.Equal([told], _warnings);
        FaultException refused = Assert.Throws<FaultException>(() => Set(version, s_limits[limit], isStrict: true));
        Assert.Equal($"{told} (refused: the container is strict)", refused.Message);
    }

    [Theory]
    [InlineData("shares 1", "the minimum allowed cpu-shares is 2")]
    [InlineData("shares 262145", "the maximum allowed cpu-shares is 262144")]
    [InlineData("swappiness 101", "invalid memory swappiness value: 101 (valid range is 0-100)")]
    public void ValueThatIsNone_IsRefusedInRuncsWords(string limit, string refusal)
    {
        foreach (int version in new[] { 1, 2 })
            Assert.Equal(refusal, Assert.Throws<FaultException>(() => Set(version, s_limits[limit])).Message);
        Assert.Empty(_warnings);
    }

    [Theory]
    [InlineData("leafWeight", "set blkio.leaf_weight to 300 in cgroup")]
    [InlineData("leafWeight of a device", "set blkio.leaf_weight_device to 8:0 300 in cgroup")]
    public void LeafWeight_OnAKernelWithoutCfq_IsRefusedByVersion1(string limit, string refusal) => Assert.StartsWith(
        refusal, Assert.Throws<FaultException>(() => Set(1, s_limits[limit])).Message, StringComparison.Ordinal);

    [Fact]
    public void SwappinessOfAllBits_IsNoneGiven()
    {
        foreach (int version in new[] { 1, 2 })
            Set(version, Memory(new MemoryLimits { Swappiness = ulong.MaxValue }));
        Assert.Empty(_warnings);
    }

    [Fact]
    public void UnifiedFiles_OnVersion1_AreRefusedInRuncsWords() => Assert.Equal(
        "invalid configuration: cannot use unified on cgroup v1: memory.high", Assert.Throws<FaultException>(() => Set(1,
            new LinuxResources { Unified = new Dictionary<string, string> { ["memory.high"] = "1" } })).Message);
}
