using System.Globalization;
using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>ps</c>.</summary>
internal static class ContainerList
{
    private const string Table = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

    private const string Raw = "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\n"
        + "state: {{.State}}\nstatus: {{.Status}}\nnames: {{.Names}}\nlabels:{{if .Labels}} {{.Labels}}{{end}}\n"
        + "ports:{{if .Ports}} {{.Ports}}{{end}}\n";

    private static readonly Dictionary<string, string> s_headers = new()
    {
        ["ID"] = "CONTAINER ID", ["Names"] = "NAMES", ["Image"] = "IMAGE", ["Command"] = "COMMAND", ["CreatedAt"] = "CREATED AT",
        ["RunningFor"] = "CREATED", ["Ports"] = "PORTS", ["State"] = "STATE", ["Status"] = "STATUS", ["Size"] = "SIZE",
        ["Labels"] = "LABELS", ["Mounts"] = "MOUNTS", ["LocalVolumes"] = "LOCAL VOLUMES", ["Networks"] = "NETWORKS",
        ["Platform"] = "PLATFORM",
    };

    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string format = parsed.String("format");
        if (format.Length == 0 && !parsed.Bool("quiet"))
            format = session.Config.Text("psFormat");
        long last = parsed.Bool("latest") && parsed.Int("last") == -1 ? 1 : parsed.Int("last");
        bool quiet = parsed.Bool("quiet");
        if (quiet && format.Length > 0)
        {
            session.Warn("WARNING: Ignoring custom format, because both --format and --quiet are set.");
            format = "";
        }
        // A size costs the engine a walk over files: it is asked for only where it will be shown. {{json .}} shows everything.
        bool size = parsed.Bool("size") || format.Contains(".Size", StringComparison.Ordinal)
            || format.Contains("json .}", StringComparison.Ordinal) || format.Contains("json . }", StringComparison.Ordinal);
        EngineRequest request = EngineRequest.Get("/containers/json").QueryIf("all", parsed.Bool("all"))
            .QueryUnlessEmpty("limit", last > 0 ? last.ToString(CultureInfo.InvariantCulture) : "")
            .QueryIf("size", size).QueryUnlessEmpty("filters", Filters.Of(parsed.List("filter")));
        JsonElement containers = await session.Engine.SendForJsonAsync(request, cancellationToken);
        bool whole = parsed.Bool("no-trunc");
        DateTimeOffset now = session.Time.GetUtcNow();
        if (quiet)
            format = "{{.ID}}";
        string table = parsed.Bool("size") ? Table + "\t{{.Size}}" : Table;
        Listing.Print(session, format, table, s_headers, containers.Elements().Select(c => RowOf(c, whole, now)),
            parsed.Bool("size") ? Raw + "size: {{.Size}}\n" : Raw, isTried: true);
        return 0;
    }

    /// <summary>A container as <c>system df</c> shows it: whole, and with what is its own alone.</summary>
    internal static Row DiskRow(JsonElement c, DateTimeOffset now) => RowOf(c, whole: true, now, ownSizeOnly: true);

    internal static Row RowOf(JsonElement c, bool whole, DateTimeOffset now, bool ownSizeOnly = false) => new(
        "*formatter.ContainerContext",
        ("ID", () => whole ? c.Text("Id") : Short.Id(c.Text("Id"))),
        ("Names", () => string.Join(',', Names(c, whole))),
        ("Image", () => Image(c, whole)),
        ("Command", () => GoValue.Quote(whole ? c.Text("Command") : Short.Ellipsis(c.Text("Command"), 20))),
        ("CreatedAt", () => Humanize.GoTime(DateTimeOffset.FromUnixTimeSeconds(c.Number("Created")))),
        ("RunningFor", () => Humanize.Ago(DateTimeOffset.FromUnixTimeSeconds(c.Number("Created")), now)),
        ("Ports", () => PortText.Of(c.Items("Ports"))),
        ("State", () => c.Text("State")),
        ("Status", () => c.Text("Status")),
        ("Size", () => ownSizeOnly ? Humanize.Size(c.Number("SizeRw")) : Size(c)),
        ("Labels", () => string.Join(',', c.Members("Labels").Select(static l => $"{l.Name}={l.Value.GetString()}")
            .Order(StringComparer.Ordinal))),
        ("Mounts", () => string.Join(',', c.Items("Mounts").Select(m => Mount(m, whole)))),
        ("LocalVolumes", () => c.Items("Mounts").Count(static m => m.Text("Driver") == "local").ToString(CultureInfo.InvariantCulture)),
        ("Networks", () => string.Join(',', c.At("NetworkSettings").Members("Networks").Select(static n => n.Name)
            .Order(StringComparer.Ordinal))),
        ("Platform", () => null))
    {
        Label = key => c.At("Labels").Text(key),
    };

    // Legacy links show as names with a second slash; they are hidden unless everything is shown.
    private static IEnumerable<string> Names(JsonElement c, bool whole) => c.Texts("Names").Select(static n => n.TrimStart('/'))
        .Where(n => whole || !n.Contains('/'));

    private static string Image(JsonElement c, bool whole)
    {
        string image = c.Text("Image");
        if (image.Length == 0)
            return "<no image>";
        if (whole)
            return image;
        if (c.Text("ImageID").StartsWith(image, StringComparison.Ordinal) || Short.Id(image) == Short.Id(c.Text("ImageID")))
            return Short.Id(image);
        int digest = image.IndexOf('@');
        return digest > 0 ? image[..digest] : image;
    }

    private static string Size(JsonElement c)
    {
        string written = Humanize.Size(c.Number("SizeRw"));
        return c.Number("SizeRootFs") > 0 ? $"{written} (virtual {Humanize.Size(c.Number("SizeRootFs"))})" : written;
    }

    private static string Mount(JsonElement mount, bool whole)
    {
        string name = mount.Text("Name") is { Length: > 0 } given ? given : mount.Text("Source");
        return whole ? name : Short.Ellipsis(name, 15);
    }
}

/// <summary>Shortened IDs and texts.</summary>
internal static class Short
{
    /// <summary>Twelve characters of an ID, without the algorithm.</summary>
    public static string Id(string id)
    {
        int colon = id.IndexOf(':');
        string hex = id[(colon + 1)..];
        return hex.Length > 12 ? hex[..12] : hex;
    }

    public static string Ellipsis(string text, int length) => text.Length <= length ? text : text[..(length - 1)] + "…";
}
