using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Defaults;

namespace Berth.Runtime.Tests.Containers;

/// <summary>Parts of the specification, each seen from inside.</summary>
public sealed class SpecTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private void Skip() => Assert.SkipUnless(fixture.IsUsable, "root, /bin/busybox and out/bin/berth-runtime are needed");

    private Task<Outcome> RunAsync(string script, Func<RuntimeSpec, RuntimeSpec> change)
    {
        Skip();
        return fixture.RunAsync(fixture.Request(script, change), Cancel);
    }

    private string NewDirectory() => Directory.CreateDirectory(Path.Join(fixture.Root, fixture.NewId())).FullName;

    [Fact]
    public async Task Namespaces_OfAnotherContainer_AreShared()
    {
        Skip();
        await fixture.WithAsync(fixture.Request("sleep 100"), async first =>
        {
            await first.StartAsync(Cancel);
            string[] names = ["pid", "ipc", "net"];
            Outcome outcome = await RunAsync("for n in pid ipc net mnt; do readlink /proc/self/ns/$n; done", spec => spec with
            {
                Linux = spec.Linux! with
                {
                    Namespaces =
                    [
                        new NamespaceSpec { Type = "mount" }, new NamespaceSpec { Type = "uts" },
                        new NamespaceSpec { Type = "pid", Path = $"/proc/{first.Pid}/ns/pid" },
                        new NamespaceSpec { Type = "ipc", Path = $"/proc/{first.Pid}/ns/ipc" },
                        new NamespaceSpec { Type = "network", Path = $"/proc/{first.Pid}/ns/net" },
                    ],
                },
            });
            string[] inside = outcome.Output.Split('\n');
            Assert.Equal(names.Select(name => Link($"/proc/{first.Pid}/ns/{name}")), inside[..3]);
            Assert.NotEqual(Link($"/proc/{first.Pid}/ns/mnt"), inside[3]);
            Assert.False(first.Exited.IsCompleted);
        }, Cancel);
    }

    private static string Link(string path) => new FileInfo(path).LinkTarget!;

    [Fact]
    public async Task UserNamespace_MapsRootToAnotherUser()
    {
        Skip();
        IdMapping[] map = [new IdMapping { ContainerID = 0, HostID = 100_000, Size = 65_536 }];
        const string script = "id -u; touch /made; cat /proc/self/uid_map; echo x > /dev/null; echo $?";
        ContainerRequest request = fixture.Request(script, spec => spec with
        {
            Linux = spec.Linux! with
            {
                Namespaces = [.. spec.Linux.Namespaces!, new NamespaceSpec { Type = "user" }], UidMappings = map, GidMappings = map,
            },
        });
        File.SetUnixFileMode(fixture.Root, (UnixFileMode)0x1ED);
        ContainerFixture.Run("chown", "-R", "100000:100000", request.Overlay!.Upper, request.Overlay.Work);
        await fixture.WithAsync(request, async container =>
        {
            await using IContainerStreams streams = await container.AttachAsync(stdin: false, Cancel);
            await container.StartAsync(Cancel);
            string[] lines = (await ContainerFixture.ReadAllAsync(streams, Cancel)).Output.Split('\n');
            Assert.Equal("0", lines[0]);
            Assert.Equal(["0", "100000", "65536"], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
            Assert.Equal("0", lines[2]);
            Assert.Equal("100000", ContainerFixture.Run("stat", "-c", "%u", Path.Join(request.Overlay.Upper, "made")).Trim());
        }, Cancel);
    }

    [Fact]
    public async Task UserNamespace_WithoutMappings_IsRefused()
    {
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => RunAsync("true", static spec => spec with
        {
            Linux = spec.Linux! with { Namespaces = [.. spec.Linux.Namespaces!, new NamespaceSpec { Type = "user" }] },
        }));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }

    [Fact]
    public async Task Parameters_AreSet()
    {
        Outcome outcome = await RunAsync("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced", static spec => spec with
        {
            Linux = spec.Linux! with
            {
                Sysctl = new Dictionary<string, string> { ["net.ipv4.ip_forward"] = "1", ["kernel.shm_rmid_forced"] = "1" },
            },
        });
        Assert.Equal("1\n1\n", outcome.Output);
    }

    [Theory]
    [InlineData("net/../../kcore")]
    [InlineData("nothing.there")]
    public async Task Parameters_ThatAreNone_AreRefused(string name) => await Assert.ThrowsAsync<FaultException>(
        () => RunAsync("true", spec => spec with
        {
            Linux = spec.Linux! with { Sysctl = new Dictionary<string, string> { [name] = "1" } },
        }));

    [Fact]
    public async Task Privileged_HasAllTheHostHas()
    {
        Outcome outcome = await RunAsync(
            "grep CapEff /proc/self/status | cut -f2; grep -c ' /sys sysfs rw' /proc/mounts; mknod /n b 7 0 && head -c0 /n; echo $?; "
            + "ls /proc/sys/kernel | wc -l; grep ^Seccomp: /proc/self/status", static spec => spec with
            {
                Process = spec.Process! with { Capabilities = DefaultSpec.CapabilitiesFor(DefaultSpec.AllCapabilityNames, 0) },
                Mounts = DefaultSpec.Mounts(privileged: true),
                Linux = spec.Linux! with
                {
                    Resources = new LinuxResources { Devices = DefaultSpec.PrivilegedDeviceRules },
                    MaskedPaths = [], ReadonlyPaths = [], Seccomp = null,
                },
            });
        string[] lines = outcome.Output.Split('\n');
        string host = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("CapBnd", StringComparison.Ordinal))[8..];
        Assert.Equal(host, lines[0]);
        Assert.Equal("1", lines[1]);
        Assert.NotEqual("0", lines[3]);
        Assert.Equal("Seccomp:\t0", lines[4]);
        // No device rule stands in the way: a missing device is another error than a forbidden one.
        Assert.DoesNotContain("not permitted", outcome.Error);
    }

    [Fact]
    public async Task ReadOnlyRoot_RefusesWrites_ButMountsTakeThem()
    {
        Outcome outcome = await RunAsync("touch /x; echo $?; touch /tmp/x; echo $?; df -k /tmp | tail -1", static spec =>
            ContainerFixture.With(spec with { Root = new RootSpec { Readonly = true } }, new MountSpec
            {
                Destination = "/tmp", Type = "tmpfs", Source = "tmpfs", Options = ["nosuid", "size=1m", "mode=1777"],
            }));
        string[] lines = outcome.Output.Split('\n');
        Assert.Equal(["1", "0"], lines[..2]);
        Assert.Contains(" 1024 ", lines[2]);
    }

    [Fact]
    public async Task Binds_AreReadOnlyOrNot()
    {
        Skip();
        string source = NewDirectory();
        Outcome outcome = await RunAsync("touch /ro/a; echo $?; touch /rw/b; echo $?; echo x > /file; echo $?", spec =>
            ContainerFixture.With(spec, ContainerFixture.Bind(source, "/ro", "ro"), ContainerFixture.Bind(source, "/rw"),
                ContainerFixture.Bind("/etc/hostname", "/file", "ro")));
        Assert.Equal("1\n0\n1\n", outcome.Output);
        Assert.Equal(["b"], Directory.GetFiles(source).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("rslave", "1")]
    [InlineData("rprivate", "0")]
    public async Task Binds_FollowTheHost_OnlyWhenAsked(string propagation, string seen)
    {
        Skip();
        string source = NewDirectory();
        Directory.CreateDirectory(Path.Join(source, "later"));
        ContainerFixture.Run("mount", "--bind", source, source);
        ContainerFixture.Run("mount", "--make-shared", source);
        try
        {
            ContainerRequest request = fixture.Request("read x; ls /seen/later | wc -l",
                spec => ContainerFixture.With(spec, ContainerFixture.Bind(source, "/seen", propagation))) with { OpenStdin = true };
            await fixture.WithAsync(request, async container =>
            {
                await using IContainerStreams streams = await container.AttachAsync(stdin: true, Cancel);
                await container.StartAsync(Cancel);
                ContainerFixture.Run("mount", "-t", "tmpfs", "tmpfs", Path.Join(source, "later"));
                File.WriteAllText(Path.Join(source, "later", "file"), "");
                await streams.WriteAsync("\n"u8.ToArray(), Cancel);
                Assert.Equal(seen + "\n", (await ContainerFixture.ReadAllAsync(streams, Cancel)).Output);
            }, Cancel);
        }
        finally
        {
            ContainerFixture.Run("umount", "-R", source);
        }
    }

    [Fact]
    public async Task AppArmorProfile_IsAppliedOrRefused()
    {
        bool enabled = File.Exists("/sys/module/apparmor/parameters/enabled");
        Assert.SkipWhen(enabled, "the kernel without AppArmor is tested");
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => RunAsync(
            "true", static spec => spec with { Process = spec.Process! with { ApparmorProfile = "docker-default" } }));
        Assert.Equal(FaultKind.NotSupported, fault.Kind);
        Assert.Equal(0, (await RunAsync(
            "true", static spec => spec with { Process = spec.Process! with { ApparmorProfile = "unconfined" } })).Code);
    }

    [Fact]
    public async Task SelinuxLabel_IsAppliedOrRefused()
    {
        Assert.SkipWhen(File.Exists("/sys/fs/selinux/enforce"), "the kernel without SELinux is tested");
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => RunAsync(
            "true", static spec => spec with { Process = spec.Process! with { SelinuxLabel = "system_u:system_r:container_t:s0" } }));
        Assert.Equal(FaultKind.NotSupported, fault.Kind);
    }
}
