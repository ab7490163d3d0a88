using System.Globalization;

namespace Berth.Linux.Processes;

/// <summary>What tells one process from a later one with the same pid. proc_pid_stat(5).</summary>
public static class ProcessIdentity
{
    // After the name, which may contain anything: state is the first field, then the parent; the start is the twentieth.
    private const int ParentField = 1;
    private const int StartField = 19;

    /// <summary>The start of a process in ticks since boot; null when there is none or it has ended and waits to be reaped.</summary>
    public static ulong? StartOf(int pid) => FieldsOf(pid) is { Length: > StartField } fields && fields[0] is not ("Z" or "X")
        ? ulong.Parse(fields[StartField], CultureInfo.InvariantCulture) : null;

    /// <summary>The pid of the process that a process is a child of; null when there is no such process.</summary>
    public static int? ParentOf(int pid) => FieldsOf(pid) is { Length: > ParentField } fields
        ? int.Parse(fields[ParentField], CultureInfo.InvariantCulture) : null;

    /// <summary>True while that very process lives.</summary>
    public static bool IsAlive(int pid, ulong start) => pid > 0 && StartOf(pid) == start;

    private static string[]? FieldsOf(int pid)
    {
        try
        {
            string text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}
