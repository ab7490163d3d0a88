using System.Text;
using System.Text.Json;

namespace Berth.Engine.Cdi;

/// <summary>A device that is described, and by which file.</summary>
internal sealed record FoundDevice(CdiSpec Spec, CdiDevice Device, string File)
{
    public string FullName => $"{Spec.Kind}={Device.Name}";
}

/// <summary>The devices that the files of some directories describe.</summary>
/// <remarks>Read anew for every container that asks: vendors' tools write these files whenever a driver changes. Of two files in one
/// directory that describe the same device neither is believed; a file in a later directory replaces those in earlier ones.</remarks>
internal sealed class CdiDevices
{
    private const long FileBytesMax = 4 * 1024 * 1024;
    private const int FilesMax = 1000;
    private readonly Dictionary<string, FoundDevice> _devices = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];

    private CdiDevices() { }

    /// <summary>Every device that can be asked for, by its full name, in order.</summary>
    public IReadOnlyList<FoundDevice> All => [.. _devices.Values.OrderBy(device => device.FullName, StringComparer.Ordinal)];

    /// <summary>What is wrong with files, a sentence each.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Reads what is there. Files that cannot be read become <see cref="Problems"/>.</summary>
    public static CdiDevices Read(IReadOnlyList<string> directories)
    {
        CdiDevices all = new();
        foreach (string directory in directories)
            if (Directory.Exists(directory))
                all.ReadDirectory(directory);
        return all;
    }

    /// <summary>A device by its full name; null: nothing describes it.</summary>
    public FoundDevice? Find(string fullName) => _devices.GetValueOrDefault(fullName);

    /// <summary>True for <c>vendor.com/class=name</c>. SPEC.md, "Kind" and "Devices".</summary>
    public static bool IsFullName(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && equals > slash && IsKind(text[..equals]) && IsName(text.AsSpan(equals + 1), ":");
    }

    private static bool IsKind(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && char.IsAsciiLetter(text[0]) && IsName(text.AsSpan(0, slash), "")
            && slash + 1 < text.Length && char.IsAsciiLetter(text[slash + 1]) && IsName(text.AsSpan(slash + 1), "")
            && !text.AsSpan(slash + 1).Contains('.');
    }

    private static bool IsName(ReadOnlySpan<char> text, string also)
    {
        foreach (char c in text)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.') && !also.Contains(c))
                return false;
        return text.Length > 0 && char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1]);
    }

    private void ReadDirectory(string directory)
    {
        Dictionary<string, FoundDevice> own = new(StringComparer.Ordinal);
        HashSet<string> doubled = new(StringComparer.Ordinal);
        foreach (string file in FilesOf(directory))
        {
            if (TryRead(file) is not { } spec)
                continue;
            foreach (FoundDevice device in spec.Devices.Select(device => new FoundDevice(spec, device, file)))
            {
                if (own.TryAdd(device.FullName, device))
                    continue;
                doubled.Add(device.FullName);
                _problems.Add($"conflicting device \"{device.FullName}\" ({own[device.FullName].File}, {file})");
            }
        }
        foreach ((string name, FoundDevice device) in own)
            _devices[name] = device;
        foreach (string name in doubled)
            _devices.Remove(name);
    }

    private static IEnumerable<string> FilesOf(string directory) => Directory.EnumerateFiles(directory)
        .Where(file => Path.GetExtension(file) is ".json" or ".yaml" or ".yml").Order(StringComparer.Ordinal).Take(FilesMax);

    private CdiSpec? TryRead(string file)
    {
        try
        {
            if (new FileInfo(file).Length > FileBytesMax)
                throw new JsonException($"larger than {FileBytesMax} bytes");
            byte[] bytes = File.ReadAllBytes(file);
            ReadOnlyMemory<byte> json =
                Path.GetExtension(file) == ".json" ? bytes : YamlAsJson.Convert(Encoding.UTF8.GetString(bytes));
            CdiSpec spec = JsonSerializer.Deserialize(json.Span, CdiJson.Default.CdiSpec) ?? throw new JsonException("it is null");
            Check(spec);
            return spec;
        }
        catch (Exception wrong) when (wrong is JsonException or IOException or UnauthorizedAccessException)
        {
            _problems.Add($"failed to load CDI Spec \"{file}\": {wrong.Message}");
            return null;
        }
    }

    private static void Check(CdiSpec spec)
    {
        if (!Version.TryParse(spec.CdiVersion, out Version? version) || version < new Version(0, 3, 0) || version >= new Version(2, 0))
            throw new JsonException($"invalid version \"{spec.CdiVersion}\": 0.3.0 to 1.x are understood");
        if (!IsKind(spec.Kind))
            throw new JsonException($"invalid kind \"{spec.Kind}\": it is vendor/class");
        if (spec.Devices.Count == 0)
            throw new JsonException("invalid spec, no devices");
        foreach (CdiDevice device in spec.Devices)
            if (!IsName(device.Name, ":"))
                throw new JsonException($"invalid device name \"{device.Name}\"");
        if (spec.Devices.GroupBy(device => device.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new JsonException($"invalid spec, multiple device \"{twice.Key}\"");
        foreach (CdiEdits edits in spec.Devices.Select(device => device.ContainerEdits).Append(spec.ContainerEdits).OfType<CdiEdits>())
            Check(edits);
    }

    private static void Check(CdiEdits edits)
    {
        if (edits.Env?.FirstOrDefault(variable => !variable.Contains('=', StringComparison.Ordinal)) is { } wrong)
            throw new JsonException($"invalid environment variable \"{wrong}\"");
        foreach (CdiDeviceNode node in edits.DeviceNodes ?? [])
        {
            if (!node.Path.StartsWith('/'))
                throw new JsonException($"invalid device node \"{node.Path}\": the path is not absolute");
            if (node.Type is not (null or "" or "b" or "c" or "u" or "p"))
                throw new JsonException($"device \"{node.Path}\": invalid type \"{node.Type}\"");
            if (node.Permissions?.Any(c => c is not ('r' or 'w' or 'm')) == true)
                throw new JsonException($"device \"{node.Path}\": invalid permissions \"{node.Permissions}\"");
        }
        foreach (CdiMount mount in edits.Mounts ?? [])
            if (mount.HostPath.Length == 0 || !mount.ContainerPath.StartsWith('/'))
                throw new JsonException($"invalid mount of \"{mount.HostPath}\" at \"{mount.ContainerPath}\"");
        foreach (CdiHook hook in edits.Hooks ?? [])
            if (!hook.Path.StartsWith('/') || !CdiInjection.HookNames.Contains(hook.HookName))
                throw new JsonException($"invalid hook \"{hook.HookName}\" \"{hook.Path}\"");
        if (edits.IntelRdt is not null || edits.NetDevices is { Count: > 0 })
            throw new JsonException("intelRdt and netDevices are not offered by this engine");
    }
}
