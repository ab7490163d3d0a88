using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>
/// A container with a user namespace by another runtime (docs/adr/0014-any-oci-runtime.md). What its root could not walk to, and what has
/// to be shown through its id maps, which most runtimes cannot, is mounted by us before, in our own mount namespace, on a file system where
/// everybody may walk. The runtime is told of the names there.
/// </summary>
internal static unsafe class ExternalMapping
{
    private const uint RoomAttributes = K.MOUNT_ATTR_NOSUID | K.MOUNT_ATTR_NOEXEC;

    /// <summary>Mounts the root, and every step's source under its target's name.</summary>
    public static void Bring(Child* child)
    {
        PlanHeader* plan = child->Plan;
        PlanStep* steps = (PlanStep*)child->At(plan->Steps);
        Tell.Check(child, Mount(Z("none"u8), Z("/"u8), null, plan->RootPropagation, null), Place.Propagation, null);
        uint mask = Umask(0);
        // All sources are opened before something covers them.
        for (uint i = 0; i < plan->StepCount; i++)
            if ((steps[i].Argument & (MountMark.Node | MountMark.Layers)) == 0)
                steps[i].Mount = Source(child, steps + i);
        for (uint i = 0; i < plan->StepCount; i++)
            if ((steps[i].Argument & MountMark.Layers) != 0)
                steps[i].Mount = Mapping.View(child, (uint*)child->At(steps[i].Data), steps[i].Mode, plan->MapsDescriptor);
        int root = Mapping.MakeRoot(child, plan->MapsDescriptor);
        SetFileUser(0);
        SetFileGroup(0);
        int room = MappedNodes.Room(child, child->At(plan->Room), RoomAttributes);
        byte* place = child->At(plan->RoomRoot);
        Tell.Check(child, MoveMount(root, Z(""u8), K.AtCwd, place, 4), Place.Root, place);
        Close(root);
        for (uint i = 0; i < plan->StepCount; i++)
            Hang(child, room, steps + i, i);
        Umask(mask);
        Close(room);
        Close(plan->MapsDescriptor);
    }

    private static int Source(Child* child, PlanStep* step)
    {
        byte* source = child->At(step->Source);
        int tree = Steps.BindSource(child, step, source);
        Tell.CheckMount(child, tree, Place.BindSource, source, child->At(step->Target));
        if ((step->Argument & MountMark.Mapped) != 0)
        {
            uint deep = (step->Argument & MountMark.MappedDeep) != 0 ? K.AT_RECURSIVE : 0;
            Mapping.MapOwners(child, tree, child->Plan->MapsDescriptor, deep, source);
        }
        return tree;
    }

    // Attributes are set here: in its user namespace the runtime may change none that the source has.
    private static void Hang(Child* child, int room, PlanStep* step, uint number)
    {
        byte* name = child->At(step->Target);
        int tree = (step->Argument & MountMark.Node) != 0 ? MappedNodes.Make(child, room, step, number) : step->Mount;
        Steps.SetAttributes(child, tree, step->Attributes, step->Cleared, 0, name);
        Steps.SetAttributes(child, tree, step->DeepAttributes, step->DeepCleared, K.AT_RECURSIVE, name);
        External.Hang(child, tree, room, name);
    }
}
