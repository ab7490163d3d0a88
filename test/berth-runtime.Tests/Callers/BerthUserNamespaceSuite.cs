namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>Containers with a user namespace by other runtimes: those know nothing of idmapped mounts, and every owner is right.</summary>
/// <remarks>docs/adr/0013 and 0014. Docker's client has no word for it, ours has.</remarks>
public abstract class BerthUserNamespaceSuite(BerthCaller caller)
{
    private static readonly string[] s_flags = ["--userns=private", "--runtime", BerthCaller.Name];

    private void Need()
    {
        if (caller.Missing is { } missing)
            Assert.Skip(missing);
    }

    private async Task<string> RunAsync(string[] flags, string script)
    {
        Need();
        return await caller.NeedBerthAsync(["run", "--rm", .. s_flags, .. flags, "berth-caller", "/bin/sh", "-c", script]);
    }

    private async Task WithAsync(string[] flags, Func<string, Task> body)
    {
        Need();
        string name = $"u{Guid.NewGuid().ToString("n")[..8]}";
        await caller.NeedBerthAsync(["run", "-d", "--name", name, .. s_flags, .. flags, "berth-caller", "sleep", "1000"]);
        try
        {
            await body(name);
        }
        finally
        {
            await caller.RemoveAsync(name);
        }
    }

    // Before it executes the program it is the runtime's, which nobody may look into: its files are root's.
    private async Task<uint> RootOutsideAsync(string name)
    {
        await caller.ExecutesAsync(name, "sleep");
        return uint.Parse((await Command.NeedAsync("stat", ["-c", "%u", $"/proc/{await caller.PidAsync(name)}"])).Trim());
    }

    [Fact]
    public Task Root_IsAnOrdinaryUserOutside_AndOnDiskAreItsOwnIds() => WithAsync([], async name =>
    {
        uint root = await RootOutsideAsync(name);
        Assert.True(root >= 65536, root.ToString());
        Assert.Equal("0:0\n", await caller.NeedBerthAsync("exec", name, "stat", "-c", "%u:%g", "/bin/busybox"));
        await caller.NeedBerthAsync("exec", name, "/bin/sh", "-c", "touch /a && chown 33:34 /a");
        string upper = (await caller.NeedAsync("inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", name)).Trim();
        Assert.Equal("33:34\n", await Command.NeedAsync("stat", ["-c", "%u:%g", $"{upper}/a"]));
        Assert.Equal("A /a\n", await caller.NeedBerthAsync("diff", name));
        string archive = $"{BerthCaller.Client} cp {name}:/a - | tar tvn";
        Assert.Contains(" 33/34 ", await Command.NeedAsync("/bin/sh", ["-c", archive], caller.Variables));
        // What it is shown through is the monitor's own; the host sees none of it.
        Assert.DoesNotContain(name, await File.ReadAllTextAsync("/proc/self/mountinfo"), StringComparison.Ordinal);
        await caller.NeedAsync("restart", "-t", "0", name);
        Assert.Equal("33\n", await caller.NeedBerthAsync("exec", name, "stat", "-c", "%u", "/a"));
    });

    [Fact]
    public async Task Container_DoesAllThatOneWithoutDoes() => Assert.Equal("33\nto\n512\n33554432\n77\n0\ninit\n/tmp\n", await RunAsync(
        ["--init", "-u", "33:44", "--ulimit", "nofile=512:512", "-m", "32m", "--sysctl", "net.ipv4.ip_default_ttl=77", "--tmpfs",
            "/scratch", "-w", "/tmp"],
        "id -u; echo to > /dev/stdout; ulimit -n; "
        + "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2> /dev/null || cat /sys/fs/cgroup/memory.max; "
        + "cat /proc/sys/net/ipv4/ip_default_ttl; stat -c %u /scratch; cat /proc/1/comm; pwd"));

    [Fact]
    public async Task Mounts_HaveTheOwnersThatTheyHaveWithOurOwn()
    {
        Need();
        string volume = $"mapped-{Guid.NewGuid().ToString("n")[..8]}";
        string directory = Directory.CreateDirectory($"{caller.Root}/mapped").FullName;
        await File.WriteAllTextAsync($"{directory}/secret", "of root\n");
        File.SetUnixFileMode($"{directory}/secret", UnixFileMode.UserRead);
        try
        {
            Assert.Equal("0\n65534\n0\n0\nof root\nread-only\nread-only\nshut\n", await RunAsync(
                ["-v", $"{volume}:/v", "-v", $"{directory}:/m:idmap,ro", "-v", $"{directory}:/p",
                    "--mount", "type=image,src=berth-caller,dst=/i"],
                "stat -c %u /m/secret /p/secret /i/bin/busybox /v; cat /m/secret; touch /m/x 2> /dev/null || echo read-only; "
                + "touch /i/x 2> /dev/null || echo read-only; cat /p/secret 2> /dev/null || echo shut; touch /v/a; chown 33:34 /v/a"));
            string mountpoint = (await caller.NeedAsync("volume", "inspect", "-f", "{{.Mountpoint}}", volume)).Trim();
            Assert.Equal("33:34\n", await Command.NeedAsync("stat", ["-c", "%u:%g", $"{mountpoint}/a"]));
            Assert.Equal("33\n", await RunAsync(["--mount", $"type=volume,src={volume},dst=/one,volume-subpath=a"], "stat -c %u /one"));
        }
        finally
        {
            await caller.NeedAsync("volume", "rm", "-f", volume);
        }
    }

    [Fact]
    public async Task Device_IsRootsInside_AndForWhatWasAllowedAlone()
    {
        Need();
        await File.WriteAllTextAsync($"{caller.Root}/disk", "on the disk".PadRight(1 << 16));
        // In one step: a device that was only looked for may be somebody else's by then.
        string device = (await Command.NeedAsync("losetup", ["-f", "--show", $"{caller.Root}/disk"])).Trim();
        try
        {
            Assert.Equal("0\non the disk\nread-only\n", await RunAsync(["--device", $"{device}:/dev/own/disk:r"],
                "stat -c %u /dev/own/disk; head -c 11 /dev/own/disk; echo; "
                + "dd if=/dev/zero of=/dev/own/disk count=1 2> /dev/null || echo read-only"));
        }
        finally
        {
            await Command.NeedAsync("losetup", ["-d", device]);
        }
    }

    [Fact]
    public Task Exec_IsInTheNamespace_WithStreamsOfItsOwn() => WithAsync([], async name =>
    {
        Assert.Equal("7\nto\n", await caller.NeedBerthAsync("exec", "-u", "7", name, "/bin/sh", "-c", "id -u; echo to > /dev/stdout"));
        Completed terminal = await Command.RunAsync(
            "script", ["-qec", $"{BerthCaller.Client} exec -it {name} tty", "/dev/null"], null, caller.Variables);
        Assert.Contains("/dev/pts/0", terminal.Output, StringComparison.Ordinal);
    });

    [Fact]
    public Task Joined_SharesIdsAndNamespaces() => WithAsync([], async name =>
    {
        string other = $"{name}-j";
        await caller.NeedBerthAsync("run", "-d", "--name", other, "--runtime", BerthCaller.Name, $"--userns=container:{name}", "--network",
            $"container:{name}", "--pid", $"container:{name}", "berth-caller", "sleep", "2000");
        try
        {
            Assert.Equal(await RootOutsideAsync(name), await RootOutsideAsync(other));
            Assert.Contains("sleep 1000", await caller.NeedBerthAsync("exec", other, "ps"), StringComparison.Ordinal);
        }
        finally
        {
            await caller.RemoveAsync(other);
        }
    });

    [Fact]
    public async Task Network_IsTheEngines() => Assert.Contains(
        "eth0", await RunAsync([], "cat /proc/net/dev; grep -q $(hostname) /etc/hosts"));

    [Fact]
    public async Task SharedPropagation_IsRefusedInWords()
    {
        Need();
        Completed refused = await caller.BerthAsync(["run", "--rm", .. s_flags, "-v", "/tmp:/x:rshared", "berth-caller", "true"]);
        Assert.Equal(125, refused.Code);
        Assert.Contains(
            "mounts with shared propagation in a container with a user namespace need the engine's own runtime", refused.Errors);
    }
}

/// <summary>User namespaces with runc.</summary>
public sealed class BerthRuncUserNamespaceSuite(BerthWithRunc caller) : BerthUserNamespaceSuite(caller), IClassFixture<BerthWithRunc>;

/// <summary>User namespaces with crun.</summary>
public sealed class BerthCrunUserNamespaceSuite(BerthWithCrun caller) : BerthUserNamespaceSuite(caller), IClassFixture<BerthWithCrun>;

/// <summary>User namespaces with <c>berth-runtime</c> as the other runtime.</summary>
public sealed class BerthBerthUserNamespaceSuite(BerthWithBerthRuntime caller)
    : BerthUserNamespaceSuite(caller), IClassFixture<BerthWithBerthRuntime>;
