using System.Text.Json;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Running;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>volume</c> and its verbs.</summary>
internal static class VolumeCommands
{
    private static readonly Dictionary<string, string> s_headers = new()
    {
        ["Name"] = "VOLUME NAME", ["Driver"] = "DRIVER", ["Scope"] = "SCOPE", ["Mountpoint"] = "MOUNTPOINT", ["Labels"] = "LABELS",
        ["Links"] = "LINKS", ["Size"] = "SIZE", ["Availability"] = "AVAILABILITY", ["Group"] = "GROUP", ["Status"] = "STATUS",
    };

    public static async Task<int> CreateAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string[] cluster = ["availability", "group", "limit-bytes", "required-bytes", "scope", "secret", "sharing",
            "topology-preferred", "topology-required", "type"];
        if (cluster.FirstOrDefault(parsed.Has) is { } flag)
            throw new CommandException($"--{flag} is for cluster volumes, which need a swarm; Berth has none");
        if (parsed.Has("name") && parsed.Arguments.Count > 0)
            throw new CommandException("conflicting options: cannot specify a volume-name through both --name and as a positional arg");
        CreateVolumeRequest body = new()
        {
            Name = parsed.Arguments.Count > 0 ? parsed.Arguments[0] : parsed.Has("name") ? parsed.String("name") : null,
            Driver = parsed.String("driver"),
            DriverOpts = KeyValues.Map(parsed.List("opt")),
            Labels = KeyValues.Labels(parsed.List("label"), []),
        };
        JsonElement answer = await session.Engine.SendForJsonAsync(
            EngineRequest.Post("/volumes/create") with { Json =
                JsonSerializer.SerializeToUtf8Bytes(body, ApiJson.Wire.CreateVolumeRequest) },
            cancellationToken);
        session.PrintLine(answer.Text("Name"));
        return 0;
    }

    public static async Task<int> ListAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        if (parsed.Bool("cluster"))
        {
            // Without a swarm there are none; the heading says what was looked for.
            session.PrintLine("VOLUME NAME   GROUP     DRIVER    AVAILABILITY   STATUS");
            return 0;
        }
        JsonElement answer = await session.Engine.SendForJsonAsync(
            EngineRequest.Get("/volumes").QueryUnlessEmpty("filters", Filters.Of(parsed.List("filter"))), cancellationToken);
        string format = parsed.String("format");
        if (format.Length == 0)
            format = parsed.Bool("quiet") ? "{{.Name}}" : session.Config.Text("volumesFormat");
        Listing.Print(
            session, format, "{{.Driver}}\t{{.Name}}", s_headers,
            answer.Items("Volumes").OrderBy(static v => v.Text("Name"), NaturalComparer.Instance).Select(RowOf),
            parsed.Bool("quiet") ? "name: {{.Name}}" : "name: {{.Name}}\ndriver: {{.Driver}}\n");
        return 0;
    }

    /// <summary>Docker's answer for volumes that are no swarm's.</summary>
    public static Task<int> UpdateAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        throw new CommandException("can only update cluster volumes");

    public static Task<int> RemoveAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        ContainerVerbs.EachAsync(session, parsed, name => session.Engine.SendForStatusAsync(
            EngineRequest.Delete($"/volumes/{EngineRequest.Escape(name)}").QueryIf("force", parsed.Bool("force")), cancellationToken));

    internal static Row RowOf(JsonElement v) => new(
        "*formatter.volumeContext",
        ("Name", () => v.Text("Name")),
        ("Driver", () => v.Text("Driver")),
        ("Scope", () => v.Text("Scope")),
        ("Mountpoint", () => v.Text("Mountpoint")),
        ("Labels", () => string.Join(',', v.Members("Labels").Select(static l => $"{l.Name}={l.Value.GetString()}")
            .Order(StringComparer.Ordinal))),
        ("Links", () => v.At("UsageData").ValueKind == JsonValueKind.Object
            ? v.At("UsageData").Number("RefCount").ToString(System.Globalization.CultureInfo.InvariantCulture) : "N/A"),
        ("Size", () => v.At("UsageData").ValueKind == JsonValueKind.Object ? Humanize.Size(v.At("UsageData").Number("Size")) : "N/A"),
        ("Availability", () => "N/A"),
        ("Group", () => "N/A"),
        ("Status", () => "N/A"))
    {
        Label = key => v.At("Labels").Text(key),
    };
}
