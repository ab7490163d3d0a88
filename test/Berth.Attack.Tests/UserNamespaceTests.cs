using System.Globalization;

namespace Berth.Attack.Tests;

/// <summary>Attacks from a container with a user namespace of its own: what root in there, with every right that can be given to it, is and
/// may on the host (ADR 0013). <c>BERTH_ATTACK_REMAP=1</c> runs all the other classes in one too.</summary>
public sealed class UserNamespaceTests(AttackEngine engine)
{
    private static readonly string[] s_private = ["--userns=private"];

    // All that the default walls keep away; only the user namespace is left.
    private static readonly string[] s_everything =
        ["--userns=private", "--cap-add", "ALL", "--security-opt", "seccomp=unconfined", "--security-opt", "systempaths=unconfined"];

    [Fact]
    public async Task U01_RootInside_IsNobodyOfTheHosts_WhateverItMayInside()
    {
        engine.Skip();
        string name = await engine.StayAsync("sleep 1000", s_everything);
        string pid = (await engine.DoAsync("inspect", "-f", "{{.State.Pid}}", name)).Trim();
        string[] status = await File.ReadAllLinesAsync($"/proc/{pid}/status", TestContext.Current.CancellationToken);
        foreach (string field in (string[])["Uid:", "Gid:"])
            Assert.All(status.First(line => line.StartsWith(field, StringComparison.Ordinal)).Split('\t')[1..],
                static id => Assert.True(uint.Parse(id, CultureInfo.InvariantCulture) >= 65536, id));
        Assert.NotEqual(new FileInfo("/proc/self/ns/user").LinkTarget, new FileInfo($"/proc/{pid}/ns/user").LinkTarget);
        Assert.All(status.First(static line => line.StartsWith("Groups:", StringComparison.Ordinal))[7..]
            .Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries),
            static id => Assert.True(uint.Parse(id, CultureInfo.InvariantCulture) >= 65536, id));
        await engine.RemoveAsync(name);
    }

    [Theory]
    [InlineData("cat /b/secret")]
    [InlineData("chmod 666 /b/secret; cat /b/secret")]
    [InlineData("chown 0:0 /b/secret; cat /b/secret")]
    [InlineData("ln /b/secret /b/other; cat /b/other")]
    [InlineData("mv /b/secret /b/other; cat /b/other")]
    [InlineData("mount --bind /b /mnt 2>&1; cat /mnt/secret")]
    [InlineData("unshare -U -r cat /b/secret")]
    public async Task U02_FileOfTheHostsRoot_IsNotReadThroughABindMount(string command)
    {
        engine.Skip();
        string outside = engine.NewOutside();
        File.SetUnixFileMode(outside, (UnixFileMode)0x1ED);
        foreach (string[] flags in (string[][])[s_private, s_everything])
        {
            Completed run = await engine.RunAsync($"{command}; echo x > /b/made", [.. flags, "-v", $"{outside}:/b"]);
            Assert.DoesNotContain(AttackEngine.Marker, run.All);
            Assert.Equal([$"{outside}/secret"], Directory.GetFileSystemEntries(outside));
            Assert.Equal((UnixFileMode)0x180, File.GetUnixFileMode($"{outside}/secret"));
        }
    }

    [Fact]
    public async Task U03_ProcessesOfOurs_AreNotLookedInto_EvenWithSysPtrace() // CVE-2016-9962
    {
        engine.Skip();
        string outside = engine.NewOutside();
        string catcher = await ProcessTests.StartCatcherAsync(engine, outside, ["--userns=private", "--cap-add", "SYS_PTRACE"]);
        await ProcessTests.BeCaughtAsync(engine, catcher);
        string[] got = [.. (await engine.DoAsync("exec", catcher, "cat", "/caught")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct()];
        Assert.DoesNotContain("root", got);
        Assert.DoesNotContain(got, static line => line.StartsWith("written", StringComparison.Ordinal));
        Assert.DoesNotContain(got, static line => line.StartsWith("fd ", StringComparison.Ordinal)
            && !line.StartsWith("fd socket:", StringComparison.Ordinal));
        await engine.RemoveAsync(catcher);
    }

    [Fact]
    public async Task U04_WithEveryRightInside_NothingOfTheHostIsMountedSetOrMade() // CVE-2022-0492
    {
        engine.Skip();
        string before = await File.ReadAllTextAsync("/proc/sys/kernel/core_pattern", TestContext.Current.CancellationToken);
        string[] agents = Directory.Exists("/sys/fs/cgroup") ? Directory.GetFiles("/sys/fs/cgroup", "release_agent",
            new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 }) : [];
        string[] agentsBefore = [.. agents.Select(File.ReadAllText)];
        Completed run = await engine.RunAsync("""
            mkdir -p /m /c
            try() { if "$@" > /dev/null 2>&1; then echo "did $*"; fi; }
            for d in /dev/vda /dev/sda /dev/xvda /dev/nvme0n1; do try mount -t ext4 $d /m; done
            try mknod /n b 254 0; try mknod /n c 1 1
            try sh -c 'echo "|/attacker" > /proc/sys/kernel/core_pattern'
            try sh -c 'echo 1 > /proc/sys/kernel/sysrq'; try sh -c 'echo b > /proc/sysrq-trigger'
            for k in memory rdma misc cpu pids; do
                if mount -t cgroup -o $k none /c 2>/dev/null; then try sh -c 'echo /attacker > /c/release_agent'; umount /c; fi
            done
            try mount -t cgroup -o memory,release_agent=/attacker none /c
            try mount -t devtmpfs none /m; try mount -t debugfs none /m; try mount -t tracefs none /m; try mount -t securityfs none /m
            try hwclock -w; try swapoff -a; try insmod /attacker; try dmesg -n 1
            date -s 2001-01-01 2>&1 | grep -q 'not permitted' || echo did date
            try nsenter -t 1 -m -u -i -n true_is_not_there
            echo tried
            """, s_everything);
        Assert.Equal("tried\n", run.Output);
        Assert.Equal(before, await File.ReadAllTextAsync("/proc/sys/kernel/core_pattern", TestContext.Current.CancellationToken));
        Assert.Equal(agentsBefore, agents.Select(File.ReadAllText).ToArray());
    }

    [Fact]
    public async Task U05_OtherContainers_HaveOtherIds_AndTheirFilesAreNobodys()
    {
        engine.Skip();
        string directory = Directory.CreateDirectory($"{engine.Root}/{engine.NewName("shared")}").FullName;
        File.SetUnixFileMode(directory, (UnixFileMode)0x3FF);
        string one = await engine.StayAsync("umask 077; echo of-one > /b/file; sleep 1000", [.. s_private, "-v", $"{directory}:/b"]);
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", one, "cat", "/b/file")).Output == "of-one\n", "it is written");
        // As long as the first is there nobody else has its ids.
        Completed other = await engine.RunAsync("stat -c %u /b/file; cat /b/file", [.. s_everything, "-v", $"{directory}:/b"]);
        Assert.Equal("65534\n", other.Output);
        await engine.RemoveAsync(one);
    }

    [Fact]
    public async Task U06_DataRoot_StaysClosed_AndNothingInItBelongsToContainers()
    {
        engine.Skip();
        string name = await engine.StayAsync("touch /f; chown 33:33 /f; mkfifo /p; sleep 1000", s_private);
        Assert.Equal((UnixFileMode)0x1C8, File.GetUnixFileMode(engine.DataRoot));
        string pid = (await engine.DoAsync("inspect", "-f", "{{.State.Pid}}", name)).Trim();
        string user = (await File.ReadAllLinesAsync($"/proc/{pid}/status", TestContext.Current.CancellationToken))
            .First(static line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];
        Completed own = await Shell.RunAsync("find", [engine.DataRoot, engine.ExecRoot, "-uid", user]);
        Assert.Equal("", own.Output);
        // Nobody with its ids walks in from outside either.
        Completed walk = await Shell.RunAsync("setpriv", ["--reuid", user, "--regid", user, "--clear-groups", "ls", engine.DataRoot]);
        Assert.NotEqual(0, walk.Code);
        await engine.RemoveAsync(name);
    }
}
