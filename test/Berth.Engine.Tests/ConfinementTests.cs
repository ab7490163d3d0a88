using System.Diagnostics;
using Berth.Engine.Specs;
using Berth.Runtime.Confinement;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Engine.Tests;

/// <summary>Which AppArmor profile a container gets, and what is done so that the kernel has it.</summary>
public sealed class ConfinementTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-confinement-").FullName;
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string List => Path.Join(_directory, "profiles");

    private string[] Runs => File.Exists(Path.Join(_directory, "runs")) ? File.ReadAllLines(Path.Join(_directory, "runs")) : [];

    // A compiler that adds its profile to the kernel's list, or does what the script says before.
    private DefaultConfinement Confinement(bool isOffered = true, string before = "")
    {
        string parser = Path.Join(_directory, "parser");
        if (!File.Exists(List))
            File.WriteAllText(List, "");
        File.WriteAllText(parser + ".new", $"#!/bin/sh\necho run >> {_directory}/runs\n{before}\ncat > /dev/null\necho 'berth-default (enforce)' > {List}\n");
        // Copied by another process: what this one has open for writing a child of another test may hold, and then nobody may execute it.
        using (Process copy = Process.Start("cp", [parser + ".new", parser]))
            copy.WaitForExit();
        File.SetUnixFileMode(parser, (UnixFileMode)0x1ED);
        return new DefaultConfinement(new ProfileLoader(List, [parser]), isOffered, NullLogger.Instance, _time);
    }

    [Fact]
    public void Ensure_LoadsOnce_AndAgainWhenItIsGone()
    {
        DefaultConfinement confinement = Confinement();
        Assert.Equal("berth-default", confinement.Ensure());
        Assert.Equal("berth-default", confinement.Ensure());
        Assert.Single(Runs);
        File.WriteAllText(List, "");
        Assert.Equal("berth-default", confinement.Ensure());
        Assert.Equal(2, Runs.Length);
        Assert.Null(confinement.Warning);
    }

    [Fact]
    public void Ensure_OfANewEngine_BringsItsOwnText()
    {
        File.WriteAllText(List, "berth-default (enforce)\n");
        Assert.Equal("berth-default", Confinement().Ensure());
        Assert.Single(Runs);
    }

    [Fact]
    public void Ensure_ThatFails_IsAWarning_AndIsTriedAgainLater()
    {
        DefaultConfinement confinement = Confinement(before: $"[ -e {_directory}/works ] || {{ echo no >&2; exit 1; }}");
        Assert.Null(confinement.Ensure());
        Assert.Contains("apparmor_parser failed: no", confinement.Warning ?? "", StringComparison.Ordinal);
        Assert.Single(Runs);
        File.WriteAllText(Path.Join(_directory, "works"), "");
        _time.Advance(DefaultConfinement.Pause);
        Assert.Equal("berth-default", confinement.Ensure());
        Assert.Null(confinement.Warning);
    }

    [Fact]
    public void Ensure_ThatFails_WithAProfileOfAnother_UsesThat()
    {
        File.WriteAllText(List, "berth-default (enforce)\n");
        Assert.Equal("berth-default", Confinement(before: "exit 1").Ensure());
    }

    [Fact]
    public void Ensure_WhereThereIsNoAppArmor_DoesNothing()
    {
        DefaultConfinement confinement = Confinement(isOffered: false);
        Assert.Null(confinement.Ensure());
        Assert.Null(confinement.Warning);
        Assert.Empty(Runs);
    }

    private static SecurityOptions Options(string? profile) =>
        new SecurityOptions(false, null, false, false) { AppArmorProfile = profile };

    [Theory]
    [InlineData(null, false, "berth-default", "berth-default")]
    [InlineData(null, false, null, null)]
    [InlineData(null, true, "berth-default", null)]
    [InlineData("own", false, "berth-default", "own")]
    [InlineData("own", true, "berth-default", "own")]
    [InlineData("unconfined", false, "berth-default", "unconfined")]
    public void Profile_OfAContainer(string? named, bool privileged, string? byDefault, string? given) =>
        Assert.Equal(given, Options(named).AppArmorFor(privileged, byDefault));

    [Theory]
    [InlineData(null, false, "berth-default", "berth-default")]
    [InlineData(null, true, "berth-default", "unconfined")]
    // A container from before there was a default, and a privileged one.
    [InlineData(null, false, null, null)]
    [InlineData(null, true, null, null)]
    // What a program inside has changed to is not ours to give.
    [InlineData(null, false, "other", null)]
    [InlineData("own", false, "own", "own")]
    [InlineData("own", true, "own", "unconfined")]
    public void Profile_OfAFurtherProcess(string? named, bool privileged, string? ofFirst, string? given) =>
        Assert.Equal(given, Options(named).AppArmorForExec(privileged, ofFirst));
}
