using System.Globalization;

namespace Berth.Linux.Processes;

/// <summary>The user namespace that this process lives in.</summary>
/// <remarks>user_namespaces(7).</remarks>
public static class UserNamespace
{
    private const uint AllIds = uint.MaxValue;
    private static readonly Lazy<IReadOnlyList<(uint Inside, uint Outside, uint Count)>> s_users = new(static () => Read("uid_map"));
    private static readonly Lazy<IReadOnlyList<(uint Inside, uint Outside, uint Count)>> s_groups = new(static () => Read("gid_map"));

    /// <summary>True in the machine's first user namespace, where root may do all; false in one that an ordinary user made.</summary>
    public static bool IsInitial => s_users.Value is [(0, 0, AllIds)];

    /// <summary>True for the machine's root; false for an ordinary user, also one who is root in a namespace of its own.</summary>
    public static bool IsMachinesRoot => Environment.IsPrivilegedProcess && IsInitial;

    /// <summary>The largest group ID of an unbroken range from 0 on.</summary>
    public static uint LastGroup => Last(s_groups.Value);

    /// <summary>The user outside that is root in here; 0 in the first namespace.</summary>
    public static uint Owner => s_users.Value.FirstOrDefault(static map => map.Inside == 0).Outside;

    private static uint Last(IReadOnlyList<(uint Inside, uint Outside, uint Count)> maps)
    {
        uint next = 0;
        foreach ((uint inside, _, uint count) in maps)
        {
            if (inside == next)
                next += count;
        }
        return next == 0 ? 0 : next - 1;
    }

    private static (uint Inside, uint Outside, uint Count)[] Read(string file) =>
        [.. File.ReadLines($"/proc/self/{file}").Select(Parse).OrderBy(static map => map.Inside)];

    private static (uint Inside, uint Outside, uint Count) Parse(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (Number(words[0]), Number(words[1]), Number(words[2]));
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);
}
