using System.Text.Json.Nodes;
using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Cli.Running;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>context</c>: names for engines, shared with the docker client.</summary>
internal static class ContextCommands
{
    private static readonly Dictionary<string, string> s_headers = new()
    {
        ["Name"] = "NAME", ["Description"] = "DESCRIPTION", ["DockerEndpoint"] = "DOCKER ENDPOINT", ["Error"] =
            "ERROR", ["Current"] = "CURRENT",
    };

    public static Task<int> CreateAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string name = parsed.Arguments[0];
        ContextStore store = new(session.ConfigDirectory);
        CheckNew(store, name);
        ContextEntry entry = parsed.Has("docker")
            ? new ContextEntry(name, "", Endpoint(session, store, parsed))
            : From(session, store, parsed.String("from")) with { Name = name };
        if (parsed.String("description") is { Length: > 0 } description)
            entry = entry with { Description = description };
        store.Save(entry);
        session.PrintLine(name);
        session.Warn($"Successfully created context \"{name}\"");
        return Task.FromResult(0);
    }

    public static Task<int> UpdateAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        ContextStore store = new(session.ConfigDirectory);
        if (parsed.Arguments[0] == "default")
            throw new CommandException("\"default\" is a reserved context name");
        ContextEntry entry = store.Load(parsed.Arguments[0]);
        if (parsed.Has("description"))
            entry = entry with { Description = parsed.String("description") };
        if (parsed.Has("docker"))
            entry = entry with { Endpoint = Endpoint(session, store, parsed) };
        store.Save(entry);
        session.PrintLine(entry.Name);
        session.Warn($"Successfully updated context \"{entry.Name}\"");
        return Task.FromResult(0);
    }

    public static Task<int> UseAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string name = parsed.Arguments[0];
        if (name != "default")
            new ContextStore(session.ConfigDirectory).Load(name);
        session.Config.SetCurrentContext(name);
        session.PrintLine(name);
        session.Warn($"Current context is now \"{name}\"");
        WarnOfVariables(session, $"\"{name}\"");
        return Task.FromResult(0);
    }

    private static void WarnOfVariables(Session session, string context)
    {
        string? variable = Array.Find(["BERTH_HOST", "DOCKER_HOST"], name => session.Variable(name) is not null);
        if (variable is not null)
        {
            session.Warn($"Warning: {variable} environment variable overrides the active context. To use {context}, either set the global "
                + $"--context flag, or unset {variable} environment variable.");
        }
    }

    public static Task<int> ShowAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        session.PrintLine(EngineChoice.ContextName(session));
        return Task.FromResult(0);
    }

    public static Task<int> ListAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string current = EngineChoice.ContextName(session);
        IEnumerable<ContextEntry> all = new ContextStore(session.ConfigDirectory).All().Append(Default(session))
            .OrderBy(static c => c.Name, NaturalComparer.Instance);
        string format = parsed.Bool("quiet") ? "{{.Name}}" : parsed.String("format");
        Listing.Print(
            session, format, "{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}",
            s_headers.Where(static h => h.Key != "Current").ToDictionary(),
            all.Select(c => new Row(
                "*formatter.clientContextContext",
                ("Name", () => c.Name),
                ("Description", () => Short.Ellipsis(c.Description, 50)),
                ("DockerEndpoint", () => c.Endpoint.Host),
                ("Error", () => ""),
                ("Current", () => c.Name == current))));
        WarnOfVariables(session, "a context");
        return Task.FromResult(0);
    }

    public static Task<int> InspectAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        ContextStore store = new(session.ConfigDirectory);
        IEnumerable<string> names = parsed.Arguments.Count > 0 ? parsed.Arguments : [EngineChoice.ContextName(session)];
        List<string> texts = [];
        CommandException? failure = null;
        foreach (string name in names)
        {
            if (name != "default" && !store.Exists(name))
            {
                failure = store.NotFound(name);
                break;
            }
            ContextEntry entry = name == "default" ? Default(session) with { Description = "" } : store.Load(name);
            JsonObject value = new()
            {
                ["Name"] = entry.Name,
                ["Metadata"] = entry.Description.Length > 0 ? new JsonObject { ["Description"] = entry.Description } : [],
                ["Endpoints"] = new JsonObject
                {
                    ["docker"] = new JsonObject { ["Host"] = entry.Endpoint.Host, ["SkipTLSVerify"] = entry.Endpoint.SkipTlsVerify },
                },
                ["TLSMaterial"] = TlsMaterial(entry),
                ["Storage"] = new JsonObject
                {
                    ["MetadataPath"] = name == "default" ? "<IN MEMORY>" : store.MetaDirectory(name),
                    ["TLSPath"] = name == "default" ? "<IN MEMORY>" : store.TlsDirectory(name),
                },
            };
            texts.Add(GoJson.Text(value));
        }
        if (parsed.String("format") is { Length: > 0 } format)
        {
            if (format == "json")
                session.PrintLine($"[{string.Join(',', texts)}]");
            Template template = Listing.Parse(format);
            foreach (string text in format == "json" ? [] : texts)
            {
                using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse(text);
                session.PrintLine(template.Run(document.RootElement, new Functions(optionalFields: ["Description"])));
            }
        }
        else
            session.PrintLine(texts.Count == 0 ? "[]"
                : "[\n    " + string.Join(",\n    ", texts.Select(static t => JsonIndent.Apply(t, 1))) + "\n]");
        return failure is null ? Task.FromResult(0) : throw failure;
    }

    private static JsonObject TlsMaterial(ContextEntry entry)
    {
        string[] files = [.. ContextStore.TlsNamesOf(entry)];
        return files.Length == 0 ? [] : new JsonObject
        {
            ["docker"] = new JsonArray([.. files.Select(static f => (JsonNode?)JsonValue.Create(f))]),
        };
    }

    public static Task<int> RemoveAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        ContextStore store = new(session.ConfigDirectory);
        string current = session.Config.CurrentContext;
        bool failed = false;
        foreach (string name in parsed.Arguments)
        {
            string? problem = name == "default" ? "context \"default\" cannot be removed"
                : !store.Exists(name) ? parsed.Bool("force") ? null : $"context \"{name}\" does not exist"
                : name == current && !parsed.Bool("force") ? $"context \"{name}\" is in use, set -f flag to force remove" : null;
            if (problem is not null)
            {
                session.Warn(problem);
                failed = true;
                continue;
            }
            if (store.Exists(name))
                store.Remove(name);
            if (name == current)
                session.Config.SetCurrentContext("default");
            session.PrintLine(name);
        }
        return Task.FromResult(failed ? 1 : 0);
    }

    public static async Task<int> ExportAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string name = parsed.Arguments[0];
        string file = parsed.Arguments.Count > 1 ? parsed.Arguments[1] : name + ".dockercontext";
        ContextStore store = new(session.ConfigDirectory);
        ContextArchive archive = store.Export(name == "default" ? Default(session) : store.Load(name));
        if (file == "-")
        {
            if (session.Console.OutputIsTerminal)
                throw new CommandException("cowardly refusing to export to a terminal, specify a file path");
            await archive.WriteAsync(session.Console.Output, session.Time.GetUtcNow(), cancellationToken);
            return 0;
        }
        if (File.Exists(file))
            throw new CommandException($"open {file}: file exists");
        await using (FileStream output = new(file, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            await archive.WriteAsync(output, session.Time.GetUtcNow(), cancellationToken);
        }
        session.Warn($"Written file \"{file}\"");
        return 0;
    }

    public static async Task<int> ImportAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string name = parsed.Arguments[0];
        ContextStore store = new(session.ConfigDirectory);
        CheckNew(store, name);
        ContextArchive archive;
        if (parsed.Arguments[1] == "-")
        {
            archive = await ContextArchive.ReadAsync(session.Console.Input, cancellationToken);
        }
        else
        {
            await using FileStream input = File.OpenRead(parsed.Arguments[1]);
            archive = await ContextArchive.ReadAsync(input, cancellationToken);
        }
        store.Import(name, archive);
        session.PrintLine(name);
        session.Warn($"Successfully imported context \"{name}\"");
        return 0;
    }

    private static void CheckNew(ContextStore store, string name)
    {
        if (name == "default")
            throw new CommandException("\"default\" is a reserved context name");
        if (!ContextStore.IsName(name))
            throw new CommandException(
                $"context name \"{name}\" is invalid, names are validated against regexp \"^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$\"");
        if (store.Exists(name))
            throw new CommandException($"context \"{name}\" already exists");
    }

    private static ContextEntry Default(Session session) => new(
        "default", "Current DOCKER_HOST based configuration",
        new ContextEndpoint(EngineChoice.NamedHost(session) ?? "unix://" + EngineChoice.DefaultSocket(session), false, null));

    private static ContextEntry From(Session session, ContextStore store, string name)
    {
        string source = name.Length > 0 ? name : EngineChoice.ContextName(session);
        return source == "default" ? Default(session) : store.Load(source);
    }

    private static ContextEndpoint Endpoint(Session session, ContextStore store, ParsedCommand parsed)
    {
        Dictionary<string, string> keys = KeyValues.Map(parsed.List("docker").SelectMany(Csv.Split));
        if (keys.Keys.FirstOrDefault(static k => k is not ("from" or "host" or "ca" or "cert" or "key" or "skip-tls-verify")) is { } wrong)
            throw new CommandException($"unable to create docker endpoint config: {wrong}: unrecognized config key");
        if (keys.TryGetValue("from", out string? from))
            return From(session, store, from).Endpoint;
        string host = keys.GetValueOrDefault("host") ?? "";
        if (host.Length > 0)
        {
            // Docker's sentence: a host without a protocol is perhaps the name of a context.
            if (host.IndexOf("://", StringComparison.Ordinal) is var end && (end <= 0 || end + 3 == host.Length))
            {
                throw new CommandException("unable to create docker endpoint config: unable to apply docker endpoint options: "
                    + $"unable to parse docker host `{host}`");
            }
            EngineAddress.Parse(host);
        }
        bool skip = false;
        if (keys.GetValueOrDefault("skip-tls-verify") is { Length: > 0 } text && !GoValue.TryParseBool(text, out skip))
            throw new CommandException($"unable to create docker endpoint config: skip-tls-verify: parsing \"{text}\": invalid syntax");
        foreach (string name in new[] { "ca", "cert", "key" })
        {
            if (keys.TryGetValue(name, out string? path) && !File.Exists(path))
                throw new CommandException($"unable to create docker endpoint config: open {path}: no such file or directory");
        }
        bool tls = keys.ContainsKey("ca") || keys.ContainsKey("cert") || keys.ContainsKey("key");
        return new ContextEndpoint(host, skip, tls ? new TlsFiles(
            keys.GetValueOrDefault("ca"), keys.GetValueOrDefault("cert"), keys.GetValueOrDefault("key"), !skip) : null);
    }
}
