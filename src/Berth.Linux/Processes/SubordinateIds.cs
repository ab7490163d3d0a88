using System.Globalization;

namespace Berth.Linux.Processes;

/// <summary>IDs of the machine that a user may give away in user namespaces.</summary>
/// <remarks>subuid(5), subgid(5): <c>name or uid:first:count</c> in a line.</remarks>
public static class SubordinateIds
{
    /// <summary>The ranges of one user, in the file's order.</summary>
    /// <param name="content">The file.</param>
    /// <param name="name">The user's name.</param>
    /// <param name="id">The user's number; null: it is not known.</param>
    public static IReadOnlyList<(uint First, uint Count)> Of(string content, string name, uint? id)
    {
        string? number = id?.ToString(CultureInfo.InvariantCulture);
        return Ranges(content, owner => owner == name || owner == number);
    }

    /// <summary>The ranges of everybody.</summary>
    public static IReadOnlyList<(uint First, uint Count)> All(string content) => Ranges(content, static _ => true);

    private static List<(uint First, uint Count)> Ranges(string content, Func<string, bool> isOwner)
    {
        List<(uint First, uint Count)> ranges = [];
        foreach (string line in content.Split('\n'))
        {
            string[] words = line.Trim().Split(':');
            if (words.Length == 3 && isOwner(words[0])
                && uint.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint first)
                && uint.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint count)
                && count > 0 && first > 0 && first <= uint.MaxValue - count)
                ranges.Add((first, count));
        }
        return ranges;
    }

    /// <summary>What newuidmap(1) and newgidmap(1) take: the user as root, and the ranges one behind the other from 1 on.</summary>
    public static IReadOnlyList<string> Arguments(int pid, uint id, IReadOnlyList<(uint First, uint Count)> ranges)
    {
        List<uint> numbers = [0, id, 1];
        uint next = 1;
        foreach ((uint first, uint count) in ranges)
        {
            uint fits = Math.Min(count, uint.MaxValue - next);
            if (fits == 0)
                break;
            numbers.AddRange([next, first, fits]);
            next += fits;
        }
        return [.. numbers.Prepend((uint)pid).Select(static number => number.ToString(CultureInfo.InvariantCulture))];
    }
}
