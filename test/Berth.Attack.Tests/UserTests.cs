using System.Diagnostics;

namespace Berth.Attack.Tests;

/// <summary>3.3: users, groups and environments of execs in a container that is hostile by then.</summary>
public sealed class UserTests(AttackEngine engine)
{
    [Theory]
    [InlineData("dd if=/dev/zero of=/etc/passwd bs=1M count=64 2>/dev/null")]
    [InlineData("yes 'user:x:1000:1000:::' | head -c 64M > /etc/passwd")]
    [InlineData("ln -s passwd /etc/passwd")]
    [InlineData("ln -s /proc/self/mem /etc/passwd")]
    [InlineData("ln -s /proc/1/root/etc/passwd /etc/passwd")]
    [InlineData("mkfifo /etc/passwd")]
    [InlineData("mkdir /etc/passwd")]
    [InlineData("mknod /etc/passwd c 1 5")]
    [InlineData("printf 'user:x:4294967296:0:::\\nuser:x:-1:0:::\\nuser:x:99999999999999999999:0:::\\n' > /etc/passwd")]
    [InlineData("printf 'user:x:0x10:0:::\\nuser:x::0:::\\nuser:x\\nuser\\n::::::\\n' > /etc/passwd")]
    [InlineData("printf 'user\\0:x:0:0:::\\n\\0user:x:0:0:::\\n' > /etc/passwd")]
    [InlineData("printf 'user:x:1000:99999999999:::\\n' > /etc/passwd")]
    [InlineData("yes , | tr -d '\\n' | head -c 4M > /etc/group; printf 'user:x:1000:' > /etc/passwd")]
    public async Task C05_HostileUserFiles_GiveNobodyTheRootUserNorHoldTheEngine(string write)
    {
        engine.Skip();
        string name = await engine.StayAsync($"mkdir -p /etc; {write}; touch /written; sleep 1000");
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", "-u", "0", name, "test", "-e", "/written")).Code == 0, "it is written");
        Stopwatch time = Stopwatch.StartNew();
        // Asked of the kernel: programs of the container would read the file themselves.
        string[] ids = ["sed", "-n", "s/^[UG]id:.\\([0-9]*\\).*/\\1/p", "/proc/self/status"];
        Completed run = await engine.BerthAsync(["exec", "-u", "user", name, .. ids]);
        Assert.True(run.Code != 0 || run.Output.StartsWith("1000\n", StringComparison.Ordinal), run.All);
        Completed group = await engine.BerthAsync(["exec", "-u", "1000:user", name, .. ids]);
        Assert.True(group.Code != 0 || !group.Output.EndsWith("\n0\n", StringComparison.Ordinal), group.All);
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 20);
        Assert.StartsWith("5\n", await engine.DoAsync(["exec", "-u", "5", name, .. ids]));
        await engine.RemoveAsync(name);
    }

    [Fact]
    public async Task C05_UserFileThatIsADevice_IsNotOpened()
    {
        engine.Skip();
        AttackEngine.SkipRemapped();
        string name = await engine.StayAsync("mkdir -p /etc; mknod /etc/passwd c 1 5; mknod /etc/group c 1 5; touch /written; sleep 1000");
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", name, "test", "-e", "/written")).Code == 0, "it is written");
        await using (Watch watch = await Watch.StartAsync(engine, name, "/etc/passwd"))
        {
            await engine.DoAsync("exec", "-u", "7", name, "true");
            Assert.False(watch.WasOpened, "the engine opened the device");
        }
        await engine.RemoveAsync(name);
    }

    [Fact]
    public async Task C06_EnvironmentOfTheEngine_IsNowhereInAContainer()
    {
        engine.Skip();
        string name = engine.NewName("stay");
        await engine.DoAsync("run", "-d", "--network", "none", "--init", "--name", name, "--health-cmd", "env > /health", "--health-interval",
            "1s", "-e", "ASKED=1", AttackEngine.Image, "sleep", "1000");
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", name, "test", "-s", "/health")).Code == 0, "health was looked at");
        string all = await engine.DoAsync("exec", "-e", "MORE=2", name, "sh", "-c",
            "env; cat /health; for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ; tr '\\0' ' ' < $p/cmdline; done; "
            // A process of the health check may have ended since the shell saw it.
            + "true");
        Assert.Contains("ASKED=1", all);
        Assert.Contains("MORE=2", all);
        Assert.DoesNotContain(AttackEngine.Secret, all);
        Assert.DoesNotContain(engine.Root, all);
        string[] known = ["ASKED", "MORE", "PATH", "HOSTNAME", "HOME", "PWD", "SHLVL", "TERM", "OLDPWD"];
        string[] names = (await engine.DoAsync("exec", "-e", "MORE=2", name, "env")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(names, line => Assert.Contains(line.Split('=')[0], known));
        await engine.RemoveAsync(name);
    }
}
