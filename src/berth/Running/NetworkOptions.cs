using System.Globalization;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Text;

namespace Berth.Cli.Running;

/// <summary><c>--network</c> in its short and long form, and the options of the first network.</summary>
internal static class NetworkOptions
{
    /// <summary>The networks' names in order; empty if none was given.</summary>
    public static List<string> Names(ParsedCommand parsed) => parsed.List("network").Select(n => Parse(n).Name).ToList();

    /// <exception cref="UsageException">A wrong key, a network named twice, options that contradict.</exception>
    public static NetworkingConfig Endpoints(ParsedCommand parsed)
    {
        Dictionary<string, EndpointSettings?> endpoints = new(StringComparer.Ordinal);
        IReadOnlyList<string> given = parsed.List("network");
        List<(string Name, EndpointSettings Settings)> networks =
            given.Count == 0 ? [("default", new EndpointSettings())] : given.Select(Parse).ToList();
        foreach ((string name, EndpointSettings settings) in networks)
        {
            if (endpoints.Count == 0)
                AddFirst(parsed, name, settings);
            if (!endpoints.TryAdd(name, settings))
                throw new UsageException($"network \"{name}\" is specified multiple times");
        }
        if (networks.Any(static n => IsUserDefined(n.Name)) && networks.Any(static n => !IsUserDefined(n.Name)))
            throw new UsageException("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
        return new NetworkingConfig { EndpointsConfig = endpoints };
    }

    private static void AddFirst(ParsedCommand parsed, string name, EndpointSettings endpoint)
    {
        IReadOnlyList<string> aliases = parsed.List("network-alias");
        if (aliases.Count > 0 && endpoint.Aliases is not null)
            throw new UsageException("conflicting options: cannot specify both --network-alias and per-network alias");
        if (aliases.Count > 0)
            endpoint.Aliases = aliases;
        bool userDefined = IsUserDefined(name);
        if (!userDefined && endpoint.Aliases is { Count: > 0 })
            throw new UsageException("network-scoped aliases are only supported for user-defined networks");
        if (userDefined && parsed.List("link") is { Count: > 0 } links)
            endpoint.Links = links;
        if (parsed.Has("ip") || parsed.Has("ip6") || parsed.Has("link-local-ip"))
        {
            if (endpoint.IPAMConfig is not null)
                throw new UsageException("conflicting options: cannot specify both --ip and per-network IPv4 address");
            endpoint.IPAMConfig = new EndpointIpamConfig
            {
                IPv4Address = NullIfEmpty(parsed.String("ip")),
                IPv6Address = NullIfEmpty(parsed.String("ip6")),
                LinkLocalIPs = parsed.List("link-local-ip") is { Count: > 0 } local ? local : null,
            };
        }
        if (ContainerSpec.MacAddress(parsed.String("mac-address")) is { } mac)
            endpoint.MacAddress = mac;
    }

    private static bool IsUserDefined(string name) => name is not ("default" or "bridge" or "host" or "none")
        && !name.StartsWith("container:", StringComparison.Ordinal);

    private static (string Name, EndpointSettings Settings) Parse(string text)
    {
        EndpointSettings settings = new();
        if (!text.Contains('=') || text.StartsWith("container:", StringComparison.Ordinal))
            return (text, settings);
        string name = "";
        foreach (string field in Csv.Split(text))
        {
            (string key, string value) = KeyValues.Split(field);
            if (!field.Contains('='))
                throw new UsageException(
                    $"invalid argument {GoValue.Quote(text)} for \"--network\" flag: invalid field {field}: should be key=value");
            if (key.Equals("name", StringComparison.OrdinalIgnoreCase))
                name = value.Trim();
            else
                Set(settings, key.ToLowerInvariant(), value.Trim());
        }
        return name.Length > 0 ? (name, settings)
            : throw new UsageException($"invalid argument {GoValue.Quote(text)} for \"--network\" flag: network name/id is not specified");
    }

    private static void Set(EndpointSettings settings, string key, string value)
    {
        switch (key)
        {
            case "alias":
                settings.Aliases = [.. settings.Aliases ?? [], value];
                break;
            case "ip":
                settings.IPAMConfig = (settings.IPAMConfig ?? new EndpointIpamConfig()) with { IPv4Address = value };
                break;
            case "ip6":
                settings.IPAMConfig = (settings.IPAMConfig ?? new EndpointIpamConfig()) with { IPv6Address = value };
                break;
            case "mac-address":
                settings.MacAddress = ContainerSpec.MacAddress(value) ?? "";
                break;
            case "link-local-ip":
                EndpointIpamConfig ipam = settings.IPAMConfig ?? new EndpointIpamConfig();
                settings.IPAMConfig = ipam with { LinkLocalIPs = [.. ipam.LinkLocalIPs ?? [], value] };
                break;
            case "driver-opt":
                (string name, string option) = KeyValues.Split(value);
                settings.DriverOpts = new Dictionary<string,
                    string>(settings.DriverOpts ?? new Dictionary<string, string>()) { [name.Trim().ToLowerInvariant()] = option.Trim() };
                break;
            case "gw-priority":
                settings.GwPriority = int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int priority)
                    ? priority : throw new UsageException($"invalid gw-priority ({value}): invalid syntax");
                break;
            default:
                throw new UsageException($"invalid field key {key}");
        }
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
