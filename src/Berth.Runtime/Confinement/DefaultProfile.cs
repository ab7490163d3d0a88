using System.Text;

namespace Berth.Runtime.Confinement;

/// <summary>The AppArmor profile of containers that are not privileged and name none: what is the container's own is open, the kernel's
/// files and its mounts are not, whatever capabilities were given.</summary>
/// <remarks>apparmor.d(5). It includes no file of the host, so that it is the same wherever it is compiled.</remarks>
public static class DefaultProfile
{
    /// <summary>Its name in the kernel.</summary>
    public const string Name = "berth-default";

    /// <summary>What Docker calls its own: whoever asks for that means ours.</summary>
    public const string DockerName = "docker-default";

    // Runtimes of other programs that a distribution may confine: the signals that stop a container come from them.
    private static readonly string[] s_runtimes = ["runc", "crun"];

    // What is only to be read. A denial knows no exception, so each is a set of the names beside the one that stays open:
    // processes' own directories and the limits of shared memory in /proc, cgroups in /sys.
    private static readonly string[] s_notWritten =
    [
        "/proc/*", "/proc/[^0-9s]*/**", "/proc/s[^y]*/**", "/proc/sy[^s]*/**", "/proc/sys[^/]*/**",
        "/proc/sys/[^k]**", "/proc/sys/kernel/[^s]**", "/proc/sys/kernel/s[^h]**", "/proc/sys/kernel/sh[^m]**",
        "/sys/[^f]**", "/sys/f[^s]**", "/sys/fs/[^c]**", "/sys/fs/c[^g]**", "/sys/fs/cg[^r]**",
        // A program that the kernel would start outside.
        "/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/**/release_agent",
    ];

    // What is not even to be read: memory, keys of the machine, what its processors do.
    private static readonly string[] s_hidden =
    [
        "/proc/kcore", "/proc/sysrq-trigger", "/sys/firmware/**", "/sys/kernel/security/**", "/sys/devices/virtual/powercap/**",
    ];

    /// <summary>The text that <c>apparmor_parser</c> reads.</summary>
    /// <param name="engine">The label of the engine that sends signals; null or <c>unconfined</c>: none.</param>
    public static string Text(string? engine)
    {
        StringBuilder text = new();
        text.Append("# Made by berthd when it starts; changes are lost.\n");
        text.Append($"profile {Name} flags=(attach_disconnected,mediate_deleted) {{\n");
        foreach (string all in (ReadOnlySpan<string>)["capability", "network", "unix", "file"])
            text.Append($"  {all},\n");
        // Its own masks would come off with them.
        text.Append("  deny mount,\n  deny umount,\n  deny pivot_root,\n");
        foreach (string path in s_notWritten)
            text.Append($"  deny {path} wkl,\n");
        foreach (string path in s_hidden)
            text.Append($"  deny {path} rwmklx,\n");
        text.Append($"  ptrace (trace, read, tracedby, readby) peer={Name},\n");
        text.Append($"  signal (send, receive) peer={Name},\n");
        string[] own = engine is null or "unconfined" ? [] : [engine];
        foreach (string sender in (IEnumerable<string>)["unconfined", .. s_runtimes, .. own])
            text.Append($"  signal (receive) peer={Quoted(sender)},\n");
        return text.Append("}\n").ToString();
    }

    // A label may have anything in it that a path has.
    private static string Quoted(string label) => label.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_')
        ? label : $"\"{label.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
