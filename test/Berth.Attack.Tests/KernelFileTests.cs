namespace Berth.Attack.Tests;

/// <summary>3.2: the kernel's own files, as a container sees them.</summary>
public sealed class KernelFileTests(AttackEngine engine)
{
    [Fact]
    public async Task B06_KernelParametersOfTheHost_CannotBeWritten()
    {
        engine.Skip();
        Completed run = await engine.RunAsync("/attacker writable /proc/sys /proc/irq /proc/bus /proc/fs /proc/sysrq-trigger /sys");
        Assert.Equal(new Completed(0, "", ""), run);
    }

    [Fact]
    public async Task B06_ParametersOfTheHost_AreRefusedByName()
    {
        engine.Skip();
        foreach (string name in new[]
        {
            "kernel.core_pattern=|/x", "vm.overcommit_memory=1", "fs.protected_symlinks=0", "net/../kernel/core_pattern=x",
            "net.ipv4/../../kernel/core_pattern=x", "kernel/msgmax/../core_pattern=x", "net.=1", "net...kernel.core_pattern=x",
        })
        {
            Completed run = await engine.RunAsync("true", "--sysctl", name);
            Assert.True(run.Code != 0, name);
        }
        Completed host = await engine.BerthAsync("run", "--rm", "--network", "host", "--sysctl", "net.ipv4.ip_forward=0", AttackEngine.Image);
        Assert.NotEqual(0, host.Code);
    }

    [Fact]
    public async Task B08_Cgroups_CannotBeWrittenNorMountedAnew() // CVE-2022-0492, CVE-2023-25809
    {
        engine.Skip();
        Completed run = await engine.RunAsync("""
            for f in $(find /sys/fs/cgroup -type f); do (echo 0 > $f) 2>/dev/null && echo written $f; done
            for d in $(find /sys/fs/cgroup -type d); do mkdir $d/x 2>/dev/null && echo made $d; done
            mount -o remount,rw /sys/fs/cgroup 2>/dev/null && echo remounted
            mkdir /c && mount -t cgroup -o memory x /c 2>/dev/null && echo mounted v1
            mount -t cgroup2 x /c 2>/dev/null && echo mounted v2
            unshare -UrmC sh -c 'mount -t cgroup -o rdma x /c' 2>/dev/null && echo mounted in a namespace
            find /sys/fs/cgroup -name release_agent | while read f; do [ -w $f ] && echo writable $f; done
            grep -v ':/$' /proc/self/cgroup | grep -v '^0::/$' && echo sees the host
            echo done
            """);
        Assert.Equal("done\n", run.Output);
    }

    [Fact]
    public async Task B19_WhatTellsOfTheHost_IsMasked() // GHSA-6fw5-f8r9-fgfm, GHSA-jq35-85cj-fj4p
    {
        engine.Skip();
        Completed run = await engine.RunAsync("""
            for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/sched_debug /proc/latency_stats /proc/timer_stats
            do [ -e $f ] && [ -n "$(head -c 1 $f)" ] && echo shows $f; done
            for d in /proc/acpi /proc/scsi /proc/asound /sys/firmware /sys/devices/virtual/powercap /sys/devices/system/cpu/cpu*/thermal_throttle
            do [ -d $d ] && [ -n "$(ls -A $d)" ] && echo shows $d; done
            echo done
            """);
        Assert.Equal("done\n", run.Output);
    }

    [Fact]
    public async Task B19_MasksOfTheEngine_HoldThermalThrottleOfEveryProcessor()
    {
        engine.Skip();
        string stay = await engine.StayAsync("sleep 1000");
        string masked = await engine.DoAsync("exec", stay, "cat", "/proc/self/mountinfo");
        foreach (string directory in Directory.GetDirectories("/sys/devices/system/cpu", "cpu*").Select(static cpu => cpu + "/thermal_throttle"))
            Assert.Equal(Directory.Exists(directory), masked.Contains(directory, StringComparison.Ordinal));
        foreach (string path in new[] { "/proc/kcore", "/proc/keys", "/sys/firmware" })
            Assert.Equal(Path.Exists(path), masked.Contains($" {path} ", StringComparison.Ordinal));
        await engine.RemoveAsync(stay);
    }

    [Fact]
    public async Task B19_Masks_CannotBeTakenAway()
    {
        engine.Skip();
        Completed run = await engine.RunAsync("""
            umount /proc/kcore 2>/dev/null && echo unmounted
            mount -t proc proc /mnt 2>/dev/null && echo mounted
            mount --bind /proc/1 /proc/kcore 2>/dev/null && echo bound
            mv /proc/kcore /proc/x 2>/dev/null && echo moved
            mknod /d b $(sed 's/:/ /' /sys/dev/block/../../class/block/*/dev | head -n 1) && (head -c 1 /d > /dev/null) 2>/dev/null && echo read
            mknod /k c 1 1 && (head -c 1 /k > /dev/null) 2>/dev/null && echo read memory
            echo done
            """);
        Assert.Equal("done\n", run.Output);
    }

    [Fact]
    public async Task B20_NoProgramOfTheHost_RunsInTheImagesEnvironment() // CVE-2024-0132, CVE-2025-23266
    {
        engine.Skip();
        string image = $"{engine.NewName("b20")}:1";
        await engine.ImportAsync(image, tree => { }, "ENV LD_PRELOAD=/evil.so NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=all");
        string name = engine.NewName("stay");
        await engine.DoAsync("run", "-d", "--network", "none", "--name", name, image, "sleep", "1000");
        await engine.DoAsync("exec", "-d", name, "sleep", "1000");
        int first = int.Parse(await engine.DoAsync("inspect", "-f", "{{.State.Pid}}", name));
        string status = File.ReadAllText($"/proc/{first}/status");
        int monitor = int.Parse(status.Split('\n').First(static line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..]);
        foreach (int pid in new[] { monitor, engine.Daemon.Id })
            Assert.DoesNotContain("evil", File.ReadAllText($"/proc/{pid}/environ"));
        Assert.Equal("", await engine.DoAsync("exec", name, "sh", "-c", "ls /dev | grep -i nvidia"
            + " || true"));
        await engine.RemoveAsync(name);
        await engine.DoAsync("rmi", image);
    }

    [Fact]
    public async Task B20_HooksOnTheHost_HaveTheirOwnEnvironment() // CVE-2025-23266
    {
        engine.Skip();
        // What a device's description has run on the host, as root: a library of the image's choice there would be the host.
        string[] kinds = ["prestart", "createRuntime", "poststart", "poststop"];
        string kept = Directory.CreateDirectory($"{engine.Root}/{engine.NewName("hooks")}").FullName;
        await File.WriteAllTextAsync($"{engine.Devices}/attack.json",
            """{"cdiVersion":"0.6.0","kind":"attack.test/hooks","devices":[{"name":"all","containerEdits":{"hooks":["""
            + string.Join(',', kinds.Select(kind =>
                $$"""{"hookName":"{{kind}}","path":"/bin/sh","env":["OWN=1"],"args":["sh","-c","cat /proc/$$/environ > {{kept}}/{{kind}}"]}"""))
            + "]}}]}");
        string image = $"{engine.NewName("b20")}:1";
        await engine.ImportAsync(image, tree => { }, "ENV LD_PRELOAD=/evil.so LD_LIBRARY_PATH=/ BASH_ENV=/evil ENV=/evil PATH=/evil");
        await engine.DoAsync("run", "--rm", "--network", "none", "--device", "attack.test/hooks=all", "-e", "LD_AUDIT=/evil.so",
            "--entrypoint", "/bin/true", image);
        await Shell.UntilAsync(
            () => Task.FromResult(kinds.All(kind => File.Exists($"{kept}/{kind}") && new FileInfo($"{kept}/{kind}").Length > 0)), "all hooks ran");
        foreach (string kind in kinds)
            Assert.Equal("OWN=1\0", await File.ReadAllTextAsync($"{kept}/{kind}"));
        File.Delete($"{engine.Devices}/attack.json");
        await engine.DoAsync("rmi", image);
    }
}
