using System.Globalization;
using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>images</c>: one line for each tag.</summary>
internal static class ImageList
{
    private static readonly Dictionary<string, string> s_headers = new()
    {
        ["ID"] = "IMAGE ID", ["Repository"] = "REPOSITORY", ["Tag"] = "TAG", ["Digest"] = "DIGEST", ["CreatedSince"] = "CREATED",
        ["CreatedAt"] = "CREATED AT", ["Size"] = "SIZE", ["Containers"] = "CONTAINERS", ["VirtualSize"] = "SIZE",
        ["SharedSize"] = "SHARED SIZE", ["UniqueSize"] = "UNIQUE SIZE",
    };

    // Year 1, which is how Go counts an unset time from 1970.
    private const long NoTime = -62135596800;

    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        if (parsed.Bool("tree"))
            return await ImageTree.RunAsync(session, parsed, cancellationToken);
        (string, string)[] reference = parsed.Arguments.Count > 0 ? [("reference", parsed.Arguments[0])] : [];
        EngineRequest request = EngineRequest.Get("/images/json").QueryIf("all", parsed.Bool("all"))
            .QueryUnlessEmpty("filters", Filters.Of(parsed.List("filter"), reference));
        JsonElement images = await session.Engine.SendForJsonAsync(request, cancellationToken);
        string format = parsed.String("format");
        if (format.Length == 0 && !parsed.Bool("quiet"))
            format = session.Config.Text("imagesFormat");
        bool digests = parsed.Bool("digests");
        if (parsed.Bool("quiet") && (format.Length == 0 || format == "table"))
            format = "{{.ID}}";
        string table = digests
            ? "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}"
            : "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}";
        bool needsDigest = digests || format.Contains("{{.Digest}}", StringComparison.Ordinal);
        DateTimeOffset now = session.Time.GetUtcNow();
        IEnumerable<IFields> rows = images.Elements().SelectMany(
            i => Names(i, needsDigest, digests).Select(n => RowOf(i, n, parsed.Bool("no-trunc"), now)));
        string raw = parsed.Bool("quiet") ? "image_id: {{.ID}}"
            : "repository: {{.Repository}}\ntag: {{.Tag}}\n" + (digests ? "digest: {{.Digest}}\n" : "")
                + "image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n";
        Listing.Print(session, format, table, s_headers, rows, raw);
        return 0;
    }

    private static IEnumerable<(string Repository, string Tag, string Digest)> Names(
        JsonElement image, bool needsDigest, bool listsDigests)
    {
        string[] tags = image.Texts("RepoTags").Where(static t => t != "<none>:<none>").ToArray();
        string[] digests = image.Texts("RepoDigests").Where(static d => d != "<none>@<none>").ToArray();
        if (tags.Length == 0 && digests.Length == 0)
            yield return ("<none>", "<none>", "<none>");
        HashSet<string> named = [];
        HashSet<string> unlisted = [];
        foreach (string text in tags)
        {
            int colon = text.LastIndexOf(':');
            string repository = text[..colon];
            named.Add(repository);
            string[] own = !needsDigest ? [] : [.. digests.Where(d => d.StartsWith(repository + "@", StringComparison.Ordinal))];
            foreach (string digest in own.DefaultIfEmpty(repository + "@<none>"))
                yield return (repository, text[(colon + 1)..], digest[(repository.Length + 1)..]);
        }
        foreach (string text in digests)
        {
            int at = text.IndexOf('@');
            if (!named.Contains(text[..at]) && (listsDigests || unlisted.Add(text[..at])))
                yield return (text[..at], "<none>", listsDigests ? text[(at + 1)..] : "");
        }
    }

    /// <summary>An image in <c>system df -v</c>: its first name, its whole ID.</summary>
    internal static Row DiskRow(JsonElement image, DateTimeOffset now)
    {
        string name = image.Texts("RepoTags").FirstOrDefault() ?? "<none>:<none>";
        int colon = name.LastIndexOf(':');
        return RowOf(image, (name[..colon], name[(colon + 1)..], ""), whole: true, now);
    }

    private static Row RowOf(JsonElement i, (string Repository, string Tag, string Digest) name, bool whole, DateTimeOffset now) => new(
        "*formatter.imageContext",
        ("ID", () => whole ? i.Text("Id") : Short.Id(i.Text("Id"))),
        ("Repository", () => name.Repository),
        ("Tag", () => name.Tag),
        ("Digest", () => name.Digest),
        ("CreatedSince", () => i.Number("Created") <= NoTime ? ""
            : Humanize.Ago(DateTimeOffset.FromUnixTimeSeconds(i.Number("Created")), now)),
        ("CreatedAt", () => Humanize.GoTime(DateTimeOffset.FromUnixTimeSeconds(i.Number("Created")))),
        ("Size", () => Humanize.Size(i.Number("Size"))),
        ("Containers", () => i.Number("Containers") < 0 ? "N/A" : i.Number("Containers").ToString(CultureInfo.InvariantCulture)),
        ("VirtualSize", () => Humanize.Size(i.Number("Size"), 4)),
        ("SharedSize", () => i.Number("SharedSize") < 0 ? "N/A" : Humanize.Size(i.Number("SharedSize"), 4)),
        ("UniqueSize", () => i.Number("SharedSize") < 0 ? "N/A" : Humanize.Size(i.Number("Size") - i.Number("SharedSize"), 4)));
}
