using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Systemd;

namespace Berth.Runtime.Tests.Systemd;

/// <summary>Names and settings of units, from what a configuration says.</summary>
public sealed class UnitTests
{
    [Theory]
    [InlineData(null, false, "system.slice", "berth-id.scope", "/system.slice/berth-id.scope")]
    [InlineData("", true, "user.slice", "berth-id.scope", "/user.slice/berth-id.scope")]
    [InlineData(":x:y", false, "system.slice", "x-y.scope", "/system.slice/x-y.scope")]
    [InlineData("a-b-c.slice:x:y", false, "a-b-c.slice", "x-y.scope", "/a.slice/a-b.slice/a-b-c.slice/x-y.scope")]
    [InlineData("-:x:y", false, "-.slice", "x-y.scope", "/x-y.scope")]
    [InlineData("-.slice::y", false, "-.slice", "y.scope", "/y.scope")]
    public void Name_IsReadAsRuncReadsIt(string? text, bool isUser, string slice, string unit, string path)
    {
        ScopeName name = ScopeName.Parse(text, "id", isUser);
        Assert.Equal((slice, unit, path), (name.Slice, name.Unit, name.Path));
    }

    [Theory]
    [InlineData("/berth/id", "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"/berth/id\" instead")]
    [InlineData("a:b", "expected cgroupsPath")]
    [InlineData("a--b.slice:x:y", "invalid slice name: a--b.slice")]
    [InlineData("a/b.slice:x:y", "invalid slice name: a/b.slice")]
    [InlineData("-a.slice:x:y", "invalid slice name: -a.slice")]
    [InlineData(".slice:x:y", "invalid slice name: .slice")]
    [InlineData("a:x:y", "invalid slice name: a")]
    [InlineData("a.slice:x:y.slice", "a slice holds no processes")]
    [InlineData("a.slice:x:../y", "is no name of a unit")]
    [InlineData("a.slice:x:", "is no name of a unit")]
    public void Name_Wrong_IsRefused(string text, string words) =>
        Assert.Contains(words, Assert.Throws<FaultException>(() => ScopeName.Parse(text, "id", isUser: false)).Message, StringComparison.Ordinal);

    private static readonly LinuxResources s_all = new()
    {
        Memory = new MemoryLimits { Limit = 100, Reservation = 50, Swap = 150 },
        Cpu = new CpuLimits { Shares = 1024, Quota = 50_500, Period = 100_000, Cpus = "0-2,9", Mems = "0" },
        Pids = new PidsLimits { Limit = 7 },
        BlockIO = new BlockIoLimits { Weight = 500 },
    };

    [Theory]
    [InlineData(true, 252, "MemoryMax=100 MemoryLow=50 MemorySwapMax=50 CPUWeight=39 CPUQuotaPeriodUSec=100000 CPUQuotaPerSecUSec=510000 "
        + "AllowedCPUs=[7, 2] AllowedMemoryNodes=[1] TasksMax=7 IOWeight=4950")]
    [InlineData(true, 240, "MemoryMax=100 MemoryLow=50 MemorySwapMax=50 CPUWeight=39 CPUQuotaPerSecUSec=510000 TasksMax=7 IOWeight=4950")]
    [InlineData(false, 252, "MemoryLimit=100 CPUShares=1024 CPUQuotaPeriodUSec=100000 CPUQuotaPerSecUSec=510000 "
        + "AllowedCPUs=[7, 2] AllowedMemoryNodes=[1] TasksMax=7 BlockIOWeight=500")]
    public void Resources_AreSettingsOfThatVersion(bool isUnified, int version, string settings) =>
        Assert.Equal(settings, string.Join(' ', new UnitResources(isUnified, version).Of(s_all)));

    [Fact]
    public void Resources_WithoutLimit_AreUnlimited()
    {
        LinuxResources none = new()
        {
            Memory = new MemoryLimits { Limit = -1, Swap = -1 }, Cpu = new CpuLimits { Quota = -1, Idle = 1 }, Pids = new PidsLimits { Limit = -1 },
        };
        const string Most = "18446744073709551615";
        Assert.Equal($"MemoryMax={Most} MemorySwapMax={Most} CPUWeight=0 CPUQuotaPerSecUSec={Most} TasksMax={Most}",
            string.Join(' ', new UnitResources(isUnified: true, 252).Of(none)));
        Assert.Empty(new UnitResources(isUnified: true, 252).Of(new LinuxResources()));
    }

    [Theory]
    [InlineData("cpu.max", "max 50000", "CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=18446744073709551615")]
    [InlineData("cpu.max", " 20000 ", "CPUQuotaPeriodUSec=100000 CPUQuotaPerSecUSec=200000")]
    [InlineData("cpu.weight", "100", "CPUWeight=100")]
    [InlineData("cpuset.cpus", "1", "AllowedCPUs=[2]")]
    [InlineData("memory.high", "max", "MemoryHigh=18446744073709551615")]
    [InlineData("pids.max", "9", "TasksMax=9")]
    [InlineData("memory.oom.group", "1", "")]
    public void Unified_KnownFiles_AreSettings(string file, string value, string settings) => Assert.Equal(settings,
        string.Join(' ', new UnitResources(isUnified: true, 252).Of(new LinuxResources { Unified = new Dictionary<string, string> { [file] = value } })));

    [Theory]
    [InlineData("cpu.max", "a")]
    [InlineData("cpu.max", "1 2 3")]
    [InlineData("memory.max", "-5")]
    [InlineData("cpuset.cpus", "3-1")]
    [InlineData("cpuset.cpus", "99999")]
    [InlineData("cpuset.mems", ",")]
    public void Unified_WrongValue_IsRefused(string file, string value) => Assert.Throws<FaultException>(
        () => new UnitResources(isUnified: true, 252).Of(new LinuxResources { Unified = new Dictionary<string, string> { [file] = value } }));

    private const string Groups = "Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n  8 sd\n136 other\n";

    [Fact]
    public void Devices_Rules_AreAllowances()
    {
        DeviceRule[] rules =
        [
            new() { Allow = true, Type = "c", Major = 10, Minor = 200 }, new() { Allow = false }, new() { Allow = true, Type = "c", Access = "m" },
            new() { Allow = true, Type = "b", Access = "m" }, new() { Allow = true, Type = "c", Major = 1, Minor = 3, Access = "rwm" },
            new() { Allow = true, Type = "c", Major = 136, Access = "rw" }, new() { Allow = true, Type = "b", Major = 8 },
            new() { Allow = true, Type = "c", Major = 77 }, new() { Allow = true, Type = "b", Major = 8, Minor = 1, Access = "r" },
            new() { Allow = false, Type = "b", Major = 8, Minor = 1 }, new() { Allow = true, Type = "c", Minor = 5 },
        ];
        Assert.Equal("DevicePolicy='strict' DeviceAllow=[('char-*', 'm'), ('block-*', 'm'), ('/dev/char/1:3', 'rwm'), ('char-pts', 'rw'), "
            + "('block-sd', 'rwm'), ('char-77', 'rwm')]", string.Join(' ', UnitDevices.Of(rules, Groups)));
    }

    [Fact]
    public void Devices_AllAllowed_IsNoPolicy() => Assert.Equal("DevicePolicy='auto'",
        string.Join(' ', UnitDevices.Of([new() { Allow = false }, new() { Allow = true, Type = "a", Access = "rwm" }], Groups)));

    [Fact]
    public void Devices_OnlyAllowances_CloseAllElse() => Assert.Equal("DevicePolicy='strict' DeviceAllow=[('/dev/char/1:3', 'r')]",
        string.Join(' ', UnitDevices.Of([new() { Allow = true, Type = "c", Major = 1, Minor = 3, Access = "r" }], Groups)));

    [Theory]
    [InlineData("TimeoutStopUSec", "uint64 123456789", "TimeoutStopUSec=123456789", "t")]
    [InlineData("TimeoutStopSec", "123", "TimeoutStopUSec=123000000", "t")]
    [InlineData("TimeoutStopSec", "1.5", "TimeoutStopUSec=1500000", "t")]
    [InlineData("CollectMode", "'inactive-or-failed'", "CollectMode='inactive-or-failed'", "s")]
    [InlineData("SendSIGHUP", "true", "SendSIGHUP=true", "b")]
    [InlineData("CPUWeight", "uint64 0x64", "CPUWeight=100", "t")]
    [InlineData("Nice", "-5", "Nice=-5", "i")]
    [InlineData("Wants", "['a.service', \"b'.service\"]", "Wants=['a.service', 'b'.service']", "as")]
    [InlineData("After", "@as []", "After=[]", "as")]
    [InlineData("IODeviceWeight", "[('/dev/sda', uint64 5)]", "IODeviceWeight=[('/dev/sda', 5)]", "a(st)")]
    public void Annotation_IsASetting(string name, string text, string setting, string signature)
    {
        UnitProperty only = Assert.Single(UnitAnnotations.Of(new Dictionary<string, string>
        {
            [$"org.systemd.property.{name}"] = text, ["org.other"] = "x",
        }));
        Assert.Equal((setting, signature), (only.ToString(), only.Value.Signature));
    }

    [Theory]
    [InlineData("X", "1")]
    [InlineData("Time_Out", "1")]
    [InlineData("CollectMode", "unquoted")]
    [InlineData("CollectMode", "'open")]
    [InlineData("CollectMode", "")]
    [InlineData("Wants", "[]")]
    [InlineData("Wants", "['a', 1]")]
    [InlineData("Wants", "['a'")]
    [InlineData("Wants", "('a'")]
    [InlineData("Nice", "99999999999")]
    [InlineData("Nice", "1 2")]
    [InlineData("TimeoutStopSec", "'1'")]
    [InlineData("TimeoutStopSec", "-1")]
    [InlineData("Wants", "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]")]
    public void Annotation_Wrong_IsRefused(string name, string text) => Assert.Throws<FaultException>(
        () => UnitAnnotations.Of(new Dictionary<string, string> { [$"org.systemd.property.{name}"] = text }));
}
