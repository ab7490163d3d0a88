using Berth.Oci.Runtime;
using Berth.Runtime.Plans;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>What this caller may not give: clamped with a warning, or in a strict container an error that names it.</summary>
public sealed class StrictTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    private static RuntimeSpec Asking(RuntimeSpec spec, string what)
    {
        ProcessSpec process = spec.Process!;
        string[] more = [.. process.Capabilities!.Bounding!, "CAP_SYS_TIME"];
        return spec with
        {
            Process = what switch
            {
                // More than the kernel lets anybody have: fs.nr_open is a 32-bit number.
                "RLIMIT_NOFILE" => process with { Rlimits = [new RlimitSpec { Type = what, Soft = 1UL << 40, Hard = 1UL << 40 }] },
                "CAP_SYS_TIME" => process with { Capabilities = process.Capabilities with { Bounding = more, Permitted = more } },
                // Nothing stands against it but that the process would not have it at all.
                "effective CAP_SYSLOG" => process with
                {
                    Capabilities = process.Capabilities with { Effective = [.. process.Capabilities.Effective!, "CAP_SYSLOG"] },
                },
                "CAP_NONSENSE" => process with
                {
                    Capabilities = process.Capabilities with { Bounding = [.. process.Capabilities.Bounding!, what] },
                },
                _ => process with { OomScoreAdj = -900 },
            },
        };
    }

    // Root without the rights to raise limits, to lower the score, and to set the clock: what a container of another engine is.
    private async Task<Completed> RunAsync(string what, bool annotated, params string[] options)
    {
        Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");
        string id = bundles.NewId();
        RuntimeSpec spec = Asking(bundles.Spec(id, "/bin/sh", "-c", "echo ran"), what);
        Dictionary<string, string> annotations = new() { [Strictness.Annotation] = "true" };
        string bundle = await bundles.BundleAsync(id, annotated ? spec with { Annotations = annotations } : spec);
        return await Command.RunAsync("setpriv", ["--bounding-set", "-sys_resource,-sys_time", Command.Runtime, "--root", bundles.Root,
            .. options, "run", "--bundle", bundle, id]);
    }

    [Theory]
    [InlineData("RLIMIT_NOFILE", "RLIMIT_NOFILE")]
    [InlineData("CAP_SYS_TIME", "CAP_SYS_TIME")]
    [InlineData("CAP_NONSENSE", "CAP_NONSENSE")]
    [InlineData("effective CAP_SYSLOG", "effective capabilities left out, they are not permitted: CAP_SYSLOG")]
    [InlineData("oomScoreAdj", "oom_score_adj")]
    public async Task Ordinary_IsClampedWithAWarning(string what, string named)
    {
        Completed run = await RunAsync(what, annotated: false);
        Assert.Equal((0, "ran\n"), (run.Code, run.Output));
        Assert.Contains(named, run.Errors, StringComparison.Ordinal);
        Assert.Contains("level=warning", run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("RLIMIT_NOFILE", true)]
    [InlineData("CAP_SYS_TIME", true)]
    [InlineData("CAP_NONSENSE", true)]
    [InlineData("effective CAP_SYSLOG", true)]
    [InlineData("oomScoreAdj", true)]
    [InlineData("RLIMIT_NOFILE", false)]
    [InlineData("CAP_SYS_TIME", false)]
    [InlineData("CAP_NONSENSE", false)]
    [InlineData("effective CAP_SYSLOG", false)]
    [InlineData("oomScoreAdj", false)]
    public async Task Strict_IsAnErrorThatNamesTheThing(string what, bool annotated)
    {
        Completed run = await RunAsync(what, annotated, annotated ? [] : ["--strict"]);
        Assert.Equal((1, ""), (run.Code, run.Output));
        Assert.Contains(what.Split(' ')[^1], run.Errors, StringComparison.Ordinal);
        Assert.Contains("the container is strict", run.Errors, StringComparison.Ordinal);
        Assert.Equal("", (await bundles.RunAsync("list", "-q")).Output);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Strict_ThatLacksNothing_Runs(bool annotated)
    {
        Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");
        Dictionary<string, string> annotations = new() { [Strictness.Annotation] = annotated ? "true" : "false" };
        Completed run = await bundles.RunContainerAsync("ulimit -n", spec => spec with
        {
            Annotations = annotations,
            Process = spec.Process! with { OomScoreAdj = 500, Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 77, Hard = 78 }] },
        });
        Assert.Equal((0, "77\n", ""), (run.Code, run.Output, run.Errors));
    }

    [Fact]
    public async Task Annotation_ThatIsNeither_IsRefused()
    {
        Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");
        Dictionary<string, string> annotations = new() { [Strictness.Annotation] = "yes" };
        Completed run = await bundles.RunContainerAsync("echo ran", spec => spec with { Annotations = annotations });
        Assert.Equal(1, run.Code);
        Assert.Contains("is neither true nor false", run.Errors, StringComparison.Ordinal);
    }
}
