using System.Globalization;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Text;

namespace Berth.Cli.Running;

/// <summary>One <c>--mount</c>: <c>type=bind,source=/a,target=/b,readonly</c>.</summary>
internal static class MountOptions
{
    /// <exception cref="UsageException">An unknown key, a wrong value, or options of another type of mount.</exception>
    public static Mount Parse(string text)
    {
        if (text.Length == 0)
            throw Wrong(text, "EOF");
        Mount mount = new() { Type = "volume" };
        BindOptions bind = new();
        VolumeOptions volume = new();
        TmpfsOptions tmpfs = new();
        ImageMountOptions image = new();
        HashSet<string> used = [];
        foreach (string field in Csv.Split(text))
        {
            (string key, string value) = KeyValues.Split(field);
            key = key.ToLowerInvariant();
            bool alone = !field.Contains('=');
            if (alone && key is not ("readonly" or "ro" or "volume-nocopy" or "bind-nonrecursive" or "bind-create-src"))
                throw Wrong(text, $"invalid field '{field}' must be a key=value pair");
            used.Add(key.Split('-')[0]);
            if (!Common(mount, key, value, alone) && !Bind(bind, key, value, alone) && !Volume(volume, key, value, alone)
                && !Other(tmpfs, image, key, value, text))
            {
                throw Wrong(text, $"unexpected key '{key}' in '{field}'");
            }
        }
        if (string.IsNullOrEmpty(mount.Type))
            throw Wrong(text, "type is required");
        if (string.IsNullOrEmpty(mount.Target))
            throw Wrong(text, "target is required");
        foreach (string kind in (string[])["bind", "volume", "tmpfs", "image"])
        {
            if (used.Contains(kind) && mount.Type != kind && !(kind == "volume" && mount.Type == "cluster"))
                throw Wrong(text, $"cannot mix '{kind}-*' options with mount type '{mount.Type}'");
        }
        if (used.Contains("bind"))
            mount.BindOptions = bind;
        if (used.Contains("volume"))
            mount.VolumeOptions = volume;
        if (used.Contains("tmpfs"))
            mount.TmpfsOptions = tmpfs;
        if (used.Contains("image"))
            mount.ImageOptions = image;
        if (bind.ReadOnlyForceRecursive && (!mount.ReadOnly || bind.Propagation != "rprivate"))
            throw new UsageException(
                "option 'bind-recursive=readonly' requires 'readonly' and 'bind-propagation=rprivate' to be specified in conjunction");
        if (bind.ReadOnlyNonRecursive && !mount.ReadOnly)
            throw new UsageException("option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction");
        return mount;
    }

    private static UsageException Wrong(string text, string problem) =>
        new($"invalid argument {GoValue.Quote(text)} for \"--mount\" flag: {problem}");

    private static bool Common(Mount mount, string key, string value, bool alone)
    {
        switch (key)
        {
            case "type":
                mount.Type = value.ToLowerInvariant();
                return true;
            case "source" or "src":
                mount.Source = value is ['.', ..] && (value.Length == 1 || value[1] is '/' or '.') ? Path.GetFullPath(value) : value;
                return true;
            case "target" or "dst" or "destination":
                mount.Target = value;
                return true;
            case "readonly" or "ro":
                mount.ReadOnly = Bool(key, value, alone);
                return true;
            case "consistency":
                mount.Consistency = value.ToLowerInvariant();
                return true;
            default:
                return false;
        }
    }

    private static bool Bind(BindOptions bind, string key, string value, bool alone)
    {
        switch (key)
        {
            case "bind-propagation":
                bind.Propagation = value.ToLowerInvariant();
                return true;
            case "bind-nonrecursive":
                bind.NonRecursive = Bool(key, value, alone);
                return true;
            case "bind-create-src":
                bind.CreateMountpoint = Bool(key, value, alone);
                return true;
            case "bind-recursive":
                switch (value)
                {
                    case "enabled":
                        return true;
                    case "disabled":
                        return bind.NonRecursive = true;
                    case "writable":
                        return bind.ReadOnlyNonRecursive = true;
                    case "readonly":
                        return bind.ReadOnlyForceRecursive = true;
                    default:
                        throw new UsageException(
                            $"invalid value for bind-recursive: {value} (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")");
                }
            default:
                return false;
        }
    }

    private static bool Volume(VolumeOptions volume, string key, string value, bool alone)
    {
        switch (key)
        {
            case "volume-subpath":
                volume.Subpath = value;
                return true;
            case "volume-nocopy":
                volume.NoCopy = Bool(key, value, alone);
                return true;
            case "volume-label":
                volume.Labels = Added(volume.Labels, value);
                return true;
            case "volume-driver":
                volume.DriverConfig = (volume.DriverConfig ?? new VolumeDriverConfig()) with { Name = value };
                return true;
            case "volume-opt":
                VolumeDriverConfig driver = volume.DriverConfig ?? new VolumeDriverConfig();
                volume.DriverConfig = driver with { Options = Added(driver.Options, value) };
                return true;
            default:
                return false;
        }
    }

    private static bool Other(TmpfsOptions tmpfs, ImageMountOptions image, string key, string value, string text)
    {
        switch (key)
        {
            case "tmpfs-size":
                tmpfs.SizeBytes = GoValue.TryParseBytes(value, out long size) ? size
                    : throw Wrong(text, $"invalid value for {key}: {value}");
                return true;
            case "tmpfs-mode":
                tmpfs.Mode = Octal(value) ?? throw Wrong(text, $"invalid value for {key}: {value}");
                return true;
            case "image-subpath":
                image.Subpath = value;
                return true;
            default:
                return false;
        }
    }

    private static int? Octal(string text) => text.Length is > 0 and < 8 && text.All(static c => c is >= '0' and <= '7')
        ? Convert.ToInt32(text, 8) : null;

    private static bool Bool(string key, string value, bool alone) => alone || (GoValue.TryParseBool(value, out bool flag)
        ? flag : throw new UsageException($"invalid value for {key}: {value}"));

    private static Dictionary<string, string> Added(IReadOnlyDictionary<string, string>? map, string pair)
    {
        (string key, string value) = KeyValues.Split(pair);
        return new Dictionary<string, string>(map ?? new Dictionary<string, string>()) { [key] = value };
    }
}
