using System.Globalization;
using Berth.Linux.Processes;

namespace Berth.Daemon.Rootless;

/// <summary>What one daemon of a user leaves for the next: the processes that hold its namespaces and its network.</summary>
/// <param name="Holder">The process that holds the namespaces.</param>
/// <param name="Network">The process of the user-mode network.</param>
internal sealed record HolderFile(ProcessMark Holder, ProcessMark Network)
{
    /// <summary>Reads it; null when there is none, or what it names is gone with the last reboot or otherwise.</summary>
    public static HolderFile? Read(string path)
    {
        if (!File.Exists(path))
            return null;
        ulong[] numbers = [.. File.ReadAllText(path).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .Select(static word => ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : 0)];
        if (numbers is not [> 0 and <= int.MaxValue, _, _, _])
            return null;
        HolderFile file = new(new ProcessMark((int)numbers[0], numbers[1]), new ProcessMark((int)numbers[2], numbers[3]));
        return file.Holder.IsAlive ? file : null;
    }

    /// <summary>Writes it whole or not at all.</summary>
    public void Write(string path)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{Holder.Pid} {Holder.Start}\n{Network.Pid} {Network.Start}\n");
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}

/// <summary>A process, told from a later one with the same number by its start.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Start">Its start, in ticks since boot.</param>
internal readonly record struct ProcessMark(int Pid, ulong Start)
{
    /// <summary>True while that very process lives.</summary>
    public bool IsAlive => ProcessIdentity.IsAlive(Pid, Start);

    /// <summary>The mark of a process; null when there is none, or it has ended.</summary>
    public static ProcessMark? Of(int pid) => ProcessIdentity.StartOf(pid) is { } start ? new ProcessMark(pid, start) : null;
}
