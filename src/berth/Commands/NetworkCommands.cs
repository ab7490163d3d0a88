using System.Text.Json;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Running;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>network</c> and its verbs.</summary>
internal static class NetworkCommands
{
    private static readonly Dictionary<string, string> s_headers = new()
    {
        ["ID"] = "NETWORK ID", ["Name"] = "NAME", ["Driver"] = "DRIVER", ["Scope"] = "SCOPE", ["IPv4"] = "IPV4", ["IPv6"] = "IPV6",
        ["Internal"] = "INTERNAL", ["Labels"] = "LABELS", ["CreatedAt"] = "CREATED AT",
    };

    public static async Task<int> CreateAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        CreateNetworkRequest body = new()
        {
            Name = parsed.Arguments[0],
            Driver = parsed.String("driver"),
            Scope = parsed.String("scope"),
            EnableIPv4 = parsed.Has("ipv4") ? parsed.Bool("ipv4") : null,
            EnableIPv6 = parsed.Has("ipv6") ? parsed.Bool("ipv6") : null,
            Internal = parsed.Bool("internal"),
            Attachable = parsed.Bool("attachable"),
            Ingress = parsed.Bool("ingress"),
            ConfigOnly = parsed.Bool("config-only"),
            ConfigFrom = parsed.String("config-from") is { Length: > 0 } from ? new ConfigReference { Network = from } : null,
            Options = KeyValues.Map(parsed.List("opt")),
            Labels = KeyValues.Labels(parsed.List("label"), []),
            IPAM = new Ipam
            {
                Driver = parsed.String("ipam-driver"),
                Options = KeyValues.Map(parsed.List("ipam-opt")),
                Config = NetworkPools.Build(
                    parsed.List("subnet"), parsed.List("ip-range"), parsed.List("gateway"), KeyValues.Map(parsed.List("aux-address"))),
            },
        };
        JsonElement answer = await session.Engine.SendForJsonAsync(
            EngineRequest.Post("/networks/create") with { Json =
                JsonSerializer.SerializeToUtf8Bytes(body, ApiJson.Wire.CreateNetworkRequest) },
            cancellationToken);
        if (answer.Text("Warning") is { Length: > 0 } warning)
            session.Warn($"WARNING: {warning}");
        session.PrintLine(answer.Text("Id"));
        return 0;
    }

    public static async Task<int> ListAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        JsonElement networks = await session.Engine.SendForJsonAsync(
            EngineRequest.Get("/networks").QueryUnlessEmpty("filters", Filters.Of(parsed.List("filter"))), cancellationToken);
        bool whole = parsed.Bool("no-trunc");
        string format = parsed.String("format");
        if (format.Length == 0)
            format = parsed.Bool("quiet") ? "{{.ID}}" : session.Config.Text("networksFormat");
        Listing.Print(
            session, format, "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}", s_headers,
            networks.Elements().OrderBy(static n => n.Text("Name"), NaturalComparer.Instance).Select(n => RowOf(n, whole)),
            parsed.Bool("quiet") ? "network_id: {{.ID}}"
                : "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n");
        return 0;
    }

    public static Task<int> RemoveAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        ContainerVerbs.EachAsync(
            session, parsed, name =>
                session.Engine.SendForStatusAsync(EngineRequest.Delete($"/networks/{EngineRequest.Escape(name)}"), cancellationToken),
            ignored: e => parsed.Bool("force") && e.IsNotFound);

    public static async Task<int> ConnectAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        bool addressed = parsed.Has("ip") || parsed.Has("ip6") || parsed.Has("link-local-ip");
        ConnectNetworkRequest body = new()
        {
            Container = parsed.Arguments[1],
            EndpointConfig = new EndpointSettings
            {
                IPAMConfig = addressed ? new EndpointIpamConfig
                {
                    IPv4Address = parsed.String("ip") is { Length: > 0 } four ? four : null,
                    IPv6Address = parsed.String("ip6") is { Length: > 0 } six ? six : null,
                    LinkLocalIPs = parsed.List("link-local-ip") is { Count: > 0 } local ? local : null,
                } : null,
                Links = parsed.List("link") is { Count: > 0 } links ? links : null,
                Aliases = parsed.List("alias") is { Count: > 0 } aliases ? aliases : null,
                DriverOpts = parsed.List("driver-opt") is { Count: > 0 } options ? KeyValues.Pairs(options, "driver-opt") : null,
                GwPriority = (int)parsed.Int("gw-priority"),
            },
        };
        await session.Engine.SendForStatusAsync(
            EngineRequest.Post($"/networks/{EngineRequest.Escape(parsed.Arguments[0])}/connect") with
            {
                Json = JsonSerializer.SerializeToUtf8Bytes(body, ApiJson.Wire.ConnectNetworkRequest),
            },
            cancellationToken);
        return 0;
    }

    public static async Task<int> DisconnectAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        DisconnectNetworkRequest body = new() { Container = parsed.Arguments[1], Force = parsed.Bool("force") };
        await session.Engine.SendForStatusAsync(
            EngineRequest.Post($"/networks/{EngineRequest.Escape(parsed.Arguments[0])}/disconnect") with
            {
                Json = JsonSerializer.SerializeToUtf8Bytes(body, ApiJson.Wire.DisconnectNetworkRequest),
            },
            cancellationToken);
        return 0;
    }

    private static Row RowOf(JsonElement n, bool whole) => new(
        "*network.networkContext",
        ("ID", () => whole ? n.Text("Id") : Short.Id(n.Text("Id"))),
        ("Name", () => n.Text("Name")),
        ("Driver", () => n.Text("Driver")),
        ("Scope", () => n.Text("Scope")),
        ("IPv4", () => n.Flag("EnableIPv4") ? "true" : "false"),
        ("IPv6", () => n.Flag("EnableIPv6") ? "true" : "false"),
        ("Internal", () => n.Flag("Internal") ? "true" : "false"),
        ("Labels", () => string.Join(',', n.Members("Labels").Select(static l => $"{l.Name}={l.Value.GetString()}")
            .Order(StringComparer.Ordinal))),
        ("CreatedAt", () => Humanize.GoTime(n.Text("Created"))))
    {
        Label = key => n.At("Labels").Text(key),
    };
}

/// <summary>Joins subnets with their ranges, gateways and reserved addresses.</summary>
internal static class NetworkPools
{
    public static List<IpamPool> Build(
        IReadOnlyList<string> subnets, IReadOnlyList<string> ranges, IReadOnlyList<string> gateways, Dictionary<string, string> reserved)
    {
        if (subnets.Count < ranges.Count || subnets.Count < gateways.Count)
            throw new CommandException("every ip-range or gateway must have a corresponding subnet");
        List<IpamPool> pools = subnets.Select(static s => new IpamPool { Subnet = s }).ToList();
        foreach (string range in ranges)
            Owner(pools, range.Split('/')[0], $"no matching subnet for range {range}").IPRange = range;
        foreach (string gateway in gateways)
            Owner(pools, gateway, $"no matching subnet for gateway {gateway}").Gateway = gateway;
        foreach ((string name, string address) in reserved)
        {
            IpamPool pool = Owner(pools, address, $"no matching subnet for aux-address {address}");
            pool.AuxiliaryAddresses = new Dictionary<string,
                string>(pool.AuxiliaryAddresses ?? new Dictionary<string, string>()) { [name] = address };
        }
        return pools;
    }

    private static IpamPool Owner(List<IpamPool> pools, string address, string problem) =>
        AddressText.IsAddress(address) && System.Net.IPAddress.TryParse(address, out System.Net.IPAddress? ip)
        && pools.Find(p => System.Net.IPNetwork.TryParse(p.Subnet, out System.Net.IPNetwork network) && network.Contains(ip)) is { } found
            ? found : throw new CommandException(problem);
}

/// <summary>Orders names so that web2 stands before web10.</summary>
internal sealed class NaturalComparer : IComparer<string>
{
    public static NaturalComparer Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        (string a, string b) = (x ?? "", y ?? "");
        int i = 0;
        int j = 0;
        while (i < a.Length && j < b.Length)
        {
            if (char.IsAsciiDigit(a[i]) && char.IsAsciiDigit(b[j]))
            {
                (string left, string right) = (Digits(a, ref i), Digits(b, ref j));
                int byNumber = left.Length != right.Length ? left.Length.CompareTo(right.Length) : string.CompareOrdinal(left, right);
                if (byNumber != 0)
                    return byNumber;
                continue;
            }
            if (a[i] != b[j])
                return a[i].CompareTo(b[j]);
            i++;
            j++;
        }
        return (a.Length - i).CompareTo(b.Length - j);
    }

    private static string Digits(string text, ref int i)
    {
        int start = i;
        while (i < text.Length && char.IsAsciiDigit(text[i]))
            i++;
        return text[start..i].TrimStart('0');
    }
}
