using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine;

/// <summary>Paths within volumes, whose contents are hostile.</summary>
internal static class VolumePaths
{
    /// <summary>The path to mount for a subpath of a volume.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is not there, climbs out, or passes through a link.</exception>
    public static string Subpath(string volume, string subpath)
    {
        if (subpath.Length == 0)
            return volume;
        using FileDescriptor root = FileCalls.OpenDirectory(volume);
        // No links at all: the path is used again for the mount, and a link could be changed in between.
        int error = FileCalls.TryOpen(root, FileCalls.PathOf(subpath), FileCalls.O_PATH, 0,
            FileCalls.RESOLVE_BENEATH | FileCalls.RESOLVE_NO_SYMLINKS, out FileDescriptor found);
        found.Dispose();
        return error == 0 ? Path.Combine(volume, ContainerPath.Clean(subpath)[1..])
            : throw FaultException.Invalid(
                $"cannot access path {subpath} of volume: {new LinuxException("openat2", subpath, error).Message}");
    }
}
