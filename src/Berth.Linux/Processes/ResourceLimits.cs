using System.Runtime.InteropServices;

namespace Berth.Linux.Processes;

/// <summary>Resource limits of processes. getrlimit(2), numbers of x86-64 and arm64.</summary>
public static unsafe partial class ResourceLimits
{
    private static readonly string[] s_names =
    [
        "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC", "RLIMIT_NOFILE",
        "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO",
        "RLIMIT_RTTIME",
    ];

    /// <summary>The kernel's number of a limit by its name (<c>RLIMIT_NOFILE</c>); null when there is none of that name.</summary>
    public static int? NumberOf(string name) => Array.IndexOf(s_names, name) is >= 0 and var index ? index : null;

    /// <summary>The name of a number.</summary>
    public static string NameOf(int number) => number >= 0 && number < s_names.Length ? s_names[number] : $"limit {number}";

    /// <summary>What is in force and what it may be raised to; <see cref="ulong.MaxValue"/>: no limit.</summary>
    /// <exception cref="LinuxException">EINVAL: no such limit.</exception>
    public static (ulong Soft, ulong Hard) Read(int number)
    {
        ulong* limit = stackalloc ulong[2];
        return getrlimit(number, limit) == 0
            ? (limit[0], limit[1])
            : throw LinuxException.FromLastError("getrlimit", NameOf(number));
    }

    /// <summary>Sets a limit of another process. prlimit(2).</summary>
    /// <exception cref="LinuxException">EPERM: it is not ours. ESRCH: it has ended.</exception>
    public static void Set(int pid, int number, ulong soft, ulong hard)
    {
        ulong* limit = stackalloc ulong[] { soft, hard };
        if (prlimit(pid, number, limit, null) != 0)
            throw LinuxException.FromLastError("prlimit", $"{NameOf(number)} of process {pid}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prlimit(int pid, int resource, ulong* limit, ulong* before);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, ulong* limit);
}
