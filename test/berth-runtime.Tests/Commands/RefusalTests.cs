using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>What cannot be made is refused with a sentence that names it.</summary>
public sealed class RefusalTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    private async Task<string> RefusalAsync(Func<RuntimeSpec, RuntimeSpec> change)
    {
        Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");
        Completed run = await bundles.RunContainerAsync("true", change);
        Assert.Equal(1, run.Code);
        return run.Errors.Replace("\\\"", "\"", StringComparison.Ordinal);
    }

    private Task<string> RefusedMountAsync(MountSpec mount) => RefusalAsync(spec => spec with { Mounts = [.. spec.Mounts!, mount] });

    private static RuntimeSpec Linux(RuntimeSpec spec, Func<LinuxSpec, LinuxSpec> change) => spec with { Linux = change(spec.Linux!) };

    [Fact]
    public async Task BindOfAnotherKind_SaysNotADirectory_AsRuncDoes()
    {
        string directory = Directory.CreateDirectory(Path.Join(bundles.Directory, Guid.NewGuid().ToString("n"))).FullName;
        string file = Path.Join(directory, "file");
        await File.WriteAllTextAsync(file, "x", TestContext.Current.CancellationToken);
        foreach ((string source, string target) in new[] { (directory, "/bin/busybox"), (file, "/bin") })
        {
            string said = await RefusedMountAsync(new MountSpec { Destination = target, Type = "bind", Source = source, Options = ["rbind"] });
            Assert.Contains($"error mounting \"{source}\" to rootfs at \"{target}\": mounting: not a directory", said, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("tmpfs", "foo=bar", "error mounting \"here\" to rootfs at \"/tmp/x\": mount option \"foo=bar\": invalid argument")]
    [InlineData("nosuchfs", "ro", "error mounting \"here\" to rootfs at \"/tmp/x\": creating a mount of type \"nosuchfs\": no such device")]
    public async Task FileSystem_IsNamedWithItsPlace(string type, string option, string expected) => Assert.Contains(expected,
        await RefusedMountAsync(new MountSpec { Destination = "/tmp/x", Type = type, Source = "here", Options = [option] }), StringComparison.Ordinal);

    [Fact]
    public async Task SourceThatIsMissing_IsNamedWithItsPlace() => Assert.Contains(
        "error mounting \"/berth-not-there\" to rootfs at \"/x\": bind source: no such file or directory",
        await RefusedMountAsync(new MountSpec { Destination = "/x", Type = "bind", Source = "/berth-not-there", Options = ["bind"] }),
        StringComparison.Ordinal);

    [Fact]
    public async Task LongPaths_AreBothThere()
    {
        string name = new('s', 250), place = $"/{new string('t', 250)}";
        string said = await RefusedMountAsync(new MountSpec { Destination = place, Type = "bind", Source = $"/{name}", Options = ["bind"] });
        Assert.Contains($"error mounting \"/{name[..100]}", said, StringComparison.Ordinal);
        Assert.Contains($"to rootfs at \"{place[..100]}", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Group_ThatTheNamespaceDoesNotHave_IsNamedWithItsMount()
    {
        Assert.SkipUnless(File.Exists("/proc/self/ns/user"), "the kernel has no user namespaces");
        IdMapping[] one = [new IdMapping { ContainerID = 0, HostID = 5000, Size = 1 }];
        string said = await RefusalAsync(spec => Linux(spec with
        {
            Mounts = [.. spec.Mounts!.Where(static mount => mount.Destination != "/dev/pts"), new MountSpec
            {
                Destination = "/dev/pts", Type = "devpts", Source = "devpts", Options = ["nosuid", "noexec", "newinstance", "gid=5"],
            }],
        }, linux => linux with
        {
            Namespaces = [.. linux.Namespaces!, new NamespaceSpec { Type = "user" }], UidMappings = one, GidMappings = one,
        }));
        Assert.Contains("error mounting \"devpts\" to rootfs at \"/dev/pts\": mount option \"gid=5\" (is it an id of the container's", said,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("c", -1, 3, "error creating device nodes: cannot mkdev() device with wildcards: /dev/x")]
    [InlineData("b", 8, -1, "error creating device nodes: cannot mkdev() device with wildcards: /dev/x")]
    [InlineData("c", -2, 3, "device /dev/x: numbers -2:3 are none: the major is 0 to 4095, the minor 0 to 1048575")]
    [InlineData("c", 4096, 3, "device /dev/x: numbers 4096:3 are none")]
    [InlineData("c", 1, 1 << 20, "device /dev/x: numbers 1:1048576 are none")]
    public async Task Device_OfNoNumbers_IsNamed(string type, long major, long minor, string expected) => Assert.Contains(expected,
        await RefusalAsync(spec => Linux(spec, linux => linux with
        {
            Devices = [new DeviceSpec { Path = "/dev/x", Type = type, Major = major, Minor = minor }],
        })), StringComparison.Ordinal);

    // Of the kernel's version 1, where runc refuses them too.
    [Fact]
    public async Task LimitsThatAreNone_AreRefused()
    {
        foreach ((LinuxResources limits, string expected) in new[]
        {
            (new LinuxResources { Cpu = new CpuLimits { Shares = 1 } }, "the minimum allowed cpu-shares is 2"),
            (new LinuxResources { Cpu = new CpuLimits { Shares = 9_999_999 } }, "the maximum allowed cpu-shares is 262144"),
            (new LinuxResources { Memory = new MemoryLimits { Swappiness = 200 } }, "invalid memory swappiness value: 200 (valid range is 0-100)"),
            (new LinuxResources { Devices = [new DeviceRule { Allow = true, Type = "c", Major = -5, Minor = 3, Access = "rwm" }] },
                "device rule at 0: -5:3 is no device"),
        })
        {
            string said = await RefusalAsync(spec => Linux(spec, linux => linux with { Resources = limits }));
            Assert.Contains(expected, said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Parameter_WithAValueThatTheKernelRefuses_IsAWrite() => Assert.Contains(
        "write /proc/sys/net/ipv4/ip_forward: invalid argument", await RefusalAsync(static spec => Linux(spec, static linux => linux with
        {
            Sysctl = new Dictionary<string, string> { ["net.ipv4.ip_forward"] = "no" },
        })), StringComparison.Ordinal);

    [Theory]
    [InlineData("kernel.hostname")]
    [InlineData("kernel/hostname")]
    public async Task HostNameAsAParameterToo_IsAConflict(string name) => Assert.Contains(
        "sysctl \"kernel.hostname\" is not allowed as it conflicts with the OCI \"hostname\" field", await RefusalAsync(spec => Linux(
            spec with { Hostname = "own" }, linux => linux with { Sysctl = new Dictionary<string, string> { [name] = "other" } })),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("/")]
    [InlineData("/x/..")]
    public async Task Mount_OnTheRootItself_IsRefused(string place) => Assert.Contains($"invalid mount destination \"{place}\"",
        await RefusedMountAsync(new MountSpec { Destination = place, Type = "tmpfs", Source = "tmpfs" }), StringComparison.Ordinal);

    [Fact]
    public async Task IdMap_LongerThanTheKernelTakes_IsRefusedByItsNumber()
    {
        IdMapping[] maps = [.. Enumerable.Range(0, 400).Select(static n =>
            new IdMapping { ContainerID = (uint)n, HostID = 5000 + (uint)n, Size = 1 })];
        string said = await RefusalAsync(spec => Linux(spec, linux => linux with
        {
            Namespaces = [.. linux.Namespaces!, new NamespaceSpec { Type = "user" }], UidMappings = maps, GidMappings = maps,
        }));
        Assert.Contains("400 id mappings: the kernel takes 340 at most", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MemoryLimit_TooLowToBeMadeIn_IsNamed()
    {
        Assert.SkipUnless(Directory.Exists("/sys/fs/cgroup/memory") || File.ReadAllText("/sys/fs/cgroup/cgroup.controllers").Contains("memory",
            StringComparison.Ordinal), "the kernel has no memory controller");
        string said = await RefusalAsync(spec => Linux(spec, static linux => linux with
        {
            Resources = new LinuxResources { Memory = new MemoryLimits { Limit = 4096 } },
        }));
        Assert.Contains("container init was OOM-killed (memory limit too low?)", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_ThatCannotBeOpened_EndsTheCommandBeforeItIsDone()
    {
        Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");
        string id = bundles.NewId();
        string bundle = await bundles.BundleAsync(id, bundles.Spec(id, "/bin/true"));
        Completed run = await bundles.RunAsync("--log", "/berth-not-there/log", "run", "--bundle", bundle, id);
        Assert.Equal(1, run.Code);
        Assert.Contains("open /berth-not-there/log: no such file or directory", run.Errors, StringComparison.Ordinal);
        Assert.NotEqual(0, (await bundles.RunAsync("state", id)).Code);
    }

    [Fact]
    public async Task UnknownCapability_IsAWarningOnce()
    {
        Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");
        (string id, _) = await bundles.CreateAsync("exec sleep 1000");
        await bundles.RunAsync("start", id);
        Completed run = await bundles.RunAsync("exec", "--cap", "CAP_FOO", id, "/bin/true");
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
        Assert.Equal(2, run.Errors.Split("CAP_FOO").Length);
    }

    [Fact]
    public async Task StateOfOthers_IsNotPermitted()
    {
        Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");
        string room = Directory.CreateDirectory(Path.Join("/tmp", $"berth-refusal-{Guid.NewGuid():n}")).FullName;
        try
        {
            // The program's own file is where only root may look, as the tests are run.
            string program = Path.Join(room, "berth-runtime"), root = Directory.CreateDirectory(Path.Join(room, "state")).FullName;
            await Command.NeedAsync("cp", [Command.Runtime, program]);
            await Command.NeedAsync("chmod", ["755", room]);
            await Command.NeedAsync("chmod", ["700", root]);
            Completed list = await Command.RunAsync(
                "setpriv", ["--reuid", "54321", "--regid", "54321", "--clear-groups", program, "--root", root, "list"]);
            Assert.Contains($"{root}: permission denied", list.Errors, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(room, recursive: true);
        }
    }

    [Theory]
    [InlineData(5000)]
    [InlineData(-1001)]
    public async Task OomScore_OutOfRange_IsRefused(int score) => Assert.Contains($"oomScoreAdj {score}: must be from -1000 to 1000",
        await RefusalAsync(spec => spec with { Process = spec.Process! with { OomScoreAdj = score } }), StringComparison.Ordinal);
}
