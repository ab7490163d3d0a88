using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;

namespace Berth.Runtime.Tests.Cgroups;

/// <summary>What is written into version 2's files, which plain files stand for here.</summary>
public sealed class CgroupV2LimitsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-limits-").FullName;
    private readonly List<string> _warnings = [];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("25000 50000", 0, 100_000, 25_000, 100_000)]
    [InlineData("25000 50000", 20_000, 0, 20_000, 50_000)]
    [InlineData("25000 50000", -1, 0, -1, 50_000)]
    [InlineData("max 100000", 0, 50_000, -1, 50_000)]
    [InlineData("25000 50000", 30_000, 60_000, 30_000, 60_000)]
    [InlineData("25000 50000", 0, 0, 0, 0)]
    public void Cpu_OneOfQuotaAndPeriod_KeepsTheOther(string set, long quota, ulong period, long quotaAfter, ulong periodAfter)
    {
        Put("cpu.max", set);
        CpuLimits limits = CgroupV2Limits.Completed(
            new LinuxResources { Cpu = new CpuLimits { Quota = quota, Period = period } }, _directory).Cpu!;
        Assert.Equal((quotaAfter, periodAfter), (limits.Quota, limits.Period));
    }

    // In MiB; 0: not given, -1: no limit.
    [Theory]
    [InlineData("64", 0, 96, 64, 96)]
    [InlineData("64", 80, 0, 80, 0)]
    [InlineData("64", 80, 100, 80, 100)]
    [InlineData("64", 0, -1, 0, -1)]
    [InlineData("64", -1, 0, -1, -1)]
    [InlineData("max", 64, 64, 64, 64)]
    public void Memory_Swap_IsCountedFromTheLimitThatHolds(string set, long limit, long both, long limitAfter, long bothAfter)
    {
        Put("memory.max", Bytes(set));
        LinuxResources completed = CgroupV2Limits.Completed(new LinuxResources { Memory = Memory(limit, both) }, _directory);
        Assert.Equal(Memory(limitAfter, bothAfter), completed.Memory);
    }

    [Theory]
    [InlineData("max", 0, 64, "unable to set swap limit without memory limit")]
    [InlineData("64", -1, 96, "unable to set swap limit without memory limit")]
    [InlineData("max", 64, 32, "memory+swap limit should be >= memory limit")]
    [InlineData("64", 0, 32, "memory+swap limit should be >= memory limit")]
    public void Memory_SwapThatIsNone_IsRefusedBeforeAnythingIsSet(string max, long limit, long both, string refusal)
    {
        Put("memory.max", Bytes(max));
        Put("memory.swap.max", "7");
        Put("pids.max", "9");
        FaultException refused = Assert.Throws<FaultException>(
            () => Set(new LinuxResources { Memory = Memory(limit, both), Pids = new PidsLimits { Limit = 5 } }));
        Assert.Equal(refusal, refused.Message);
        Assert.Equal((Bytes(max), "7", "9"), (Read("memory.max"), Read("memory.swap.max"), Read("pids.max")));
    }

    private static MemoryLimits Memory(long limit, long both) =>
        new() { Limit = limit > 0 ? limit << 20 : limit, Swap = both > 0 ? both << 20 : both };

    private static string Bytes(string mebibytes) => mebibytes == "max" ? "max" : (int.Parse(mebibytes, null) << 20).ToString();

    private void Set(LinuxResources resources) => new CgroupV2Limits(_directory, _warnings, sharesDeviceRules: false).Set(resources);

    private void Put(string file, string value) => File.WriteAllText(Path.Join(_directory, file), value + "\n");

    private string Read(string file) => File.ReadAllText(Path.Join(_directory, file)).TrimEnd();
}
