using System.Globalization;
using Berth.Faults;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;

namespace Berth.Engine;

/// <summary>The setting <c>userns-remap</c>: whose subordinate ids all containers of an engine get that do not say otherwise.</summary>
/// <remarks>Docker's forms: <c>default</c>, <c>user</c>, <c>uid</c>, <c>user:group</c>, <c>uid:gid</c>. subuid(5), subgid(5).</remarks>
public static class RemapText
{
    /// <summary>The user of <c>default</c> and of <c>--userns=private</c>.</summary>
    internal const string OwnUser = "berth";

    /// <summary>Docker's user for <c>default</c>, whose entries a machine that ran it has.</summary>
    private const string DockersUser = "dockremap";

    /// <summary>Reads the setting.</summary>
    /// <param name="text">The setting.</param>
    /// <param name="etc">Where <c>passwd</c>, <c>group</c>, <c>subuid</c> and <c>subgid</c> are.</param>
    /// <exception cref="FaultException">InvalidArgument: an unknown user or group, or one without ranges.</exception>
    public static UserMaps Parse(string text, string etc = "/etc")
    {
        if (text == "default")
            return Default(etc);
        string[] parts = text.Split(':');
        if (parts.Length > 2 || parts.Any(static part => part.Length == 0))
            throw FaultException.Invalid(
                $"invalid userns-remap \"{text}\": it is \"default\", a user, or a user and a group as user:group");
        (string user, uint userId) = Account(etc, "passwd", parts[0], "user");
        (string group, uint groupId) = Account(etc, "group", parts.Length == 2 ? parts[1] : user, "group");
        return new UserMaps
        {
            Users = RangesOf(etc, "subuid", user, userId, "user"), Groups = RangesOf(etc, "subgid", group, groupId, "group"),
        };
    }

    private static UserMaps Default(string etc)
    {
        foreach (string user in (string[])[OwnUser, DockersUser])
        {
            IReadOnlyList<IdMapping> users = Stack(etc, "subuid", user, null), groups = Stack(etc, "subgid", user, null);
            if (users.Count > 0 && groups.Count > 0)
                return new UserMaps { Users = users, Groups = groups };
        }
        (uint, uint)[] built = [(UserIdRanges.RemapFirst, UserIdRanges.ContainerIds)];
        return new UserMaps { Users = UserMaps.Stack(built), Groups = UserMaps.Stack(built) };
    }

    // The first line wins, as for the system's own look-up of files; a number may have no name.
    private static (string Name, uint Id) Account(string etc, string file, string asked, string kind)
    {
        bool isNumber = uint.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out uint number);
        string path = Path.Join(etc, file);
        foreach (string line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            string[] words = line.Split(':');
            if (words.Length > 2 && uint.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint id)
                && (words[0] == asked || (isNumber && id == number)))
                return (words[0], id);
        }
        throw FaultException.Invalid($"invalid userns-remap: there is no {kind} \"{asked}\" in {path}");
    }

    private static IReadOnlyList<IdMapping> RangesOf(string etc, string file, string name, uint id, string kind)
    {
        IReadOnlyList<IdMapping> ranges = Stack(etc, file, name, id);
        return ranges.Count > 0 ? ranges : throw FaultException.Invalid(
            $"Can't create ID mappings: No {file} ranges found for {kind} \"{name}\": add a line like {name}:100000:65536 to "
                + Path.Join(etc, file));
    }

    private static IReadOnlyList<IdMapping> Stack(string etc, string file, string name, uint? id)
    {
        string path = Path.Join(etc, file);
        return UserMaps.Stack(SubordinateIds.Of(File.Exists(path) ? File.ReadAllText(path) : "", name, id));
    }
}
