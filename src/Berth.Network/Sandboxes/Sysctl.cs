using Berth.Faults;

namespace Berth.Network;

/// <summary>Kernel parameters of the calling thread's network namespace.</summary>
internal static class Sysctl
{
    /// <summary>Writes a parameter; one that this kernel does not have (IPv6 off) is none to worry about.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void Write(string name, string value)
    {
        try
        {
            File.WriteAllText($"/proc/sys/{name}", value);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
        }
    }

    /// <summary>Writes a parameter that somebody asked for, unless it has that value already.</summary>
    /// <exception cref="FaultException">InvalidArgument: there is no such parameter, or the kernel takes no such value; with Docker's
    /// text.</exception>
    public static void Set(string name, string value)
    {
        string path = $"/proc/sys/{name}";
        if (!File.Exists(path))
            throw FaultException.Invalid($"{path} is not a sysctl file");
        try
        {
            // Where /proc/sys cannot be written, what is right already need not be.
            if (File.ReadAllText(path).Trim() != value)
                File.WriteAllText(path, value);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            string reason = exception is UnauthorizedAccessException ? "permission denied" : "invalid argument";
            throw FaultException.Invalid($"unable to write to '{path}': write {path}: {reason}", exception);
        }
    }

    /// <summary>Whether this kernel has the parameter.</summary>
    public static bool Exists(string name) => File.Exists($"/proc/sys/{name}");

    /// <summary>The parameters, or groups of them, in a group; none when this kernel does not have it.</summary>
    public static IReadOnlyList<string> Names(string group)
    {
        DirectoryInfo directory = new($"/proc/sys/{group}");
        return directory.Exists ? [.. directory.EnumerateFileSystemInfos().Select(entry => entry.Name)] : [];
    }

    /// <summary>Reads a parameter; empty when this kernel does not have it.</summary>
    public static string Read(string name)
    {
        string path = $"/proc/sys/{name}";
        return File.Exists(path) ? File.ReadAllText(path).Trim() : "";
    }
}
