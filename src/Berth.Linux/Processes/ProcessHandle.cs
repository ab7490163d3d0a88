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

    /// <summary>Sends a signal; 0 only asks. False when the process has ended or may not be signalled, and when this has been disposed of:
    /// whoever held it has seen the end.</summary>
    public bool TrySignal(int signal)
    {
        bool added = false;
        try
        {
            DangerousAddRef(ref added);
            return syscall(PidFdSendSignalNumber, handle, signal, 0, 0) == 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            if (added)
                DangerousRelease();
        }
    }

    /// <summary>Waits until the process has ended, whoever its parent is.</summary>
    /// <param name="timeout">How long at most.</param>
    /// <returns>False when it still runs after that time.</returns>
    public bool WaitForEnd(TimeSpan timeout)
    {
        long until = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (true)
        {
            PollEntry entry = new() { Descriptor = (int)handle, Events = POLLIN };
            int ready = poll(&entry, 1, (int)Math.Clamp(until - Environment.TickCount64, 0, int.MaxValue));
            if (ready >= 0 || Marshal.GetLastPInvokeError() != Errno.EINTR)
                return ready > 0;
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => close((int)handle) == 0;

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, nint a, nint b, nint c, nint d);

    private const short POLLIN = 1;

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events, Returned;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollEntry* entries, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
