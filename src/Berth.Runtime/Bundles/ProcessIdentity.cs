using System.Globalization;

namespace Berth.Runtime.Bundles;

/// <summary>What tells one process from a later one with the same pid. proc_pid_stat(5).</summary>
internal static class ProcessIdentity
{
    // After the name, which may contain anything: state is the first field, the start the twentieth.
    private const int StartField = 19;

    /// <summary>The start of a process in ticks since boot; null when there is none or it has ended and waits to be reaped.</summary>
    public static ulong? StartOf(int pid)
    {
        string text;
        try
        {
            text = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (IOException)
        {
            return null;
        }
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return fields.Length <= StartField || fields[0] is "Z" or "X"
            ? null
            : ulong.Parse(fields[StartField], CultureInfo.InvariantCulture);
    }

    /// <summary>True while that very process lives.</summary>
    public static bool IsAlive(int pid, ulong start) => pid > 0 && StartOf(pid) == start;
}
