using System.Text;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Daemon.Hosting;

/// <summary>Who owns a file, and which number a group has.</summary>
internal static class FileOwner
{
    // chown(2): leave as it is.
    private const uint Unchanged = uint.MaxValue;

    /// <summary>Gives a file, of whatever kind, to a group.</summary>
    /// <exception cref="FaultException">Unavailable: the kernel does not let us.</exception>
    public static void SetGroup(string path, int group)
    {
        using FileDescriptor directory = FileCalls.OpenDirectory(Path.GetDirectoryName(path)!);
        int errno = FileCalls.TrySetOwner(directory, Encoding.UTF8.GetBytes(Path.GetFileName(path) + "\0"), Unchanged, (uint)group);
        if (errno != 0)
            throw FaultException.Unavailable($"give {path} to group {group}: error {errno}");
    }

    /// <summary>The number of a group by name or number; null: there is none.</summary>
    public static int? FindGroup(string name)
    {
        if (int.TryParse(name, out int number))
            return number;
        // group(5): name:password:number:members
        return File.Exists("/etc/group")
            ? File.ReadLines("/etc/group").Select(line => line.Split(':'))
                .Where(fields => fields.Length >= 3 && fields[0] == name && int.TryParse(fields[2], out _))
                .Select(fields => (int?)int.Parse(fields[2])).FirstOrDefault()
            : null;
    }
}
