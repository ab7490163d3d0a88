using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>Carries out the plan's steps in the new root, before the pivot.</summary>
internal static unsafe class Steps
{
    private const ulong AccessTimes = 0x70;
    private const int OptionBytesMax = 1024;
    private const int OptionValueMax = 255;

    public static void Run(Child* child)
    {
        PlanStep* steps = (PlanStep*)child->At(child->Plan->Steps);
        for (uint i = 0; i < child->Plan->StepCount; i++)
            Run(child, steps + i, child->At(steps[i].Target));
    }

    private static void Run(Child* child, PlanStep* step, byte* target)
    {
        switch (step->Kind)
        {
            case StepKind.Mount: Mount(child, step, target); break;
            case StepKind.Bind: Bind(child, step, target); break;
            case StepKind.Directory: MakeDirectories(child, target); break;
            case StepKind.Node: MakeNode(child, step, target); break;
            case StepKind.Link: MakeLink(child, step, target); break;
            case StepKind.Mask: Mask(child, target); break;
            case StepKind.ReadOnly: MakeReadOnly(child, step, target); break;
            case StepKind.Sysctl: SetParameter(child, step, target); break;
            case StepKind.Remount: Remount(child, step, target); break;
        }
    }

    private static void Mount(Child* child, PlanStep* step, byte* target)
    {
        byte* type = child->At(step->Type);
        bool takesOver = (step->Argument & (MountMark.CopyUp | MountMark.KeepMode)) != 0;
        // What is filled first becomes read-only afterwards.
        ulong later = takesOver ? step->Attributes & K.MOUNT_ATTR_RDONLY : 0;
        uint now = (uint)(step->Attributes & ~later);
        int mount = HasLongOption(child->At(step->Data)) ? OldMount.Make(child, step, now, target)
            : NewFileSystem(child, type, child->At(step->Source), child->At(step->Data), now, target);
        ulong links = (step->Argument & MountMark.OrdinaryDirectory) != 0 ? K.RESOLVE_NO_SYMLINKS : 0;
        int hidden = Paths.Open(child, target, K.O_PATH, links);
        int place = hidden >= 0 ? hidden : Paths.Ensure(child, target, directory: true, links);
        Tell.CheckMount(child, place, Place.MountPoint, child->At(step->Source), target);
        if (hidden >= 0 && takesOver)
            TakeOver(child, step, hidden, mount, target);
        SetAttributes(child, mount, later, 0, 0, target);
        Spread(child, step, mount, target);
        Hang(child, mount, place, child->At(step->Source), target);
        Close(place);
        if (Text.Same(type, Z("devpts"u8)))
            child->Terminals = mount;
        else
            Close(mount);
    }

    /// <summary>One that fsconfig(2) takes no more: values of 256 bytes and keys are refused.</summary>
    private static bool HasLongOption(byte* options)
    {
        int length = 0;
        for (; *options != 0 && length < OptionValueMax; options++)
            length = *options == (byte)',' ? 0 : length + 1;
        return length >= OptionValueMax;
    }

    /// <summary>Hangs a mount in. What the kernel calls invalid when one is a directory and the other is not, is said as mount(2) says
    /// it.</summary>
    private static void Hang(Child* child, int mount, int place, byte* source, byte* target)
    {
        int moved = MoveMount(mount, Z(""u8), place, Z(""u8), K.MOVE_MOUNT_EMPTY);
        if (moved == -K.EINVAL && IsDirectory(mount) != IsDirectory(place))
            moved = -K.ENOTDIR;
        Tell.CheckMount(child, moved, Place.MountMove, source, target);
    }

    private static bool IsDirectory(int file)
    {
        Stat stat;
        return Fstat(file, &stat) >= 0 && (stat.Mode & K.S_IFMT) == K.S_IFDIR;
    }

    /// <summary>What is hidden gives the new file system its contents, its root's mode, or both.</summary>
    private static void TakeOver(Child* child, PlanStep* step, int hidden, int mount, byte* target)
    {
        Stat stat;
        Tell.Check(child, Fstat(hidden, &stat), Place.CopyUp, target);
        if ((stat.Mode & K.S_IFMT) != K.S_IFDIR)
            return;
        if ((step->Argument & MountMark.CopyUp) != 0)
            CopyTree.Run(child, hidden, mount, target);
        int root = OpenAt(mount, Z("."u8), K.O_DIRECTORY | K.O_CLOEXEC);
        Tell.Check(child, root, Place.CopyUp, target);
        if ((step->Argument & MountMark.CopyUp) != 0)
            Tell.Check(child, ChangeOwner(root, stat.User, stat.Group), Place.CopyUp, target);
        if ((step->Argument & MountMark.KeepMode) != 0)
            Tell.Check(child, ChangeMode(root, stat.Mode & 0xFFF), Place.CopyUp, target);
        Close(root);
    }

    private static void Spread(Child* child, PlanStep* step, int mount, byte* target)
    {
        if (step->Propagation == 0)
            return;
        MountAttributes propagation = new() { Propagation = step->Propagation };
        uint deep = (step->Argument & MountMark.Shallow) != 0 ? 0 : K.AT_RECURSIVE;
        Tell.Check(child, SetMountAttributes(mount, Z(""u8), K.AT_EMPTY_PATH | deep, &propagation), Place.Propagation, target);
    }

    private static int NewFileSystem(Child* child, byte* type, byte* source, byte* options, uint attributes, byte* target)
    {
        int context = FsOpen(type, 1);
        Tell.CheckMount(child, context, Place.MountMake, source, target, type);
        if (*source != 0)
            FsConfig(context, K.FSCONFIG_SET_STRING, Z("source"u8), source, 0);
        byte* option = stackalloc byte[OptionBytesMax];
        while (*options != 0)
        {
            byte* value = null;
            int length = 0;
            for (; *options != 0 && *options != (byte)',' && length < OptionBytesMax - 1; options++)
            {
                option[length++] = *options;
                if (*options == (byte)'=' && value == null)
                {
                    option[length - 1] = 0;
                    value = option + length;
                }
            }
            option[length] = 0;
            if (*options == (byte)',')
                options++;
            int set = FsConfig(context, value == null ? K.FSCONFIG_SET_FLAG : K.FSCONFIG_SET_STRING, option, value, 0);
            if (set < 0 && value != null)
                value[-1] = (byte)'=';
            Tell.CheckMount(child, set, Place.MountOption, source, target, option);
        }
        Tell.CheckMount(child, FsConfig(context, K.FSCONFIG_CMD_CREATE, null, null, 0), Place.MountMake, source, target, type);
        int mount = FsMount(context, 1, attributes);
        Tell.CheckMount(child, mount, Place.MountMake, source, target, type);
        Close(context);
        return mount;
    }

    private static void Bind(Child* child, PlanStep* step, byte* target)
    {
        byte* source = child->At(step->Source);
        int tree = step->Mount != 0 ? step->Mount : BindSource(child, step, source);
        Tell.CheckMount(child, tree, Place.BindSource, source, target);
        Stat stat;
        Tell.CheckMount(child, Fstat(tree, &stat), Place.BindSource, source, target);
        Spread(child, step, tree, target);
        SetAttributes(child, tree, step->Attributes, step->Cleared, 0, target);
        SetAttributes(child, tree, step->DeepAttributes, step->DeepCleared, K.AT_RECURSIVE, target);
        int place = Paths.Ensure(child, target, (stat.Mode & K.S_IFMT) == K.S_IFDIR);
        Tell.CheckMount(child, place, Place.MountPoint, source, target);
        Hang(child, tree, place, source, target);
        Close(place);
        Close(tree);
    }

    /// <summary>What is beneath a source, such as a volume's subpath, belongs to whoever writes there: it is opened once, and what came
    /// out is mounted.</summary>
    public static int BindSource(Child* child, PlanStep* step, byte* source)
    {
        uint flags = K.OPEN_TREE_CLONE | K.OPEN_TREE_CLOEXEC | ((step->Argument & MountMark.Recursive) != 0 ? K.AT_RECURSIVE : 0);
        if (step->Type == 0)
            return OpenTree(K.AtCwd, source, flags);
        int directory = Sys.Open(source, K.O_PATH | K.O_DIRECTORY | K.O_CLOEXEC);
        if (directory < 0)
            return directory;
        OpenHow how = new()
        {
            Flags = K.O_PATH | K.O_CLOEXEC,
            Resolve = K.RESOLVE_BENEATH | K.RESOLVE_NO_SYMLINKS | K.RESOLVE_NO_MAGICLINKS,
        };
        int found = OpenAt2(directory, child->At(step->Type), &how);
        Close(directory);
        if (found < 0)
            return found;
        int tree = OpenTree(found, Z(""u8), flags | K.AT_EMPTY_PATH);
        Close(found);
        return tree;
    }

    /// <summary>Sets and clears a mount's attributes.</summary>
    public static void SetAttributes(
        Child* child, int tree, ulong set, ulong clear, uint deep, byte* target, Place at = Place.ReadOnly)
    {
        if ((set | clear) == 0)
            return;
        // The kinds of access times are one value of several bits: all of them are cleared to set one.
        ulong times = ((set | clear) & AccessTimes) != 0 ? AccessTimes : 0;
        MountAttributes attributes = new() { Set = set, Clear = clear | times };
        Tell.Check(child, SetMountAttributes(tree, Z(""u8), K.AT_EMPTY_PATH | deep, &attributes), at, target);
    }

    private static void MakeDirectories(Child* child, byte* target)
    {
        int directory = Paths.Ensure(child, target, directory: true);
        Tell.Check(child, directory, Place.Directory, target);
        Close(directory);
    }

    private static void MakeNode(Child* child, PlanStep* step, byte* target)
    {
        byte* name;
        int parent = Paths.Parent(child, target, &name);
        Tell.Check(child, parent, Place.Node, target);
        int made = Sys.MakeNode(parent, name, step->Mode, step->Argument);
        if (made != -K.EEXIST)
        {
            Tell.Check(child, made, Place.Node, target);
            Tell.Check(child, ChangeOwnerAt(parent, name, step->User, step->Group), Place.Node, target);
        }
        Close(parent);
    }

    private static void MakeLink(Child* child, PlanStep* step, byte* target)
    {
        byte* name;
        int parent = Paths.Parent(child, target, &name);
        Tell.Check(child, parent, Place.Link, target);
        int made = Symlink(child->At(step->Source), parent, name);
        if (made != -K.EEXIST)
            Tell.Check(child, made, Place.Link, target);
        Close(parent);
    }

    /// <summary>Hides a directory under an empty read-only one, anything else under the null device, whose identity is checked.</summary>
    private static void Mask(Child* child, byte* target)
    {
        int place = Paths.Open(child, target, K.O_PATH);
        if (place is -K.ENOENT or -K.ENOTDIR)
            return;
        Tell.Check(child, place, Place.Mask, target);
        Stat stat;
        Tell.Check(child, Fstat(place, &stat), Place.Mask, target);
        bool directory = (stat.Mode & K.S_IFMT) == K.S_IFDIR;
        bool first = directory && child->MaskDirectory < 0;
        int tree = first ? EmptyDirectory(child) : OpenTree(directory ? child->MaskDirectory : NullDevice(child), Z(""u8),
            K.OPEN_TREE_CLONE | K.OPEN_TREE_CLOEXEC | K.AT_EMPTY_PATH);
        Tell.Check(child, tree, Place.Mask, target);
        MountAttributes attributes = new() { Set = K.MOUNT_ATTR_RDONLY | K.MOUNT_ATTR_NOSUID | K.MOUNT_ATTR_NOEXEC };
        Tell.Check(child, SetMountAttributes(tree, Z(""u8), K.AT_EMPTY_PATH, &attributes), Place.Mask, target);
        Tell.Check(child, MoveMount(tree, Z(""u8), place, Z(""u8), K.MOVE_MOUNT_EMPTY), Place.Mask, target);
        // The first is what the others are copied from: kernels before 6.15 copy nothing that is mounted nowhere.
        if (first)
            child->MaskDirectory = tree;
        else
            Close(tree);
        Close(place);
    }

    private static int EmptyDirectory(Child* child) =>
        NewFileSystem(child, Z("tmpfs"u8), Z("tmpfs"u8), Z("nr_blocks=1,nr_inodes=1,mode=755"u8),
            K.MOUNT_ATTR_RDONLY | K.MOUNT_ATTR_NOSUID | K.MOUNT_ATTR_NODEV | K.MOUNT_ATTR_NOEXEC, Z("/"u8));

    private static int NullDevice(Child* child)
    {
        if (child->MaskFile < 0)
        {
            child->MaskFile = Sys.Open(Z("/dev/null"u8), K.O_PATH | K.O_NOFOLLOW | K.O_CLOEXEC);
            Tell.Check(child, child->MaskFile, Place.Mask, Z("/dev/null"u8));
            if (!Launch.IsNullDevice(child->MaskFile))
                Tell.Fail(child, Place.Mask, K.EPROTO, Z("/dev/null"u8));
        }
        return child->MaskFile;
    }

    private static void MakeReadOnly(Child* child, PlanStep* step, byte* target)
    {
        int place = Paths.Open(child, target, K.O_PATH);
        if (place is -K.ENOENT or -K.ENOTDIR)
            return;
        Tell.Check(child, place, Place.ReadOnly, target);
        int tree = OpenTree(place, Z(""u8),
            K.OPEN_TREE_CLONE | K.OPEN_TREE_CLOEXEC | K.AT_EMPTY_PATH | K.AT_RECURSIVE);
        Tell.Check(child, tree, Place.ReadOnly, target);
        MountAttributes attributes = new() { Set = step->Attributes };
        int set = SetMountAttributes(tree, Z(""u8), K.AT_EMPTY_PATH | K.AT_RECURSIVE, &attributes);
        Tell.Check(child, set, Place.ReadOnly, target);
        Tell.Check(child, MoveMount(tree, Z(""u8), place, Z(""u8), K.MOVE_MOUNT_EMPTY), Place.ReadOnly, target);
        Close(tree);
        Close(place);
    }

    /// <summary>Through a procfs that is mounted nowhere: nothing in the root can stand in for <c>/proc/sys</c>.</summary>
    private static void SetParameter(Child* child, PlanStep* step, byte* target)
    {
        // Whoever is not the machine's root may have no procfs of the machine's processes, but is still where the machine's is mounted.
        int process = child->Has(PlanFlags.UserAttributes) ? Sys.Open(Z("/proc"u8), K.O_PATH | K.O_DIRECTORY | K.O_CLOEXEC)
            : NewFileSystem(child, Z("proc"u8), Z("proc"u8), Z(""u8), 0, Z("/proc"u8));
        Tell.Check(child, process, Place.Sysctl, target);
        OpenHow how = new()
        {
            Flags = K.O_WRONLY | K.O_CLOEXEC,
            Resolve = K.RESOLVE_BENEATH | K.RESOLVE_NO_SYMLINKS | K.RESOLVE_NO_XDEV,
        };
        int file = OpenAt2(process, target, &how);
        Tell.Check(child, file, Place.Sysctl, target);
        byte* value = child->At(step->Source);
        Tell.Check(child, Write(file, value, Text.Length(value)), Place.SysctlWrite, target);
        Close(file);
        Close(process);
    }

    private static void Remount(Child* child, PlanStep* step, byte* target)
    {
        int place = Paths.Open(child, target, K.O_PATH);
        Tell.Check(child, place, Place.Remount, target);
        SetAttributes(child, place, step->Attributes, step->Cleared, 0, target, Place.Remount);
        SetAttributes(child, place, step->DeepAttributes, step->DeepCleared, K.AT_RECURSIVE, target, Place.Remount);
        Spread(child, step, place, target);
        Close(place);
    }
}
