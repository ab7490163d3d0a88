using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Berth.Linux.Processes;

/// <summary>One process and no other: unlike a pid, an open pidfd is never reused by the kernel.</summary>
/// <remarks>pidfd_open(2), pidfd_send_signal(2), Linux 5.3.</remarks>
public sealed unsafe partial class ProcessHandle : SafeHandleMinusOneIsInvalid
{
    private const long PidFdOpenNumber = 434;
    private const long PidFdSendSignalNumber = 424;

    private ProcessHandle(int descriptor) : base(ownsHandle: true) => SetHandle(descriptor);

    /// <summary>The number, to hand to a process that is started.</summary>
    public int Number => (int)handle;

    /// <summary>Opens a process; null when there is none with that pid.</summary>
    /// <exception cref="LinuxException">EMFILE: out of descriptors. ENOSYS: a kernel before 5.3.</exception>
    public static ProcessHandle? Open(int pid)
    {
        long descriptor = syscall(PidFdOpenNumber, pid, 0, 0, 0);
        if (descriptor >= 0)
            return new ProcessHandle((int)descriptor);
        return Marshal.GetLastPInvokeError() == Errno.ESRCH ? null : throw LinuxException.FromLastError("pidfd_open", $"pid {pid}");
    }

    /// <summary>Sends a signal; 0 only asks. False when the process has ended or may not be signalled.</summary>
    public bool TrySignal(int signal)
    {
        bool added = false;
        try
        {
            DangerousAddRef(ref added);
            return syscall(PidFdSendSignalNumber, handle, signal, 0, 0) == 0;
        }
        finally
        {
            if (added)
                DangerousRelease();
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => close((int)handle) == 0;

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint a, nint b, nint c, nint d);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
