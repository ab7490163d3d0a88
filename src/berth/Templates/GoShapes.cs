using System.Globalization;
using System.Text.Json;
using Berth.Cli.Text;

namespace Berth.Cli.Templates;

/// <summary>How the fields of an inspected object print. Docker's client reads them into Go's types first: a list that is not there is
/// <c>[]</c>, a map <c>map[]</c>, a pointer <c>&lt;nil&gt;</c>, and a structure is its values in braces.</summary>
internal static class GoShapes
{
    private static readonly HashSet<string> s_lists = new(StringComparer.Ordinal)
    {
        "Entrypoint", "Cmd", "Env", "OnBuild", "Shell", "Args", "ExecIDs", "Binds", "CapAdd", "CapDrop", "DeviceCgroupRules",
        "DeviceRequests",
        "Devices", "Dns", "DnsOptions", "DnsSearch", "ExtraHosts", "GroupAdd", "Links", "SecurityOpt", "VolumesFrom", "Ulimits",
        "MaskedPaths",
        "ReadonlyPaths", "Aliases", "DNSNames", "SecondaryIPAddresses", "SecondaryIPv6Addresses", "Mounts", "RepoTags", "RepoDigests",
        "LinkLocalIPs",
        "Layers", "BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteBps", "BlkioDeviceWriteIOps",
    };

    // With what a key gives that is not there.
    private static readonly Dictionary<string, object?> s_maps = new(StringComparer.Ordinal)
    {
        ["Volumes"] = new Row("struct {}"), ["ExposedPorts"] = null, ["PortBindings"] = null, ["Ports"] = null, ["Labels"] = "",
        ["Options"] = "", ["DriverOpts"] = "", ["Sysctls"] = "", ["Tmpfs"] = "", ["StorageOpt"] = "", ["Annotations"] = "",
        ["AuxiliaryAddresses"] = "", ["Containers"] = null, ["Networks"] = null, ["Status"] = null, ["Services"] = null,
    };

    private static readonly HashSet<string> s_pointers = new(StringComparer.Ordinal)
    {
        "MemorySwappiness", "IPAMConfig", "Health", "Healthcheck", "Init", "StopTimeout", "UsageData", "PidsLimit", "OomKillDisable",
        "Descriptor", "ClusterVolume", "SizeRw", "SizeRootFs", "BindOptions", "VolumeOptions", "ImageOptions", "TmpfsOptions",
        "ClusterOptions",
    };

    // Members with the mark omitempty in Docker's structures: the engine leaves them out when they are this.
    private static readonly Dictionary<string, object> s_zeros = Zeros(
        ("", ["Name", "Driver", "Type", "Source", "Target", "Consistency", "Subnet", "IPRange", "Gateway", "IPv4Address", "IPv6Address",
            "MacAddress", "StopSignal", "User", "WorkingDir", "Runtime", "CreatedAt", "Parent", "Comment", "Author", "Variant", "OsVersion",
            "DockerVersion", "Container"]),
        (false, ["ReadOnly", "ArgsEscaped", "NetworkDisabled"]),
        (0L, ["KernelMemory", "KernelMemoryTCP"]));

    // The members of Docker's structures, in its order; a ? stands before a map and a * before a pointer.
    private static readonly Dictionary<string, string[]> s_structures = new(StringComparer.Ordinal)
    {
        ["LogConfig"] = ["Type", "?Config"],
        ["RestartPolicy"] = ["Name", "MaximumRetryCount"],
        ["Ports"] = ["HostIp", "HostPort"],
        ["PortBindings"] = ["HostIp", "HostPort"],
        ["Mounts"] = ["Type", "Name", "Source", "Destination", "Driver", "Mode", "RW", "Propagation"],
        ["State"] =
        [
            "Status", "Running", "Paused", "Restarting", "OOMKilled", "Dead", "Pid", "ExitCode", "Error", "StartedAt", "FinishedAt",
            "*Health",
        ],
        ["RootFS"] = ["Type", "Layers"],
        ["GraphDriver"] = ["Data", "Name"],
        ["ConfigFrom"] = ["Network"],
        ["Containers"] = ["Name", "EndpointID", "MacAddress", "IPv4Address", "IPv6Address"],
        ["Config"] = ["Subnet", "IPRange", "Gateway", "?AuxiliaryAddresses"],
    };

    /// <summary>What a field is that is not there; null: its name is none of those.</summary>
    public static object? Zero(string name) => s_zeros.GetValueOrDefault(name);

    /// <summary>The fields that have a text of their own when they are not there.</summary>
    public static IEnumerable<string> Nullable => s_lists.Concat(s_maps.Keys).Concat(s_pointers);

    /// <summary>The map with keys of the user's that a field is, be it that the engine left it out; null: it is none.</summary>
    public static GoMap? Map(JsonElement owner, string name)
    {
        JsonElement value = owner.At(name);
        if (value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null or JsonValueKind.Undefined))
            return null;
        if (s_maps.TryGetValue(name, out object? zero))
            return new GoMap(value, zero, name is "ExposedPorts" or "PortBindings" or "Ports" ? "nat.Port" : null);
        // The options of a log driver, and what a graph driver tells: names that other structures have, too.
        bool isText = (name == "Config" && owner.Text("Type").Length > 0) || (name == "Data" && owner.Text("Name").Length > 0);
        return isText ? new GoMap(value, "") : null;
    }

    /// <summary>The field's text where Go's types give another than the JSON alone would; null otherwise.</summary>
    /// <param name="name">The last field that a template names.</param>
    /// <param name="value">What it holds.</param>
    /// <param name="times">Fields that are times in Docker's types.</param>
    public static string? Print(string name, object? value, string[] times)
    {
        if (value is GoMap map)
            value = map.IsNil ? null : map.Json;
        if (value is null)
            return s_lists.Contains(name) ? "[]" : s_maps.ContainsKey(name) ? "map[]" : s_pointers.Contains(name) ? "<nil>" : null;
        if (value is string text)
            return text.Length > 0 && Array.IndexOf(times, name) >= 0 ? Humanize.GoTime(text) : null;
        return value is JsonElement json && s_structures.TryGetValue(name, out string[]? members) ? Structure(json, members) : null;
    }

    private static Dictionary<string, object> Zeros(params ReadOnlySpan<(object Zero, string[] Names)> kinds)
    {
        Dictionary<string, object> zeros = new(StringComparer.Ordinal);
        foreach ((object zero, string[] names) in kinds)
            foreach (string name in names)
                zeros[name] = zero;
        return zeros;
    }

    private static string? Structure(JsonElement json, string[] members)
    {
        if (json.ValueKind == JsonValueKind.Array)
            return Joined("[", json.EnumerateArray().Select(item => Structure(item, members)), "]");
        if (json.ValueKind == JsonValueKind.Null)
            return "[]";
        if (json.ValueKind != JsonValueKind.Object)
            return null;
        if (json.EnumerateObject().All(p => Array.Exists(members, m => m.TrimStart('?', '*') == p.Name)) && json.EnumerateObject().Any())
            return "{" + string.Join(' ', members.Select(m => Member(json, m))) + "}";
        // Names that are the user's: a map of such structures. Structures of other fields are no business of this one.
        return json.EnumerateObject().All(static p =>
            p.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Null)
            ? Joined("map[", json.EnumerateObject().OrderBy(static p => p.Name, StringComparer.Ordinal)
                .Select(p => Structure(p.Value, members) is { } item ? $"{p.Name}:{item}" : null), "]")
            : null;
    }

    private static string? Joined(string before, IEnumerable<string?> items, string after)
    {
        List<string?> all = [.. items];
        return all.Contains(null) ? null : before + string.Join(' ', all) + after;
    }

    private static string Member(JsonElement json, string member)
    {
        string name = member.TrimStart('?', '*');
        JsonElement value = json.At(name);
        if (value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null))
            return Value.Print(Value.Of(value), top: false);
        return member[0] == '?' ? "map[]" : member[0] == '*' ? "<nil>" : s_lists.Contains(name) ? "[]" : "";
    }
}
