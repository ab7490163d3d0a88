using System.Security.Cryptography;

namespace Berth.Attack.Tests;

/// <summary>3.2: what a process in a container gets at: our programs, our descriptors, more rights than it was given.</summary>
public sealed class ProcessTests(AttackEngine engine)
{
    private const string NoCapabilities = "0000000000000000";
    private const string DefaultCapabilities = "00000000a80425fb";

    [Fact]
    public async Task B01_ProgramBehindProcSelfExe_IsNeverWritten() // CVE-2019-5736
    {
        engine.Skip();
        byte[] before = ProgramHash();
        string image = $"{engine.NewName("b01")}:1";
        await engine.ImportAsync(image, tree =>
        {
            File.WriteAllText($"{tree}/trap", "#!/proc/self/exe\n");
            File.SetUnixFileMode($"{tree}/trap", (UnixFileMode)0x1ED);
        });
        Assert.NotEqual(0, (await engine.BerthAsync("run", "--rm", "--network", "none", image, "/trap")).Code);
        // With --init our own program stays as process 1: everything that root in the container can do about it.
        Completed run = await engine.RunAsync(
            "for p in /proc/[0-9]*/exe; do (echo x > $p) 2>/dev/null; cp /attacker $p 2>/dev/null; done; "
            + "(exec 9<>/proc/1/exe && echo x >&9) 2>/dev/null; echo done", "--init");
        Assert.Equal("done\n", run.Output);
        Assert.Equal(before, ProgramHash());
        Assert.Equal("well\n", (await engine.RunAsync("echo well", "--init")).Output);
        await engine.DoAsync("rmi", image);
    }

    [Theory]
    [InlineData("")]
    [InlineData("SYS_PTRACE")]
    public async Task B01_ProgramThatIsHeld_IsNotWrittenWhenItHasEnded(string capability) // CVE-2019-5736
    {
        engine.Skip();
        byte[] before = ProgramHash();
        // The trap has our own program run as one of the container's; /victim shows that the attack works on what is not protected.
        string catcher = await engine.StayAsync("printf '#!/proc/self/exe\\n' > /trap; chmod 755 /trap; cp /bin/busybox /victim; "
            + "/attacker hold /enough > /held; touch /finished; sleep 1000", capability.Length > 0 ? ["--cap-add", capability] : []);
        // In a user namespace ours is not even looked at from inside: it is only tried there.
        int tries = AttackEngine.IsRemapped ? 100 : 2000;
        string[] held = [];
        for (int execs = 0; execs < tries && !(held.Contains("written /victim") && held.Any(IsOurs)); execs++)
        {
            await engine.BerthAsync("exec", catcher, "/trap");
            if (!held.Contains("written /victim"))
                await engine.BerthAsync("exec", catcher, "/victim", "sleep", "0.1");
            held = (await engine.DoAsync("exec", catcher, "cat", "/held")).Split('\n');
        }
        await engine.DoAsync("exec", catcher, "touch", "/enough");
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", catcher, "test", "-e", "/finished")).Code == 0, "the catcher ends");
        held = (await engine.DoAsync("exec", catcher, "cat", "/held")).Split('\n');
        Assert.Contains("written /victim", held);
        if (!AttackEngine.IsRemapped)
            Assert.Contains(held, IsOurs);
        Assert.DoesNotContain(held, static line => line.StartsWith("written ", StringComparison.Ordinal) && line != "written /victim");
        Assert.Equal(before, ProgramHash());
        await engine.RemoveAsync(catcher);

        static bool IsOurs(string line) => line.StartsWith("held ", StringComparison.Ordinal) && line.Contains("berth", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("SYS_PTRACE")]
    public async Task B01_B02_ExecsCaughtOnTheirWayIn_HoldNothingOfTheHost(string capability) // CVE-2019-5736, CVE-2016-9962
    {
        engine.Skip();
        byte[] before = ProgramHash();
        string outside = engine.NewOutside();
        string catcher = await StartCatcherAsync(engine, outside, capability.Length > 0 ? ["--cap-add", capability] : []);
        await BeCaughtAsync(engine, catcher);
        Completed caught = await engine.BerthAsync("exec", catcher, "cat", "/caught");
        // With SYS_PTRACE every process of the container may be looked at, ours too. It must hold no way to the host, nor more rights.
        ulong most = capability.Length > 0 ? 0xa80c25fb : 0xa80425fb;
        string[] got = [.. caught.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct()];
        Assert.DoesNotContain("root", got);
        Assert.DoesNotContain(got, static line => line.StartsWith("written", StringComparison.Ordinal));
        Assert.All(got, line => Assert.True(!line.StartsWith("rights ", StringComparison.Ordinal)
            || (Convert.ToUInt64(line[7..].Trim(), 16) & ~most) == 0, line));
        Assert.DoesNotContain(got, static line => line.StartsWith("fd ", StringComparison.Ordinal)
            && !line.StartsWith("fd socket:", StringComparison.Ordinal));
        Assert.Equal(before, ProgramHash());
        await engine.RemoveAsync(catcher);
    }

    /// <summary>Catches for some seconds, and again until it is told that there was enough to be caught, however slow the machine is.</summary>
    internal static Task<string> StartCatcherAsync(AttackEngine engine, string outside, string[] options) => engine.StayAsync(
        $"until [ -e /enough ]; do /attacker catch 6 {outside}/secret >> /caught; done; touch /finished; sleep 1000", options);

    internal static async Task BeCaughtAsync(AttackEngine engine, string catcher)
    {
        for (int execs = 0; (await engine.BerthAsync("exec", catcher, "sh", "-c", "[ -e /finished ]")).Code != 0; execs++)
        {
            Assert.True(execs < 5000, "the catcher does not end");
            if (execs == 20)
                await engine.DoAsync("exec", catcher, "touch", "/enough");
        }
    }

    [Theory]
    [InlineData("-w")]
    [InlineData("image")]
    [InlineData("link")]
    [InlineData("exec")]
    public async Task B02_WorkingDirectoryOfADescriptor_LeadsNowhere(string way) // CVE-2024-21626
    {
        engine.Skip();
        string stay = await engine.StayAsync("sleep 1000");
        string image = $"{engine.NewName("b02")}:1";
        for (int descriptor = 3; descriptor < 14; descriptor++)
        {
            string directory = $"/proc/self/fd/{descriptor}";
            const string Command = "ls -d ../../../../../../proc/sys/kernel; cat ../../../../../../etc/shadow";
            if (way is "image" or "link")
                await engine.ImportAsync(image, tree => File.CreateSymbolicLink($"{tree}/work", directory),
                    $"WORKDIR {(way == "link" ? "/work" : directory)}");
            Completed run = way switch
            {
                "-w" => await engine.RunAsync(Command, "-w", directory),
                "exec" => await engine.BerthAsync("exec", "-w", directory, stay, "sh", "-c", Command),
                _ => await engine.BerthAsync("run", "--rm", "--network", "none", image, "sh", "-c", Command),
            };
            Assert.True(run.Code != 0, run.All);
            Assert.DoesNotContain("root:", run.All);
        }
        await engine.RemoveAsync(stay);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("init")]
    [InlineData("tty")]
    [InlineData("exec")]
    [InlineData("exec-tty")]
    [InlineData("detached")]
    public async Task B02_Descriptors_AreTheThreeStreams(string way) // CVE-2024-21626, CVE-2016-9962
    {
        engine.Skip();
        string stay = await engine.StayAsync("sleep 1000");
        string output = way switch
        {
            "run" => (await engine.RunAsync("exec /attacker fds")).All,
            "init" => (await engine.RunAsync("/attacker fds; ls -l /proc/1/fd 2>/dev/null | grep -v total", "--init")).All,
            "tty" => (await engine.RunAsync("exec /attacker fds", "-t")).All,
            "exec" => (await engine.BerthAsync("exec", stay, "/attacker", "fds")).All,
            "exec-tty" => (await engine.BerthAsync("exec", "-t", stay, "/attacker", "fds")).All,
            _ => await DetachedAsync(stay),
        };
        Assert.Equal("", output);
        await engine.RemoveAsync(stay);
    }

    private async Task<string> DetachedAsync(string container)
    {
        await engine.DoAsync("exec", "-d", container, "sh", "-c", "/attacker fds > /made; mv /made /fds");
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", container, "test", "-e", "/fds")).Code == 0, "exec -d ran");
        return await engine.DoAsync("exec", container, "cat", "/fds");
    }

    [Theory]
    [InlineData("run", "", NoCapabilities, DefaultCapabilities, DefaultCapabilities, DefaultCapabilities)]
    [InlineData("run", "-u 1000", NoCapabilities, NoCapabilities, NoCapabilities, DefaultCapabilities)]
    [InlineData("run", "--cap-drop ALL", NoCapabilities, NoCapabilities, NoCapabilities, NoCapabilities)]
    [InlineData("exec", "", NoCapabilities, DefaultCapabilities, DefaultCapabilities, DefaultCapabilities)]
    [InlineData("exec", "-u 1000", NoCapabilities, NoCapabilities, NoCapabilities, DefaultCapabilities)]
    public async Task B09_CapabilitySets_AreExact(
        string verb, string option, string inheritable, string permitted, string effective, string bounding) // CVE-2022-24769, -29162
    {
        engine.Skip();
        string[] options = option.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        const string Read = "sed -n 's/^Cap[A-Z][a-z]*:.//p' /proc/self/status";
        string stay = await engine.StayAsync("sleep 1000");
        Completed run = verb == "run" ? await engine.RunAsync(Read, options)
            : await engine.BerthAsync(["exec", .. options, stay, "sh", "-c", Read]);
        Assert.Equal([inheritable, permitted, effective, bounding, NoCapabilities],
            run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        await engine.RemoveAsync(stay);
    }

    [Theory]
    [InlineData("-u user", "1000 10 20 1000")]
    [InlineData("-u 1000", "1000 10 20 1000")]
    [InlineData("-u user:10", "10 10")]
    [InlineData("-u 2000", "0 0")]
    [InlineData("-u user --group-add 77", "1000 10 20 77 1000")]
    public async Task B09_Groups_AreTheUsersOwn_NeverTheEngines(string option, string groups) // CVE-2022-36109, CVE-2023-25173
    {
        engine.Skip();
        string image = await UsersImageAsync();
        Completed run = await engine.BerthAsync(["run", "--rm", "--network", "none", .. option.Split(' '), image, "sh", "-c", ReadGroups]);
        AssertGroups(groups, run);
        await engine.DoAsync("rmi", image);
    }

    [Theory]
    [InlineData("", "-u user", "1000 10 20 1000")]
    [InlineData("-u user", "-u 0", "0 0")]
    [InlineData("-u user", "-u user:10", "10 10")]
    [InlineData("-u user --group-add 77", "", "1000 10 20 77 1000")]
    // Who may use a device by a group of the container's may do so by whatever user is asked for.
    [InlineData("--group-add 77", "-u user", "1000 10 20 77 1000")]
    [InlineData("--group-add 77", "-u 2000:5", "5 5 77")]
    [InlineData("--group-add 77", "-u 2000", "0 0 77")]
    public async Task B09_GroupsOfAnExec_AreItsUsersAndTheContainers(string ofContainer, string ofExec, string groups)
    {
        engine.Skip();
        string image = await UsersImageAsync();
        string stay = engine.NewName("stay");
        await engine.DoAsync(["run", "-d", "--network", "none", "--name", stay,
            .. ofContainer.Split(' ', StringSplitOptions.RemoveEmptyEntries), image, "sleep", "1000"]);
        AssertGroups(groups, await engine.BerthAsync(
            ["exec", .. ofExec.Split(' ', StringSplitOptions.RemoveEmptyEntries), stay, "sh", "-c", ReadGroups]));
        await engine.RemoveAsync(stay);
        await engine.DoAsync("rmi", image);
    }

    private const string ReadGroups = "sed -n 's/^G[ir][do][^:]*:.//p' /proc/self/status";

    private async Task<string> UsersImageAsync()
    {
        string image = $"{engine.NewName("b09")}:1";
        await engine.ImportAsync(image, tree =>
        {
            Directory.CreateDirectory($"{tree}/etc");
            File.WriteAllText($"{tree}/etc/passwd", "root:x:0:0:::\nuser:x:1000:1000:::\n");
            File.WriteAllText($"{tree}/etc/group", "root:x:0:\nten:x:10:user\ntwenty:x:20:user,other\nuser:x:1000:\n");
        });
        return image;
    }

    // The first is the group of all four ids, the rest the further ones.
    private static void AssertGroups(string groups, Completed read)
    {
        Assert.True(read.Code == 0, read.All);
        string[] lines = read.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] expected = groups.Split(' ');
        Assert.Equal(Enumerable.Repeat(expected[0], 4), lines[0].Split('\t'));
        Assert.Equal(expected[1..], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    public static TheoryData<string> HugeParameters =>
    [
        "Hostname", "Domainname", "User", "WorkingDir", "Cmd", "Env", "Labels", "HostConfig.Sysctls", "HostConfig.GroupAdd",
        "HostConfig.Tmpfs", "HostConfig.ExtraHosts", "HostConfig.Devices", "HostConfig.CgroupParent", "HostConfig.Binds",
    ];

    [Theory]
    [MemberData(nameof(HugeParameters))]
    public async Task B10_ParametersOfAnySize_AreRefusedOrTaken(string where) // CVE-2021-43784
    {
        engine.Skip();
        string huge = new('7', 3 << 20);
        string many = string.Join(',', Enumerable.Range(0, 70_000).Select(static i => $"\"{i}\""));
        string value = where switch
        {
            "Cmd" => $"[\"echo\",\"{huge}\"]",
            "Env" => $"[\"A={huge}\"]",
            "Labels" => $"{{\"a\":\"{huge}\"}}",
            "HostConfig.Sysctls" => $"{{\"net.ipv4.ip_default_ttl\":\"{huge}\"}}",
            "HostConfig.Tmpfs" => $"{{\"/t\":\"size={huge}\"}}",
            "HostConfig.GroupAdd" => $"[{many}]",
            "HostConfig.ExtraHosts" => $"[\"{huge}:1.2.3.4\"]",
            "HostConfig.Devices" => $"[{{\"PathOnHost\":\"/dev/null\",\"PathInContainer\":\"/{huge}\",\"CgroupPermissions\":\"r\"}}]",
            "HostConfig.Binds" => $"[\"/tmp:/{huge}\"]",
            "HostConfig.CgroupParent" => $"\"/{huge}\"",
            "WorkingDir" => $"\"/{huge}\"",
            _ => $"\"{huge}\"",
        };
        string inner = where.StartsWith("HostConfig.", StringComparison.Ordinal)
            ? $"\"HostConfig\":{{\"NetworkMode\":\"none\",\"{where[11..]}\":{value}}}" : $"\"{where}\":{value}";
        string name = engine.NewName("stay");
        await engine.PostAsync($"/containers/create?name={name}", $"{{\"Image\":\"{AttackEngine.Image}\",\"Cmd\":[\"sh\"],{inner}}}");
        await engine.PostAsync($"/containers/{name}/start", "");
        await engine.PostAsync($"/containers/{name}/kill", "");
        Assert.Equal("well\n", (await engine.RunAsync("echo well")).Output);
        await engine.BerthAsync("rm", "-f", name);
        Assert.DoesNotContain(name, await engine.DoAsync("ps", "-a"));
    }

    [Fact]
    public async Task B12_RefusedCalls_AreRefusedInEveryInterface()
    {
        engine.Skip();
        Completed run = await engine.RunAsync("/attacker calls");
        string[] lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length > 85, run.All);
        Assert.All(lines, static line => Assert.True(
            line.EndsWith(" 1", StringComparison.Ordinal) || line.EndsWith(" 38", StringComparison.Ordinal), line));
    }

    [Fact]
    public async Task B12_CallsOfLaterKernels_AreUnknownNotForbidden()
    {
        engine.Skip();
        // A C library that gets EPERM gives up; with ENOSYS it falls back.
        Assert.Equal("clone3 38\nnumber 2000 38\n", (await engine.RunAsync("/attacker unknown")).Output);
    }

    [Fact]
    public async Task B14_ForkBomb_StopsAtItsLimit_AndTheEngineAnswers()
    {
        engine.Skip();
        string bomb = await engine.StayAsync("f() { f | f & f; }; f; sleep 1000", "--pids-limit", "64");
        await engine.DoAsync("ps");
        Completed stats = await engine.BerthAsync("stats", "--no-stream", "--format", "{{.PIDs}}", bomb);
        Assert.InRange(int.Parse(stats.Output.Trim()), 0, 64);
        await engine.RemoveAsync(bomb);
    }

    [Fact]
    public async Task B14_OutputThatNobodyReads_HoldsTheContainerBackNotTheEngine() // CVE-2025-64329, CVE-2022-23471
    {
        engine.Skip();
        long before = MemoryOf(engine.Daemon.Id);
        int descriptors = Directory.GetFiles($"/proc/{engine.Daemon.Id}/fd").Length;
        string flood = await engine.StayAsync("sleep 1000", "--log-opt", "max-size=1m", "--log-opt", "max-file=2");
        using (System.Net.Sockets.Socket deaf = await DeafExecAsync(flood))
        {
            await Shell.UntilAsync(async () => (await engine.DoAsync("top", flood)).Contains("yes", StringComparison.Ordinal), "yes runs");
            for (int i = 0; i < 100; i++)
                Assert.Equal("here\n", await engine.DoAsync("exec", flood, "echo", "here"));
            Assert.InRange(MemoryOf(engine.Daemon.Id) - before, long.MinValue, 64 * 1024);
        }
        await engine.RemoveAsync(flood);
        await Shell.UntilAsync(
            () => Task.FromResult(Directory.GetFiles($"/proc/{engine.Daemon.Id}/fd").Length <= descriptors + 8), "descriptors are given back");
    }

    // An exec that writes for ever, attached to by somebody who never reads.
    private async Task<System.Net.Sockets.Socket> DeafExecAsync(string container)
    {
        string made = await engine.PostAsync($"/containers/{container}/exec", """{"AttachStdout":true,"Cmd":["yes"]}""");
        string id = made[(made.IndexOf("\"Id\":\"", StringComparison.Ordinal) + 6)..][..64];
        System.Net.Sockets.Socket socket = new(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0);
        await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(engine.Socket));
        const string Body = """{"Detach":false,"Tty":false}""";
        await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes($"POST /exec/{id}/start HTTP/1.1\r\nHost: docker\r\n"
            + "Content-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            + $"Content-Length: {Body.Length}\r\n\r\n{Body}"));
        return socket;
    }

    // Resident memory in kilobytes.
    private static long MemoryOf(int pid) => long.Parse(File.ReadLines($"/proc/{pid}/status")
        .First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);

    private static byte[] ProgramHash() => SHA256.HashData(File.ReadAllBytes($"{AttackEngine.Programs}/berth-runtime"));
}
