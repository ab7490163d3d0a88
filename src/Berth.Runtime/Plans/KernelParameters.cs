using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Plans;

/// <summary>Which kernel parameters a container may have set: those of a namespace, when that is not the host's.</summary>
internal static class KernelParameters
{
    /// <summary>Refuses what would be changed for the whole machine.</summary>
    /// <exception cref="FaultException">InvalidArgument: a parameter of no namespace, or of the host's, also where that is joined by
    /// its path.</exception>
    public static void Check(RuntimeSpec spec)
    {
        foreach ((string name, string value) in spec.Linux?.Sysctl ?? new Dictionary<string, string>())
        {
            Check(name, spec.Linux?.Namespaces ?? []);
            CheckConflict(Dotted(name), value, spec);
        }
    }

    // The field is set after the parameter, which would be lost.
    private static void CheckConflict(string name, string value, RuntimeSpec spec)
    {
        string? field = name switch
        {
            "kernel.hostname" when !string.IsNullOrEmpty(spec.Hostname) => "hostname",
            "kernel.domainname" when !string.IsNullOrEmpty(spec.Domainname) && spec.Domainname != value => "domainname",
            _ => null,
        };
        if (field is not null)
            throw FaultException.Invalid($"sysctl \"{name}\" is not allowed as it conflicts with the OCI \"{field}\" field");
    }

    private static string Dotted(string name) => name.Contains('/') ? name.Replace('/', '.') : name;

    private static void Check(string name, IReadOnlyList<NamespaceSpec> namespaces)
    {
        string space = SpaceOf(name) ?? throw FaultException.Invalid($"sysctl \"{name}\" is not in a separate kernel namespace");
        NamespaceSpec? entry = namespaces.LastOrDefault(entry => entry.Type == space);
        if (entry is null || (entry.Path is { Length: > 0 } path && IsHosts(path, space)))
            throw FaultException.Invalid($"sysctl \"{name}\" is not allowed in the hosts {space} namespace");
    }

    private static string? SpaceOf(string name)
    {
        string dotted = Dotted(name);
        bool ipc = dotted is "kernel.msgmax" or "kernel.msgmnb" or "kernel.msgmni" or "kernel.sem" or "kernel.shmall" or "kernel.shmmax"
            or "kernel.shmmni" or "kernel.shm_rmid_forced" || dotted.StartsWith("fs.mqueue.", StringComparison.Ordinal);
        return ipc ? "ipc" : dotted.StartsWith("net.", StringComparison.Ordinal) ? "network"
            : dotted is "kernel.domainname" or "kernel.hostname" ? "uts"
            : dotted.StartsWith("user.", StringComparison.Ordinal) ? "user" : null;
    }

    // A namespace is one inode, whatever path leads to it. namespaces(7).
    private static bool IsHosts(string path, string space) =>
        InodeOf(path) is { } inode && inode == InodeOf($"/proc/self/ns/{(space == "network" ? "net" : space)}");

    // What cannot be opened is refused by whoever joins it.
    private static ulong? InodeOf(string path)
    {
        try
        {
            using FileDescriptor file = FileCalls.Open(FileCalls.WorkingDirectory, FileCalls.PathOf(path), FileCalls.O_RDONLY);
            return FileCalls.Status(file).Inode;
        }
        catch (LinuxException)
        {
            return null;
        }
    }
}
