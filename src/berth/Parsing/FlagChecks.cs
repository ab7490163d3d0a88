using System.Text.RegularExpressions;

namespace Berth.Cli.Parsing;

/// <summary>What docker's command line refuses of an option before it asks anybody, in its words.</summary>
/// <remarks>docker/cli 28, opts/opts.go and cli/command/container/opts.go.</remarks>
internal static partial class FlagChecks
{
    private static readonly string[] s_sysctls =
    [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ];

    /// <summary>A label: <c>key=value</c> or <c>key</c>.</summary>
    public static string? Label(string value)
    {
        string key = value.Split('=')[0].TrimStart(' ', '\t');
        return key.Length == 0 ? $"invalid label '{value}': empty name"
            : key.AsSpan().ContainsAny(' ', '\t') ? $"label '{key}' contains whitespaces" : null;
    }

    /// <summary>A kernel parameter that belongs to the container's namespaces.</summary>
    public static string? Sysctl(string value)
    {
        string[] parts = value.Split('=', 2);
        bool isAllowed = parts.Length == 2 && (s_sysctls.Contains(parts[0]) || parts[0].StartsWith("net.", StringComparison.Ordinal)
            || parts[0].StartsWith("fs.mqueue.", StringComparison.Ordinal));
        return isAllowed ? null : $"sysctl '{value}' is not allowed";
    }

    /// <summary>A rule of the list of allowed devices.</summary>
    public static string? DeviceRule(string value) => DeviceRulePattern.IsMatch(value) ? null : $"invalid device cgroup format '{value}'";

    [GeneratedRegex(@"^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$")]
    private static partial Regex DeviceRulePattern { get; }
}
