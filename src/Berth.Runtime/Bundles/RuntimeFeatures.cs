namespace Berth.Runtime.Bundles;

/// <summary>The names that configurations may use here.</summary>
public static class RuntimeFeatures
{
    /// <summary>Hooks.</summary>
    public static IReadOnlyList<string> Hooks { get; } =
        ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

    /// <summary>Options of mounts that are not a file system's own.</summary>
    public static IReadOnlyList<string> MountOptions => Plans.MountOptions.Names;

    /// <summary>Namespaces.</summary>
    public static IReadOnlyList<string> Namespaces { get; } =
        ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"];

    /// <summary>Capabilities.</summary>
    public static IReadOnlyList<string> Capabilities => Plans.Capabilities.All;

    /// <summary>Answers of a system call filter.</summary>
    public static IReadOnlyList<string> SeccompActions { get; } =
    [
        "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
        "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
    ];

    /// <summary>Comparisons of a system call's arguments.</summary>
    public static IReadOnlyList<string> SeccompOperators { get; } =
        ["SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"];

    /// <summary>Call conventions that this processor has.</summary>
    public static IReadOnlyList<string> SeccompArchitectures { get; } = ["SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"];

    /// <summary>Flags of a filter.</summary>
    public static IReadOnlyList<string> SeccompFlags { get; } =
    [
        "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
    ];
}
