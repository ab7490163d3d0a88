using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Berth.Linux.Files;

/// <summary>System calls on files, relative to directory descriptors.</summary>
/// <remarks>
/// Paths are bytes that end in exactly one NUL; a path without it, or with another one inside, is an argument error, so that
/// foreign bytes never name something else than what was checked. Calls named <c>Try…</c> return an error number, 0 for
/// success, for callers that answer some refusals; the others throw <see cref="LinuxException"/>.
/// </remarks>
public static partial class FileCalls
{
    /// <summary>AT_FDCWD: relative paths start at the working directory, absolute ones at the root.</summary>
    public static FileDescriptor WorkingDirectory { get; } = new(-100, ownsHandle: false);

#pragma warning disable CS1591 // The names are those of open(2), openat2(2) and stat(2).
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NOCTTY = 0x100;
    public const int O_TRUNC = 0x200;
    public const int O_APPEND = 0x400;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public const int O_PATH = 0x200000;

    public const ulong RESOLVE_NO_XDEV = 0x01;
    public const ulong RESOLVE_NO_MAGICLINKS = 0x02;
    public const ulong RESOLVE_NO_SYMLINKS = 0x04;
    public const ulong RESOLVE_BENEATH = 0x08;
    public const ulong RESOLVE_IN_ROOT = 0x10;

    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_REMOVEDIR = 0x200;
    public const int AT_SYMLINK_FOLLOW = 0x400;
    public const int AT_EMPTY_PATH = 0x1000;

    public const int S_IFMT = 0xF000;
    public const int S_IFSOCK = 0xC000;
    public const int S_IFLNK = 0xA000;
    public const int S_IFREG = 0x8000;
    public const int S_IFBLK = 0x6000;
    public const int S_IFDIR = 0x4000;
    public const int S_IFCHR = 0x2000;
    public const int S_IFIFO = 0x1000;
#pragma warning restore CS1591

    // These three differ between x86-64 and arm64.

    /// <summary>open(2) O_DIRECTORY.</summary>
    public static int O_DIRECTORY { get; } = s_isArm ? 0x4000 : 0x10000;

    /// <summary>open(2) O_NOFOLLOW.</summary>
    public static int O_NOFOLLOW { get; } = s_isArm ? 0x8000 : 0x20000;

    /// <summary>open(2) O_TMPFILE.</summary>
    public static int O_TMPFILE { get; } = 0x400000 | (s_isArm ? 0x4000 : 0x10000);

    private static bool s_isArm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>A path for these calls: UTF-8 with its NUL.</summary>
    /// <exception cref="ArgumentException">The text holds a NUL.</exception>
    public static byte[] PathOf(string text)
    {
        byte[] path = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, path);
        Check(path);
        return path;
    }

    /// <summary>A path as text for messages; bytes that are not UTF-8 become replacement characters.</summary>
    public static string TextOf(ReadOnlySpan<byte> path) => Encoding.UTF8.GetString(path is [.., 0] ? path[..^1] : path);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Check(ReadOnlySpan<byte> path)
    {
        if (path.IndexOf((byte)0) != path.Length - 1 || path.IsEmpty)
            throw new ArgumentException("a path must end in its only NUL", nameof(path));
    }

    private static int ErrorOf(int result) => result < 0 ? Marshal.GetLastPInvokeError() : 0;

    private static void ThrowIf(int error, string call, ReadOnlySpan<byte> what)
    {
        if (error != 0)
            throw new LinuxException(call, TextOf(what), error);
    }
}
