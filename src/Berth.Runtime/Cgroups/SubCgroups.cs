using Berth.Faults;

namespace Berth.Runtime.Cgroups;

/// <summary>Groups below a container's own that a further process goes to: <c>PATH</c> in all trees, or <c>CONTROLLER[,…]:PATH</c> in some
/// of version 1's.</summary>
/// <remarks>The form, and the texts of refusals, are those of <c>runc exec --cgroup</c>.</remarks>
internal sealed class SubCgroups
{
    private readonly Dictionary<string, string> _paths = new(StringComparer.Ordinal);

    /// <summary>The group in every tree; null: it is said by controller.</summary>
    public string? Everywhere { get; private set; }

    /// <summary>The controllers that are named.</summary>
    public IEnumerable<string> Controllers => _paths.Keys;

    /// <summary>Reads what was given.</summary>
    /// <returns>Null: nothing was.</returns>
    /// <exception cref="FaultException">InvalidArgument: not of the form, or above the container's group.</exception>
    public static SubCgroups? Parse(IReadOnlyList<string> words)
    {
        if (words.Count == 0)
            return null;
        SubCgroups groups = new();
        foreach (string word in words)
            groups.Add(word, isOnly: words.Count == 1);
        return groups;
    }

    private void Add(string word, bool isOnly)
    {
        string[] parts = word.Split(':');
        if (parts.Length > 2)
            throw FaultException.Invalid($"invalid --cgroup argument: {word}");
        if (parts.Length == 1)
        {
            Everywhere = isOnly ? Below(word)
                : throw FaultException.Invalid($"invalid --cgroup argument: {word} (missing <controller>: prefix)");
            return;
        }
        foreach (string controller in parts[0].Split(','))
        {
            if (controller.Length == 0)
                throw FaultException.Invalid($"invalid --cgroup argument: {word} (empty <controller> prefix)");
            if (!_paths.TryAdd(controller, Below(parts[1])))
                throw FaultException.Invalid($"invalid --cgroup argument(s): controller {controller} specified multiple times");
        }
    }

    // The kernel would follow ".." out of the container's group: it is taken out here, and refused where it leads above.
    private static string Below(string path)
    {
        List<string> parts = [];
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part.Contains('\0') || (part == ".." && parts.Count == 0))
                throw FaultException.Invalid($"unable to create new parent process: {path} is not a sub cgroup path");
            if (part == "..")
                parts.RemoveAt(parts.Count - 1);
            else if (part != ".")
                parts.Add(part);
        }
        return string.Join('/', parts);
    }

    /// <summary>The group below a directory of one or more controllers' tree.</summary>
    /// <exception cref="FaultException">InvalidArgument: the controllers of one tree are sent to two groups. NotFound: there is no such
    /// group.</exception>
    public string DirectoryIn(string own, IEnumerable<string> controllers)
    {
        string[] paths = Everywhere is { } path ? [path]
            : [.. controllers.Select(controller => _paths.GetValueOrDefault(controller)).OfType<string>().Distinct()];
        if (paths.Length > 1)
            throw FaultException.Invalid($"{string.Join(',', controllers)} are one tree: {paths[0]} and {paths[1]} exclude each other");
        string directory = paths is [{ Length: > 0 } only] ? Path.Join(own, only) : own;
        return Directory.Exists(directory) ? directory
            : throw FaultException.NotFound(
                "unable to start container process: error adding process to cgroups: "
                + $"open {directory}/cgroup.procs: no such file or directory");
    }

    /// <summary>Refuses controllers that there are not.</summary>
    /// <exception cref="FaultException">InvalidArgument: one of them.</exception>
    public void CheckControllers(ICollection<string> known)
    {
        if (_paths.Keys.FirstOrDefault(name => !known.Contains(name)) is { } unknown)
            throw FaultException.Invalid($"unable to create new parent process: unknown controller {unknown} in SubCgroupPaths");
    }
}
