using System.Collections.Frozen;

namespace Berth.Daemon.Http;

/// <summary>Finds the endpoint of a method and a path.</summary>
/// <remarks>ASP.NET's routing has no pattern for <c>/images/{any/number/of}/json</c>, which this API is full of.</remarks>
internal sealed class Router
{
    private readonly FrozenDictionary<string, Route[]> _byFirstSegment;

    public Router(IEnumerable<ApiEndpoint> endpoints) =>
        _byFirstSegment = endpoints.Select(endpoint => new Route(endpoint))
            .GroupBy(route => route.First, StringComparer.Ordinal)
            // Literal patterns before those with placeholders, so that /images/get is not an image called "get".
            .ToFrozenDictionary(
                group => group.Key, group => group.OrderBy(route => route.TakesRest).ThenBy(route => route.Placeholders).ToArray(),
                StringComparer.Ordinal);

    /// <summary>The endpoint and what stands in its placeholder; null: there is none.</summary>
    public (ApiEndpoint Endpoint, IReadOnlyList<string> Values)? Find(string method, string path, Wire.ApiVersion version)
    {
        string[] segments = path.Split('/', SegmentsMax)[1..];
        if (segments.Length == 0 || !_byFirstSegment.TryGetValue(segments[0], out Route[]? routes))
            return null;
        foreach (Route route in routes)
        {
            if (route.Endpoint.Method == method && version >= route.Endpoint.Since
                && route.Match(segments) is { } values)
                return (route.Endpoint, values);
        }
        return null;
    }

    // A path with more is no path of this API: the longest are image names, which have at most 255 characters.
    private const int SegmentsMax = 140;

    private sealed class Route(ApiEndpoint endpoint)
    {
        private readonly string[] _pattern = endpoint.Pattern.Split('/')[1..];

        public ApiEndpoint Endpoint { get; } = endpoint;

        public string First => _pattern[0];

        public int Placeholders => _pattern.Count(segment => segment.StartsWith('{'));

        // Such a placeholder fits what more exact patterns are for.
        public bool TakesRest => _pattern[^1].EndsWith("*}", StringComparison.Ordinal);

        public IReadOnlyList<string>? Match(ReadOnlySpan<string> segments)
        {
            int extra = segments.Length - _pattern.Length;
            var values = new List<string>(2);
            int at = 0;
            foreach (string wanted in _pattern)
            {
                int take = wanted.EndsWith("*}", StringComparison.Ordinal) ? 1 + extra : 1;
                if (take < 1 || at + take > segments.Length)
                    return null;
                string have = string.Join('/', segments.Slice(at, take)!);
                if (wanted.StartsWith('{') && have.Length > 0)
                    values.Add(have.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase));
                else if (wanted != have)
                    return null;
                at += take;
            }
            return at == segments.Length ? values : null;
        }
    }
}
