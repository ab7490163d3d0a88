using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>Pseudo-terminals of the container's own devpts; the master goes to the monitor as a descriptor.</summary>
internal static unsafe class Terminals
{
    private const uint DevptsMagic = 0x1cd1;

    /// <summary>The first process's terminal, shown inside as <c>/dev/console</c>. Returns the slave.</summary>
    public static int OpenFirst(Child* child)
    {
        if (child->Terminals < 0)
            OpenMounted(child);
        int master = OpenAt(child->Terminals, Z("ptmx"u8), K.O_RDWR | K.O_NOCTTY | K.O_CLOEXEC);
        Tell.Check(child, master, Place.Console, Z("/dev/pts/ptmx"u8));
        CheckMultiplexer(child, master);
        int slave = Slave(child, master);
        int number;
        Tell.Check(child, Ioctl(master, K.TIOCGPTN, &number), Place.Console, Z("TIOCGPTN"u8));
        byte* name = stackalloc byte[32];
        Text.Append(name, number);
        int tree = OpenTree(child->Terminals, name, K.OPEN_TREE_CLONE | K.OPEN_TREE_CLOEXEC);
        Tell.Check(child, tree, Place.Console, name);
        byte* path = stackalloc byte[16];
        Text.Append(path, Z("/dev/console"u8));
        // A link here would put the terminal over something else (CVE-2025-52565).
        int place = Paths.Ensure(child, path, directory: false, K.RESOLVE_NO_SYMLINKS);
        Tell.Check(child, place, Place.Console, path);
        Tell.Check(child, MoveMount(tree, Z(""u8), place, Z(""u8), K.MOVE_MOUNT_EMPTY), Place.Console, path);
        Close(place);
        Close(tree);
        HandOver(child, master);
        return slave;
    }

    /// <summary>Without a devpts of the container's own, what another mount brought with it, such as the host's <c>/dev</c>.</summary>
    private static void OpenMounted(Child* child)
    {
        byte* path = Z("/dev/pts"u8);
        child->Terminals = Paths.Open(child, path, K.O_PATH | K.O_DIRECTORY, K.RESOLVE_NO_SYMLINKS);
        Tell.Check(child, child->Terminals, Place.Console, path);
    }

    /// <summary>A further process's terminal. The container is hostile by now: what is opened must be devpts' own multiplexer.</summary>
    public static int OpenFurther(Child* child)
    {
        OpenHow how = new()
        {
            Flags = K.O_RDWR | K.O_NOCTTY | K.O_CLOEXEC,
            Resolve = K.RESOLVE_NO_SYMLINKS | K.RESOLVE_NO_MAGICLINKS,
        };
        int master = OpenAt2(K.AtCwd, Z("/dev/pts/ptmx"u8), &how);
        Tell.Check(child, master, Place.Console, Z("/dev/pts/ptmx"u8));
        CheckMultiplexer(child, master);
        int slave = Slave(child, master);
        HandOver(child, master);
        return slave;
    }

    private static void CheckMultiplexer(Child* child, int master)
    {
        Stat stat;
        Tell.Check(child, Fstat(master, &stat), Place.Console, null);
        long* system = stackalloc long[20];
        Tell.Check(child, FstatFs(master, system), Place.Console, null);
        if ((stat.Mode & K.S_IFMT) != K.S_IFCHR || stat.SpecialDevice != 0x502 || system[0] != DevptsMagic)
            Tell.Fail(child, Place.Console, K.EPROTO, Z("/dev/pts/ptmx"u8));
    }

    private static int Slave(Child* child, int master)
    {
        Tell.Check(child, master, Place.Console, Z("ptmx"u8));
        int unlocked = 0;
        Tell.Check(child, Ioctl(master, K.TIOCSPTLCK, &unlocked), Place.Console, Z("TIOCSPTLCK"u8));
        // The peer by descriptor: no path that could be something else.
        int slave = Ioctl(master, K.TIOCGPTPEER, (void*)(K.O_RDWR | K.O_NOCTTY | K.O_CLOEXEC));
        Tell.Check(child, slave, Place.Console, Z("TIOCGPTPEER"u8));
        SetSize(master, child->Plan->Rows, child->Plan->Columns);
        return slave;
    }

    public static int SetSize(int master, ushort rows, ushort columns)
    {
        ushort* size = stackalloc ushort[4];
        size[0] = rows;
        size[1] = columns;
        size[2] = size[3] = 0;
        return Ioctl(master, K.TIOCSWINSZ, size);
    }

    private static void HandOver(Child* child, int master)
    {
        Report report;
        Tell.Fill(&report, Packet.Attach, Place.Console, 0, null);
        Vector vector = new() { Base = &report, Length = sizeof(Report) };
        ControlRights rights = new() { Length = 20, Level = 1, Type = 1, Descriptor = master };
        MessageHeader message = new()
        {
            Vectors = &vector, VectorCount = 1, Control = &rights, ControlLength = sizeof(ControlRights),
        };
        Tell.Check(child, SendMessage(child->Sync, &message, 0), Place.Console, Z("sendmsg"u8));
        Close(master);
    }
}
