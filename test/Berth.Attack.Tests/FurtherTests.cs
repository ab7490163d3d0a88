using System.Formats.Tar;
using System.Text;

namespace Berth.Attack.Tests;

/// <summary>Attempts beside the lists: keyrings, what device nodes of an image open, hostile archives by every way in, kernel parameters
/// through somebody else's namespaces, trees and names that no path reaches.</summary>
public sealed class FurtherTests(AttackEngine engine)
{
    [Theory]
    [InlineData("run")]
    [InlineData("exec")]
    [InlineData("privileged")]
    [InlineData("filtered")]
    public async Task X01_KeysOfTheEngine_AreNotInAContainersSession(string way)
    {
        engine.Skip();
        Assert.SkipUnless(File.Exists("/proc/keys"), "the kernel has no keyrings");
        string tool = $"{engine.Root}/attacker", name = $"berth-{Environment.ProcessId}-{engine.NewName("key")}";
        // What root's sessions on the host have when nobody gave them a keyring of their own.
        Assert.Equal(new Completed(0, "", ""), await Shell.RunAsync(tool, ["keep", "user-session", name, AttackEngine.Marker]));
        Assert.Equal(AttackEngine.Marker + "\n", (await Shell.RunAsync(tool, ["find", name])).Output);
        string stay = await engine.StayAsync("sleep 1000", "--security-opt", "seccomp=unconfined");
        Completed found = way switch
        {
            "run" => await engine.RunAsync($"/attacker find {name}", "--security-opt", "seccomp=unconfined"),
            "exec" => await engine.BerthAsync("exec", stay, "/attacker", "find", name),
            "privileged" => await engine.BerthAsync("exec", "--privileged", stay, "/attacker", "find", name),
            _ => await engine.RunAsync($"/attacker find {name}"),
        };
        Assert.DoesNotContain(AttackEngine.Marker, found.All);
        // With the engine's filter the calls are refused altogether.
        Assert.Equal(way == "filtered" ? "refused: Operation not permitted\n" : "none\n", found.Output);
        // In a user namespace each further process has a keyring of its own.
        if (way == "exec" && !AttackEngine.IsRemapped)
        {
            // What one process of a container keeps, the others find.
            Assert.Equal(0, (await engine.BerthAsync("exec", stay, "/attacker", "keep", "session", "own", "shared")).Code);
            Assert.Equal("shared\n", (await engine.BerthAsync("exec", stay, "/attacker", "find", "own")).Output);
        }
        await engine.RemoveAsync(stay);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/data")]
    public async Task A06_DeviceNodesOfTheImage_OpenNothingOfTheHost(string volume)
    {
        engine.Skip();
        AttackEngine.SkipRemapped();
        string disk = File.ReadLines("/proc/partitions").Skip(2).First().Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var major, var minor, ..]
            ? $"b {major} {minor}" : "b 8 0";
        string image = $"{engine.NewName("a06")}:1";
        await engine.ImportAsync(image, tree =>
        {
            string directory = Directory.CreateDirectory($"{tree}/data").FullName;
            int number = 0;
            // The first disk, memory, the kernel's log, fuse, virtual machines, tunnels.
            foreach (string node in new[] { disk, "c 1 1", "c 1 2", "c 1 11", "c 10 229", "c 10 232", "c 10 200" })
                Shell.RunAsync("mknod", ["-m", "666", $"{directory}/n{number++}", .. node.Split(' ')]).GetAwaiter().GetResult();
            Assert.Equal(7, Directory.GetFiles(directory).Length);
        }, volume.Length > 0 ? [$"VOLUME {volume}"] : []);
        foreach (string user in new[] { "0", "1000" })
        {
            Completed run = await engine.BerthAsync("run", "--rm", "--network", "none", "-u", user, image, "sh", "-c",
                "for n in /data/n*; do (exec 9< $n) 2> /dev/null && echo opened $n; (exec 9> $n) 2> /dev/null && echo opened $n; done; echo done");
            Assert.Equal("done\n", run.Output);
        }
        await engine.DoAsync("rmi", image);
    }

    // Every entry of it is refused or stays inside; whatever is done, nothing of the host is read or written.
    private static byte[] HostileArchive(string outside, string kind)
    {
        using MemoryStream bytes = new();
        using (TarWriter writer = new(bytes, TarEntryFormat.Pax, leaveOpen: true))
        {
            void Add(TarEntryType type, string name, string link = "")
            {
                PaxTarEntry entry = new(type, name);
                if (link.Length > 0)
                    entry.LinkName = link;
                else if (type == TarEntryType.RegularFile)
                    entry.DataStream = new MemoryStream(Encoding.ASCII.GetBytes("attacker"));
                writer.WriteEntry(entry);
            }
            string up = "../../../../../../../../../../../..";
            switch (kind)
            {
                case "climbs": Add(TarEntryType.RegularFile, $"{up}{outside}/made"); break;
                case "absolute": Add(TarEntryType.RegularFile, $"{outside}/made"); break;
                case "link": Add(TarEntryType.SymbolicLink, "out", outside); Add(TarEntryType.RegularFile, "out/made"); break;
                case "chain":
                    Add(TarEntryType.SymbolicLink, "a", "..");
                    Add(TarEntryType.SymbolicLink, "b", $"a/{up}{outside}");
                    Add(TarEntryType.RegularFile, "b/secret");
                    break;
                case "hard": Add(TarEntryType.HardLink, "stolen", $"{outside}/secret"); Add(TarEntryType.RegularFile, "stolen"); break;
                case "hard-through-link":
                    Add(TarEntryType.SymbolicLink, "out", outside);
                    Add(TarEntryType.HardLink, "stolen", "out/secret");
                    Add(TarEntryType.RegularFile, "stolen");
                    break;
                case "link-then-file": Add(TarEntryType.SymbolicLink, "f", $"{outside}/secret"); Add(TarEntryType.RegularFile, "f"); break;
                case "link-then-directory": Add(TarEntryType.SymbolicLink, "d", outside); Add(TarEntryType.Directory, "d"); Add(TarEntryType.RegularFile, "d/made"); break;
            }
        }
        return bytes.ToArray();
    }

    public static TheoryData<string, string> Archives
    {
        get
        {
            TheoryData<string, string> all = [];
            foreach (string way in new[] { "import", "add", "cp", "cp-running", "load" })
                foreach (string kind in new[] { "climbs", "absolute", "link", "chain", "hard", "hard-through-link", "link-then-file", "link-then-directory" })
                    all.Add(way, kind);
            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Archives))]
    public async Task A01_A03_HostileArchive_ByEveryWay_StaysInside(string way, string kind)
    {
        engine.Skip();
        string outside = engine.NewOutside(), image = $"{engine.NewName("a01")}:1";
        byte[] archive = HostileArchive(outside, kind);
        string seen = "";
        if (way == "import")
        {
            if ((await engine.BerthWithInputAsync(archive, "import", "-", image)).Code == 0)
            {
                string name = engine.NewName("stay");
                if ((await engine.BerthAsync("create", "--name", name, image, "x")).Code == 0)
                {
                    seen = (await engine.BerthAsync("export", name)).Output;
                    await engine.RemoveAsync(name);
                }
                await engine.BerthAsync("rmi", image);
            }
        }
        else if (way == "add")
        {
            string context = Directory.CreateDirectory($"{engine.Root}/{engine.NewName("context")}").FullName;
            await File.WriteAllBytesAsync($"{context}/x.tar", archive);
            await File.WriteAllTextAsync($"{context}/Dockerfile", $"FROM {AttackEngine.Image}\nADD x.tar /x/\nRUN cat /x/* /x/*/* {outside}/* 2>/dev/null; true\n");
            seen = (await engine.BerthAsync("build", "--no-cache", "--progress", "plain", "-t", image, context)).All;
            await engine.BerthAsync("rmi", image);
        }
        else if (way == "load")
            seen = (await engine.BerthWithInputAsync(archive, "load")).All;
        else
        {
            string stay = engine.NewName("stay");
            string[] words = way == "cp" ? ["create"] : ["run", "-d"];
            await engine.DoAsync([.. words, "--network", "none", "--name", stay, AttackEngine.Image, "sleep", "1000"]);
            await engine.BerthWithInputAsync(archive, "cp", "-", $"{stay}:/");
            if (way == "cp")
                await engine.DoAsync("start", stay);
            seen = (await engine.BerthAsync("exec", stay, "sh", "-c", $"cat /stolen /f /out/secret /b/secret {outside}/secret 2>/dev/null; true")).All;
            await engine.RemoveAsync(stay);
        }
        Assert.DoesNotContain(AttackEngine.Marker, seen);
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName));
        Assert.Equal(AttackEngine.Marker, await File.ReadAllTextAsync($"{outside}/secret"));
        Assert.Equal("well\n", (await engine.RunAsync("echo well")).Output);
    }

    [Theory]
    [InlineData("network", "net.ipv4.conf.all.log_martians", "/proc/sys/net/ipv4/conf/all/log_martians")]
    [InlineData("ipc", "kernel.msgmax", "/proc/sys/kernel/msgmax")]
    [InlineData("uts", "kernel.domainname", "/proc/sys/kernel/domainname")]
    public async Task B06_ParametersOfTheHost_ThroughAnothersNamespace_AreRefused(string kind, string parameter, string file)
    {
        engine.Skip();
        AttackEngine.SkipRemapped();
        string before = (await File.ReadAllTextAsync(file)).Trim();
        string other = before == "1" ? "0" : "1";
        string host = engine.NewName("stay");
        await engine.DoAsync("run", "-d", "--name", host, $"--{kind}", "host", AttackEngine.Image, "sleep", "1000");
        try
        {
            foreach (string donor in kind == "uts" ? ["host"] : new[] { "host", $"container:{host}" })
            {
                Completed run = await engine.BerthAsync("run", "--rm", $"--{kind}", donor, "--sysctl", $"{parameter}={other}", AttackEngine.Image, "true");
                Assert.True(run.Code != 0, $"{donor}: {run.All}");
                Assert.Equal(before, (await File.ReadAllTextAsync(file)).Trim());
            }
        }
        finally
        {
            await File.WriteAllTextAsync(file, before);
            await engine.RemoveAsync(host);
        }
    }

    [Fact]
    public async Task B14_TreesAndNamesThatNoPathReaches_EndNeitherTheEngineNorStay()
    {
        engine.Skip();
        string stay = engine.NewName("stay"), image = $"{engine.NewName("deep")}:1", volume = engine.NewName("deepvolume");
        await engine.DoAsync("run", "-d", "--network", "none", "--name", stay, "-v", $"{volume}:/v", AttackEngine.Image, "sh", "-c",
            "mkdir /deep; /attacker deep /deep 30000; /attacker deep /v 30000; for d in /deep /v; do cd $d; "
            + "touch \"$(printf 'a\\377\\376')\" \"$(printf 'new\\nline')\" \"$(printf '\\033[2J')\" ' ' '-rf'; mkfifo pipe; ln -s / root; ln -s loop loop; done; "
            + "touch /made; sleep 1000");
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", stay, "test", "-e", "/made")).Code == 0, "the tree is made");
        // Whatever each answers, the next is answered too.
        foreach (string[] words in new string[][]
        {
            ["diff", stay], ["ps", "-as"], ["system", "df", "-v"], ["cp", $"{stay}:/deep", $"{engine.Root}/{engine.NewName("copy")}"],
            ["commit", stay, image], ["volume", "inspect", volume], ["export", "-o", $"{engine.Root}/{engine.NewName("export")}", stay],
        })
        {
            await engine.BerthAsync(words);
            Assert.False(engine.Daemon.HasExited, string.Join(' ', words));
        }
        string upper = (await engine.DoAsync("inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", stay)).Trim();
        await engine.BerthAsync("rmi", "-f", image);
        await engine.RemoveAsync(stay);
        await engine.DoAsync("volume", "rm", volume);
        Assert.False(Directory.Exists($"{engine.DataRoot}/volumes/{volume}"));
        await Shell.UntilAsync(() => Task.FromResult(!Directory.Exists(upper)), "the container's files are gone");
        Assert.Equal("well\n", (await engine.RunAsync("echo well")).Output);
        // Our own copies are removed by a program that goes by descriptors.
        foreach (string left in Directory.GetFileSystemEntries(engine.Root, "copy*").Concat(Directory.GetFileSystemEntries(engine.Root, "export*")))
            await Shell.RunAsync("rm", ["-rf", left]);
    }

    // Megabytes that the engine holds in memory.
    private long EngineMegabytes() => long.Parse(File.ReadLines($"/proc/{engine.Daemon.Id}/status")
        .First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2]) / 1024;

    [Fact]
    public async Task B14_HealthCheckThatNeverStopsTalking_IsCutOff()
    {
        engine.Skip();
        long before = EngineMegabytes();
        string stay = await engine.StayAsync("sleep 1000", "--health-cmd", "yes $(head -c 4000 /dev/zero | tr '\\0' a)", "--health-interval", "1s",
            "--health-timeout", "4s", "--health-retries", "1");
        await Shell.UntilAsync(async () => (await engine.DoAsync("inspect", "-f", "{{.State.Health.Status}}", stay)).Trim() == "unhealthy",
            "the check has timed out");
        Assert.True(EngineMegabytes() < before + 100, $"{before} MB before, {EngineMegabytes()} MB now");
        Assert.True((await engine.DoAsync("inspect", stay)).Length < 200_000);
        await engine.RemoveAsync(stay);
    }

    [Fact]
    public async Task B14_QuestionsThatAreNone_KeepNobodyFromNames()
    {
        engine.Skip();
        string network = engine.NewName("names"), asks = engine.NewName("asks");
        await engine.DoAsync("network", "create", network);
        await engine.DoAsync("run", "-d", "--network", network, "--name", asks, AttackEngine.Image, "sleep", "1000");
        long before = EngineMegabytes();
        // Noise of every size, a name that points to itself, a name without an end, an answer instead of a question.
        Completed asked = await engine.BerthAsync("exec", asks, "sh", "-c", """
            for i in $(seq 300); do head -c $((i * 4 + 1)) /dev/urandom | timeout 1 nc -u 127.0.0.11 53 > /dev/null & [ $((i % 50)) = 0 ] && wait; done
            for q in '\xc0\x0c\x00\x01\x00\x01' '\xc0\x0e\xc0\x0c\x00\x01\x00\x01' '\x3faaa' '\x01a'; do
                (printf "\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00$q"; sleep 0.2) | timeout 1 nc -u 127.0.0.11 53 > /dev/null
                (printf "\x00\x02\x81\x80\xff\xff\xff\xff\xff\xff\xff\xff$q"; sleep 0.2) | timeout 1 nc -u 127.0.0.11 53 > /dev/null
            done
            wait
            """);
        Assert.False(engine.Daemon.HasExited, asked.All);
        Assert.Contains("Address", (await engine.BerthAsync("exec", asks, "nslookup", asks)).Output, StringComparison.Ordinal);
        Assert.True(EngineMegabytes() < before + 100, $"{before} MB before, {EngineMegabytes()} MB now");
        await engine.RemoveAsync(asks);
        await engine.DoAsync("network", "rm", network);
    }

    [Fact]
    public async Task A06_AttributesOfOverlaysMadeInside_AreNoImagesAttributes()
    {
        engine.Skip();
        AttackEngine.SkipRemapped();
        // With SYS_ADMIN a container may set what the kernel's overlays are steered by, on its own files.
        string stay = await engine.StayAsync("mkdir /d && touch /d/f && sleep 1000", "--cap-add", "SYS_ADMIN");
        await Shell.UntilAsync(async () => (await engine.BerthAsync("exec", stay, "test", "-e", "/d/f")).Code == 0, "the directory is made");
        string outside = engine.NewOutside(), image = $"{engine.NewName("overlay")}:1";
        string upper = (await engine.DoAsync("inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", stay)).Trim();
        // As if it had done so: setfattr is not in the image.
        foreach (string name in new[] { "trusted.overlay.redirect", "trusted.overlay.overlay.redirect", "user.overlay.redirect" })
            await Shell.RunAsync("setfattr", ["-n", name, "-v", outside, $"{upper}/d"]);
        Completed committed = await engine.BerthAsync("commit", stay, image);
        if (committed.Code == 0)
        {
            Completed run = await engine.BerthAsync("run", "--rm", "--network", "none", image, "sh", "-c", "cat /d/secret; ls /d");
            Assert.DoesNotContain(AttackEngine.Marker, run.All);
            await engine.BerthAsync("rmi", image);
        }
        await engine.RemoveAsync(stay);
    }
}
