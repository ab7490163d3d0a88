using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>
/// Devices for a container with a user namespace (docs/adr/0013-user-namespaces.md). Its root may make none, and the host's nodes belong to
/// nobody inside and cannot be shown otherwise, as devtmpfs has no idmapped mounts. So the machine's root makes them on a file system of
/// the machine's, with owners of the container.
/// </summary>
internal static unsafe class MappedNodes
{
    private const int NameBytes = 24;

    /// <summary>A new tmpfs on which devices work, mounted at a place: of what hangs nowhere, kernels before 6.15 clone nothing.</summary>
    /// <param name="child">The plan.</param>
    /// <param name="place">A directory.</param>
    /// <param name="attributes">MOUNT_ATTR_….</param>
    public static int Room(Child* child, byte* place, uint attributes)
    {
        byte* type = Z("tmpfs"u8);
        int context = FsOpen(type, 1);
        Tell.CheckMount(child, context, Place.MountMake, type, place, type);
        int set = FsConfig(context, K.FSCONFIG_SET_STRING, Z("mode"u8), Z("711"u8), 0);
        Tell.CheckMount(child, set, Place.MountOption, type, place, Z("mode"u8));
        Tell.CheckMount(child, FsConfig(context, K.FSCONFIG_CMD_CREATE, null, null, 0), Place.MountMake, type, place, type);
        int room = FsMount(context, 1, attributes);
        Tell.CheckMount(child, room, Place.MountMake, type, place, type);
        Close(context);
        Tell.CheckMount(child, MoveMount(room, Z(""u8), K.AtCwd, place, 4), Place.MountMove, type, place);
        return room;
    }

    /// <summary>Makes a step's device in a room; returns it as a mount that hangs nowhere.</summary>
    public static int Make(Child* child, int room, PlanStep* step, uint number)
    {
        byte* name = stackalloc byte[NameBytes];
        Text.Append(name, number);
        byte* target = child->At(step->Target);
        Tell.Check(child, MakeNode(room, name, step->Mode, step->Type), Place.Node, target);
        Tell.Check(child, ChangeOwnerAt(room, name, step->User, step->Group), Place.Node, target);
        Tell.Check(child, ChangeModeAt(room, name, step->Mode & 0xFFF), Place.Node, target);
        int tree = OpenTree(room, name, K.OPEN_TREE_CLONE | K.OPEN_TREE_CLOEXEC);
        Tell.Check(child, tree, Place.Node, target);
        return tree;
    }
}
