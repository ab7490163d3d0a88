namespace Berth.Runtime;

/// <summary>The kernel's security module AppArmor.</summary>
/// <remarks>apparmor(7), aa_change_onexec(2).</remarks>
public static class AppArmor
{
    private const string State = "/sys/module/apparmor/parameters/enabled";

    /// <summary>Whether this kernel runs it.</summary>
    public static bool IsEnabled => File.Exists(State) && File.ReadAllText(State).StartsWith('Y');

    /// <summary>The profile that confines a process; null: none, or it is not to be known.</summary>
    /// <param name="process">A pid, or <c>self</c>.</param>
    public static string? ProfileOf(string process) =>
        NameIn(TryRead($"/proc/{process}/attr/apparmor/current") ?? TryRead($"/proc/{process}/attr/current") ?? "");

    /// <summary>The name in a label as the kernel shows it: <c>NAME (MODE)</c>, or <c>unconfined</c>.</summary>
    public static string? NameIn(string label)
    {
        label = label.TrimEnd('\n', '\0');
        int mode = label.EndsWith(')') ? label.LastIndexOf(" (", StringComparison.Ordinal) : -1;
        string name = mode < 0 ? label : label[..mode];
        return name is "" or "unconfined" ? null : name;
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
