using Berth.Faults;
using Berth.Oci.Runtime;
using Berth.Runtime.Defaults;

namespace Berth.Runtime.Tests.Containers;

/// <summary>Attacks of an image on the runtime that starts it, by the published cases they repeat.</summary>
public sealed class HostileRootTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private void Skip() => Assert.SkipUnless(fixture.IsUsable, "root, /bin/busybox and out/bin/berth-runtime are needed");

    /// <summary>A container whose uppermost layer the attacker has written.</summary>
    private ContainerRequest Hostile(ContainerRequest request, Action<string> write)
    {
        string layer = Directory.CreateDirectory(Path.Join(fixture.Root, fixture.NewId())).FullName;
        write(layer);
        return request with { Overlay = request.Overlay! with { Lower = [layer, fixture.Layer] } };
    }

    [Fact]
    public async Task ProcSelfExe_AsInterpreter_OverwritesNothing() // CVE-2019-5736
    {
        Skip();
        byte[] before = File.ReadAllBytes(fixture.Binary);
        ContainerRequest request = Hostile(fixture.Request(["/trap"]), static layer =>
        {
            File.WriteAllText(Path.Join(layer, "trap"), "#!/proc/self/exe\n");
            File.SetUnixFileMode(Path.Join(layer, "trap"), (UnixFileMode)0x1ED);
        });
        Outcome outcome = await fixture.RunAsync(request, Cancel);
        Assert.NotEqual(0, outcome.Code);
        Assert.Equal(before, File.ReadAllBytes(fixture.Binary));
        ContainerRequest writing = fixture.Request("for p in /proc/[0-9]*/exe; do echo x > $p; done; true") with { Init = true };
        Assert.Equal(0, (await fixture.RunAsync(writing, Cancel)).Code);
        Assert.Equal(before, File.ReadAllBytes(fixture.Binary));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WorkingDirectory_OfALeakedDescriptor_LeadsNowhere(bool byLink) // CVE-2024-21626
    {
        Skip();
        for (int descriptor = 3; descriptor < 20; descriptor++)
        {
            string target = $"/proc/self/fd/{descriptor}";
            ContainerRequest request = fixture.Request("ls ..", spec => spec with
            {
                Process = spec.Process! with { Cwd = byLink ? "/work" : target },
            });
            request = Hostile(request, layer => File.CreateSymbolicLink(Path.Join(layer, "work"), target));
            await Assert.ThrowsAsync<FaultException>(() => fixture.RunAsync(request, Cancel));
        }
    }

    [Fact]
    public async Task WorkingDirectory_OfAnExec_OfALeakedDescriptor_LeadsNowhere() // CVE-2024-21626, exec
    {
        Skip();
        await fixture.WithAsync(fixture.Request("sleep 100"), async container =>
        {
            await container.StartAsync(Cancel);
            for (int descriptor = 3; descriptor < 20; descriptor++)
            {
                ProcessSpec process = ContainerFixture.Process("ls") with { Cwd = $"/proc/self/fd/{descriptor}" };
                await Assert.ThrowsAsync<FaultException>(() => container.ExecAsync(
                    new ExecRequest { Id = fixture.NewId(), Process = process }, Cancel));
            }
        }, Cancel);
    }

    [Fact]
    public async Task MountTarget_BehindALink_StaysInTheRoot() // CVE-2021-30465
    {
        Skip();
        string source = Directory.CreateDirectory(Path.Join(fixture.Root, fixture.NewId())).FullName;
        string outside = Directory.CreateDirectory(Path.Join(fixture.Root, fixture.NewId())).FullName;
        File.WriteAllText(Path.Join(source, "marker"), "inside\n");
        ContainerRequest request = Hostile(
            fixture.Request($"cat {outside}/deep/marker",
                spec => ContainerFixture.With(spec, ContainerFixture.Bind(source, "/data/deep"))),
            layer => File.CreateSymbolicLink(Path.Join(layer, "data"), "/../../../../../../../.." + outside));
        Outcome outcome = await fixture.RunAsync(request, Cancel);
        Assert.Equal("inside\n", outcome.Output);
        Assert.Empty(Directory.GetFileSystemEntries(outside));
    }

    [Fact]
    public async Task Masks_WithAForgedNullDevice_AreTheRealOne() // CVE-2025-31133
    {
        Skip();
        ContainerRequest request = fixture.Request(
            "wc -c < /proc/interrupts; stat -c %t:%T /proc/interrupts; cat; cat /forged", spec => spec with
            {
                // Without the engine's own /dev the image's is seen.
                Mounts = [.. spec.Mounts!.Where(static mount => !mount.Destination.StartsWith("/dev", StringComparison.Ordinal))],
            });
        request = Hostile(request, static layer =>
        {
            Directory.CreateDirectory(Path.Join(layer, "dev"));
            File.WriteAllText(Path.Join(layer, "forged"), "forged\n");
            File.CreateSymbolicLink(Path.Join(layer, "dev/null"), "/forged");
        });
        Outcome outcome = await fixture.RunAsync(request, Cancel);
        Assert.Equal(new Outcome(0, "0\n1:3\nforged\n", ""), outcome);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10 2000")]
    public async Task Groups_AreExactlyThoseAsked(string groups) // CVE-2022-36109, CVE-2022-24769
    {
        Skip();
        uint[] ids = [.. groups.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(uint.Parse)];
        const string script = "grep -E '^(Groups|CapInh|CapAmb|CapPrm|CapEff|NoNewPrivs)' /proc/self/status";
        ContainerRequest request = fixture.Request(script, spec => spec with
        {
            Process = spec.Process! with
            {
                User = new UserSpec { Uid = 1000, Gid = 1000, AdditionalGids = ids },
                Capabilities = DefaultSpec.CapabilitiesFor(DefaultSpec.CapabilityNames, 1000),
                NoNewPrivileges = true,
            },
        });
        string[] lines = (await fixture.RunAsync(request, Cancel)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(groups, lines[0]["Groups:".Length..].Trim());
        Assert.All(lines[1..5], static line => Assert.EndsWith("0000000000000000", line));
        Assert.Equal("NoNewPrivs:\t1", lines[5]);
    }

    [Fact]
    public async Task MaskedPaths_ShowNothing_AndReadOnlyOnesTakeNothing() // GHSA-6fw5-f8r9-fgfm, GHSA-jq35-85cj-fj4p
    {
        Skip();
        Outcome outcome = await fixture.RunAsync(fixture.Request(
            $"for p in {string.Join(' ', DefaultSpec.MaskedPaths)}; do [ -d $p ] && ls -A $p; [ -f $p -o -c $p ] && cat $p; done; "
            + "for p in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/profiling /proc/irq/default_smp_affinity; do "
            + "[ -e $p ] && ( echo x > $p ) 2>/dev/null && echo written $p; done; true"), Cancel);
        Assert.Equal("", outcome.Output);
    }
}
