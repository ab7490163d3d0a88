using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Linux.Files;

namespace Berth.Layers.Trees;

/// <summary>How deep a tree may be nested to be copied, compared or archived; removal knows no such bound.</summary>
internal static class TreeLimits
{
    /// <summary>
    /// Directories inside one another. Walkers hold a descriptor and a stack frame for each, and a process in a container can
    /// nest them without end (mkdir and chdir by relative names), while no path of the system calls reaches below PATH_MAX.
    /// </summary>
    public const int DepthMax = 1000;

    /// <summary>Refuses a directory that is nested too deep, or whose path no archive could name.</summary>
    /// <param name="depth">The number of directories it is inside of, below the tree's root.</param>
    /// <param name="path">Its path in the tree, or only its name where the path is not known.</param>
    /// <exception cref="FaultException">InvalidArgument: it is beyond a limit.</exception>
    public static void Check(int depth, ReadOnlySpan<byte> path)
    {
        if (depth > DepthMax)
            throw FaultException.Invalid($"read tree: {Clip(path)}: directories are nested more than {DepthMax} deep");
        if (path.Length >= TarLimits.Default.PathBytesMax)
        {
            throw FaultException.Invalid(
                $"read tree: {Clip(path)}: the path is longer than {TarLimits.Default.PathBytesMax - 1} bytes");
        }
    }

    private static string Clip(ReadOnlySpan<byte> path) =>
        path.Length <= 60 ? $"\"{FileCalls.TextOf(path)}\"" : $"\"{FileCalls.TextOf(path[..60])}…\"";
}
