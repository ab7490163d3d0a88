using System.Text;
using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>images --tree</c>: each image with the platforms it came for, for people; <c>--format</c> is for programs.</summary>
internal static class ImageTree
{
    private const int Gap = 3;
    private const int WidthWithoutTerminal = 80;
    private static readonly Version s_firstWithManifests = new(1, 47);

    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        Check(parsed);
        string version = await session.Engine.GetApiVersionAsync(cancellationToken);
        if (Version.TryParse(version, out Version? api) && api < s_firstWithManifests)
        {
            throw new CommandException(
                $"\"--tree\" requires API version {s_firstWithManifests}, but the Docker daemon API version is {version}");
        }
        EngineRequest request = EngineRequest.Get("/images/json").QueryIf("all", parsed.Bool("all")).QueryIf("manifests", true)
            .QueryUnlessEmpty("filters", Filters.Of(parsed.List("filter"),
                parsed.Arguments.Count > 0 ? [("reference", parsed.Arguments[0])] : []));
        JsonElement images = await session.Engine.SendForJsonAsync(request, cancellationToken);
        session.Print(Draw(
            [
                .. images.Elements()
                    .Where(image => parsed.Bool("all") || image.Texts("RepoTags").Length + image.Texts("RepoDigests").Length > 0)
                    .Select(Read).OrderByDescending(static image => image.Created),
            ],
            new Paint(session.Console.OutputIsTerminal),
            session.Console.OutputIsTerminal ? session.Console.Size()?.Columns ?? WidthWithoutTerminal : WidthWithoutTerminal));
        return 0;
    }

    private static void Check(ParsedCommand parsed)
    {
        foreach ((string flag, string called) in (ReadOnlySpan<(string, string)>)
            [("quiet", "quiet"), ("no-trunc", "no-trunc"), ("digests", "show-digest"), ("format", "format")])
        {
            if (parsed.Has(flag))
                throw new CommandException($"--{called} is not yet supported with --tree");
        }
    }

    private static Image Read(JsonElement image)
    {
        Variant[] variants = [.. image.Items("Manifests").Where(static m => m.Text("Kind") == "image").Select(static m => new Variant(
            PlatformText.Of(m.At("ImageData").At("Platform")), m.Text("ID"), m.At("Size").Number("Total"),
            m.At("Size").Number("Content"), m.At("ImageData").Texts("Containers").Length > 0))];
        return new Image(
            [.. image.Texts("RepoTags").OrderByDescending(static name => name.Length).ThenBy(static name => name, StringComparer.Ordinal)],
            image.Number("Created"), image.Text("Id"), image.Number("Size"), variants.Sum(static v => v.Content),
            image.Number("Containers") > 0 || variants.Any(static v => v.IsUsed), variants);
    }

    private static string Draw(Image[] images, Paint paint, int width)
    {
        StringBuilder text = new();
        text.Append(paint.Warning(
            "WARNING: This is an experimental feature. The output may change and shouldn't be depended on.")).Append('\n');
        string legend = paint.IsOn ? "i Info →  U  In Use " : " Info ->  U In Use ";
        text.Append(' ', Math.Max(0, width - legend.Length)).Append(paint.IsOn
            ? $"{paint.Mark("i")}{paint.Legend(" Info → ")}{paint.Chip} In Use " : legend).Append("\n\n");
        bool spaced = images.Any(static image => image.Variants.Length > 0);
        // Docker's client gives a branch of the tree the width of its seven bytes.
        int name = Math.Max(5, images.SelectMany(static image => NamesOf(image).Select(static n => n.Length)
            .Concat(image.Variants.Select(static v => v.Platform.Length + 7))).DefaultIfEmpty(0).Max());
        text.Append(Row(paint.Title("IMAGE", name), paint.Title("ID", 12), paint.Title("DISK USAGE", 10), paint.Title("CONTENT SIZE", 12),
            paint.Title("EXTRA", 5)));
        foreach (Image image in images)
        {
            string[] names = NamesOf(image);
            foreach (string further in names[..^1])
                text.Append(paint.Name(further)).Append('\n');
            text.Append(Details(paint, paint.Name(names[^1].PadRight(name)), image.Id, image.Total, image.Content, image.IsUsed));
            foreach ((int i, Variant variant) in image.Variants.Index())
            {
                string branch = (i == image.Variants.Length - 1 ? "└─ " : "├─ ") + variant.Platform;
                text.Append(Details(
                    paint, paint.Plain(branch.PadRight(name)), variant.Id, variant.Total, variant.Content, variant.IsUsed));
            }
            if (spaced)
                text.Append('\n');
        }
        return text.ToString();
    }

    private static string[] NamesOf(Image image) => image.Names is { Length: > 0 } names ? names : ["<untagged>"];

    private static string Details(Paint paint, string name, string id, long total, long content, bool isUsed) => Row(
        name, paint.Plain(Short.Id(id).PadRight(12)), paint.Plain(Humanize.Size(total).PadLeft(10)),
        paint.Plain(Humanize.Size(content).PadLeft(12)), isUsed ? paint.Chip + (paint.IsOn ? "  " : "    ") : "     ");

    private static string Row(params ReadOnlySpan<string> cells) => string.Join(new string(' ', Gap), cells) + "\n";

    private sealed record Image(
        string[] Names, long Created, string Id, long Total, long Content, bool IsUsed, Variant[] Variants);

    private sealed record Variant(string Platform, string Id, long Total, long Content, bool IsUsed);

    // Escape sequences (ECMA-48, SGR) for a terminal only.
    private sealed record Paint(bool IsOn)
    {
        public string Warning(string text) => Put("93", text);

        public string Title(string text, int width) => Put("1", text).PadRight(width + (IsOn ? 8 : 0));

        public string Name(string text) => Put("1;34", text);

        public string Plain(string text) => text;

        public string Mark(string text) => Put("1;30;106", text);

        public string Legend(string text) => Put("96", text);

        public string Chip => IsOn ? Put("30;48;5;14", " U ") : "U";

        private string Put(string code, string text) => IsOn ? $"\e[{code}m{text}\e[0m" : text;
    }
}
