using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>history</c>: the steps an image was made of.</summary>
internal static class HistoryCommand
{
    private static readonly Dictionary<string, string> s_headers = new()
    {
        ["ID"] = "IMAGE", ["CreatedSince"] = "CREATED", ["CreatedAt"] = "CREATED AT", ["CreatedBy"] = "CREATED BY", ["Size"] = "SIZE",
        ["Comment"] = "COMMENT",
    };

    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        JsonElement steps = await session.Engine.SendForJsonAsync(
            EngineRequest.Get($"/images/{EngineRequest.Escape(parsed.Arguments[0])}/history")
                .QueryUnlessEmpty("platform", PlatformText.ToJson(parsed.String("platform"))), cancellationToken);
        string format = parsed.String("format");
        if (parsed.Bool("quiet") && format.Length == 0)
            format = "{{.ID}}";
        bool human = parsed.Bool("human");
        string table = human ? "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
            : "{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
        DateTimeOffset now = session.Time.GetUtcNow();
        Listing.Print(
            session, format, table, s_headers, steps.Elements().Select(s => RowOf(s, parsed.Bool("no-trunc"), human, now)));
        return 0;
    }

    private static Row RowOf(JsonElement s, bool whole, bool human, DateTimeOffset now)
    {
        DateTimeOffset created = DateTimeOffset.FromUnixTimeSeconds(s.Number("Created"));
        string by = s.Text("CreatedBy").Replace("\t", " ", StringComparison.Ordinal);
        string at = created.ToLocalTime().ToString("yyyy-MM-dd'T'HH:mm:ssK", System.Globalization.CultureInfo.InvariantCulture)
            .Replace("+00:00", "Z", StringComparison.Ordinal);
        return new Row(
            "*image.historyContext",
            ("ID", () => whole ? s.Text("Id") : Short.Id(s.Text("Id"))),
            ("CreatedAt", () => at),
            ("CreatedSince", () => !human ? at : s.Number("Created") <= 0 ? "N/A" : Humanize.Ago(created, now)),
            ("CreatedBy", () => whole ? by : Short.Ellipsis(by, 45)),
            ("Size", () => human ? Humanize.Size(s.Number("Size"))
                : s.Number("Size").ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ("Comment", () => s.Text("Comment")));
    }
}
