using System.Globalization;
using System.Text.Json;
using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>search</c>.</summary>
internal static class SearchCommand
{
    private static readonly Dictionary<string, string> s_headers = new()
    {
        ["Name"] = "NAME", ["Description"] = "DESCRIPTION", ["StarCount"] = "STARS", ["IsOfficial"] = "OFFICIAL",
            ["IsAutomated"] = "AUTOMATED",
    };

    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        EngineRequest request = EngineRequest.Get("/images/search").Query("term", parsed.Arguments[0])
            .QueryUnlessEmpty("limit", parsed.String("limit")).QueryUnlessEmpty("filters", Filters.Of(parsed.List("filter")))
            .Header("X-Registry-Auth", await RegistryAccounts.HeaderAsync(session, RegistryOf(parsed.Arguments[0]), cancellationToken));
        JsonElement results = await session.Engine.SendForJsonAsync(request, cancellationToken);
        bool whole = parsed.Bool("no-trunc");
        Listing.Print(
            session, parsed.String("format"), "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}", s_headers,
            results.Elements().Select(r => new Row(
                "*search.searchContext",
                ("Name", () => r.Text("name")),
                ("Description", () => Description(r.Text("description"), whole)),
                ("StarCount", () => r.Number("star_count").ToString(CultureInfo.InvariantCulture)),
                ("IsOfficial", () => r.Flag("is_official") ? "[OK]" : ""),
                ("IsAutomated", () => r.Flag("is_automated") ? "[OK]" : ""))));
        return 0;
    }

    // The engine's rule: the first part names a registry when it could not be part of a name.
    private static string RegistryOf(string term)
    {
        int slash = term.IndexOf('/', StringComparison.Ordinal);
        string first = slash < 0 ? "" : term[..slash];
        return first == "localhost" || first.AsSpan().ContainsAny('.', ':') ? first : "docker.io";
    }

    private static string Description(string text, bool whole)
    {
        string line = text.Replace('\n', ' ').Replace('\r', ' ');
        return whole ? line : Short.Ellipsis(line, 45);
    }
}
