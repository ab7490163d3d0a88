using System.Runtime.InteropServices;

namespace Berth.Linux.Terminals;

/// <summary>Whether a descriptor is a terminal, and how large it is.</summary>
/// <remarks>isatty(3), ioctl_tty(2).</remarks>
public static partial class TerminalCalls
{
    private const nuint TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414;

    /// <summary>True if the descriptor is a terminal.</summary>
    public static bool IsTerminal(int descriptor) => isatty(descriptor) == 1;

    /// <summary>Columns and rows of a terminal; false if it is none.</summary>
    public static unsafe bool TryGetSize(int descriptor, out int columns, out int rows)
    {
        ushort* size = stackalloc ushort[4];
        bool known = ioctl(descriptor, TIOCGWINSZ, size) == 0;
        (rows, columns) = known ? (size[0], size[1]) : (0, 0);
        return known;
    }

    /// <summary>Sets a terminal's size; false if it is none.</summary>
    public static unsafe bool TrySetSize(int descriptor, int columns, int rows)
    {
        ushort* size = stackalloc ushort[4];
        (size[0], size[1], size[2], size[3]) = ((ushort)rows, (ushort)columns, 0, 0);
        return ioctl(descriptor, TIOCSWINSZ, size) == 0;
    }

    [LibraryImport("libc")]
    private static partial int isatty(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int ioctl(int fd, nuint request, void* argument);
}

/// <summary>The settings of a terminal: line editing, echo, signals from keys.</summary>
/// <remarks>termios(3). The structure is kept as bytes and changed by the C library, so its layout is not repeated here.</remarks>
public sealed partial class TerminalSettings
{
    // struct termios: 60 bytes; room for other C libraries.
    private const int Size = 128;
    private const int TCSANOW = 0;
    private const int LocalFlagsOffset = 12;
    private const uint ECHO = 0x8;

    private readonly byte[] _termios;

    private TerminalSettings(byte[] termios) => _termios = termios;

    /// <summary>The settings now.</summary>
    /// <exception cref="LinuxException">ENOTTY: not a terminal.</exception>
    public static unsafe TerminalSettings Get(int descriptor)
    {
        byte[] termios = new byte[Size];
        fixed (byte* bytes = termios)
        {
            if (tcgetattr(descriptor, bytes) != 0)
                throw LinuxException.FromLastError("tcgetattr", $"descriptor {descriptor}");
        }
        return new TerminalSettings(termios);
    }

    /// <summary>These settings without line editing, echo, signals and output processing.</summary>
    public unsafe TerminalSettings Raw()
    {
        byte[] copy = [.. _termios];
        fixed (byte* bytes = copy)
            cfmakeraw(bytes);
        return new TerminalSettings(copy);
    }

    /// <summary>These settings without echo; lines are still edited and control-C still interrupts.</summary>
    public TerminalSettings WithoutEcho()
    {
        byte[] copy = [.. _termios];
        uint flags = BitConverter.ToUInt32(copy, LocalFlagsOffset) & ~ECHO;
        BitConverter.TryWriteBytes(copy.AsSpan(LocalFlagsOffset), flags);
        return new TerminalSettings(copy);
    }

    /// <summary>Sets them at once.</summary>
    /// <exception cref="LinuxException">ENOTTY: not a terminal; EIO: its other side is gone.</exception>
    public unsafe void Apply(int descriptor)
    {
        fixed (byte* bytes = _termios)
        {
            if (tcsetattr(descriptor, TCSANOW, bytes) != 0)
                throw LinuxException.FromLastError("tcsetattr", $"descriptor {descriptor}");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int tcgetattr(int fd, byte* termios);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int tcsetattr(int fd, int actions, byte* termios);

    [LibraryImport("libc")]
    private static unsafe partial void cfmakeraw(byte* termios);
}
