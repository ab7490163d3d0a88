using System.Globalization;

namespace Berth.Linux.Processes;

/// <summary>The processes of a container where no cgroup counts them. pid_namespaces(7).</summary>
public static class ProcessTree
{
    /// <summary>A process and those that live in its PID namespace; in a shared one, those that it and its children started.</summary>
    /// <param name="pid">A process, as this process sees it.</param>
    public static IReadOnlyList<int> Of(int pid)
    {
        string? own = NamespaceOf(Environment.ProcessId);
        string? wanted = NamespaceOf(pid);
        if (wanted is null)
            return [];
        return wanted == own ? Descendants(pid) : [.. All().Where(other => NamespaceOf(other) == wanted)];
    }

    private static List<int> Descendants(int pid)
    {
        ILookup<int, int> children = All().Select(static each => (Pid: each, Parent: ProcessIdentity.ParentOf(each) ?? 0))
            .Where(static each => each.Parent > 0).ToLookup(static each => each.Parent, static each => each.Pid);
        List<int> found = [pid];
        for (int i = 0; i < found.Count; i++)
            found.AddRange(children[found[i]]);
        return found;
    }

    private static IEnumerable<int> All() => Directory.EnumerateDirectories("/proc")
        .Select(static path => int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid : 0)
        .Where(static pid => pid > 0);

    private static string? NamespaceOf(int pid)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/ns/pid").LinkTarget;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Gone, or somebody else's.
            return null;
        }
    }
}
