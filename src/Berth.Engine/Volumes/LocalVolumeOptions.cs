using Berth.Faults;

namespace Berth.Engine;

/// <summary>The options of the local driver: <c>type</c>, <c>device</c>, <c>o</c>. A bind of a directory and a tmpfs are offered.</summary>
internal static class LocalVolumeOptions
{
    /// <exception cref="FaultException">InvalidArgument: unknown or incomplete. NotSupported: another file system.</exception>
    public static void Check(string name, IReadOnlyDictionary<string, string> options)
    {
        foreach (string option in options.Keys)
            if (option is not ("type" or "device" or "o"))
                throw FaultException.Invalid($"create {name}: invalid option: \"{option}\"");
        if (options.Count == 0)
            return;
        string type = options.GetValueOrDefault("type", "");
        string device = options.GetValueOrDefault("device", "");
        string flags = options.GetValueOrDefault("o", "");
        bool isBind = type is "none" or "bind" or "" && flags.Split(',').Contains("bind");
        if (isBind && !device.StartsWith('/'))
            throw FaultException.Invalid("missing required option: \"device\": a bind volume names an absolute path");
        if (!isBind && type != "tmpfs")
            throw new FaultException(FaultKind.NotSupported,
                $"volume type \"{type}\" is not offered by this engine: use type=none,o=bind,device=/path or type=tmpfs");
    }

    /// <summary>The directory that a bind volume stands for; null for others.</summary>
    public static string? BoundDirectory(VolumeDetails volume) =>
        volume.Options.TryGetValue("device", out string? device) && volume.Options.GetValueOrDefault("type") != "tmpfs" ? device : null;

    /// <summary>The mount options of a tmpfs volume; null for others.</summary>
    public static IReadOnlyList<string>? TmpfsOptions(VolumeDetails volume) =>
        volume.Options.GetValueOrDefault("type") == "tmpfs"
            ? [.. volume.Options.GetValueOrDefault("o", "").Split(',', StringSplitOptions.RemoveEmptyEntries)] : null;
}
