using System.Globalization;

namespace Berth.EndToEnd.Tests;

/// <summary>Containers with a user namespace of their own (<c>--userns=private</c>, docs/adr/0013-user-namespaces.md): root in there is an
/// ordinary user of the host, and everything else is as without.</summary>
public sealed class UserNamespaceTests(EngineFixture engine) : IAsyncLifetime
{
    private const string Image = "busybox:e2e";
    private static readonly string s_suffix = Environment.ProcessId.ToString("x", CultureInfo.InvariantCulture);
    private readonly List<string> _left = [];

    public ValueTask InitializeAsync()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (string name in _left)
            await BerthAsync("rm", "-f", "-v", name);
    }

    [Fact]
    public async Task Root_IsAnOrdinaryUserOutside_AndTheImagesOwnersStay()
    {
        string name = await StayAsync("sleep 1000");
        (uint user, uint group) = await RootOutsideAsync(name);
        Assert.True(user >= 65536 && group >= 65536, $"{user}:{group}");
        Assert.Equal("0:0\n", await DoAsync("exec", name, "stat", "-c", "%u:%g", "/bin/busybox"));
        Assert.Equal($"0 {user} 65536\n", await DoAsync("exec", name, "sh", "-c", "set -- $(cat /proc/self/uid_map); echo $*"));
        Assert.Equal("private\n", await DoAsync("inspect", "-f", "{{.HostConfig.UsernsMode}}", name));
        // On disk it is as without: images, diff and size know nothing of it.
        string upper = (await DoAsync("inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", name)).Trim();
        await DoAsync("exec", name, "sh", "-c", "touch /a && chown 33:34 /a");
        Completed owner = await Program.RunAsync("stat", ["-c", "%u:%g", $"{upper}/a"], engine.Address);
        Assert.Equal("33:34\n", owner.Output);
        Assert.Equal("A /a\n", await DoAsync("diff", name));
    }

    [Fact]
    public async Task Exec_WhereNoMoreProcessesMayBeMade_Runs()
    {
        string full = await StayAsync("exec sleep 1000", "--pids-limit", "1");
        Assert.Equal("hi\n", await DoAsync("exec", full, "echo", "hi"));
    }

    [Fact]
    public async Task Container_DoesAllThatOneWithoutDoes()
    {
        string[] lines = (await DoAsync("run", "--rm", "--userns=private", "--tmpfs", "/scratch", "--init", "--sysctl",
            "net.ipv4.ip_default_ttl=77", Image, "sh", "-c", """
            chown 33:33 /etc/passwd && stat -c %u /etc/passwd
            cp /bin/busybox /su && chmod 4755 /su && stat -c %a /su
            rm /etc/group && ls /etc/group 2>/dev/null; mv /bin/vi /bin/vj && echo moved
            echo to > /dev/stdout; cat /proc/sys/net/ipv4/ip_default_ttl
            ip addr add 10.9.9.9/32 dev lo 2>&1; ping -c 1 -W 2 127.0.0.1 | grep -c '1 packets received'
            touch /scratch/x /dev/shm/y && stat -c %u /scratch/x /dev/shm/y
            hostname other 2>&1 | grep -c permitted; mount -t tmpfs none /mnt 2>&1 | grep -c -e denied -e permitted
            mknod /n c 1 3 2>&1 | grep -c permitted
            """)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            ["33", "4755", "moved", "to", "77", "ip: RTNETLINK answers: Operation not permitted", "1", "0", "0", "1", "1", "1"], lines);
        // NET_ADMIN means its own network, and SYS_ADMIN its own mounts.
        Assert.Equal("10.9.9.9\nmounted\n", await DoAsync("run", "--rm", "--userns=private", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_ADMIN",
            Image, "sh", "-c", "ip addr add 10.9.9.9/32 dev lo; ip -o addr show dev lo | grep -o 10.9.9.9; mkdir /m; mount -t tmpfs none /m && "
            + "echo mounted"));
        Assert.Contains("Read-only file system", (await BerthAsync(
            "run", "--rm", "--userns=private", "--read-only", Image, "touch", "/x")).Errors);
    }

    [Fact]
    public async Task Users_OfEveryKind_HaveStreamsTerminalAndLimits()
    {
        Assert.Equal("33:44\nto\nyes\n", await DoAsync("run", "--rm", "--userns=private", "-u", "33:44", "--ulimit", "nofile=512:512", Image,
            "sh", "-c", "echo $(id -u):$(id -g); echo to > /dev/stdout; [ $(ulimit -n) = 512 ] && echo yes"));
        string name = await StayAsync("sleep 1000");
        Assert.Equal("7:0\nto\n", await DoAsync("exec", "-u", "7", name, "sh", "-c", "echo $(id -u):$(id -g); echo to > /dev/stdout"));
        Completed terminal = await Program.RunAsync("script", ["-qec",
            $"{EngineFixture.Berth} exec -it -u 7 {name} sh -c 'tty; stat -c %u:%g $(tty); echo x > $(tty)'", "/dev/null"], engine.Address);
        // Between them there may be the terminal's echo of the end of input, which script types at any moment.
        Assert.All((string[])["/dev/pts/0\r\n", "7:5\r\n", "x\r\n"], line => Assert.Contains(line, terminal.Output, StringComparison.Ordinal));
        Completed unmapped = await BerthAsync("run", "--rm", "--userns=private", "-u", "70000", Image, "true");
        Assert.Equal(125, unmapped.Code);
        Assert.Contains("user 70000 is not among the container's ids", unmapped.Errors);
    }

    [Fact]
    public async Task Volume_KeepsTheOwnersThatContainersGiveIt_WithAndWithout()
    {
        string volume = $"userns-{s_suffix}";
        try
        {
            await DoAsync("run", "--rm", "--userns=private", "-v", $"{volume}:/v", Image, "sh", "-c", "touch /v/a && chown 33:34 /v/a; touch /v/r");
            string mountpoint = (await DoAsync("volume", "inspect", "-f", "{{.Mountpoint}}", volume)).Trim();
            Assert.Equal("33:34\n0:0\n", (await Program.RunAsync(
                "stat", ["-c", "%u:%g", $"{mountpoint}/a", $"{mountpoint}/r"], engine.Address)).Output);
            string[] look = ["-v", $"{volume}:/v", Image, "stat", "-c", "%u:%g", "/v/a", "/v/r"];
            Assert.Equal("33:34\n0:0\n", await DoAsync(["run", "--rm", .. look]));
            Assert.Equal("33:34\n0:0\n", await DoAsync(["run", "--rm", "--userns=private", .. look]));
            Assert.Contains("Read-only file system", (await BerthAsync(
                "run", "--rm", "--userns=private", "-v", $"{volume}:/v:ro", Image, "touch", "/v/x")).Errors);
        }
        finally
        {
            await BerthAsync("volume", "rm", "-f", volume);
        }
    }

    [Fact]
    public async Task Bind_IsTheHosts_UnlessItIsMapped()
    {
        string directory = Directory.CreateTempSubdirectory("berth-userns-").FullName;
        try
        {
            File.SetUnixFileMode(directory, (UnixFileMode)0x1ED);
            await File.WriteAllTextAsync($"{directory}/secret", "of root", TestContext.Current.CancellationToken);
            File.SetUnixFileMode($"{directory}/secret", UnixFileMode.UserRead);
            Completed plain = await BerthAsync("run", "--rm", "--userns=private", "-v", $"{directory}:/b", Image, "sh", "-c",
                "stat -c %u /b/secret; cat /b/secret; touch /b/x");
            Assert.Equal("65534\n", plain.Output);
            Assert.Contains("can't open '/b/secret': Permission denied", plain.Errors);
            Assert.Contains("/b/x: Permission denied", plain.Errors);
            Assert.Equal("0\nof root", await DoAsync("run", "--rm", "--userns=private", "-v", $"{directory}:/b:idmap", Image, "sh", "-c",
                "stat -c %u /b/secret; cat /b/secret; touch /b/x"));
            Assert.Equal("0\n", (await Program.RunAsync("stat", ["-c", "%u", $"{directory}/x"], engine.Address)).Output);
            // A volume that is such a directory is the host's as well.
            string volume = $"bound-{s_suffix}";
            await DoAsync("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", $"device={directory}", volume);
            Completed bound = await BerthAsync("run", "--rm", "--userns=private", "-v", $"{volume}:/b", Image, "cat", "/b/secret");
            await DoAsync("volume", "rm", volume);
            Assert.Contains("can't open '/b/secret': Permission denied", bound.Errors);
            Completed without = await BerthAsync("run", "--rm", "-v", $"{directory}:/b:idmap", Image, "true");
            Assert.Contains("mount /b: idmap needs a user namespace: add --userns=private", without.Errors);
            Completed kernel = await BerthAsync("run", "--rm", "--userns=private", "-v", "/proc:/b:idmap", Image, "true");
            Assert.Equal(125, kernel.Code);
            Assert.Contains("its file system has no idmapped mounts", kernel.Errors);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task Copy_BothWays_SpeaksOfTheOwnersInside()
    {
        string name = await StayAsync("mkdir /d && touch /d/f && chown 33:34 /d/f && chmod 600 /d/f && echo made; sleep 1000");
        await Eventually.HoldsAsync(async () => await DoAsync("logs", name) == "made\n");
        string directory = Directory.CreateTempSubdirectory("berth-userns-").FullName;
        try
        {
            await File.WriteAllTextAsync($"{directory}/in", "x", TestContext.Current.CancellationToken);
            for (int round = 0; round < 2; round++)
            {
                Completed owners = await Program.RunAsync("sh", ["-c", $"{EngineFixture.Berth} cp {name}:/d - | tar -tvn"], engine.Address);
                Assert.Contains(" 33/34 ", owners.Output);
                Assert.Contains(" 0/0 ", owners.Output);
                await DoAsync("cp", $"{directory}/in", $"{name}:/in{round}");
                Assert.Equal("0:0\n", await OwnerAsync(name, $"/in{round}"));
                Completed archive = await Program.RunAsync("sh", ["-c", "set -e; cd " + directory + $"; mkdir -p t/sub; echo y > t/sub/f; "
                    + $"tar --owner=x:5 --group=y:6 -cf - t | {EngineFixture.Berth} cp - {name}:/d"], engine.Address);
                Assert.Equal(0, archive.Code);
                Assert.Equal("5:6\n", await OwnerAsync(name, "/d/t/sub/f"));
                Completed export = await Program.RunAsync("sh", ["-c", $"{EngineFixture.Berth} export {name} | tar -tvn"], engine.Address);
                Assert.Matches("33/34 .* d/f\n", export.Output);
                Assert.Matches("0/0 .* bin/busybox\n", export.Output);
                if (round == 0)
                    await DoAsync("stop", "-t", "0", name);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task Commit_MakesAnImageWithTheOwnersInside()
    {
        string name = await StayAsync("touch /f && chown 33:34 /f; rm /bin/vi; mkdir /new; echo made; sleep 1000"), image = $"userns{s_suffix}:1";
        await Eventually.HoldsAsync(async () => await DoAsync("logs", name) == "made\n");
        await DoAsync("commit", name, image);
        try
        {
            string[] look = [image, "sh", "-c", "stat -c %u:%g /f /new; ls /bin/vi 2>/dev/null || echo gone"];
            Assert.Equal("33:34\n0:0\ngone\n", await DoAsync(["run", "--rm", .. look]));
            Assert.Equal("33:34\n0:0\ngone\n", await DoAsync(["run", "--rm", "--userns=private", .. look]));
        }
        finally
        {
            await BerthAsync("rmi", "-f", image);
        }
    }

    [Fact]
    public async Task Network_PublishesPortsResolvesNamesAndReachesOthers()
    {
        string network = $"userns-{s_suffix}", server = $"server-{s_suffix}";
        await DoAsync("network", "create", network);
        try
        {
            await StayAsync("mkdir /w && echo page > /w/index.html && exec httpd -f -p 80 -h /w", "--network", network, "--name", server,
                "-p", "127.0.0.1::80");
            string port = (await DoAsync("port", server, "80")).Trim().Split('\n')[0];
            using HttpClient client = new();
            string page = "";
            await Eventually.HoldsAsync(async () =>
            {
                try
                {
                    page = await client.GetStringAsync($"http://{port}/");
                    return true;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            });
            Assert.Equal("page\n", page);
            string[] ask = ["--network", network, Image, "wget", "-qO-", $"http://{server}/"];
            Assert.Equal("page\n", await DoAsync(["run", "--rm", "--userns=private", .. ask]));
            Assert.Equal("page\n", await DoAsync(["run", "--rm", .. ask]));
            await DoAsync("network", "disconnect", network, server);
            await DoAsync("network", "connect", network, server);
            Assert.Equal("page\n", await DoAsync(["run", "--rm", .. ask]));
        }
        finally
        {
            await BerthAsync("rm", "-f", server);
            await BerthAsync("network", "rm", network);
        }
    }

    [Fact]
    public async Task Ranges_AreNeverShared_AndStayWithTheirContainer()
    {
        string one = await StayAsync("sleep 1000"), two = await StayAsync("sleep 1000");
        (uint first, uint _) = await RootOutsideAsync(one);
        (uint second, uint _) = await RootOutsideAsync(two);
        Assert.True(Math.Abs((long)first - second) >= 65536, $"{first} and {second}");
        await DoAsync("restart", "-t", "0", one);
        Assert.Equal((first, first), await RootOutsideAsync(one));
        await DoAsync("pause", one);
        await DoAsync("unpause", one);
        await DoAsync("update", "-m", "100m", "--memory-swap", "200m", one);
        Assert.Contains("sleep 1000", await DoAsync("top", one));
    }

    [Fact]
    public async Task Joined_SharesIdsAndNamespaces_AndHasItsRightsThere()
    {
        string name = await StayAsync("touch /dev/shm/of-first; echo made; sleep 1000", "--ipc", "shareable");
        await Eventually.HoldsAsync(async () => await DoAsync("logs", name) == "made\n");
        (uint user, uint _) = await RootOutsideAsync(name);
        string joined = $"container:{name}";
        Assert.Equal($"{user}\n10.9.9.9\nof-first\nsleep\nkilled\n", await DoAsync("run", "--rm", $"--userns={joined}", "--network", joined,
            "--pid", joined, "--ipc", joined, "--cap-add", "NET_ADMIN", Image, "sh", "-c", """
            set -- $(cat /proc/self/uid_map); echo $2
            ip addr add 10.9.9.9/32 dev lo; ip -o addr show dev lo | grep -o 10.9.9.9; ls /dev/shm; ls /sys/class/net > /dev/null
            cat /proc/1/comm | sed s/sh/sleep/; sleep 99 & kill $! && echo killed
            """));
        Assert.Equal($"{user}\n", await DoAsync("run", "--rm", $"--userns={joined}", Image, "sh", "-c", "set -- $(cat /proc/self/uid_map); echo $2"));
        // It runs on by itself, is entered, and its ids stay with it.
        string second = (await DoAsync("run", "-d", $"--userns={joined}", "--network", joined, Image, "sleep", "1000")).Trim();
        _left.Add(second);
        Assert.Equal("0\n", await DoAsync("exec", second, "id", "-u"));
        await DoAsync("rm", "-f", name);
        Assert.Equal(user, (await RootOutsideAsync(second)).User);
        Completed alone = await BerthAsync("restart", "-t", "0", second);
        Assert.NotEqual(0, alone.Code);
        Assert.Contains("No such container", alone.Errors);
    }

    // As with dockerd: what is joined is a container, not whoever has its name next.
    [Fact]
    public async Task Joined_StartsAgain_AndItsSuccessorIsAnother()
    {
        string name = $"anew-{s_suffix}";
        await StayAsync("sleep 1000", "--name", name);
        string follower = (await DoAsync("run", "-d", $"--userns=container:{name}", "--network", $"container:{name}", Image, "sh", "-c",
            "[ -e /f ] || { touch /f; chown 33:34 /f; }; sleep 1000")).Trim();
        _left.Add(follower);
        await Eventually.HoldsAsync(async () => (await BerthAsync("exec", follower, "stat", "-c", "%u", "/f")).Output == "33\n");
        (uint user, uint _) = await RootOutsideAsync(name);
        await DoAsync("restart", "-t", "0", name);
        await DoAsync("restart", "-t", "0", follower);
        Assert.Equal(user, (await RootOutsideAsync(follower)).User);
        Assert.Equal("33:34\n", await DoAsync("exec", follower, "stat", "-c", "%u:%g", "/f"));
        await DoAsync("rm", "-f", name);
        await StayAsync("sleep 1000", "--name", name);
        Completed lost = await BerthAsync("restart", "-t", "0", follower);
        Assert.NotEqual(0, lost.Code);
        Assert.Contains("No such container: ", lost.Errors);
    }

    [Fact]
    public async Task Joined_WithOtherIds_IsRefused()
    {
        string name = await StayAsync("sleep 1000");
        Completed own = await BerthAsync("run", "--rm", "--userns=private", "--network", $"container:{name}", Image, "true");
        Assert.Contains($"they belong to that container's user namespace: use --userns=container:{name}", own.Errors);
        string host = (await DoAsync("run", "-d", Image, "sleep", "1000")).Trim();
        _left.Add(host);
        Completed none = await BerthAsync("run", "--rm", $"--userns=container:{host}", Image, "true");
        Assert.Contains("it is in the host's: use --userns=host", none.Errors);
        // Whoever is in the host's namespace may join: it has more rights there, not less.
        Assert.Equal("0\n", await DoAsync("run", "--rm", "--network", $"container:{name}", Image, "id", "-u"));
    }

    [Fact]
    public async Task FileCapabilities_GoWithTheirFile_IntoAndOutOf()
    {
        string name = await StayAsync("mkdir /d; echo made; sleep 1000");
        await Eventually.HoldsAsync(async () => await DoAsync("logs", name) == "made\n");
        string directory = Directory.CreateTempSubdirectory("berth-userns-").FullName;
        try
        {
            // CAP_NET_BIND_SERVICE, permitted and effective (linux/capability.h, revision 2).
            string value = System.Text.Encoding.Latin1.GetString([1, 0, 0, 2, 0, 4, .. new byte[14]]);
            await using (System.Formats.Tar.TarWriter writer = new(File.Create($"{directory}/in.tar")))
            {
                using FileStream program = File.OpenRead("/bin/busybox");
                await writer.WriteEntryAsync(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.RegularFile, "grep",
                    new Dictionary<string, string> { ["SCHILY.xattr.security.capability"] = value })
                {
                    Mode = (UnixFileMode)0x1ED, DataStream = program,
                }, TestContext.Current.CancellationToken);
            }
            Completed put = await Program.RunAsync("sh", ["-c", $"{EngineFixture.Berth} cp - {name}:/d < {directory}/in.tar"], engine.Address);
            Assert.Equal(0, put.Code);
            string[] look = ["/d/grep", "CapEff", "/proc/self/status"];
            Assert.Equal("CapEff:\t0000000000000400\n", await DoAsync(["exec", "-u", "7", name, .. look]));
            for (int round = 0; round < 2; round++)
            {
                await Program.RunAsync("sh", ["-c", $"{EngineFixture.Berth} cp {name}:/d/grep - > {directory}/out.tar"], engine.Address);
                using System.Formats.Tar.TarReader reader = new(File.OpenRead($"{directory}/out.tar"));
                var entry = (System.Formats.Tar.PaxTarEntry)(await reader.GetNextEntryAsync(
                    cancellationToken: TestContext.Current.CancellationToken))!;
                Assert.Equal(value, entry.ExtendedAttributes["SCHILY.xattr.security.capability"]);
                await DoAsync("stop", "-t", "0", name);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task Image_IsMountedWithItsOwners()
    {
        string image = $"userns{s_suffix}:layers", name = await StayAsync("chown 33:34 /etc/passwd; rm /bin/vi; echo made; sleep 1000");
        await Eventually.HoldsAsync(async () => await DoAsync("logs", name) == "made\n");
        await DoAsync("commit", name, image);
        try
        {
            // One layer, several, and those of the container's own root.
            Completed look = await BerthAsync("run", "--rm", "--userns=private", "--mount", $"type=image,src={Image},dst=/one", "--mount",
                $"type=image,src={image},dst=/two", image, "sh", "-c", "stat -c %u:%g /one/etc/passwd /two/etc/passwd /etc/passwd; "
                + "ls /one/bin/vi /two/bin/vi; touch /one/x; touch /two/x; touch /etc/x && echo own");
            Assert.Equal("0:0\n33:34\n33:34\n/one/bin/vi\nown\n", look.Output);
            Assert.Contains("/one/x: Read-only file system", look.Errors);
            Assert.Contains("/two/x: Read-only file system", look.Errors);
        }
        finally
        {
            await BerthAsync("rmi", "-f", image);
        }
    }

    [Theory]
    [InlineData("privileged mode is incompatible with user namespaces.", "--privileged")]
    [InlineData("cannot share the host's network namespace when user namespaces are enabled", "--network", "host")]
    [InlineData("cannot share the host PID namespace when user namespaces are enabled", "--pid", "host")]
    [InlineData("a path of an image cannot be mounted in a container with a user namespace", "--mount",
        "type=image,src=busybox:e2e,dst=/i,image-subpath=bin")]
    public async Task Combination_WithWhatIsTheHosts_IsRefused(string words, params string[] flags)
    {
        Completed refused = await BerthAsync(["run", "--rm", "--userns=private", .. flags, Image, "true"]);
        Assert.Equal(125, refused.Code);
        Assert.Contains(words, refused.Errors);
    }

    // Docker binds the host's node there, which belongs to nobody inside, and takes no other name for it.
    [Fact]
    public async Task Device_IsRootsInside_UnderAnyName_AndForWhatWasAllowedAlone()
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "on the disk".PadRight(1 << 16), TestContext.Current.CancellationToken);
        // In one step: a device that was only looked for may be somebody else's by then.
        Completed attached = await Program.RunAsync("losetup", ["-f", "--show", file], engine.Address);
        Assert.True(attached.Code == 0, attached.Errors);
        string device = attached.Output.Trim();
        try
        {
            string[] look = ["--device", $"{device}:/dev/own/disk:r", Image, "sh", "-c", "stat -c '%u:%g %f %t:%T' /dev/own/disk; "
                + "head -c 11 /dev/own/disk; echo; dd if=/dev/zero of=/dev/own/disk count=1 2> /dev/null || echo read-only"];
            string without = await DoAsync(["run", "--rm", .. look]);
            Assert.EndsWith("\non the disk\nread-only\n", without);
            Assert.Equal(without, await DoAsync(["run", "--rm", "--userns=private", .. look]));
            // The right to read it comes from the list of devices, not from the name: nothing else may be made or opened.
            Assert.Equal("none\n", await DoAsync("run", "--rm", "--userns=private", "--device", $"{device}:/d:r", "--cap-add", "MKNOD", Image,
                "sh", "-c", "mknod /e b 7 0 2> /dev/null; head -c 1 /e 2> /dev/null || echo none"));
            Assert.Equal("1:3\n", await DoAsync("run", "--rm", "--userns=private", "--device", "/dev/null:/nothing", "-u", "33", Image, "sh", "-c",
                "echo x > /nothing && stat -c %t:%T /nothing"));
        }
        finally
        {
            await Program.RunAsync("losetup", ["-d", device], engine.Address);
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Mode_ThatThereIsNot_IsRefusedByClientsAndEngine()
    {
        Assert.Contains("--userns: invalid USER mode", (await BerthAsync("run", "--userns=keep-id", Image, "true")).Errors);
        // Docker's own client knows the host's alone; its users get a namespace by userns-remap.
        Completed docker = await Program.RunAsync("docker", ["run", "--rm", "--userns=host", Image, "cat", "/proc/self/uid_map"], engine.Address);
        Assert.Matches("^ *0 +0 +4294967295\n$", docker.Output);
    }

    private async Task<string> OwnerAsync(string name, string path)
    {
        Completed owner = await Program.RunAsync(
            "sh", ["-c", $"{EngineFixture.Berth} cp {name}:{path} - | tar -tvn | sed -n '1s|^[^ ]* \\([0-9]*\\)/\\([0-9]*\\) .*|\\1:\\2|p'"], engine.Address);
        return owner.Output;
    }

    private async Task<(uint User, uint Group)> RootOutsideAsync(string name)
    {
        string pid = (await DoAsync("inspect", "-f", "{{.State.Pid}}", name)).Trim();
        string[] lines = await File.ReadAllLinesAsync($"/proc/{pid}/status", TestContext.Current.CancellationToken);
        uint Of(string field) => uint.Parse(
            lines.First(line => line.StartsWith(field, StringComparison.Ordinal)).Split('\t')[1], CultureInfo.InvariantCulture);
        return (Of("Uid:"), Of("Gid:"));
    }

    private async Task<string> StayAsync(string script, params string[] flags)
    {
        string id = (await DoAsync(["run", "-d", "--userns=private", .. flags, Image, "sh", "-c", script])).Trim();
        _left.Add(id);
        return id;
    }

    private Task<Completed> BerthAsync(params IEnumerable<string> arguments) =>
        Program.RunAsync(EngineFixture.Berth, arguments, engine.Address);

    private async Task<string> DoAsync(params IEnumerable<string> arguments)
    {
        Completed done = await BerthAsync(arguments);
        Assert.True(done.Code == 0, done.Errors + done.Output);
        return done.Output;
    }
}
