using System.Text.Json;
using Berth.Api;

namespace Berth.Cli.Commands;

/// <summary><c>--filter name=value</c> as the API takes it: a map of maps.</summary>
internal static class Filters
{
    public static string Of(IEnumerable<string> filters, params (string Name, string Value)[] more)
    {
        Dictionary<string, Dictionary<string, bool>> map = new(StringComparer.Ordinal);
        foreach (string filter in filters.Where(static f => f.Length > 0))
        {
            int equals = filter.IndexOf('=');
            Add(map, filter[..equals].Trim().ToLowerInvariant(), filter[(equals + 1)..].Trim());
        }
        foreach ((string name, string value) in more)
            Add(map, name, value);
        return map.Count == 0 ? "" : JsonSerializer.Serialize(map, ApiJson.Wire.FilterMaps);
    }

    private static void Add(Dictionary<string, Dictionary<string, bool>> map, string name, string value)
    {
        if (!map.TryGetValue(name, out Dictionary<string, bool>? values))
            map[name] = values = [];
        values[value] = true;
    }
}
