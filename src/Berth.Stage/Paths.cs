using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>
/// Paths of a hostile root, resolved by the kernel beneath the root's descriptor (openat2, RESOLVE_IN_ROOT): a link points
/// inside whatever it says, and what is done next is done on the descriptor that came out, never on the path again.
/// </summary>
internal static unsafe class Paths
{
    private const int LinksMax = 8;
    private const int LinkBytesMax = 4096;

    public static int Open(Child* child, byte* path, int flags, ulong more = 0)
    {
        while (*path == (byte)'/')
            path++;
        OpenHow how = new()
        {
            Flags = (ulong)(uint)(flags | K.O_CLOEXEC),
            Resolve = K.RESOLVE_IN_ROOT | K.RESOLVE_NO_MAGICLINKS | more,
        };
        return OpenAt2(child->Root, *path == 0 ? Z("."u8) : path, &how);
    }

    /// <summary>Opens (O_PATH) a directory or file and makes it, with parents, if missing. Negative: the error.</summary>
    public static int Ensure(Child* child, byte* path, bool directory, ulong more = 0, int links = 0)
    {
        int found = Open(child, path, K.O_PATH, more);
        if (found != -K.ENOENT)
            return found;
        byte* slash = LastSlash(path);
        if (slash == null || slash[1] == 0)
            return -K.ENOENT;
        *slash = 0;
        int parent = slash == path ? Open(child, Z("/"u8), K.O_PATH) : Ensure(child, path, directory: true, more, links);
        *slash = (byte)'/';
        if (parent < 0)
            return parent;
        int made = Make(parent, slash + 1, directory);
        if (made == -K.EEXIST)
            made = FollowDangling(child, path, slash, parent, directory, more, links);
        else if (made >= 0)
            made = Open(child, path, K.O_PATH, more);
        Close(parent);
        return made;
    }

    private static int Make(int parent, byte* name, bool directory)
    {
        if (directory)
            return MakeDirectory(parent, name, 0x1ED);
        int file = OpenAt(parent, name, K.O_CREAT | K.O_EXCL | K.O_NOFOLLOW | K.O_WRONLY | K.O_CLOEXEC, 0x1A4);
        if (file >= 0)
            Close(file);
        return file < 0 ? file : 0;
    }

    /// <summary>A link to what is not there yet, such as <c>/etc/resolv.conf</c> of systemd images: make what it names, inside.</summary>
    private static int FollowDangling(Child* child, byte* path, byte* slash, int parent, bool directory, ulong more, int links)
    {
        if (links == LinksMax || (more & K.RESOLVE_NO_SYMLINKS) != 0)
            return -K.ELOOP;
        byte* target = stackalloc byte[LinkBytesMax * 2];
        byte* link = stackalloc byte[LinkBytesMax];
        long length = ReadLink(parent, slash + 1, link, LinkBytesMax - 1);
        if (length < 0)
            return (int)length;
        link[length] = 0;
        byte* end = target;
        *end = 0;
        if (link[0] != (byte)'/')
        {
            *slash = 0;
            if (Text.Length(path) >= LinkBytesMax - 2)
                return -K.ELOOP;
            end = Text.Append(end, path);
            *slash = (byte)'/';
            end = Text.Append(end, Z("/"u8));
        }
        Text.Append(end, link);
        return Ensure(child, target, directory, more, links + 1);
    }

    /// <summary>Opens the parent of a path; <paramref name="name"/> is its last component. The parent must exist or is made.</summary>
    public static int Parent(Child* child, byte* path, byte** name)
    {
        byte* slash = LastSlash(path);
        *name = slash + 1;
        if (slash == path)
            return Open(child, Z("/"u8), K.O_PATH);
        *slash = 0;
        int parent = Ensure(child, path, directory: true);
        *slash = (byte)'/';
        return parent;
    }

    private static byte* LastSlash(byte* path)
    {
        byte* last = null;
        for (; *path != 0; path++)
        {
            if (*path == (byte)'/')
                last = path;
        }
        return last;
    }
}
