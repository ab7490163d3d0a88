using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;

namespace Berth.Runtime.Tests.Cgroups;

public sealed class CgroupHierarchyTests
{
    private const string V1Memory = "30 25 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";
    private const string V1Cpu = "31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct";
    private const string V1Named = "32 25 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd";
    private const string V2Unified = "33 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
    private const string V2Alone = "33 25 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate";
    private const string Spaced = "34 25 0:30 / /mnt/a\\040b rw - cgroup cgroup rw,pids";

    [Theory]
    [InlineData(CgroupMode.None, "25 1 0:25 / /sys rw - sysfs sysfs rw")]
    [InlineData(CgroupMode.Version1, V1Memory + "\n" + V1Cpu + "\n" + V1Named)]
    [InlineData(CgroupMode.Hybrid, V1Memory + "\n" + V2Unified)]
    [InlineData(CgroupMode.Version2, V2Alone)]
    [InlineData(CgroupMode.Version2, V1Named + "\n" + V2Alone)]
    [InlineData(CgroupMode.Version1, "34 25 0:30 / /mnt/a\\zz9b rw - cgroup cgroup rw,pids")]
    [InlineData(CgroupMode.None, "garbage\n\n - \n1 2 3 4 - cgroup")]
    public void Parse_MountInfo_FindsTheMode(CgroupMode expected, string mountInfo) =>
        Assert.Equal(expected, CgroupHierarchy.Parse(mountInfo).Mode);

    [Fact]
    public void Parse_SharedAndEscapedMounts_FindsEachController()
    {
        CgroupHierarchy hierarchy = CgroupHierarchy.Parse(V1Cpu + "\n" + Spaced);
        Assert.Equal(["cpu", "cpuacct", "pids"], hierarchy.Controllers.Order());
        Assert.Contains("/mnt/a b/berth/x/cgroup.procs", hierarchy.Open("/berth/x").ProcsFiles);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/a/../b")]
    [InlineData("..")]
    [InlineData("a/./b")]
    [InlineData("a\0b")]
    public void Open_ClimbingPath_IsRefused(string path)
    {
        FaultException fault = Assert.Throws<FaultException>(() => CgroupHierarchy.Parse(V1Memory).Open(path));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }

    [Theory]
    [InlineData(2ul, 1ul)]
    [InlineData(1024ul, 39ul)]
    [InlineData(262_144ul, 10_000ul)]
    [InlineData(0ul, 1ul)]
    public void WeightOf_Shares_KeepsTheScale(ulong shares, ulong weight) =>
        Assert.Equal(weight, CgroupV2Limits.WeightOf(shares));

    [Fact]
    public void ReadBlock_IoStat_CountsBothDirections() =>
        Assert.Equal(
            [(8ul, 0ul, "read", 10ul), (8ul, 0ul, "write", 20ul)],
            CgroupV2Statistics.ReadBlock("8:0 rbytes=10 wbytes=20 rios=1 wios=2\nrubbish\n:: x=1", "rbytes=", "wbytes="));

    [Fact]
    public void Compile_DeviceRules_EndsEveryRuleWithAnAnswer()
    {
        byte[] program = DeviceRules.Compile(
        [
            new DeviceRule { Allow = false },
            new DeviceRule { Allow = true, Type = "c", Major = 1, Minor = 3, Access = "rwm" },
            new DeviceRule { Allow = true, Type = "c", Access = "m" },
        ]);
        Assert.Equal(0x95, program[^8]);
        // Prologue 6; mknod rule 3 + 1 + 2; null rule 3 + 2; deny-all 2: nothing may follow it.
        Assert.Equal(6 + 6 + 5 + 2, program.Length / 8);
    }
}
