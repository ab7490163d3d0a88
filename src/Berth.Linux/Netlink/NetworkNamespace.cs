using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Berth.Linux;

/// <summary>Makes network namespaces and works in them, on threads of their own that end with the work.</summary>
/// <remarks>network_namespaces(7), setns(2), unshare(2). A socket stays in the namespace it was opened in, whichever thread uses it;
/// <c>/proc/sys/net</c> shows that of the thread that opens the file.</remarks>
public static unsafe partial class NetworkNamespace
{
    private const int CLONE_NEWNET = 0x40000000;
    private const int O_CLOEXEC = 0x80000;

    /// <summary>Opens the namespace of the calling thread.</summary>
    public static FileDescriptor OpenOwn() => Open("/proc/thread-self/ns/net");

    /// <summary>Opens the namespace of a process.</summary>
    /// <exception cref="LinuxException">ENOENT: no such process.</exception>
    public static FileDescriptor OpenOf(int pid) => Open($"/proc/{pid}/ns/net");

    /// <summary>Makes a namespace with nothing but a loopback link that is down, and prepares it.</summary>
    /// <param name="prepare">Runs in the new namespace.</param>
    /// <exception cref="LinuxException">EPERM: no privilege. ENOSPC: too many namespaces.</exception>
    public static (FileDescriptor Namespace, T Prepared) Create<T>(Func<T> prepare) => OnOwnThread(() =>
    {
        if (unshare(CLONE_NEWNET) != 0)
            throw LinuxException.FromLastError("unshare", "network namespace");
        FileDescriptor created = OpenOwn();
        try
        {
            return (created, prepare());
        }
        catch
        {
            created.Dispose();
            throw;
        }
    });

    /// <summary>Does short work in a namespace and returns when it is done. Blocks; not for work that waits.</summary>
    /// <param name="target">The namespace; null: the process's own, on the calling thread.</param>
    /// <param name="work">The work; it must not go on to other threads.</param>
    /// <exception cref="LinuxException">EPERM: no privilege in that namespace.</exception>
    public static T Run<T>(FileDescriptor? target, Func<T> work)
    {
        if (target is null)
            return work();
        return OnOwnThread(() => setns(target, CLONE_NEWNET) == 0
            ? work()
            : throw LinuxException.FromLastError("setns", "network namespace"));
    }

    private static T OnOwnThread<T>(Func<T> work)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        // The thread is not given back to a pool: it ends in whatever namespace it went to.
        Thread thread = new(() =>
        {
            try
            {
                result = work();
            }
#pragma warning disable CA1031 // This is the top of a thread: the caller gets the exception.
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
#pragma warning restore CA1031
        }, maxStackSize: 256 * 1024) { IsBackground = true };
        thread.UnsafeStart();
        thread.Join();
        failure?.Throw();
        return result;
    }

    private static FileDescriptor Open(string path)
    {
        int descriptor = open(path, O_CLOEXEC, 0);
        return descriptor < 0 ? throw LinuxException.FromLastError("open", path) : new FileDescriptor(descriptor);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(FileDescriptor descriptor, int type);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, uint mode);
}
