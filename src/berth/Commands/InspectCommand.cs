using System.Text;
using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>inspect</c> of all kinds: the engine's JSON, untouched but for its layout, or a template over it.</summary>
internal static class InspectCommand
{
    // The engine leaves these out when they are empty; Docker's typed values print them as nothing.
    private static readonly string[] s_optional =
        ["Health", "Healthcheck", "StorageOpt", "Mounts", "ExposedPorts", "StopSignal", "StopTimeout", "MacAddress", "Parent", "Comment",
            "Author", "Variant", "Descriptor", "Tmpfs", "Sysctls", "Init", "Runtime", "SizeRw", "SizeRootFs", "Shell", "Annotations",
            "UsageData", "Status", "Options", "Labels", "Services", "Peers", "ClusterVolume", "OomKillDisable", "MemorySwappiness"];

    private static readonly string[] s_networkTimes = ["Created", "LastTagTime"];
    private static readonly string[] s_times = ["LastTagTime"];

    private delegate string PathOf(string name);

    public static Task<int> ContainersAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        RunAsync(session, parsed, name => GetAsync(session, $"/containers/{name}/json", parsed.Bool("size"), cancellationToken));

    public static Task<int> ImagesAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string platform = PlatformText.ToJson(parsed.String("platform"));
        return RunAsync(session, parsed, name => session.Engine.SendForJsonAsync(
            EngineRequest.Get($"/images/{name}/json").QueryUnlessEmpty("platform", platform), cancellationToken));
    }

    public static Task<int> NetworksAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        RunAsync(session, parsed, name => session.Engine.SendForJsonAsync(
            EngineRequest.Get($"/networks/{name}").QueryUnlessEmpty("verbose", parsed.Bool("verbose") ? "true" : ""), cancellationToken),
            s_networkTimes);

    public static Task<int> VolumesAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken) =>
        RunAsync(session, parsed, name => GetAsync(session, $"/volumes/{name}", false, cancellationToken));

    public static Task<int> AnythingAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string type = parsed.String("type");
        (string Type, PathOf Path)[] kinds =
        [
            ("container", static n => $"/containers/{n}/json"), ("image", static n => $"/images/{n}/json"),
            ("network", static n => $"/networks/{n}"), ("volume", static n => $"/volumes/{n}"),
        ];
        if (parsed.Has("type") && !kinds.Any(k => k.Type == type))
        {
            throw new CommandException($"unknown type: {GoValue.Quote(type)}: must be one of \"container\", \"image\", \"network\", "
                + "\"volume\"; objects of a swarm are not here");
        }
        return RunAsync(session, parsed, async name =>
        {
            foreach ((string kind, PathOf path) in kinds)
            {
                if (type.Length > 0 && kind != type)
                    continue;
                try
                {
                    JsonElement found = await GetAsync(session, path(name), kind == "container" && parsed.Bool("size"), cancellationToken);
                    if (parsed.Bool("size") && kind != "container")
                        session.Warn($"WARNING: --size ignored for {kind}");
                    return found;
                }
                catch (EngineException e) when (type.Length == 0 && !e.IsConnectionFailure)
                {
                    // Not one of these; perhaps of the next kind.
                }
            }
            throw new CommandException($"Error: No such object: {name}");
        });
    }

    private static Task<JsonElement> GetAsync(Session session, string path, bool size, CancellationToken cancellationToken) =>
        session.Engine.SendForJsonAsync(EngineRequest.Get(path).QueryIf("size", size), cancellationToken);

    // As Docker: over its own types, and where the template does not fit those, over the engine's JSON, whose failure is told.
    private static string Filled(Template template, JsonElement value, Functions types)
    {
        try
        {
            return template.Run(value, types);
        }
        catch (TemplateException)
        {
            return template.Run(value, new Functions(isUntyped: true));
        }
    }

    private static async Task<int> RunAsync(
        Session session, ParsedCommand parsed, Func<string, Task<JsonElement>> get, string[]? times = null)
    {
        string format = parsed.String("format");
        // As Docker: all objects in one list on one line.
        bool isJson = format == "json";
        Template? template = format.Length == 0 || isJson ? null : Listing.Parse(format);
        Functions functions = new(
            optionalFields: [.. s_optional, .. GoShapes.Nullable],
            printsField: (name, value) => GoShapes.Print(name, value, times ?? s_times), zeroOf: GoShapes.Zero, mapOf: GoShapes.Map);
        List<string> failures = [];
        List<string> objects = [];
        StringBuilder output = new();
        foreach (string name in parsed.Arguments)
        {
            try
            {
                JsonElement value = await get(EngineRequest.Escape(name));
                if (template is null)
                    objects.Add(isJson ? GoJson.Compact(value.GetRawText(), escape: false) : JsonIndent.Apply(value.GetRawText(), 1));
                else
                    output.Append(Filled(template, value, functions)).Append('\n');
            }
            catch (EngineException e)
            {
                failures.Add(e.Display);
            }
            catch (CommandException e)
            {
                failures.Add(e.Message);
            }
            catch (TemplateException e)
            {
                failures.Add("template parsing error: " + e.Message);
            }
        }
        // As Docker: a template that has printed nothing at all has printed a line.
        if (template is not null && output.Length == 0)
            output.Append('\n');
        if (isJson)
            output.Append('[').AppendJoin(',', objects).Append("]\n");
        else if (template is null)
            output.Append(objects.Count == 0 ? "[]\n" : "[\n    " + string.Join(",\n    ", objects) + "\n]\n");
        session.Print(output.ToString());
        foreach (string failure in failures)
            session.Warn(failure);
        return failures.Count == 0 ? 0 : 1;
    }
}
