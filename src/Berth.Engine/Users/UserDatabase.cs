using System.Globalization;
using System.Text;
using Berth.Faults;
using Berth.Oci.Runtime;

namespace Berth.Engine.Users;

/// <summary>An image's <c>/etc/passwd</c> and <c>/etc/group</c>: turns what a user wrote into numbers.</summary>
/// <remarks>Both files are foreign bytes: they are read up to <see cref="BytesMax"/> and lines that make no sense are skipped.</remarks>
internal sealed class UserDatabase(byte[] passwd, byte[] group)
{
    /// <summary>How much of each file is read.</summary>
    public const int BytesMax = 1024 * 1024;

    private const int GroupsMax = 65536;

    /// <summary>No files at all: only numbers can be resolved.</summary>
    public static UserDatabase Empty { get; } = new([], []);

    /// <summary>Resolves <c>user</c>, <c>user:group</c> and further groups.</summary>
    /// <exception cref="FaultException">InvalidArgument, with Docker's texts.</exception>
    public (UserSpec User, string Home) Resolve(string user, IReadOnlyList<string> groupAdd)
    {
        string[] parts = user.Split(':', 2);
        string[]? entry = Lines(passwd, 7).FirstOrDefault(line => Matches(line, parts[0].Length == 0 ? "0" : parts[0]));
        (uint uid, uint gid) = entry is not null
            ? (Number(entry[2])!.Value, Number(entry[3]) ?? throw FaultException.Invalid(
                $"user {Clip(parts[0])}: the passwd file names no valid group for it"))
            : (parts[0].Length == 0 ? 0 : Number(parts[0]) ?? throw FaultException.Invalid(
                $"unable to find user {Clip(parts[0])}: no matching entries in passwd file"), 0);
        SortedSet<uint> further = [];
        if (parts.Length == 2 && parts[1].Length > 0)
            gid = FindGroup(parts[1]);
        else if (entry is not null)
        {
            foreach (string[] line in Lines(group, 4).Where(line => line[3].Split(',').Contains(entry[0])))
                if (Number(line[2]) is { } member)
                    further.Add(member);
        }
        foreach (string added in groupAdd)
            further.Add(FindGroup(added));
        further.Add(gid);
        return (new UserSpec { Uid = uid, Gid = gid, AdditionalGids = [.. further.Take(GroupsMax)] }, entry is null ? "" : entry[5]);
    }

    /// <summary>The home directory of a uid; <c>/</c> when unknown.</summary>
    public string HomeOf(uint uid) =>
        Lines(passwd, 7).FirstOrDefault(line => Number(line[2]) == uid) is { } line && line[5].Length > 0 ? line[5] : "/";

    private uint FindGroup(string text) =>
        Lines(group, 4).FirstOrDefault(line => Matches(line, text)) is { } found && Number(found[2]) is { } gid ? gid
            : Number(text) ?? throw FaultException.Invalid($"unable to find group {Clip(text)}: no matching entries in group file");

    // A name wins over a number that some other line has, as in runc.
    private static bool Matches(string[] line, string wanted) =>
        Number(line[2]) is { } number && (line[0] == wanted || (Number(wanted) is { } id && id == number));

    // Digits alone: a sign or a space is no number to the programs inside, which read the same text.
    private static uint? Number(string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number <= int.MaxValue ? number : null;

    private static IEnumerable<string[]> Lines(byte[] file, int fields)
    {
        foreach (string line in Encoding.UTF8.GetString(file).Split('\n'))
        {
            string[] parts = line.TrimEnd('\r').Split(':');
            if (parts.Length >= fields - 1 && parts[0].Length > 0 && parts[0][0] != '#' && !line.Contains('\0'))
                yield return parts.Length >= fields ? parts : [.. parts, ""];
        }
    }

    private static string Clip(string text) => text.Length > 100 ? text[..100] + "…" : text;
}
