namespace Berth.Unified.Tests;

/// <summary>Cgroups as units of a real systemd. One row for each check of <c>Programs/systemd.sh</c>.</summary>
[Collection("one machine at a time")]
public sealed class SystemdTests(SystemdMachine machine) : IClassFixture<SystemdMachine>
{
    [Theory]
    [MemberData(nameof(SystemdMachine.SystemdChecks), MemberType = typeof(SystemdMachine))]
    public void Check_InTheEmulatedMachine_Holds(string check)
    {
        Assert.SkipWhen(machine.Missing is not null, machine.Missing ?? "");
        Assert.True(machine.Outcome(check) == "ok", $"{check}: {machine.Outcome(check)}\n{machine.Log}");
    }
}
