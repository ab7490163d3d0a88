namespace Berth.Attack.Tests;

/// <summary>3.2: a container that shares a volume with another one changes names in it while the other's mounts are made.</summary>
public sealed class MountRaceTests(AttackEngine engine)
{
    private const int Starts = 40;

    [Theory]
    [InlineData("outside")]
    [InlineData("root")]
    public async Task B03_MountTargetSwappedForALink_MountsInsideOnly(string target) // CVE-2021-30465, CVE-2023-27561
    {
        engine.Skip();
        string outside = engine.NewOutside();
        string payload = engine.NewName("payload");
        string link = target == "root" ? "/" : "../../../../../../../.." + outside;
        await using Swapper swapper = await Swapper.StartAsync(engine, $"mkdir t && ln -s {link} l", "t", "l");
        int started = 0;
        for (int i = 0; swapper.NeedsMore(i, started, Starts); i++)
        {
            Completed run = await engine.RunAsync($"cat /v/t/secret /v/l/secret {outside}/secret; ls /proc/1/ns > /dev/null && echo alive",
                "-v", $"{swapper.Volume}:/v", "-v", $"{payload}:/v/t");
            Assert.DoesNotContain(AttackEngine.Marker, run.All);
            started += run.Output.Contains("alive", StringComparison.Ordinal) ? 1 : 0;
        }
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
        swapper.AssertRaced(started);
        await engine.DoAsync("volume", "rm", payload);
    }

    [Fact]
    public async Task B03_VolumeSubpathSwappedForALink_LeadsNowhere() // CVE-2021-30465's class; CVE-2023-5044 as a kubelet subPath
    {
        engine.Skip();
        string outside = engine.NewOutside();
        await using Swapper swapper = await Swapper.StartAsync(
            engine, $"mkdir t && echo own > t/secret && ln -s {outside} l", "t", "l");
        int started = 0;
        for (int i = 0; swapper.NeedsMore(i, started, 3 * Starts); i++)
        {
            Completed run = await engine.RunAsync(
                "cat /m/secret", "--mount", $"type=volume,src={swapper.Volume},dst=/m,volume-subpath=t");
            Assert.DoesNotContain(AttackEngine.Marker, run.All);
            started += run.Output == "own\n" ? 1 : 0;
        }
        swapper.AssertRaced(started);
    }

    [Fact]
    public async Task B04_NullDeviceSwapped_MasksStayMasks() // CVE-2025-31133
    {
        engine.Skip();
        AttackEngine.SkipRemapped();
        await using Swapper swapper = await Swapper.StartAsync(
            engine, "ln -s /proc/sys/kernel/core_pattern l && mknod null c 1 3 && echo forged > forged", "null", "l");
        int started = 0;
        for (int i = 0; swapper.NeedsMore(i, started, Starts); i++)
        {
            // The attacker's directory is the container's whole /dev.
            Completed run = await engine.RunAsync(
                "for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do [ -e $f ] && head -c 1 $f; done; "
                + "(echo x > /proc/sys/kernel/core_pattern) 2>&1 | grep -c 'Read-only'", "-v", $"{swapper.Volume}:/dev");
            if (run.Code == 0)
                Assert.Equal("1\n", run.Output);
            started += run.Code == 0 ? 1 : 0;
        }
        swapper.AssertRaced(started);
    }

    [Fact]
    public async Task B04_ImageWithItsOwnDev_MasksStayMasks() // CVE-2025-31133
    {
        engine.Skip();
        string image = $"{engine.NewName("b04")}:1";
        await engine.ImportAsync(image, tree =>
        {
            Directory.CreateDirectory($"{tree}/dev");
            File.WriteAllText($"{tree}/forged", "forged\n");
            File.CreateSymbolicLink($"{tree}/dev/null", "/forged");
        }, "VOLUME /dev");
        Completed run = await engine.BerthAsync("run", "--rm", "--network", "none", image, "sh", "-c",
            "for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do [ -e $f ] && head -c 1 $f; done; cat /forged");
        Assert.Equal("forged\n", run.Output);
        await engine.DoAsync("rmi", image);
    }

    [Theory]
    [InlineData("console", "ln -s /proc/sys/kernel/core_pattern l && touch console")]
    [InlineData("pts", "ln -s /proc l && mkdir pts")]
    public async Task B05_ConsoleOrTerminalsSwapped_HostStaysAsItIs(string name, string prepare) // CVE-2025-52565
    {
        engine.Skip();
        string before = File.ReadAllText("/proc/sys/kernel/core_pattern");
        await using Swapper swapper = await Swapper.StartAsync(engine, prepare, name, "l");
        int started = 0;
        for (int i = 0; swapper.NeedsMore(i, started, Starts); i++)
        {
            Completed run = await engine.RunAsync(
                "tty; (echo x > /proc/sys/kernel/core_pattern) 2>/dev/null && echo written; [ -r /proc/1/status ] && echo seen",
                "-t", "-v", $"{swapper.Volume}:/dev");
            Assert.DoesNotContain("written", run.Output);
            started += run.Output.Contains("seen", StringComparison.Ordinal) ? 1 : 0;
        }
        Assert.Equal(before, File.ReadAllText("/proc/sys/kernel/core_pattern"));
        swapper.AssertRaced(started);
    }

    [Fact]
    public async Task B05_ExecWithAForgedMultiplexer_GetsARealTerminalOrNone()
    {
        engine.Skip();
        string name = await engine.StayAsync(
            "rm /dev/ptmx; echo forged > /dev/ptmx; mount --bind /bin /dev/pts 2>/dev/null; rm -f /dev/pts/ptmx; sleep 1000", "-t");
        Completed run = await engine.BerthAsync("exec", "-t", name, "tty");
        Assert.True(run.Output.StartsWith("/dev/pts/", StringComparison.Ordinal) || run.Code != 0, run.All);
        await engine.RemoveAsync(name);
    }

    [Fact]
    public async Task B06_FakeProcfs_TakesNoKernelParameter() // CVE-2019-16884, CVE-2025-52881
    {
        engine.Skip();
        string forward = File.ReadAllText("/proc/sys/net/ipv4/ip_forward");
        string outside = engine.NewOutside();
        await using Swapper swapper = await Swapper.StartAsync(engine,
            "mkdir -p sys/net/ipv4 self/attr sys/l && echo 7 > sys/net/ipv4/ip_forward && echo 7 > sys/l/ip_forward && "
            + $"ln -s {outside}/secret self/attr/exec", "sys/net/ipv4", "sys/l");
        int started = 0;
        for (int i = 0; swapper.NeedsMore(i, started, Starts); i++)
        {
            // The attacker's directory is the container's whole /proc.
            Completed run = await engine.RunAsync(
                "echo ran", "-v", $"{swapper.Volume}:/proc", "--sysctl", "net.ipv4.ip_forward=0", "--sysctl", "net.ipv4.ip_default_ttl=63");
            started += run.Output == "ran\n" ? 1 : 0;
        }
        Assert.Equal("7\n", File.ReadAllText($"{swapper.HostPath}/sys/l/ip_forward"));
        Assert.Equal(AttackEngine.Marker, File.ReadAllText($"{outside}/secret"));
        Assert.Equal(forward, File.ReadAllText("/proc/sys/net/ipv4/ip_forward"));
        swapper.AssertRaced(started);
        Completed honest = await engine.RunAsync("cat /proc/sys/net/ipv4/ip_default_ttl", "--sysctl", "net.ipv4.ip_default_ttl=63");
        Assert.Equal("63\n", honest.Output);
    }

    [Theory]
    [InlineData("-v", "{0}:/v/t/made/deep")]
    [InlineData("-w", "/v/t/made/deep")]
    [InlineData("--tmpfs", "/v/t/made/deep")]
    [InlineData("--device", "/dev/null:/v/t/made/deep/null")]
    public async Task B07_DirectoriesOnTheWaySwapped_NothingIsMadeOutside(string option, string value) // CVE-2024-45310
    {
        engine.Skip();
        string outside = engine.NewOutside();
        string payload = engine.NewName("payload");
        await using Swapper swapper = await Swapper.StartAsync(
            engine, $"mkdir t && ln -s ../../../../../../../..{outside} l", "t", "l");
        int started = 0;
        for (int i = 0; swapper.NeedsMore(i, started, Starts / 2); i++)
        {
            Completed run = await engine.RunAsync(
                "rm -rf /v/t/made; echo ran", "-v", $"{swapper.Volume}:/v", option, string.Format(value, payload));
            started += run.Output == "ran\n" ? 1 : 0;
            Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
        }
        swapper.AssertRaced(started);
        await engine.BerthAsync("volume", "rm", "-f", payload);
    }
}
