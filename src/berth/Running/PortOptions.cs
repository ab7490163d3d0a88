using System.Globalization;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Text;

namespace Berth.Cli.Running;

/// <summary><c>-p</c> and <c>--expose</c>: <c>[[ip:][host]:]container[/protocol]</c>, ranges, and the long form.</summary>
internal static class PortOptions
{
    internal sealed record Published(
        Dictionary<string, Empty> Exposed, Dictionary<string, IReadOnlyList<PortBinding>?> Bindings);

    /// <exception cref="UsageException">Not a port.</exception>
    public static Published Parse(IReadOnlyList<string> publish, IReadOnlyList<string> expose)
    {
        Dictionary<string, Empty> exposed = [];
        Dictionary<string, IReadOnlyList<PortBinding>?> bindings = [];
        foreach (string option in publish)
            One(option.Contains('=') ? FromLongForm(option) : option, exposed, bindings);
        foreach (string option in expose)
        {
            if (option.Contains(':'))
                throw new UsageException($"invalid port format for --expose: {option}");
            (string ports, string protocol) = Protocol(option, option);
            (int first, int last) = Range(ports) ?? throw new UsageException($"invalid range format for --expose: {option}, error: "
                + (IsBackwards(ports) ? $"invalid range specified for port: {ports}"
                    : $"strconv.ParseUint: parsing {GoValue.Quote(ports)}: invalid syntax"));
            for (int port = first; port <= last; port++)
                exposed.TryAdd($"{port}/{protocol}", new Empty());
        }
        return new Published(exposed, bindings);
    }

    private static bool IsBackwards(string ports) => ports.Split('-') is [var first, var last]
        && ushort.TryParse(first, out ushort low) && ushort.TryParse(last, out ushort high) && high < low;

    private static void One(
        string option, Dictionary<string, Empty> exposed, Dictionary<string, IReadOnlyList<PortBinding>?> bindings)
    {
        (string rest, string protocol) = Protocol(option, option);
        (string address, string host, string container) = Split(rest);
        if (container.Length == 0)
            throw new UsageException($"no port specified: {option}<empty>");
        if (address.Length > 0 && !AddressText.IsAddress(address))
            throw new UsageException($"invalid IP address: {address}");
        (int first, int last) = Range(container) ?? throw new UsageException($"invalid containerPort: {container}");
        (int First, int Last)? hosts = host.Length == 0 ? null
            : Range(host) ?? throw new UsageException($"invalid hostPort: {host}");
        bool single = first == last;
        if (hosts is { } range && range.Last - range.First != last - first && !single)
            throw new UsageException($"invalid ranges specified for container and host Ports: {container} and {host}");
        for (int port = first; port <= last; port++)
        {
            string hostPort = hosts is not { } h ? ""
                : single && h.First != h.Last ? $"{h.First}-{h.Last}" : Text(h.First + port - first);
            string key = $"{port}/{protocol}";
            exposed.TryAdd(key, new Empty());
            bindings[key] = [.. bindings.GetValueOrDefault(key) ?? [], new PortBinding { HostIp = address, HostPort = hostPort }];
        }
    }

    private static (string Address, string Host, string Container) Split(string text)
    {
        int last = text.LastIndexOf(':');
        if (last < 0)
            return ("", "", text);
        string container = text[(last + 1)..];
        string before = text[..last];
        int middle = before.LastIndexOf(':');
        if (middle < 0)
            return ("", before, container);
        string address = before[..middle];
        return (address is ['[', .., ']'] ? address[1..^1] : address, before[(middle + 1)..], container);
    }

    private static (string Ports, string Protocol) Protocol(string text, string option)
    {
        int slash = text.IndexOf('/');
        string protocol = slash < 0 || slash == text.Length - 1 ? "tcp" : text[(slash + 1)..].ToLowerInvariant();
        return protocol is "tcp" or "udp" or "sctp"
            ? (slash < 0 ? text : text[..slash], protocol) : throw new UsageException($"invalid proto: {protocol}");
    }

    private static (int First, int Last)? Range(string text)
    {
        int dash = text.IndexOf('-');
        string low = dash < 0 ? text : text[..dash];
        string high = dash < 0 ? text : text[(dash + 1)..];
        return ushort.TryParse(low, NumberStyles.None, CultureInfo.InvariantCulture, out ushort first)
            && ushort.TryParse(high, NumberStyles.None, CultureInfo.InvariantCulture, out ushort last) && first <= last
            ? (first, last) : null;
    }

    private static string FromLongForm(string option)
    {
        string target = "", published = "", protocol = "tcp";
        foreach (string field in Csv.Split(option))
        {
            (string key, string value) = KeyValues.Split(field);
            switch (key.ToLowerInvariant())
            {
                case "target":
                    target = value;
                    break;
                case "published":
                    published = value;
                    break;
                case "protocol":
                    protocol = value;
                    break;
                case "mode" when value is "host" or "ingress":
                    break;
                default:
                    throw new UsageException($"invalid field key {key}");
            }
        }
        return target.Length == 0 ? throw new UsageException("missing mandatory field \"target\"")
            : $"{published}:{target}/{protocol}".TrimStart(':');
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
