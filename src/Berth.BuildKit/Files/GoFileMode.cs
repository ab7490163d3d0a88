using Berth.Linux.Files;

namespace Berth.BuildKit.Files;

/// <summary>Modes as Go's <c>os.FileMode</c> packs them: permissions below, what a file is above.</summary>
/// <remarks>Go, package io/fs, "FileMode".</remarks>
internal static class GoFileMode
{
    private const uint Directory = 1u << 31;
    private const uint SymbolicLink = 1u << 27;
    private const uint Device = 1u << 26;
    private const uint NamedPipe = 1u << 25;
    private const uint Socket = 1u << 24;
    private const uint SetUser = 1u << 23;
    private const uint SetGroup = 1u << 22;
    private const uint CharacterDevice = 1u << 21;
    private const uint Sticky = 1u << 20;
    private const uint Irregular = 1u << 19;
    private const uint TypeBits = Directory | SymbolicLink | Device | NamedPipe | Socket | CharacterDevice | Irregular;

    /// <summary>The kernel's form: S_IF type and permissions; null for what the kernel has no type for.</summary>
    public static int? ToKernel(uint mode)
    {
        int? type = (mode & TypeBits) switch
        {
            0 => FileCalls.S_IFREG,
            Directory => FileCalls.S_IFDIR,
            SymbolicLink => FileCalls.S_IFLNK,
            NamedPipe => FileCalls.S_IFIFO,
            Socket => FileCalls.S_IFSOCK,
            Device => FileCalls.S_IFBLK,
            Device | CharacterDevice => FileCalls.S_IFCHR,
            _ => null,
        };
        int bits = (int)(mode & 0x1FF) | Bit(SetUser, 0x800) | Bit(SetGroup, 0x400) | Bit(Sticky, 0x200);
        return type | bits;

        int Bit(uint flag, int kernel) => (mode & flag) != 0 ? kernel : 0;
    }

    /// <summary>Go's form of what the kernel says.</summary>
    public static uint FromKernel(FileStatus status)
    {
        uint type = status.Type switch
        {
            FileCalls.S_IFDIR => Directory,
            FileCalls.S_IFLNK => SymbolicLink,
            FileCalls.S_IFIFO => NamedPipe,
            FileCalls.S_IFSOCK => Socket,
            FileCalls.S_IFBLK => Device,
            FileCalls.S_IFCHR => Device | CharacterDevice,
            _ => 0,
        };
        return type | (uint)(status.Mode & 0x1FF) | Bit(0x800, SetUser) | Bit(0x400, SetGroup) | Bit(0x200, Sticky);

        uint Bit(int kernel, uint flag) => (status.Mode & kernel) != 0 ? flag : 0;
    }
}
