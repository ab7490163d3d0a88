using System.Runtime.InteropServices;
using System.Text;
using Berth.Linux.Processes;

namespace Berth.Linux.Mounts;

/// <summary>Mounts that stand in no namespace: they are reached through their descriptor alone and end with it, also when the
/// process is killed.</summary>
/// <remarks>fsopen(2), fsconfig(2), fsmount(2), Linux 5.2; <c>lowerdir+</c> of overlayfs, Linux 6.7.</remarks>
public static unsafe partial class DetachedMount
{
    private const long FsOpen = 430;
    private const long FsConfig = 431;
    private const long FsMount = 432;
    private const uint FSOPEN_CLOEXEC = 1;
    private const uint FSCONFIG_SET_FLAG = 0;
    private const uint FSCONFIG_SET_STRING = 1;
    private const uint FSCONFIG_CMD_CREATE = 6;
    private const uint FSMOUNT_CLOEXEC = 1;

    /// <summary>Mounts an overlay.</summary>
    /// <param name="lower">Lower directories, topmost first; at least one.</param>
    /// <param name="upper">The upper directory.</param>
    /// <param name="work">The work directory, empty and on the same file system.</param>
    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    public static FileDescriptor Overlay(IReadOnlyList<string> lower, string upper, string work)
    {
        using FileDescriptor context = new(Checked("fsopen", "overlay", syscall(FsOpen, "overlay\0"u8, FSOPEN_CLOEXEC)));
        foreach (string directory in lower)
            Set(context, "lowerdir+\0"u8, directory);
        Set(context, "upperdir\0"u8, upper);
        Set(context, "workdir\0"u8, work);
        if (!UserNamespace.IsInitial)
            SetFlag(context, "userxattr\0"u8);
        Checked("fsconfig", "overlay", syscall(FsConfig, context.Number, FSCONFIG_CMD_CREATE, null, null, 0));
        return new FileDescriptor(Checked("fsmount", "overlay", syscall(FsMount, context.Number, FSMOUNT_CLOEXEC, 0)));
    }

    private static void Set(FileDescriptor context, ReadOnlySpan<byte> key, string value)
    {
        byte[] text = Encoding.UTF8.GetBytes(value + "\0");
        fixed (byte* name = key, content = text)
            Checked("fsconfig", value, syscall(FsConfig, context.Number, FSCONFIG_SET_STRING, name, content, 0));
    }

    private static void SetFlag(FileDescriptor context, ReadOnlySpan<byte> key)
    {
        fixed (byte* name = key)
            Checked("fsconfig", "userxattr", syscall(FsConfig, context.Number, FSCONFIG_SET_FLAG, name, null, 0));
    }

    private static int Checked(string call, string what, long result) =>
        result >= 0 ? (int)result : throw LinuxException.FromLastError(call, what);

    private static long syscall(long number, ReadOnlySpan<byte> name, uint flags)
    {
        fixed (byte* text = name)
            return syscall(number, text, flags);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, byte* name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, int descriptor, uint command, byte* key, byte* value, int auxiliary);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, int descriptor, uint flags, uint attributes);
}
