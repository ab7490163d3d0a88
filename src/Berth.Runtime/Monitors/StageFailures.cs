using System.Globalization;
using System.Runtime.InteropServices;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Processes;
using Berth.Stage;

namespace Berth.Runtime.Monitors;

/// <summary>Makes sentences of the stage's reports; where Docker's clients read runc's text, it is runc's.</summary>
internal static class StageFailures
{
    /// <summary>The fault of a failure.</summary>
    public static FaultException Fault(MonitorReport report)
    {
        string error = ErrorText(report.Value);
        string text = Escaped(report.Text);
        return report.Place switch
        {
            Place.ProgramNotFound => FaultException.NotFound($"exec: \"{text}\": executable file not found in $PATH: unknown"),
            Place.ProgramMissing => report.Value is Errno.EACCES
                ? Forbidden($"exec: \"{text}\": stat {text}: {error}: unknown")
                : FaultException.NotFound($"exec: \"{text}\": stat {text}: {error}: unknown"),
            Place.ProgramForbidden => Forbidden($"exec: \"{text}\": permission denied: unknown"),
            // Both words: older clients make 126 of the second only.
            Place.ProgramDirectory => Forbidden($"exec: \"{text}\": is a directory: permission denied: unknown"),
            Place.Interpreter => FaultException.NotFound(Escaped(Interpreter(report.Text))),
            Place.Execute when report.Value is Errno.ENOENT => FaultException.NotFound($"exec {text}: {error}: unknown"),
            Place.Execute => Forbidden($"exec {text}: {error}: unknown"),
            Place.WorkingDirectory => Forbidden($"chdir to cwd (\"{text}\") set in config.json failed: {error}: unknown"),
            Place.WorkingDirectoryOutside => Forbidden(
                "current working directory is outside of container mount namespace root -- "
                + $"possible container breakout detected: {text}: unknown"),
            Place.BindSource or Place.MountPoint or Place.MountMove or Place.MountMake or Place.MountOption =>
                FaultException.Invalid($"error mounting {MountName(report)}: {error}: unknown"),
            Place.Remount => FaultException.Invalid($"error remounting {Quote(text)}: {error}"
                + (report.Value is Errno.EINVAL ? ": nothing is mounted there" : "")),
            Place.Mapping => FaultException.Invalid($"error mounting {Quote(text)}: its owners cannot be shown through a user namespace: "
                + $"{error}: its file system has no idmapped mounts: use --userns=host, or keep it on one that has (ext4, xfs, btrfs)"),
            Place.Hook => FaultException.Internal($"error running hook {HookWords(report)}"),
            Place.HookTimeout => FaultException.Internal($"error running hook {text}: it took longer than its timeout: unknown"),
            Place.OomScore => FaultException.Invalid($"oomScoreAdj {text} cannot be set: {error} (refused: the container is strict)"),
            Place.Limit => FaultException.Invalid($"{LimitName(text)} cannot be set: {error} (refused: the container is strict)"),
            Place.External => FaultException.Internal($"exit status {report.Value}"),
            Place.Sysctl => FaultException.Invalid($"open /proc/{text}: {error}: unknown"),
            Place.SysctlWrite => FaultException.Invalid($"write /proc/{text}: {error}: unknown"),
            _ => FaultException.Internal($"error during container init: {Named(report.Place, Quote(text))}: {error}: unknown"),
        };
    }

    private static string HookWords(MonitorReport report)
    {
        string[] parts = [.. report.Text.Split((char)StageContract.HookWordsMark).Select(static part => Escaped(part.Trim()))];
        return parts is [var label, var output, var errors]
            ? $"{label}: exit status {report.Value}, stdout: {output}, stderr: {errors}"
            // It could not be run at all.
            : $"{parts[0]}: {ErrorText(report.Value)}";
    }

    /// <summary>The sentence of something left out.</summary>
    public static string Warning(MonitorReport report) => report.Place switch
    {
        Place.OomScore => $"oom_score_adj {report.Text} could not be set: {ErrorText(report.Value)}: this host lacks CAP_SYS_RESOURCE",
        Place.Limit => $"{LimitName(report.Text)} could not be set: {ErrorText(report.Value)}",
        _ => $"{Named(report.Place, report.Text)}: {ErrorText(report.Value)}",
    };

    // Source, destination and what is refused of it; what is mounted by ourselves alone is one name.
    private static string MountName(MonitorReport report)
    {
        string[] parts = [.. report.Text.Split('\0').Select(Escaped)];
        string step = StepName(report.Place);
        if (parts is [_])
            return $"{Quote(parts[0])}: {step}";
        string detail = parts is [_, _, { Length: > 0 } refused] ? $" {Quote(refused)}" : "";
        // The kernel says no more of an id than that it is invalid.
        string hint = report is { Place: Place.MountOption, Value: Errno.EINVAL } && parts[^1].Split('=') is ["uid" or "gid", _]
            ? " (is it an id of the container's user namespace?)" : "";
        return $"{Quote(parts[0])} to rootfs at {Quote(parts[1])}: {step}{detail}{hint}";
    }

    private static string LimitName(string number) =>
        int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) ? ResourceLimits.NameOf(parsed) : number;

    private static string Interpreter(string line) => line.EndsWith('\r')
        ? $"exec: interpreter \"{line.TrimEnd('\r').Trim()}\\r\" not found: the script has Windows line ends (CRLF): "
            + "no such file or directory: unknown"
        : $"exec: interpreter \"{line.Trim()}\" of the script not found: no such file or directory: unknown";

    private static string Named(Place place, string text) => text.Length == 0 ? StepName(place) : $"{StepName(place)} {text}";

    private static string StepName(Place place) => place switch
    {
        Place.Plan => "reading the plan",
        Place.Clone => "clone",
        Place.Cgroup => "joining the cgroup",
        Place.Namespace => "entering a namespace",
        Place.Propagation => "mount propagation",
        Place.Overlay => "mounting the overlay root",
        Place.Root => "mounting the root",
        Place.MountMake => "creating a mount of type",
        Place.MountOption => "mount option",
        Place.MountPoint => "creating the mount point",
        Place.MountMove => "mounting",
        Place.BindSource => "bind source",
        Place.Directory => "mkdir",
        Place.Node => "mknod",
        Place.Link => "symlink",
        Place.Mask => "masking",
        Place.ReadOnly => "making read-only",
        Place.Console => "terminal",
        Place.Pivot => "pivot_root",
        Place.HostName => "sethostname",
        Place.User => "setting user and groups",
        Place.Capabilities => "setting capabilities",
        Place.Seccomp => "installing the seccomp filter",
        Place.IdMap => "writing the id maps",
        Place.Socket => "monitor socket",
        Place.Label => "setting the security label",
        Place.Scheduler => "setting the scheduler",
        Place.IoPriority => "setting the I/O priority",
        Place.Affinity => "setting the processors",
        Place.Personality => "setting the personality",
        Place.Keyring => "joining a session keyring",
        Place.TimeOffsets => "setting the clocks' offsets",
        Place.CopyUp => "copying up",
        Place.Notify => "handing over the seccomp listener",
        _ => place.ToString(),
    };

    // What a stranger named is shown on a terminal: it stays on its line and steers nothing there.
    private static string Escaped(string text) => text.All(static c => !char.IsControl(c)) ? text
        : string.Concat(text.Select(static c => !char.IsControl(c) ? c.ToString() : c == '\n' ? "\\n" : $"\\x{(int)c:x2}"));

    private static string Quote(string text) => text.Length == 0 ? "" : $"\"{text}\"";

    // Go's texts are strerror's in lower case.
    private static string ErrorText(int error)
    {
        string text = Marshal.GetPInvokeErrorMessage(error);
        return text.Length > 1 && char.IsLower(text[1]) ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }

    private static FaultException Forbidden(string message) => new(FaultKind.Forbidden, message);
}
