using System.Globalization;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Plans;

/// <summary>Gives a new user namespace its ids: by itself as root, else by newuidmap(1) and newgidmap(1), which know what
/// <c>/etc/subuid</c> and <c>/etc/subgid</c> grant.</summary>
/// <remarks>user_namespaces(7). Without these programs a user may map one id, its own, and must give up setgroups(2) for it.</remarks>
internal static class IdMaps
{
    // UID_GID_MAP_MAX_EXTENTS, since Linux 4.15. user_namespaces(7).
    private const int LinesMax = 340;
    private const int ShownMax = 80;

    /// <summary>The kernel's lines of a map.</summary>
    /// <exception cref="FaultException">InvalidArgument: more than it takes.</exception>
    public static string Text(IReadOnlyList<IdMapping> mappings) => mappings.Count > LinesMax
        ? throw FaultException.Invalid($"{mappings.Count} id mappings: the kernel takes {LinesMax} at most")
        : string.Concat(mappings.Select(static map => string.Create(
            CultureInfo.InvariantCulture, $"{map.ContainerID} {map.HostID} {map.Size}\n")));

    /// <summary>What an id inside is outside; null when it is not mapped.</summary>
    public static uint? Outside(IReadOnlyList<IdMapping> mappings, uint inside)
    {
        foreach (IdMapping map in mappings)
        {
            if (inside >= map.ContainerID && inside - map.ContainerID < map.Size)
                return map.HostID + (inside - map.ContainerID);
        }
        return null;
    }

    /// <summary>True when setgroups(2) has to be given up: a user maps its own group alone, without help.</summary>
    public static bool GivesUpGroups(IReadOnlyList<IdMapping> groups) => !Environment.IsPrivilegedProcess && groups is [{ Size: 1 }];

    /// <summary>Writes both maps of a process's user namespace.</summary>
    /// <exception cref="FaultException">InvalidArgument: the kernel or newuidmap refuses them.</exception>
    public static void Write(int pid, IReadOnlyList<IdMapping> users, IReadOnlyList<IdMapping> groups)
    {
        if (Environment.IsPrivilegedProcess)
        {
            Put(pid, "uid_map", Text(users));
            Put(pid, "gid_map", Text(groups));
            return;
        }
        WriteAsUser(pid, "uid_map", users, "newuidmap");
        if (GivesUpGroups(groups))
            Put(pid, "setgroups", "deny");
        WriteAsUser(pid, "gid_map", groups, "newgidmap");
    }

    private static void WriteAsUser(int pid, string file, IReadOnlyList<IdMapping> maps, string program)
    {
        if (maps is [{ Size: 1 }] && TryPut(pid, file, Text(maps)) == 0)
            return;
        string? path = (Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin").Split(':')
            .Select(directory => Path.Join(directory, program)).FirstOrDefault(File.Exists);
        if (path is null)
        {
            throw FaultException.Invalid(
                $"{program} is not installed: it is needed to map more than one id as an ordinary user (package uidmap)");
        }
        List<string> arguments = [program, pid.ToString(CultureInfo.InvariantCulture)];
        foreach (IdMapping map in maps)
            arguments.AddRange([Number(map.ContainerID), Number(map.HostID), Number(map.Size)]);
        int child = ProcessSpawner.Spawn(path, arguments, [-1, -1, 2]);
        if (ProcessSpawner.Wait(child) is not 0)
        {
            throw FaultException.Invalid(
                $"{program} refuses the id map {string.Join(' ', arguments.Skip(2))}: see /etc/subuid and /etc/subgid");
        }
    }

    private static string Number(uint number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Put(int pid, string file, string text)
    {
        if (TryPut(pid, file, text) is not 0 and var error)
        {
            string shown = text.Trim().Replace('\n', ',');
            if (shown.Length > ShownMax)
                shown = $"{shown[..ShownMax]}…";
            throw FaultException.Invalid($"write {file}: {new LinuxException("write", shown, error).Message}");
        }
    }

    private static int TryPut(int pid, string file, string text)
    {
        int error = FileCalls.TryOpen(FileCalls.WorkingDirectory, FileCalls.PathOf($"/proc/{pid}/{file}"), FileCalls.O_WRONLY,
            mode: 0, resolve: 0, out FileDescriptor opened);
        using (opened)
            return error != 0 ? error : FileCalls.TryWrite(opened, System.Text.Encoding.ASCII.GetBytes(text));
    }
}
