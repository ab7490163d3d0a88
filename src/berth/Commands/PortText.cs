using System.Text.Json;
using Berth.Cli.Text;

namespace Berth.Cli.Commands;

/// <summary>The ports of a container in one line; neighbours are joined to ranges.</summary>
internal static class PortText
{
    private sealed record Port(string Address, long Public, long Private, string Type);

    public static string Of(IEnumerable<JsonElement> ports)
    {
        List<Port> sorted =
            ports.Select(static p => new Port(p.Text("IP"), p.Number("PublicPort"), p.Number("PrivatePort"), p.Text("Type")))
            .OrderBy(static p => p.Private).ThenBy(static p => p.Address, StringComparer.Ordinal).ThenBy(static p => p.Public)
            .ThenBy(static p => p.Type, StringComparer.Ordinal).ToList();
        if (sorted.Count == 0)
            return "";
        List<string> single = [];
        List<string> ranges = [];
        Dictionary<string, (long First, long Last)> open = [];
        foreach (Port port in sorted)
        {
            string key = port.Type;
            if (port.Address.Length > 0)
            {
                if (port.Public != port.Private)
                {
                    single.Add($"{Host(port.Address)}:{port.Public}->{port.Private}/{port.Type}");
                    continue;
                }
                key = $"{port.Address}/{port.Type}";
            }
            if (!open.TryGetValue(key, out (long First, long Last) range))
                open[key] = (port.Private, port.Private);
            else if (port.Private == range.Last || port.Private == range.Last + 1)
                open[key] = (range.First, port.Private);
            else
            {
                ranges.Add(Range(key, range.First, range.Last));
                open[key] = (port.Private, port.Private);
            }
        }
        foreach (string key in sorted.Select(static p => p.Address.Length > 0 ? $"{p.Address}/{p.Type}" : p.Type).Distinct())
        {
            if (open.TryGetValue(key, out (long First, long Last) range))
                ranges.Add(Range(key, range.First, range.Last));
        }
        return string.Join(", ", ranges.Concat(single));
    }

    private static string Range(string key, long first, long last)
    {
        string[] parts = key.Split('/');
        string group = first == last ? $"{first}" : $"{first}-{last}";
        return parts.Length > 1 ? $"{Host(parts[0])}:{group}->{group}/{parts[1]}" : $"{group}/{parts[0]}";
    }

    private static string Host(string address) => address.Contains(':') ? $"[{address}]" : address;
}
