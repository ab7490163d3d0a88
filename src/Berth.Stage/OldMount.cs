using static Berth.Stage.Sys;

namespace Berth.Stage;

/// <summary>mount(2), for options that are too long for fsconfig(2), such as overlayfs' layers in one.</summary>
internal static unsafe class OldMount
{
    // The kernel takes one page of options and cuts the rest off without a word.
    private const int OptionsMax = 4095;
    private const int PathBytes = 64;

    /// <summary>Makes a file system as a mount that hangs nowhere: it is mounted where it goes, copied, and taken away again.</summary>
    public static int Make(Child* child, PlanStep* step, uint attributes, byte* target)
    {
        byte* type = child->At(step->Type), source = child->At(step->Source), options = child->At(step->Data);
        if (Text.Length(options) > OptionsMax)
            Tell.CheckMount(child, -K.E2BIG, Place.MountMake, source, target, type);
        ulong links = (step->Argument & MountMark.OrdinaryDirectory) != 0 ? K.RESOLVE_NO_SYMLINKS : 0;
        int place = Paths.Ensure(child, target, directory: true, links);
        Tell.CheckMount(child, place, Place.MountPoint, source, target);
        byte* path = stackalloc byte[PathBytes];
        PathOf(path, place);
        Tell.CheckMount(child, Sys.Mount(source, path, type, 0, options), Place.MountMake, source, target, type);
        Close(place);
        // The same way again leads to what is mounted there now.
        int mounted = Paths.Open(child, target, K.O_PATH, links);
        Tell.CheckMount(child, mounted, Place.MountMake, source, target, type);
        int tree = OpenTree(mounted, Z(""u8), K.OPEN_TREE_CLONE | K.OPEN_TREE_CLOEXEC | K.AT_EMPTY_PATH);
        Tell.CheckMount(child, tree, Place.MountMake, source, target, type);
        PathOf(path, mounted);
        Tell.CheckMount(child, Unmount(path, (int)Root.DetachFlag), Place.MountMake, source, target, type);
        Close(mounted);
        Steps.SetAttributes(child, tree, attributes, 0, 0, target);
        return tree;
    }

    private static void PathOf(byte* path, int descriptor) => Text.Append(Text.Append(path, Z("/proc/self/fd/"u8)), descriptor);
}
