using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine;

/// <summary>Paths within volumes, whose contents are hostile.</summary>
internal static class VolumePaths
{
    /// <summary>Checks a subpath of a volume, for a sentence that says what is wrong. What is mounted is resolved again when it is mounted:
    /// between the two, a container that has the volume may put anything there.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is not there, climbs out, or passes through a link.</exception>
    public static void CheckSubpath(string volume, string subpath)
    {
        using FileDescriptor root = FileCalls.OpenDirectory(volume);
        int error = FileCalls.TryOpen(root, FileCalls.PathOf(subpath), FileCalls.O_PATH, 0,
            FileCalls.RESOLVE_BENEATH | FileCalls.RESOLVE_NO_SYMLINKS, out FileDescriptor found);
        found.Dispose();
        if (error != 0)
            throw FaultException.Invalid(
                $"cannot access path {subpath} of volume: {new LinuxException("openat2", subpath, error).Message}");
    }
}
