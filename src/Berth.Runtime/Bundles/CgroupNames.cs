using Berth.Faults;

namespace Berth.Runtime.Bundles;

/// <summary>Reads <c>linux.cgroupsPath</c>: a path, or for systemd <c>slice:prefix:name</c>.</summary>
internal static class CgroupNames
{
    private const string DefaultSlice = "system.slice";

    /// <summary>The cgroup's path below the hierarchies' roots, and the unit that holds it.</summary>
    /// <exception cref="FaultException">InvalidArgument: not of that form.</exception>
    public static (string Path, string? Unit) Of(string? text, string id, bool systemd)
    {
        if (!systemd)
        {
            return text is { Length: > 0 } && text.Contains(':') && !text.Contains('/')
                ? throw FaultException.Invalid($"cgroupsPath {text}: this form needs --systemd-cgroup")
                : (string.IsNullOrEmpty(text) ? $"/{id}" : text, null);
        }
        string[] parts = string.IsNullOrEmpty(text) ? [DefaultSlice, "berth", id] : text.Split(':');
        if (parts.Length != 3)
        {
            throw FaultException.Invalid(
                $"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"{text}\" instead");
        }
        string slice = parts[0].Length == 0 ? DefaultSlice : parts[0];
        string unit = parts[2].EndsWith(".slice", StringComparison.Ordinal) ? parts[2]
            : parts[1].Length == 0 ? $"{parts[2]}.scope" : $"{parts[1]}-{parts[2]}.scope";
        return ($"{PathOf(slice)}/{unit}", unit);
    }

    /// <summary>Where systemd puts a slice: each dash is a level (<c>a-b.slice</c> is in <c>a.slice</c>). systemd.slice(5).</summary>
    public static string PathOf(string slice)
    {
        const string suffix = ".slice";
        if (!slice.EndsWith(suffix, StringComparison.Ordinal) || slice.Contains('/'))
            throw FaultException.Invalid($"invalid slice name: {slice}");
        string name = slice[..^suffix.Length];
        if (name == "-")
            return "/";
        if (name.Length == 0 || name.Split('-').Any(static part => part.Length == 0))
            throw FaultException.Invalid($"invalid slice name: {slice}");
        string path = "";
        for (int dash = name.IndexOf('-'); ; dash = name.IndexOf('-', dash + 1))
        {
            path += "/" + (dash < 0 ? name : name[..dash]) + suffix;
            if (dash < 0)
                return path;
        }
    }

    /// <summary>The slice that a unit's path names.</summary>
    public static string SliceOf(string path) => Path.GetFileName(Path.GetDirectoryName(path)) is { Length: > 0 } slice ? slice : "-.slice";
}
