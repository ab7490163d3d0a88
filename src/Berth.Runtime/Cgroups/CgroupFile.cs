using System.Runtime.InteropServices;
using System.Text;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Runtime.Cgroups;

/// <summary>Reads and writes the small text files of cgroup file systems.</summary>
internal static class CgroupFile
{
    // The largest such files are memory.stat and cgroup.procs of a crowded group.
    private const int ReadBytesMax = 4 * 1024 * 1024;

    /// <summary>Writes a value in one write, as cgroup files demand.</summary>
    /// <exception cref="FaultException">InvalidArgument: the kernel refuses the value. Internal: the file cannot be written.</exception>
    public static void Write(string directory, string name, string value)
    {
        int error = Put(Path.Join(directory, name), value);
        if (error is Errno.EACCES or Errno.EPERM)
        {
            throw new FaultException(FaultKind.Internal,
                $"set {name} in cgroup {directory}: permission denied: is the cgroup delegated to this user?");
        }
        if (error != 0)
        {
            throw new FaultException(FaultKind.InvalidArgument,
                $"set {name} to {value.Trim()} in cgroup {directory}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    /// <summary>Writes a value; false when the kernel refuses it or has no such file.</summary>
    public static bool TryWrite(string directory, string name, string value) => Put(Path.Join(directory, name), value) == 0;

    /// <summary>The whole text without its last newline; null when there is no such file.</summary>
    public static string? Read(string directory, string name)
    {
        try
        {
            using FileStream file = new(Path.Join(directory, name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
            using MemoryStream text = new();
            byte[] buffer = new byte[16 * 1024];
            for (int count; (count = file.Read(buffer)) > 0 && text.Length < ReadBytesMax;)
                text.Write(buffer, 0, count);
            return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length).TrimEnd('\n');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A file that holds one number; <c>max</c> is <see cref="ulong.MaxValue"/>, anything else unreadable 0.</summary>
    public static ulong ReadNumber(string directory, string name)
    {
        string? text = Read(directory, name);
        return text == "max" ? ulong.MaxValue : ulong.TryParse(text, out ulong value) ? value : 0;
    }

    /// <summary>Lines of a name and a number, such as memory.stat's.</summary>
    public static Dictionary<string, ulong> ReadPairs(string directory, string name)
    {
        Dictionary<string, ulong> pairs = [];
        foreach (ReadOnlySpan<char> line in (Read(directory, name) ?? "").AsSpan().EnumerateLines())
        {
            int space = line.IndexOf(' ');
            if (space > 0 && ulong.TryParse(line[(space + 1)..], out ulong value))
                pairs[line[..space].ToString()] = value;
        }
        return pairs;
    }

    /// <summary>The pids in a cgroup.procs file.</summary>
    public static List<int> ReadPids(string directory)
    {
        if (Read(directory, "cgroup.procs") is { } processes)
            return Numbers(processes);
        // Of a group of threads it cannot be read: cgroup-v2, "Threads".
        List<int> threads = Read(directory, "cgroup.threads") is { } text ? Numbers(text) : [];
        return [.. threads.Select(ProcessOf).Distinct()];
    }

    private static List<int> Numbers(string text)
    {
        List<int> pids = [];
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (int.TryParse(line, out int pid) && pid > 0)
                pids.Add(pid);
        }
        return pids;
    }

    // One that has just ended is its own.
    private static int ProcessOf(int thread)
    {
        const string Label = "Tgid:";
        string? line = Read($"/proc/{thread}", "status")?.Split('\n')
            .FirstOrDefault(static line => line.StartsWith(Label, StringComparison.Ordinal));
        return int.TryParse(line?[Label.Length..], out int process) ? process : thread;
    }

    /// <summary>A line of rdma.max, the same in both versions.</summary>
    public static string RdmaLine(string device, Oci.Runtime.RdmaLimits limits) =>
        $"{device} hca_handle={limits.HcaHandles?.ToString() ?? "max"} hca_object={limits.HcaObjects?.ToString() ?? "max"}";

    // Open, write, close: a container's creation writes two dozen such files.
    private static int Put(string path, string value)
    {
        int error = FileCalls.TryOpen(
            FileCalls.WorkingDirectory, FileCalls.PathOf(path), FileCalls.O_WRONLY, mode: 0, resolve: 0, out FileDescriptor file);
        using (file)
            return error != 0 ? error : FileCalls.TryWrite(file, Encoding.ASCII.GetBytes(value));
    }
}
