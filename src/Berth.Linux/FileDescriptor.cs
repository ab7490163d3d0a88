using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Berth.Linux;

/// <summary>An open descriptor of any kind (file, directory, O_PATH, pipe, namespace, socket). Owned by who opened it.</summary>
/// <remarks>Always opened close-on-exec. close(2) is called once, also when it is interrupted.</remarks>
public sealed partial class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    /// <summary>For the marshaller: the handle is set by the call that returns it.</summary>
    public FileDescriptor() : base(ownsHandle: true) { }

    /// <summary>Takes over a descriptor number.</summary>
    public FileDescriptor(int descriptor, bool ownsHandle = true) : base(ownsHandle) => SetHandle(descriptor);

    /// <summary>The number, for calls that take several descriptors or a <c>/proc/self/fd</c> path. Valid while this is open.</summary>
    public int Number => (int)handle;

    /// <summary>A second descriptor of the same open file, the caller's to dispose.</summary>
    /// <exception cref="LinuxException">EMFILE: out of descriptors.</exception>
    public FileDescriptor Duplicate()
    {
        const int F_DUPFD_CLOEXEC = 1030;
        int copy = fcntl(Number, F_DUPFD_CLOEXEC, 0);
        return copy >= 0 ? new FileDescriptor(copy) : throw LinuxException.FromLastError("fcntl", $"descriptor {Number}");
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => close((int)handle) == 0;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, nint argument);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
