using Berth.Faults;

namespace Berth.Runtime.Systemd;

/// <summary>The unit of systemd that holds a container's cgroup, and the slice it is in.</summary>
/// <param name="Slice">Such as <c>system.slice</c>.</param>
/// <param name="Unit">Such as <c>berth-ID.scope</c>.</param>
/// <remarks>runc's docs/systemd.md: <c>cgroupsPath</c> is <c>slice:prefix:name</c>.</remarks>
internal readonly record struct ScopeName(string Slice, string Unit)
{
    private const string SystemSlice = "system.slice", UserSlice = "user.slice";
    private const string Suffix = ".slice";
    // What systemd takes as a unit's name. systemd.unit(5).
    private const int UnitLengthMax = 255;

    /// <summary>Where the manager puts the unit, below its own group.</summary>
    public string Path => $"{PathOf(Slice).TrimEnd('/')}/{Unit}";

    /// <summary>Reads a name.</summary>
    /// <param name="text"><c>linux.cgroupsPath</c>; null or empty: all by default.</param>
    /// <param name="id">The container.</param>
    /// <param name="isUser">The unit will be a user's.</param>
    /// <exception cref="FaultException">InvalidArgument: not of that form.</exception>
    public static ScopeName Parse(string? text, string id, bool isUser)
    {
        string[] parts = string.IsNullOrEmpty(text) ? ["", "berth", id] : text.Split(':');
        if (parts.Length != 3)
        {
            throw FaultException.Invalid(
                $"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"{text}\" instead");
        }
        string slice = parts[0] switch { "" => isUser ? UserSlice : SystemSlice, "-" => "-.slice", _ => parts[0] };
        if (parts[2].EndsWith(Suffix, StringComparison.Ordinal))
            throw FaultException.Invalid($"cgroupsPath {text}: a slice holds no processes: name a scope");
        string unit = parts[1].Length == 0 ? $"{parts[2]}.scope" : $"{parts[1]}-{parts[2]}.scope";
        if (parts[2].Length == 0 || unit.Length > UnitLengthMax || !unit.All(IsUnitCharacter))
            throw FaultException.Invalid($"cgroupsPath {text}: {unit} is no name of a unit: letters, digits and :-_.\\ are allowed");
        PathOf(slice);
        return new ScopeName(slice, unit);
    }

    private static bool IsUnitCharacter(char character) => char.IsAsciiLetterOrDigit(character) || ":-_.\\+".Contains(character);

    /// <summary>True for what Docker's daemon takes as a parent: a name that ends so.</summary>
    public static bool IsSliceName(string text) => text.Length > Suffix.Length && text.EndsWith(Suffix, StringComparison.Ordinal);

    /// <summary>Where systemd puts a slice: each dash is a level (<c>a-b.slice</c> is in <c>a.slice</c>). systemd.slice(5).</summary>
    /// <exception cref="FaultException">InvalidArgument: no name of a slice.</exception>
    public static string PathOf(string slice)
    {
        if (!slice.EndsWith(Suffix, StringComparison.Ordinal) || slice.Contains('/') || slice.Length > UnitLengthMax)
            throw FaultException.Invalid($"invalid slice name: {slice}");
        string name = slice[..^Suffix.Length];
        if (name == "-")
            return "/";
        if (name.Length == 0 || name.Split('-').Any(static part => part.Length == 0))
            throw FaultException.Invalid($"invalid slice name: {slice}");
        string path = "";
        for (int dash = name.IndexOf('-'); ; dash = name.IndexOf('-', dash + 1))
        {
            path += "/" + (dash < 0 ? name : name[..dash]) + Suffix;
            if (dash < 0)
                return path;
        }
    }
}
