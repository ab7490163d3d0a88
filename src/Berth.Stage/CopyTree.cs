using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>
/// <c>tmpcopyup</c>: what a directory of the root holds is copied into the file system that will hide it. The tree is hostile: every
/// name is opened beneath its parent's descriptor and never followed.
/// </summary>
internal static unsafe class CopyTree
{
    private const int DepthMax = 64;
    private const int ListBytes = 4096;
    private const long ChunkBytes = 1 << 20;

    public static void Run(Child* child, int from, int to, byte* what)
    {
        int source = OpenAt(from, Z("."u8), K.O_DIRECTORY | K.O_CLOEXEC);
        Tell.Check(child, source, Place.CopyUp, what);
        int target = OpenAt(to, Z("."u8), K.O_DIRECTORY | K.O_CLOEXEC);
        Tell.Check(child, target, Place.CopyUp, what);
        Tell.Check(child, Entries(source, target, 0), Place.CopyUp, what);
        Close(source);
        Close(target);
    }

    private static int Entries(int source, int target, int depth)
    {
        if (depth == DepthMax)
            return -K.ELOOP;
        byte* list = stackalloc byte[ListBytes];
        long count;
        while ((count = ListDirectory(source, list, ListBytes)) > 0)
        {
            for (long at = 0; at < count; at += *(ushort*)(list + at + 16))
            {
                // struct linux_dirent64: inode, offset, length of the record, type, name.
                byte* name = list + at + 19;
                if (Text.Same(name, Z("."u8)) || Text.Same(name, Z(".."u8)))
                    continue;
                int copied = Entry(source, target, name, depth);
                if (copied < 0)
                    return copied;
            }
        }
        return (int)count;
    }

    private static int Entry(int source, int target, byte* name, int depth)
    {
        Stat stat;
        int result = StatAt(source, name, &stat);
        if (result < 0)
            return result;
        result = (stat.Mode & K.S_IFMT) switch
        {
            K.S_IFDIR => Folder(source, target, name, depth),
            K.S_IFREG => Regular(source, target, name),
            K.S_IFLNK => Link(source, target, name),
            _ => MakeNode(target, name, stat.Mode, stat.SpecialDevice),
        };
        if (result < 0)
            return result;
        result = ChangeOwnerAt(target, name, stat.User, stat.Group);
        return result < 0 || (stat.Mode & K.S_IFMT) == K.S_IFLNK ? result : ChangeModeAt(target, name, stat.Mode & 0xFFF);
    }

    private static int Folder(int source, int target, byte* name, int depth)
    {
        int made = MakeDirectory(target, name, 0x1C0);
        if (made < 0)
            return made;
        int from = OpenAt(source, name, K.O_DIRECTORY | K.O_NOFOLLOW | K.O_CLOEXEC);
        if (from < 0)
            return from;
        int to = OpenAt(target, name, K.O_DIRECTORY | K.O_NOFOLLOW | K.O_CLOEXEC);
        int result = to < 0 ? to : Entries(from, to, depth + 1);
        Close(from);
        if (to >= 0)
            Close(to);
        return result;
    }

    private static int Regular(int source, int target, byte* name)
    {
        int from = OpenAt(source, name, K.O_NOFOLLOW | K.O_NONBLOCK | K.O_NOCTTY | K.O_CLOEXEC);
        if (from < 0)
            return from;
        int to = OpenAt(target, name, K.O_WRONLY | K.O_CREAT | K.O_EXCL | K.O_NOFOLLOW | K.O_CLOEXEC, 0x180);
        long moved = to;
        while (to >= 0 && (moved = SendFile(to, from, ChunkBytes)) > 0)
        {
        }
        Close(from);
        if (to >= 0)
            Close(to);
        return (int)moved;
    }

    private static int Link(int source, int target, byte* name)
    {
        byte* text = stackalloc byte[ListBytes];
        long length = ReadLink(source, name, text, ListBytes - 1);
        if (length < 0)
            return (int)length;
        text[length] = 0;
        return Symlink(text, target, name);
    }
}
