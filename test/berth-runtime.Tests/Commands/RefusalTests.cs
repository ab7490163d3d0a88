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

    [Fact]
    public async Task Parameter_WithAValueThatTheKernelRefuses_IsAWrite() => Assert.Contains(
        "write /proc/sys/net/ipv4/ip_forward: invalid argument", await RefusalAsync(static spec => Linux(spec, static linux => linux with
        {
            Sysctl = new Dictionary<string, string> { ["net.ipv4.ip_forward"] = "no" },
        })), StringComparison.Ordinal);
}
