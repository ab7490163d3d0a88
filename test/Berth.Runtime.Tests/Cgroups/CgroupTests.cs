using System.Diagnostics;
using System.Globalization;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Bpf;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;

namespace Berth.Runtime.Tests.Cgroups;

/// <summary>Each limit that this kernel offers is hit for real, by processes put into a cgroup made for the test.</summary>
public sealed class CgroupTests : IDisposable
{
    private readonly CgroupHierarchy _hierarchy = CgroupHierarchy.Detect();
    private readonly string _path = $"/berth-cgroup-test-{Guid.NewGuid():n}/group";
    private readonly List<string> _warnings = [];
    private Cgroup? _group;

    public void Dispose()
    {
        _group?.Kill();
        Assert.True(_group?.Remove() ?? true);
        Assert.False(_group?.Exists ?? false);
        // A parent of its own: removal takes all that is below, also what another test has just made.
        _hierarchy.Open(_path[.._path.LastIndexOf('/')]).Remove();
    }

    [Fact]
    public void Memory_ProgramThatTakesMore_IsKilledAndCounted()
    {
        Need("memory");
        Make(new LinuxResources { Memory = new MemoryLimits { Limit = 32 << 20, Swap = 32 << 20 } });
        using Process greedy = Run("exec dd if=/dev/zero of=/dev/null bs=200M count=1");
        greedy.WaitForExit();
        Assert.Equal(137, greedy.ExitCode);
        Assert.True(_group!.OutOfMemoryKills() > 0);
        Assert.Equal((ulong)(32 << 20), _group.ReadStatistics().MemoryLimit);
    }

    [Fact]
    public void Pids_ProgramThatForksMore_IsRefused()
    {
        Need("pids");
        Make(new LinuxResources { Pids = new PidsLimits { Limit = 3 } });
        using Process forker = Run("for i in 1 2 3 4 5 6; do sleep 5 & done; true");
        string errors = forker.StandardError.ReadToEnd();
        Assert.Contains("Cannot fork", errors, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(3ul, _group!.ReadStatistics().PidsLimit);
    }

    [Fact]
    public void Cpu_BusyProgramUnderQuota_IsThrottled()
    {
        Need("cpu");
        Make(new LinuxResources { Cpu = new CpuLimits { Quota = 10_000, Period = 100_000, Shares = 512 } });
        using Process busy = Run("while :; do :; done");
        Assert.True(SpinWait.SpinUntil(() => _group!.ReadStatistics().ThrottledPeriods > 1, TimeSpan.FromSeconds(20)));
        CgroupStatistics statistics = _group!.ReadStatistics();
        Assert.True(statistics.CpuTotalNanoseconds > 0);
        Assert.True(statistics.ThrottledNanoseconds > 0);
    }

    [Fact]
    public void Blkio_DirectWrites_TakeTheTimeThatTheRateAllows()
    {
        Need("blkio");
        string file = Path.GetTempFileName();
        File.WriteAllBytes(file, new byte[8 << 20]);
        string device = Tool("losetup", "-f", "--show", file).Trim();
        try
        {
            ThrottleDevice rate = new()
            {
                Major = 7, Minor = int.Parse(device["/dev/loop".Length..], CultureInfo.InvariantCulture), Rate = 1 << 20,
            };
            Make(new LinuxResources { BlockIO = new BlockIoLimits { ThrottleWriteBpsDevice = [rate] } });
            long start = Stopwatch.GetTimestamp();
            using Process writer = Run($"exec dd if=/dev/zero of={device} bs=128k count=24 oflag=direct");
            writer.WaitForExit();
            Assert.Equal(0, writer.ExitCode);
            // 3 MiB at 1 MiB a second, of which the first may be free; without the limit it is a matter of milliseconds.
            Assert.True(Stopwatch.GetElapsedTime(start) > TimeSpan.FromSeconds(1.5), $"{Stopwatch.GetElapsedTime(start)}");
        }
        finally
        {
            Tool("losetup", "-d", device);
            File.Delete(file);
        }
    }

    [Fact]
    public void Cpuset_OneProcessor_IsAllThatIsSeen()
    {
        Need("cpuset");
        Make(new LinuxResources { Cpu = new CpuLimits { Cpus = "0" } });
        using Process process = Run("grep Cpus_allowed_list /proc/self/status");
        Assert.Equal("Cpus_allowed_list:\t0\n", process.StandardOutput.ReadToEnd());
    }

    [Fact]
    public void Freeze_BusyProgram_StandsStillUntilThawed()
    {
        Need("freezer");
        Make(null);
        using Process busy = Run("while :; do :; done");
        Assert.True(SpinWait.SpinUntil(() => _group!.ReadStatistics().CpuTotalNanoseconds > 1_000_000, TimeSpan.FromSeconds(20)));
        _group!.Freeze();
        // The kernel may count its last moment a little later, when it takes it off its processor.
        ulong frozen;
        int tries = 0;
        do
        {
            Assert.True(tries++ < 5, "it goes on");
            frozen = _group.ReadStatistics().CpuTotalNanoseconds;
            using Process other = Process.Start("/bin/sh", ["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"]);
            other.WaitForExit();
        }
        while (frozen != _group.ReadStatistics().CpuTotalNanoseconds);
        _group.Thaw();
        Assert.True(SpinWait.SpinUntil(() => _group.ReadStatistics().CpuTotalNanoseconds > frozen, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void Kill_FrozenTree_EndsEveryProcess()
    {
        Make(null);
        using Process parent = Run("sleep 1000 & sleep 1000 & wait");
        Assert.True(SpinWait.SpinUntil(() => _group!.Processes().Count >= 3, TimeSpan.FromSeconds(20)));
        if (_hierarchy.Controllers.Contains("freezer"))
            _group!.Freeze();
        _group!.Kill();
        parent.WaitForExit();
        Assert.True(SpinWait.SpinUntil(() => _group.Processes().Count == 0, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void Devices_DeniedNode_CannotBeOpened()
    {
        Need("devices");
        Make(new LinuxResources
        {
            Devices = [new DeviceRule { Allow = false }, new DeviceRule { Allow = true, Type = "c", Major = 1, Minor = 3, Access = "rwm" }],
        });
        using Process process = Run("cat < /dev/null && echo null; cat < /dev/zero | head -c1 | wc -c");
        Assert.Equal("null\n0\n", process.StandardOutput.ReadToEnd());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void DeviceProgram_DeniedNode_CannotBeOpenedInVersion2Tree(bool isShared)
    {
        Assert.SkipUnless(_hierarchy.Mode is CgroupMode.Hybrid or CgroupMode.Version2, "no cgroup version 2 tree is mounted");
        Make(null);
        string unified = _group!.ProcsFiles.Select(file => Path.GetDirectoryName(file)!)
            .First(directory => File.Exists(Path.Join(directory, "cgroup.kill")));
        using (FileDescriptor directory = CgroupDirectory.Open(unified))
        {
            // As systemd has its own beside ours: what both allow is allowed.
            if (isShared)
                DeviceProgram.Attach(directory, DeviceRules.Compile([new DeviceRule { Allow = true }]), isShared);
            DeviceProgram.Attach(directory, DeviceRules.Compile(
            [
                new DeviceRule { Allow = true, Type = "c", Major = 1, Minor = 3, Access = "rw" },
                new DeviceRule { Allow = true, Type = "c", Major = 1, Minor = 9, Access = "r" },
            ]), isShared);
        }
        using Process process = Run("cat < /dev/null && echo null; head -c1 /dev/urandom | wc -c; "
            + "(echo > /dev/urandom) 2>/dev/null || echo readonly; cat < /dev/zero | head -c1 | wc -c");
        Assert.Equal("null\n1\nreadonly\n0\n", process.StandardOutput.ReadToEnd());
    }

    // Rules as "+" or "-", type, numbers, access; answers as the accesses that open each, b for both at once.
    public static TheoryData<string, string, string> RuleLists => new()
    {
        { "+c 1:3 rwm", "rwb", "" },
        { "+c 1:3 r", "r", "" },
        { "+a 1:3 rwm", "rwb", "" },
        { "+a *:* r", "r", "r" },
        { "+c *:* rwm;-a *:* r;+c 1:5 w", "", "w" },
        { "+a *:* rwm;-c 1:5 w", "rwb", "r" },
        { "-a *:* rwm;+a *:* rwm", "rwb", "rwb" },
        { "+c 1:3 rwm;-c *:* rwm", "", "" },
        { "+c 1:3 rwm;+c 1:5 rwm;-c 1:* w", "r", "r" },
        { "+c 1:3 r;+c 1:3 w", "rwb", "" },
        { "+c 1:3 rwm;-b 1:3 rwm", "rwb", "" },
        { "+a *:* rwm;-c 1:3 rwm;-c 1:5 r;+c 1:* r", "r", "rwb" },
    };

    [Theory]
    [MemberData(nameof(RuleLists))]
    public void Devices_Rules_OpenWhatTheyNameAndNothingElse(string rules, string ofNull, string ofZero)
    {
        Need("devices");
        Make(new LinuxResources { Devices = [.. rules.Split(';').Select(RuleOf)] });
        Assert.Equal((ofNull, ofZero), Opened());
    }

    [Theory]
    [MemberData(nameof(RuleLists))]
    public void DeviceProgram_Rules_OpenWhatTheyNameAndNothingElse(string rules, string ofNull, string ofZero)
    {
        Assert.SkipUnless(_hierarchy.Mode is CgroupMode.Hybrid or CgroupMode.Version2, "no cgroup version 2 tree is mounted");
        Attach(rules);
        Assert.Equal((ofNull, ofZero), Opened());
    }

    [Fact]
    public void DeviceProgram_NewRules_TakeThePlaceOfTheOldOnes()
    {
        Assert.SkipUnless(_hierarchy.Mode is CgroupMode.Hybrid or CgroupMode.Version2, "no cgroup version 2 tree is mounted");
        Attach("+c 1:3 r");
        Attach("+c 1:5 w");
        Assert.Equal(("", "w"), Opened());
    }

    [Fact]
    public void DeviceProgram_BelowAGroupThatHasOne_AllowsWhatBothAllow()
    {
        Assert.SkipUnless(_hierarchy.Mode is CgroupMode.Hybrid or CgroupMode.Version2, "no cgroup version 2 tree is mounted");
        Attach("+c 1:3 rwm;+c 1:5 r", isAbove: true);
        Attach("+c 1:3 r;+c 1:5 rwm");
        Assert.Equal(("r", "r"), Opened());
    }

    private void Attach(string rules, bool isAbove = false)
    {
        Make(null);
        string unified = _group!.ProcsFiles.Select(file => Path.GetDirectoryName(file)!)
            .First(directory => File.Exists(Path.Join(directory, "cgroup.kill")));
        using FileDescriptor directory = CgroupDirectory.Open(isAbove ? Path.GetDirectoryName(unified)! : unified);
        DeviceProgram.Attach(directory, DeviceRules.Compile([.. rules.Split(';').Select(RuleOf)]), isShared: false);
    }

    [Fact]
    public void Devices_HoleInAWiderRule_IsRefusedByVersion1()
    {
        Need("devices");
        FaultException refused = Assert.Throws<FaultException>(
            () => Make(new LinuxResources { Devices = [RuleOf("+c 1:* rwm"), RuleOf("-c 1:5 w")] }));
        Assert.Contains("device rule \"deny c 1:5 w\" is not supported by version 1 of cgroups: it cannot take devices out of the wider rule "
            + "\"allow c 1:* rwm\"", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DeviceProgram_HoleInAWiderRule_IsThere()
    {
        Assert.SkipUnless(_hierarchy.Mode is CgroupMode.Hybrid or CgroupMode.Version2, "no cgroup version 2 tree is mounted");
        Attach("+c 1:* rwm;-c 1:5 w");
        Assert.Equal(("rwb", "r"), Opened());
    }

    private static DeviceRule RuleOf(string text)
    {
        string[] words = text[1..].Split(' ', ':');
        return new DeviceRule { Allow = text[0] == '+', Type = words[0], Major = Number(words[1]), Minor = Number(words[2]), Access = words[3] };

        static long? Number(string word) => word == "*" ? null : long.Parse(word, CultureInfo.InvariantCulture);
    }

    private (string OfNull, string OfZero) Opened()
    {
        using Process process = Run("exec 2>&-; for d in null zero; do (: < /dev/$d) && printf r; (: > /dev/$d) && printf w; "
            + "(: <> /dev/$d) && printf b; echo; done");
        return process.StandardOutput.ReadToEnd().Split('\n') is [var ofNull, var ofZero, ""] ? (ofNull, ofZero) : ("?", "?");
    }

    [Fact]
    public void Update_RefusedValue_NamesFileAndValue()
    {
        Need("pids");
        Make(null);
        FaultException fault = Assert.Throws<FaultException>(() =>
            _group!.Update(new LinuxResources { Cpu = new CpuLimits { Cpus = "9999" } }, _warnings));
        Assert.Contains("cpuset.cpus", fault.Message, StringComparison.Ordinal);
        Assert.Contains("9999", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_RefusedValue_LeavesNothing()
    {
        Need("cpuset");
        Assert.Throws<FaultException>(() =>
            _hierarchy.Create(_path, new LinuxResources { Cpu = new CpuLimits { Cpus = "9999" } }, _warnings));
        Assert.False(_hierarchy.Open(_path).Exists);
    }

    [Fact]
    public void Update_LimitsUpAndDown_AreTaken()
    {
        Need("memory");
        Make(new LinuxResources { Memory = new MemoryLimits { Limit = 64 << 20, Swap = 128 << 20 } });
        _group!.Update(new LinuxResources { Memory = new MemoryLimits { Limit = 256 << 20, Swap = 512 << 20 } }, _warnings);
        Assert.Equal((ulong)(256 << 20), _group.ReadStatistics().MemoryLimit);
        _group.Update(new LinuxResources { Memory = new MemoryLimits { Limit = 16 << 20, Swap = 16 << 20 } }, _warnings);
        Assert.Equal((ulong)(16 << 20), _group.ReadStatistics().MemoryLimit);
        _group.Update(new LinuxResources { Memory = new MemoryLimits { Limit = -1, Swap = -1 } }, _warnings);
        Assert.Equal(ulong.MaxValue, _group.ReadStatistics().MemoryLimit);
        Assert.Empty(_warnings);
    }

    private void Need(string controller) => Assert.SkipUnless(
        _hierarchy.Controllers.Contains(controller) || (controller is "freezer" or "devices" && _hierarchy.Mode == CgroupMode.Version2),
        $"the kernel offers no {controller} controller here");

    private void Make(LinuxResources? resources) => _group = _hierarchy.Create(_path, resources, _warnings);

    private static string Tool(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    // The shell puts itself in before it becomes the script: all of it counts. It is in all trees when this returns: what is in the first
    // only is neither frozen nor killed by the others, and enters them when the test is over.
    private Process Run(string script)
    {
        string enter = string.Join("; ", _group!.ProcsFiles.Select(file => $"echo $$ > {file}"));
        Process process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"{enter}; exec /bin/sh -c \"$0\"", script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        string pid = process.Id.ToString(CultureInfo.InvariantCulture);
        Assert.True(SpinWait.SpinUntil(
            () => process.HasExited || _group.ProcsFiles.All(file => File.ReadLines(file).Contains(pid)), TimeSpan.FromSeconds(20)));
        return process;
    }
}
