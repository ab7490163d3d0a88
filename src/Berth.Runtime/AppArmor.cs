namespace Berth.Runtime;

/// <summary>The kernel's security module AppArmor.</summary>
/// <remarks>apparmor(7), aa_change_onexec(2).</remarks>
public static class AppArmor
{
    private const string State = "/sys/module/apparmor/parameters/enabled";

    /// <summary>Whether this kernel runs it.</summary>
    public static bool IsEnabled => File.Exists(State) && File.ReadAllText(State).StartsWith('Y');
}
