using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Berth.Linux;
using Berth.Linux.Sockets;
using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>Rows of the runtime specification, each seen from inside: namespaces, mounts, devices, cgroups and what is refused.</summary>
public sealed class ConfigTests(BundleFixture bundles) : ConfigChecks(bundles)
{
    [Fact]
    public async Task TimeNamespace_MovesTheClocks()
    {
        Assert.SkipUnless(File.Exists("/proc/self/ns/time"), "the kernel has no time namespaces");
        const long days = 1000L * 24 * 3600;
        string uptime = await OutputAsync("cut -d. -f1 /proc/uptime; readlink /proc/self/ns/time", spec => Linux(spec, linux => linux with
        {
            Namespaces = [.. linux.Namespaces!, new NamespaceSpec { Type = "time" }],
            TimeOffsets = new Dictionary<string, TimeOffset>
            {
                ["boottime"] = new() { Secs = days }, ["monotonic"] = new() { Secs = days, Nanosecs = 5 },
            },
        }));
        string[] lines = uptime.Split('\n');
        Assert.True(long.Parse(lines[0]) > days, lines[0]);
        Assert.NotEqual(new FileInfo("/proc/self/ns/time").LinkTarget, lines[1]);
    }

    [Fact]
    public async Task TimeOffsets_WithoutTheNamespace_AreRefused() => Assert.Contains("need a new time namespace", await RefusalAsync(
        static spec => Linux(spec, static linux => linux with
        {
            TimeOffsets = new Dictionary<string, TimeOffset> { ["boottime"] = new() { Secs = 1 } },
        })), StringComparison.Ordinal);

    [Fact]
    public async Task Exec_JoinsTheTimeNamespace()
    {
        Need();
        Assert.SkipUnless(File.Exists("/proc/self/ns/time"), "the kernel has no time namespaces");
        (string id, _) = await Bundles.CreateAsync("exec sleep 1000", static spec => Linux(spec, static linux => linux with
        {
            Namespaces = [.. linux.Namespaces!, new NamespaceSpec { Type = "time" }],
        }));
        await Bundles.RunAsync("start", id);
        Completed exec = await Bundles.RunAsync("exec", id, "/bin/sh", "-c", "readlink /proc/1/ns/time; readlink /proc/self/ns/time");
        string[] lines = exec.Output.Split('\n');
        Assert.Equal(lines[0], lines[1]);
        Assert.Equal(0, (await Bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task UserNamespace_AndTime_Together()
    {
        Assert.SkipUnless(File.Exists("/proc/self/ns/time"), "the kernel has no time namespaces");
        IdMapping[] maps = [new IdMapping { ContainerID = 0, HostID = 100_000, Size = 1000 }];
        string output = await OutputAsync("id -u; cat /proc/self/uid_map; cut -d. -f1 /proc/uptime; grep CapEff /proc/self/status", spec => Linux(spec, linux => linux with
        {
            Namespaces = [.. linux.Namespaces!, new NamespaceSpec { Type = "user" }, new NamespaceSpec { Type = "time" }],
            UidMappings = maps, GidMappings = maps,
            TimeOffsets = new Dictionary<string, TimeOffset> { ["boottime"] = new() { Secs = 100_000_000 } },
        }));
        string[] lines = output.Split('\n');
        Assert.Equal("0", lines[0]);
        Assert.Equal(["0", "100000", "1000"], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.True(long.Parse(lines[2]) > 100_000_000);
        Assert.EndsWith("a80425fb", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public async Task NamespacesByPath_AreJoined_UserAmongThem()
    {
        Need();
        IdMapping[] maps = [new IdMapping { ContainerID = 0, HostID = 100_000, Size = 1000 }];
        (string first, _) = await Bundles.CreateAsync("exec sleep 1000", spec => Linux(spec, linux => linux with
        {
            Namespaces = [.. linux.Namespaces!, new NamespaceSpec { Type = "user" }], UidMappings = maps, GidMappings = maps,
        }));
        int pid = (await Bundles.StateAsync(first)).GetProperty("pid").GetInt32();
        string[] joined = ["user", "ipc", "net", "uts", "pid"];
        string output = await OutputAsync($"for n in {string.Join(' ', joined)}; do readlink /proc/self/ns/$n; done", spec => spec with
        {
            Linux = spec.Linux! with
            {
                Namespaces =
                [
                    new NamespaceSpec { Type = "mount" }, new NamespaceSpec { Type = "cgroup" },
                    .. joined.Select(name => new NamespaceSpec { Type = name == "net" ? "network" : name, Path = $"/proc/{pid}/ns/{name}" }),
                ],
            },
        });
        Assert.Equal(joined.Select(name => new FileInfo($"/proc/{pid}/ns/{name}").LinkTarget), output.Split('\n'));
        Assert.Equal(0, (await Bundles.RunAsync("delete", "--force", first)).Code);
    }

    [Fact]
    public async Task TmpCopyUp_StartsWithWhatItHides()
    {
        Need();
        const string Script = "cat /etc/plain; readlink /etc/link; stat -c %a:%u /etc/deep/file; ls -A /etc | wc -l; stat -c %a /etc; touch /etc/new";
        string id = Bundles.NewId();
        string bundle = await Bundles.BundleAsync(id, Mounts(Bundles.Spec(id, "/bin/sh", "-c", Script),
            new MountSpec { Destination = "/etc", Type = "tmpfs", Source = "tmpfs", Options = ["tmpcopyup", "nosuid"] }));
        // Before anything is mounted, which is before any hook.
        await Command.NeedAsync("/bin/sh", ["-ec", $"cd {bundle}/rootfs; mkdir -p etc/deep; echo x > etc/deep/file; "
            + "chmod 640 etc/deep/file; chown 7 etc/deep/file; ln -sf plain etc/link; chmod 711 etc"]);
        Completed run = await Bundles.RunAsync("run", "--bundle", bundle, id);
        Assert.True(run.Code == 0, run.ToString());
        Assert.Equal(["not a program", "plain", "640:7", "5", "711"], run.Output.TrimEnd('\n').Split('\n'));
    }

    // The tree is shared by hard links: a bundle's own root is changed before it is used.
    private static HooksSpec Prepared(string script) => new()
    {
        CreateRuntime = [new HookSpec { Path = "/bin/sh", Args = ["sh", "-ec", $"cd rootfs; {script}"], Env = ["PATH=/usr/bin:/bin"] }],
    };

    [Fact]
    public async Task TmpCopyUp_OfAnotherFileSystem_IsRefused() => Assert.Contains("is for tmpfs only", await RefusalAsync(
        static spec => Mounts(spec, new MountSpec { Destination = "/x", Type = "ramfs", Options = ["tmpcopyup"] })), StringComparison.Ordinal);

    [Fact]
    public async Task IdMappedMount_ShowsOtherOwners()
    {
        Need();
        string source = NewDirectory();
        await File.WriteAllTextAsync(Path.Join(source, "file"), "x");
        IdMapping[] maps = [new IdMapping { ContainerID = 0, HostID = 5000, Size = 100 }];
        string output = await OutputAsync("stat -c %u:%g /v/file; touch /v/made; stat -c %u /plain/file", spec => Mounts(spec,
            new MountSpec { Destination = "/v", Type = "bind", Source = source, Options = ["bind", "idmap"], UidMappings = maps, GidMappings = maps },
            new MountSpec { Destination = "/plain", Type = "bind", Source = source, Options = ["bind"] }) with
        {
            Process = spec.Process! with { User = new UserSpec { Uid = 5000, Gid = 5000 } },
        });
        Assert.Equal(["5000:5000", "0"], output.Split('\n'));
        // Made by 5000 inside, it is root's on the disk.
        Assert.Equal("0", (await Command.NeedAsync("stat", ["-c", "%u", Path.Join(source, "made")])).Trim());
    }

    [Fact]
    public async Task RecursiveReadOnly_HoldsForWhatIsMountedBelow()
    {
        Need();
        string source = NewDirectory();
        Directory.CreateDirectory(Path.Join(source, "below"));
        await Command.NeedAsync("mount", ["-t", "tmpfs", "none", Path.Join(source, "below")]);
        try
        {
            const string script = "touch /v/a 2>/dev/null && echo top; touch /v/below/a 2>/dev/null && echo below; true";
            Assert.Equal("below", await OutputAsync(script, spec => Mounts(spec,
                new MountSpec { Destination = "/v", Type = "bind", Source = source, Options = ["rbind", "ro"] })));
            Assert.Equal("", await OutputAsync(script, spec => Mounts(spec,
                new MountSpec { Destination = "/v", Type = "bind", Source = source, Options = ["rbind", "rro"] })));
        }
        finally
        {
            await Command.NeedAsync("umount", [Path.Join(source, "below")]);
        }
    }

    [Theory]
    [InlineData("noexec", "noexec")]
    [InlineData("nosuid", "nosuid")]
    [InlineData("nodev", "nodev")]
    [InlineData("noatime", "noatime")]
    [InlineData("nodiratime", "nodiratime")]
    [InlineData("nosymfollow", "nosymfollow")]
    [InlineData("ro", "ro,")]
    public async Task MountOptions_AreInForce(string option, string shown)
    {
        Need();
        string source = NewDirectory();
        string line = await OutputAsync("grep ' /v ' /proc/self/mountinfo", spec => Mounts(spec,
            new MountSpec { Destination = "/v", Type = "bind", Source = source, Options = ["bind", option] }));
        Assert.Contains(shown, line.Split(" - ")[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("shared", "shared:")]
    [InlineData("rslave", "master:")]
    [InlineData("private", null)]
    [InlineData("unbindable", "unbindable")]
    public async Task Propagation_OfAMount_IsSet(string option, string? shown)
    {
        Need();
        string source = NewDirectory();
        await Command.NeedAsync("mount", ["--bind", source, source]);
        await Command.NeedAsync("mount", ["--make-shared", source]);
        try
        {
            string line = await OutputAsync("grep ' /v ' /proc/self/mountinfo", spec => Linux(Mounts(spec,
                new MountSpec { Destination = "/v", Type = "bind", Source = source, Options = ["rbind", option] }),
                linux => linux with { RootfsPropagation = option == "shared" ? "shared" : null }));
            string fields = string.Join(' ', line.Split(" - ")[0].Split(' ')[6..]);
            if (shown is null)
                Assert.Equal("", fields);
            else
                Assert.Contains(shown, fields, StringComparison.Ordinal);
        }
        finally
        {
            await Command.NeedAsync("umount", [source]);
        }
    }

    [Fact]
    public async Task SharedRoot_TakesNothingFromTheHost()
    {
        // A host whose mounts are shared, as systemd makes them: here in a mount namespace of its own.
        Need();
        string id = Bundles.NewId();
        string bundle = await Bundles.BundleAsync(id, Linux(Bundles.Spec(id, "/bin/true"), static linux => linux with { RootfsPropagation = "shared" }));
        // New ones only: a mount of others goes from here, too, when the directory below it is removed.
        const string script = "mount --make-rshared /; a=\" $(echo $(cut -d' ' -f1 /proc/self/mountinfo)) \"; "
            + "\"$0\" --root \"$1\" run --bundle \"$2\" \"$3\"; echo $?; while read -r id rest; do "
            + "case \"$a\" in *\" $id \"*) ;; *) echo \"$id $rest\";; esac; done < /proc/self/mountinfo";
        Completed run = await Command.RunAsync("unshare", ["--mount", "--propagation", "private", "/bin/sh", "-c", script, Command.Runtime, Bundles.Root, bundle, id]);
        Assert.Equal("0", run.Output.Trim());
    }

    [Theory]
    [InlineData("private", "")]
    [InlineData("unbindable", "unbindable")]
    public async Task Propagation_OfTheRoot_IsSet(string propagation, string shown)
    {
        string line = await OutputAsync("grep ' / / \\| / ' /proc/self/mountinfo | head -n 1",
            spec => Linux(spec, linux => linux with { RootfsPropagation = propagation }));
        Assert.Equal(shown, string.Join(' ', line.Split(" - ")[0].Split(' ')[6..]).Trim());
    }

    [Fact]
    public async Task OverlayOfLongPaths_IsMounted()
    {
        string source = NewDirectory();
        string[] layers = [.. Enumerable.Range(1, 3).Select(number =>
            Directory.CreateDirectory(Path.Join(source, new string((char)('a' + number), 150))).FullName)];
        foreach (string layer in layers)
            await File.WriteAllTextAsync(Path.Join(layer, Path.GetFileName(layer)[..1]), "x");
        await File.WriteAllTextAsync(Path.Join(layers[0], "same"), "top");
        await File.WriteAllTextAsync(Path.Join(layers[2], "same"), "bottom");
        string output = await OutputAsync("ls /o; cat /o/same; echo; touch /o/new 2>/dev/null || echo read-only; grep -c ' /o ' /proc/mounts",
            spec => Mounts(spec, new MountSpec
            {
                Destination = "/o", Type = "overlay", Source = "overlay", Options = [$"lowerdir={string.Join(':', layers)}", "nosuid"],
            }));
        Assert.Equal(["b", "c", "d", "same", "top", "read-only", "1"], output.Split('\n'));
    }

    [Fact]
    public async Task MountOptions_OfMoreThanAPage_AreRefused() => Assert.Contains("argument list too long", await RefusalAsync(
        static spec => Mounts(spec, new MountSpec
        {
            Destination = "/o", Type = "overlay", Source = "overlay", Options = [$"lowerdir=/{new string('x', 4100)}"],
        })), StringComparison.Ordinal);

    [Fact]
    public async Task Devices_AreMade_AndRulesHold()
    {
        string output = await OutputAsync("stat -c %a:%u /dev/mine; head -c 3 /dev/mine | wc -c; head -c 1 /dev/other 2>&1 | grep -c 'not permitted'",
            static spec => Linux(spec, static linux => linux with
            {
                Devices =
                [
                    new DeviceSpec { Path = "/dev/mine", Type = "c", Major = 1, Minor = 5, FileMode = 0x180, Uid = 0 },
                    new DeviceSpec { Path = "/dev/other", Type = "c", Major = 1, Minor = 11 },
                ],
                Resources = new LinuxResources { Devices = [new DeviceRule { Allow = false, Access = "rwm" }] },
            }));
        Assert.Equal(["600:0", "3", "1"], output.Split('\n'));
    }

    // As with runc and in mount(8): the kernel's own default, which is relatime.
    [Fact]
    public async Task Mount_NoRelatime_IsTheDefault() => Assert.Equal("rw,relatime", await OutputAsync(
        "grep ' / /tmp ' /proc/self/mountinfo | cut -d' ' -f6",
        spec => Mounts(spec, new MountSpec { Destination = "/tmp", Type = "tmpfs", Source = "tmpfs", Options = ["norelatime"] })));

    // What is mounted at the path, the last mount of it, and how many there are. As runc, except that what is not named stays.
    [Theory]
    [InlineData("/dev", "tmpfs", "remount,ro,nosuid", "ro,nosuid")]
    [InlineData("/dev/shm", "bind", "bind,remount,ro", "ro,nosuid,nodev,noexec,relatime")]
    [InlineData("/dev/shm", "", "remount,ro", "ro,nosuid,nodev,noexec,relatime")]
    [InlineData("/dev/shm", "tmpfs", "remount,exec,dev", "rw,nosuid,relatime")]
    [InlineData("/proc", "proc", "remount,noatime", "rw,nosuid,nodev,noexec,noatime")]
    [InlineData("/sys", "sysfs", "rw,remount", "rw,nosuid,nodev,noexec,relatime")]
    [InlineData("/proc", "proc", "remount,norelatime", "rw,nosuid,nodev,noexec,relatime")]
    public async Task Remount_ChangesWhatIsMountedThere(string path, string type, string options, string expected)
    {
        string[] lines = (await OutputAsync($"grep ' / {path} ' /proc/self/mountinfo; : > /dev/null && echo there", spec => Mounts(spec, new MountSpec
        {
            Destination = path, Type = type, Source = "/dev/shm", Options = options.Split(','),
        }))).Split('\n');
        Assert.Equal([expected, "there"], lines.Select(line => line.Contains(' ') ? line.Split(' ')[5] : line));
    }

    [Fact]
    public async Task Devices_ThatAreReadOnly_HaveTheirNodesAndMounts() => Assert.Equal("ro,nosuid\nthere\n", await OutputAsync(
        "grep ' /dev ' /proc/self/mountinfo | cut -d' ' -f6; ls /dev/null >/dev/null && echo there; touch /dev/x 2>/dev/null || true", spec => spec with
        {
            Mounts = [.. spec.Mounts!.Select(static mount => mount.Destination == "/dev"
                ? mount with { Options = ["nosuid", "strictatime", "mode=755", "ro"] } : mount)],
        }) + "\n");

    [Theory]
    [InlineData("/tmp", "remount,ro", "error remounting \\\"/tmp\\\": invalid argument: nothing is mounted there")]
    [InlineData("/nothere", "remount,ro", "error remounting \\\"/nothere\\\": no such file or directory")]
    [InlineData("/dev/shm", "remount,size=1m", "\\\"size=1m\\\" is for new mounts")]
    [InlineData("/dev/shm", "remount,tmpcopyup", "\\\"tmpcopyup\\\" is for new mounts")]
    public async Task Remount_OfWhatIsNone_IsRefused(string path, string options, string message) => Assert.Contains(message,
        await RefusalAsync(spec => Mounts(spec, new MountSpec { Destination = path, Type = "tmpfs", Options = options.Split(',') })),
        StringComparison.Ordinal);

    [Fact]
    public async Task Devices_NamedLikeDefaults_AreAsTheConfigurationSays() => Assert.Equal("1:5 600 7:8\n1:8 666 0:0", await OutputAsync(
        "stat -c '%t:%T %a %u:%g' /dev/null /dev/random", static spec => Linux(spec, static linux => linux with
        {
            Devices = [new DeviceSpec { Path = "/dev/null", Type = "c", Major = 1, Minor = 5, FileMode = 0x180, Uid = 7, Gid = 8 }],
        })));

    [Fact]
    public async Task Pause_BeforeTheStart_HoldsItUntilResumed()
    {
        Need();
        (string id, string bundle) = await Bundles.CreateAsync("echo ran");
        Assert.Equal(0, (await Bundles.RunAsync("pause", id)).Code);
        Assert.Equal("paused", await Bundles.StatusAsync(id));
        Completed start = await Bundles.RunAsync("start", id);
        Assert.Equal(1, start.Code);
        Assert.Contains("cannot start a container in the paused state", start.Errors, StringComparison.Ordinal);
        Assert.Equal(0, (await Bundles.RunAsync("resume", id)).Code);
        Assert.Equal("created", await Bundles.StatusAsync(id));
        Assert.Equal(0, (await Bundles.RunAsync("start", id)).Code);
        await Bundles.UntilAsync(id, "stopped");
        Assert.Equal("ran\n", await File.ReadAllTextAsync(Path.Join(bundle, "out")));
        Assert.Equal(0, (await Bundles.RunAsync("delete", id)).Code);
    }

    [Fact]
    public async Task DeviceRules_ThatOnlyAllow_CloseAllElse() => Assert.Equal("opened\nclosed", await OutputAsync(
        "head -c 0 /dev/mine && echo opened; head -c 0 /dev/other 2>/dev/null || echo closed", static spec => Linux(spec, static linux => linux with
        {
            Devices =
            [
                new DeviceSpec { Path = "/dev/mine", Type = "c", Major = 1, Minor = 5 },
                new DeviceSpec { Path = "/dev/other", Type = "c", Major = 1, Minor = 11 },
            ],
            Resources = new LinuxResources { Devices = [new DeviceRule { Allow = true, Type = "c", Major = 1, Minor = 5, Access = "rwm" }] },
        })));

    // In runc's words.
    [Theory]
    [InlineData("c", null, "device access at 0 field cannot be empty")]
    [InlineData("c", "", "device access at 0 field cannot be empty")]
    [InlineData("x", "r", "invalid cgroup device type \\\"x\\\"")]
    [InlineData("c", "z", "invalid device access \\\"z\\\"")]
    public async Task DeviceRules_ThatAreNone_AreRefused(string type, string? access, string message) => Assert.Contains(message,
        await RefusalAsync(spec => Linux(spec, linux => linux with
        {
            Resources = new LinuxResources { Devices = [new DeviceRule { Allow = true, Type = type, Access = access }] },
        })), StringComparison.Ordinal);

    [Theory]
    [InlineData("kernel.panic", "not in a separate kernel namespace")]
    public async Task Parameters_OfTheWholeMachine_AreRefused(string name, string message) => Assert.Contains(message, await RefusalAsync(
        spec => Linux(spec, linux => linux with { Sysctl = new Dictionary<string, string> { [name] = "1" } })), StringComparison.Ordinal);

    [Fact]
    public async Task Parameters_OfItsNamespaces_AreSet() => Assert.Equal("7\n1", await OutputAsync(
        "cat /proc/sys/kernel/msgmni /proc/sys/net/ipv4/ip_forward", static spec => Linux(spec, static linux => linux with
        {
            Sysctl = new Dictionary<string, string> { ["kernel.msgmni"] = "7", ["net.ipv4.ip_forward"] = "1" },
        })));

    [Fact]
    public async Task UnifiedResources_NeedVersion2()
    {
        Need();
        Assert.SkipWhen(Berth.Runtime.Cgroups.CgroupHierarchy.Detect().Mode is Berth.Runtime.Cgroups.CgroupMode.Version2, "cgroup version 2 has them");
        Assert.Contains("cannot use unified on cgroup v1: memory.high", await RefusalAsync(static spec => Linux(spec, static linux => linux with
        {
            Resources = new LinuxResources { Unified = new Dictionary<string, string> { ["memory.high"] = "1000000" } },
        })), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CgroupMount_OfVersion2_IsTheTreeBesideVersion1s()
    {
        Assert.SkipUnless(Berth.Runtime.Cgroups.CgroupHierarchy.Detect().Mode is Berth.Runtime.Cgroups.CgroupMode.Hybrid,
            "the machine has not both versions of cgroups");
        Assert.Equal("1\n1", await OutputAsync("grep -c ' /cg2 .* cgroup2 ' /proc/self/mountinfo; head -n 1 /cg2/cgroup.procs", static spec =>
            Mounts(Linux(spec, static linux => linux with
            {
                Namespaces = [.. linux.Namespaces!.Where(static each => each.Type != "cgroup"), new NamespaceSpec { Type = "cgroup" }],
            }), new MountSpec { Destination = "/cg2", Type = "cgroup2", Source = "cgroup", Options = ["ro"] })));
    }

    [Fact]
    public async Task SystemdsTree_HasTheContainersGroup()
    {
        Assert.SkipUnless(File.ReadAllText("/proc/self/cgroup").Contains("name=systemd:", StringComparison.Ordinal), "no name=systemd tree is mounted");
        string[] lines = (await OutputAsync("grep -e :name=systemd: -e :pids: /proc/self/cgroup | cut -d: -f3", static spec => Linux(
            spec, static linux => linux with { Namespaces = [.. linux.Namespaces!.Where(static each => each.Type != "cgroup")] }))).Split('\n');
        Assert.Equal(lines[0], lines[1]);
        Assert.NotEqual("/", lines[0]);
    }

    [Fact]
    public async Task IntelRdt_MemoryPolicy_AndNetDevices_AreRefusedInWords()
    {
        Assert.Contains("intelRdt is not supported", await RefusalAsync(
            static spec => Linux(spec, static linux => linux with { IntelRdt = new IntelRdtSpec { ClosId = "x" } })), StringComparison.Ordinal);
        Assert.Contains("memoryPolicy MPOL_BIND is not supported", await RefusalAsync(
            static spec => Linux(spec, static linux => linux with { MemoryPolicy = new MemoryPolicySpec { Mode = "MPOL_BIND" } })), StringComparison.Ordinal);
        Assert.Contains("net device eth9", await RefusalAsync(static spec => Linux(spec, static linux => linux with
        {
            NetDevices = new Dictionary<string, NetDeviceSpec> { ["eth9"] = new() },
        })), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2.0.0", "is not supported")]
    [InlineData("one", "is not supported")]
    public async Task OtherVersions_AreRefused(string version, string message) =>
        Assert.Contains(message, await RefusalAsync(spec => spec with { OciVersion = version }), StringComparison.Ordinal);

    [Fact]
    public async Task SeccompListener_GetsTheDescriptorWithTheState()
    {
        Need();
        string path = Path.Join(Bundles.Directory, "listener.sock");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        (string id, _) = await Bundles.CreateAsync("true", spec => Linux(spec, linux => linux with
        {
            Seccomp = new SeccompSpec
            {
                DefaultAction = "SCMP_ACT_ALLOW", ListenerPath = path, ListenerMetadata = "mark \"quoted\"",
                Syscalls = [new SyscallRule { Names = ["mkdirat"], Action = "SCMP_ACT_NOTIFY" }],
            },
        }));
        using Socket connection = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, (await Bundles.RunAsync("start", id)).Code);
        using FileDescriptor plain = new((int)connection.Handle, ownsHandle: false);
        byte[] bytes = new byte[4096];
        int count = DescriptorSockets.Receive(plain, bytes, out FileDescriptor? notify);
        using (notify)
        {
            Assert.NotNull(notify);
            Assert.Equal("anon_inode:seccomp notify", new FileInfo($"/proc/self/fd/{notify.Number}").LinkTarget);
        }
        JsonElement state = JsonDocument.Parse(Encoding.UTF8.GetString(bytes, 0, count)).RootElement;
        Assert.Equal("seccompFd", state.GetProperty("fds")[0].GetString());
        Assert.Equal("mark \"quoted\"", state.GetProperty("metadata").GetString());
        Assert.Equal(id, state.GetProperty("state").GetProperty("id").GetString());
        Assert.Equal(state.GetProperty("pid").GetInt32(), state.GetProperty("state").GetProperty("pid").GetInt32());
        Assert.NotEqual(1, state.GetProperty("pid").GetInt32());
        Assert.Equal(0, (await Bundles.RunAsync("delete", "--force", id)).Code);
    }

    // Takes the descriptor, refuses the first call with EROFS, and says of the second that it was done, which it was not.
    private const string Agent = """
        import fcntl, socket, struct, sys
        RECEIVE, SEND = 0xC0502100, 0xC0182101
        server = socket.socket(socket.AF_UNIX)
        server.bind(sys.argv[1])
        server.listen()
        print("listens", flush=True)
        connection, _ = server.accept()
        _, descriptors, _, _ = socket.recv_fds(connection, 8192, 1)
        for error in (-30, 0):
            call = bytearray(80)
            fcntl.ioctl(descriptors[0], RECEIVE, call)
            cookie, pid, _, number = struct.unpack_from("=QIIi", call)
            fcntl.ioctl(descriptors[0], SEND, struct.pack("=QqiI", cookie, 0, error, 0))
            print("answered", number, flush=True)

        """;

    [Fact]
    public async Task SeccompListener_AnswersTheCalls()
    {
        Need();
        Assert.SkipUnless(Command.IsInstalled("python3"), "python3 is not installed");
        string path = Path.Join(NewDirectory(), "agent.sock");
        ProcessStartInfo start = new("python3", ["-c", Agent, path]) { RedirectStandardOutput = true };
        using Process agent = System.Diagnostics.Process.Start(start)!;
        try
        {
            Assert.Equal("listens", await agent.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
            string output = await OutputAsync("mkdir /a 2>&1; mkdir /b && ls -d /b 2>&1; true", spec => Linux(spec, linux => linux with
            {
                Seccomp = new SeccompSpec
                {
                    DefaultAction = "SCMP_ACT_ALLOW", ListenerPath = path,
                    Syscalls = [new SyscallRule { Names = ["mkdir", "mkdirat"], Action = "SCMP_ACT_NOTIFY" }],
                },
            }));
            string[] lines = output.Split('\n');
            Assert.Equal(2, lines.Length);
            Assert.EndsWith("Read-only file system", lines[0], StringComparison.Ordinal);
            Assert.EndsWith("No such file or directory", lines[1], StringComparison.Ordinal);
            Assert.Matches("^answered (83|258|34)\nanswered (83|258|34)\n$", await agent.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
        }
        finally
        {
            agent.Kill();
            await agent.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task MountLabel_IsRefusedInWords() => Assert.Contains("labels of mounts are not supported", await RefusalAsync(
        static spec => Linux(spec, static linux => linux with { MountLabel = "system_u:object_r:container_file_t:s0" })),
        StringComparison.Ordinal);

    [Fact]
    public async Task OwnProgram_CannotBeWrittenFromInside()
    {
        // The interpreter of a script, /proc/self/exe, is our own program while it executes (CVE-2019-5736).
        Need();
        byte[] before = await File.ReadAllBytesAsync(Command.Runtime);
        Completed run = await Bundles.RunContainerAsync("true", spec => Process(spec with
        {
            Hooks = Prepared("printf '#!/proc/self/exe\\n' > bin/trap; chmod 755 bin/trap"),
        }, static process => process with { Args = ["/bin/trap"] }));
        Assert.NotEqual(0, run.Code);
        (string id, _) = await Bundles.CreateAsync("exec sleep 1000");
        int pid = (await Bundles.StateAsync(id)).GetProperty("pid").GetInt32();
        // While it waits, it is our program; even root of the host cannot open that file for writing.
        Completed written = await Command.RunAsync("/bin/sh", ["-c", $"echo x >> /proc/{pid}/exe"]);
        Assert.NotEqual(0, written.Code);
        Assert.Equal(0, (await Bundles.RunAsync("delete", "--force", id)).Code);
        Assert.Equal(before, await File.ReadAllBytesAsync(Command.Runtime));
    }
}
