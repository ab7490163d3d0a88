using System.Runtime.InteropServices;

namespace Berth.Linux.Processes;

/// <summary>Signals by their numbers. signal(7), the numbers of x86-64 and arm64; kill(2).</summary>
public static partial class Signals
{
#pragma warning disable CS1591 // The names are signal(7)'s own.
    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGQUIT = 3;
    public const int SIGILL = 4;
    public const int SIGBUS = 7;
    public const int SIGFPE = 8;
    public const int SIGKILL = 9;
    public const int SIGUSR1 = 10;
    public const int SIGSEGV = 11;
    public const int SIGUSR2 = 12;
    public const int SIGPIPE = 13;
    public const int SIGTERM = 15;
    public const int SIGCHLD = 17;
    public const int SIGCONT = 18;
    public const int SIGSTOP = 19;
    public const int SIGTTIN = 21;
    public const int SIGTTOU = 22;
    public const int SIGURG = 23;
    public const int SIGWINCH = 28;
    public const int SIGSYS = 31;
#pragma warning restore CS1591

    /// <summary>Sends a signal to whatever process has that pid now; false when there is none or it may not be signalled. Where a
    /// pid may have been reused, use a pidfd instead.</summary>
    public static bool TrySend(int pid, int signal) => kill(pid, signal) == 0;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);
}
