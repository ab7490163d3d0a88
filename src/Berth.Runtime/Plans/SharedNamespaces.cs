namespace Berth.Runtime.Plans;

/// <summary>Namespaces that a container has in common with this process: there is nothing to join.</summary>
/// <remarks>setns(2) asks for rights in the namespace, also where one is in it already:
/// an ordinary user has none in the machine's.</remarks>
internal static class SharedNamespaces
{
    private static readonly (string Name, ulong Type)[] s_all =
        [("mnt", 0x20000), ("cgroup", 0x02000000), ("uts", 0x04000000), ("ipc", 0x08000000), ("pid", 0x20000000), ("net", 0x40000000)];

    /// <summary>Those that are the same, as bits of CLONE_NEW….</summary>
    /// <param name="pid">A process of the container.</param>
    public static ulong With(int pid)
    {
        ulong shared = 0;
        foreach ((string name, ulong type) in s_all)
        {
            string? own = new FileInfo($"/proc/self/ns/{name}").LinkTarget;
            if (own is not null && own == TargetOf($"/proc/{pid}/ns/{name}"))
                shared |= type;
        }
        return shared;
    }

    private static string? TargetOf(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
