namespace Berth.Unified.Tests;

/// <summary>Limits, freezing, devices and figures on a machine with control groups of version 2 alone. One row for each check of
/// <c>Programs/checks.sh</c>.</summary>
[Collection("one machine at a time")]
public sealed class UnifiedTests(Machine machine) : IClassFixture<Machine>
{
    [Theory]
    [MemberData(nameof(Machine.Checks), MemberType = typeof(Machine))]
    public void Check_InTheEmulatedMachine_Holds(string check)
    {
        Assert.SkipWhen(machine.Missing is not null, machine.Missing ?? "");
        Assert.True(machine.Outcome(check) == "ok", $"{check}: {machine.Outcome(check)}\n{machine.Log}");
    }
}
