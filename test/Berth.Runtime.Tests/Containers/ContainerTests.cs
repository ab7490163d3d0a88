using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Tests.Containers;

/// <summary>Containers of a busybox root, made for real.</summary>
public sealed class ContainerTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    private const string Needs = "root, /bin/busybox and out/bin/berth-runtime are needed";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Task<Outcome> RunAsync(string script, Func<RuntimeSpec, RuntimeSpec>? change = null)
    {
        Assert.SkipUnless(fixture.IsUsable, Needs);
        return fixture.RunAsync(fixture.Request(script, change), Cancel);
    }

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 3", 3)]
    [InlineData("exit 255", 255)]
    [InlineData("/bin/nothing-there", 127)]
    public async Task Exit_OfTheFirstProcess_IsItsCode(string script, int code) =>
        Assert.Equal(code, (await RunAsync(script)).Code);

    [Fact]
    public async Task Output_OfBothStreams_ArrivesApart()
    {
        Outcome outcome = await RunAsync("echo out; echo err >&2");
        Assert.Equal(new Outcome(0, "out\n", "err\n"), outcome);
    }

    [Fact]
    public async Task Capabilities_AreExactlyDockers14()
    {
        string status = (await RunAsync("grep ^Cap /proc/self/status")).Output;
        Assert.Contains("CapInh:\t0000000000000000", status);
        Assert.Contains("CapPrm:\t00000000a80425fb", status);
        Assert.Contains("CapEff:\t00000000a80425fb", status);
        Assert.Contains("CapBnd:\t00000000a80425fb", status);
        Assert.Contains("CapAmb:\t0000000000000000", status);
    }

    [Fact]
    public async Task Filter_IsActive()
    {
        Assert.Contains("Seccomp:\t2", (await RunAsync("grep ^Seccomp: /proc/self/status")).Output);
    }

    [Fact]
    public async Task Descriptors_OfTheHost_AreNotThere() =>
        Assert.Equal("0\n1\n2\n3\n", (await RunAsync("exec ls /proc/self/fd")).Output);

    [Fact]
    public async Task MaskedAndReadOnlyPaths_Are()
    {
        Outcome outcome = await RunAsync(
            "cat /proc/kcore | wc -c; ls /sys/firmware | wc -l; "
            + "echo x > /proc/sys/kernel/hostname; echo $?; mkdir /sys/x; echo $?; hostname");
        Assert.Equal("0\n0\n1\n1\nberth-test\n", outcome.Output);
    }

    [Fact]
    public async Task Program_NotInPath_IsNotFound()
    {
        Assert.SkipUnless(fixture.IsUsable, Needs);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => fixture.RunAsync(fixture.Request(["foo"]), Cancel));
        Assert.Equal(FaultKind.NotFound, fault.Kind);
        Assert.Equal("exec: \"foo\": executable file not found in $PATH: unknown", fault.Message);
    }

    [Fact]
    public async Task Program_NotExecutable_IsForbidden()
    {
        Assert.SkipUnless(fixture.IsUsable, Needs);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(
            () => fixture.RunAsync(fixture.Request(["/etc/passwd"]), Cancel));
        Assert.Equal(FaultKind.Forbidden, fault.Kind);
        Assert.Equal("exec: \"/etc/passwd\": permission denied: unknown", fault.Message);
    }
}
