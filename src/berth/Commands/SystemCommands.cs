using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>version</c>: of this program and of the engine.</summary>
internal static class VersionCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string format = parsed.String("format") == "json" ? "{{json .}}" : parsed.String("format");
        Template? template = format.Length == 0 ? null : Listing.Parse(format);
        JsonElement server = default;
        EngineException? failure = null;
        try
        {
            server = await session.Engine.SendForJsonAsync(EngineRequest.Get("/version"), cancellationToken);
        }
        catch (EngineException e)
        {
            failure = e;
        }
        string api = failure is null ? await session.Engine.GetApiVersionAsync(cancellationToken) : EngineClient.ApiVersionMax;
        string architecture = System.Runtime.InteropServices.RuntimeInformation.OSArchitecture switch
        {
            System.Runtime.InteropServices.Architecture.X64 => "amd64",
            System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
            var other => other.ToString().ToLowerInvariant(),
        };
        string context = EngineChoice.ContextName(session);
        if (template is not null)
        {
            JsonObject both = new()
            {
                ["Client"] = new JsonObject
                {
                    ["Platform"] = new JsonObject { ["Name"] = "Berth" }, ["Version"] = BerthVersion.Text, ["ApiVersion"] = api,
                    ["DefaultAPIVersion"] = EngineClient.ApiVersionMax, ["Os"] = "linux", ["Arch"] = architecture, ["Context"] = context,
                },
                ["Server"] = failure is null ? WithReadableTimes(server) : null,
            };
            using JsonDocument document = JsonDocument.Parse(both.ToJsonString());
            // Without an engine there is no Server: why is told below, and not that a field is missing.
            session.PrintLine(failure is null ? Run(template, document.RootElement) : RunWithout(template, document.RootElement));
        }
        else
        {
            string downgraded = api == EngineClient.ApiVersionMax ? "" : $" (downgraded from {EngineClient.ApiVersionMax})";
            session.Print($"Client: Berth\n Version:           {BerthVersion.Text}\n API version:       {api}{downgraded}\n"
                + $" OS/Arch:           linux/{architecture}\n Context:           {context}\n");
            if (failure is null)
                session.Print(Server(server));
        }
        if (failure is not null)
            throw failure;
        return 0;
    }

    private static JsonNode? WithReadableTimes(JsonElement server)
    {
        JsonNode? node = JsonNode.Parse(server.GetRawText());
        foreach (JsonNode? component in node?["Components"] as JsonArray ?? [])
        {
            if (component?["Details"] is JsonObject details && (string?)details["BuildTime"] is { Length: > 0 } built)
                details["BuildTime"] = Humanize.Ansic(built);
        }
        return node;
    }

    private static string Run(Template template, JsonElement value)
    {
        try
        {
            return template.Run(value, new Functions());
        }
        catch (TemplateException e)
        {
            throw new CommandException("template parsing error: " + e.Message);
        }
    }

    private static string RunWithout(Template template, JsonElement value)
    {
        try
        {
            return template.Run(value, new Functions());
        }
        catch (TemplateException)
        {
            return "";
        }
    }

    private static string Server(JsonElement server)
    {
        string platform = server.At("Platform").Text("Name");
        StringBuilder output = new(platform.Length > 0 ? $"\nServer: {platform}\n" : "\nServer:\n");
        (string Label, string Key)[] details =
        [
            ("Version", "Version"), ("API version", "ApiVersion"), ("Go version", "GoVersion"),
                ("Git commit", "GitCommit"), ("Built", "BuildTime"),
        ];
        foreach (JsonElement component in server.Items("Components"))
        {
            output.Append(' ').Append(component.Text("Name")).Append(":\n");
            bool engine = component.Text("Name") == "Engine";
            Line(output, "Version", component.Text("Version"));
            foreach ((string label, string key) in details.Skip(1))
            {
                string value = component.At("Details").Text(key);
                if (key == "ApiVersion" && value.Length > 0)
                    value += $" (minimum version {component.At("Details").Text("MinAPIVersion")})";
                if (key == "BuildTime")
                    value = Humanize.Ansic(value);
                if (value.Length > 0 || (key == "GitCommit" && !engine))
                    Line(output, key == "GitCommit" && !engine ? "GitCommit" : label, value);
            }
            if (engine)
            {
                Line(output, "OS/Arch", $"{server.Text("Os")}/{server.Text("Arch")}");
                Line(output, "Experimental", component.At("Details").Text("Experimental") is { Length: > 0 } e ? e : "false");
            }
        }
        return output.ToString();
    }

    private static void Line(StringBuilder output, string label, string value) =>
        output.Append("  ").Append((label + ":").PadRight(18)).Append(value).Append('\n');
}

/// <summary><c>info</c>.</summary>
internal static class InfoCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string format = parsed.String("format") == "json" ? "{{json .}}" : parsed.String("format");
        JsonElement info = await session.Engine.SendForJsonAsync(EngineRequest.Get("/info"), cancellationToken);
        if (format.Length > 0)
        {
            try
            {
                session.PrintLine(Listing.Parse(format).Run(
                    WithClient(session, info), new Functions(optionalFields: ["Runtimes", "Warnings"])));
            }
            catch (TemplateException e)
            {
                throw new CommandException("template parsing error: " + e.Message);
            }
            return 0;
        }
        session.Print($"Client: Berth\n Version:    {BerthVersion.Text}\n Context:    {EngineChoice.ContextName(session)}\n"
            + $" Debug Mode: {(session.Globals.Bool("debug") ? "true" : "false")}\n\nServer:\n{Server(info)}");
        foreach (string warning in info.Texts("Warnings"))
            session.Warn(warning);
        return 0;
    }

    // What this program knows of itself stands beside the engine's answer, as in Docker's.
    private static JsonElement WithClient(Session session, JsonElement info)
    {
        JsonObject all = JsonNode.Parse(info.GetRawText()) as JsonObject ?? [];
        all["ClientInfo"] = new JsonObject
        {
            ["Debug"] = session.Globals.Bool("debug"), ["Version"] = BerthVersion.Text, ["Context"] = EngineChoice.ContextName(session),
            ["Plugins"] = new JsonArray([.. Plugins.PluginFolders.All(session).Where(static p => Plugins.PluginFolders.IsName(p.Name))
                .Select(static p => (JsonNode)new JsonObject { ["Name"] = p.Name, ["Path"] = p.Path })]),
        };
        using JsonDocument document = JsonDocument.Parse(all.ToJsonString());
        return document.RootElement.Clone();
    }

    private static string Server(JsonElement info)
    {
        StringBuilder output = new();
        output.Append(CultureInfo.InvariantCulture,
            $" Containers: {info.Number("Containers")}\n  Running: {info.Number("ContainersRunning")}\n");
        output.Append(CultureInfo.InvariantCulture,
            $"  Paused: {info.Number("ContainersPaused")}\n  Stopped: {info.Number("ContainersStopped")}\n");
        output.Append(CultureInfo.InvariantCulture, $" Images: {info.Number("Images")}\n");
        Line("Server Version", info.Text("ServerVersion"));
        Line("Storage Driver", info.Text("Driver"));
        foreach (JsonElement pair in info.Items("DriverStatus"))
        {
            if (pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2)
                output.Append("  ").Append(pair[0].GetString()).Append(": ").Append(pair[1].GetString()).Append('\n');
        }
        Line("Logging Driver", info.Text("LoggingDriver"));
        Line("Cgroup Driver", info.Text("CgroupDriver"));
        Line("Cgroup Version", info.Text("CgroupVersion"));
        output.Append(" Plugins:\n");
        foreach ((string title, string key) in ((string, string)[])[("Volume", "Volume"), ("Network", "Network"), ("Log", "Log")])
        {
            string[] plugins = info.At("Plugins").Texts(key);
            if (plugins.Length > 0)
                output.Append("  ").Append(title).Append(": ").AppendJoin(' ', plugins).Append('\n');
        }
        Line("Runtimes", string.Join(' ', info.Members("Runtimes").Select(static r => r.Name)));
        Line("Default Runtime", info.Text("DefaultRuntime"));
        Line("Init Binary", info.Text("InitBinary"));
        if (info.Texts("SecurityOptions") is { Length: > 0 } security)
        {
            output.Append(" Security Options:\n");
            foreach (string option in security)
            {
                string[] parts = option.Split(',');
                output.Append("  ").Append(parts[0].Replace("name=", "", StringComparison.Ordinal)).Append('\n');
                foreach (string detail in parts.Skip(1))
                    output.Append("   ").Append(detail is ['p', ..] ? "Profile: " + detail.Split('=')[^1] : detail).Append('\n');
            }
        }
        Line("Kernel Version", info.Text("KernelVersion"));
        Line("Operating System", info.Text("OperatingSystem"));
        Line("OSType", info.Text("OSType"));
        Line("Architecture", info.Text("Architecture"));
        Line("CPUs", info.Number("NCPU").ToString(CultureInfo.InvariantCulture));
        Line("Total Memory", Humanize.BinarySize(info.Number("MemTotal")));
        Line("Name", info.Text("Name"));
        Line("ID", info.Text("ID"));
        Line("Docker Root Dir", info.Text("DockerRootDir"));
        output.Append(CultureInfo.InvariantCulture, $" Debug Mode: {(info.Flag("Debug") ? "true" : "false")}\n");
        Line("HTTP Proxy", info.Text("HttpProxy"));
        Line("HTTPS Proxy", info.Text("HttpsProxy"));
        Line("No Proxy", info.Text("NoProxy"));
        output.Append(CultureInfo.InvariantCulture, $" Experimental: {(info.Flag("ExperimentalBuild") ? "true" : "false")}\n");
        if (info.At("RegistryConfig").Texts("InsecureRegistryCIDRs") is { Length: > 0 } insecure)
        {
            output.Append(" Insecure Registries:\n");
            foreach (string registry in insecure)
                output.Append("  ").Append(registry).Append('\n');
        }
        if (info.At("RegistryConfig").Texts("Mirrors") is { Length: > 0 } mirrors)
            output.Append(" Registry Mirrors:\n").Append(string.Concat(mirrors.Select(static m => $"  {m}\n")));
        output.Append(CultureInfo.InvariantCulture, $" Live Restore Enabled: {(info.Flag("LiveRestoreEnabled") ? "true" : "false")}\n\n");
        return output.ToString();

        void Line(string label, string value)
        {
            if (value.Length > 0)
                output.Append(' ').Append(label).Append(": ").Append(value).Append('\n');
        }
    }
}

/// <summary><c>events</c>: what happens, as it happens.</summary>
internal static class EventsCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string format = parsed.String("format") == "json" ? "{{json .}}" : parsed.String("format");
        Template? template = format.Length == 0 ? null : Checked(format);
        DateTimeOffset now = session.Time.GetUtcNow();
        EngineRequest request = EngineRequest.Get("/events")
            .QueryUnlessEmpty("since", TimeArgument.ToUnix(parsed.String("since"), now))
            .QueryUnlessEmpty("until", TimeArgument.ToUnix(parsed.String("until"), now))
            .QueryUnlessEmpty("filters", Filters.Of(parsed.List("filter")));
        using EngineResponse response = await session.Engine.SendAsync(request, cancellationToken);
        await foreach (JsonElement message in response.ReadJsonLinesAsync(cancellationToken))
        {
            session.PrintLine(template is null ? Plain(message)
                : template.Run(message, new Functions(zeroOf: Zero, mapOf: Attributes)));
        }
        return 0;
    }

    // As Docker: a template that does not fit an empty event is refused before the engine is asked, perhaps for hours, for the first one.
    private static Template Checked(string format)
    {
        Row actor = new("events.Actor", ("ID", static () => ""), ("Attributes", static () => new GoMap(default, "")));
        Row empty = new(
            "*events.Message", ("Status", static () => ""), ("ID", static () => ""), ("From", static () => ""), ("Type", static () => ""),
            ("Action", static () => ""), ("Actor", () => actor), ("Scope", static () => ""), ("Time", static () => 0L),
            ("TimeNano", static () => 0L));
        try
        {
            Template template = new(format);
            template.Run(empty, new Functions());
            return template;
        }
        catch (TemplateException e)
        {
            throw new CommandException("Error parsing format: " + e.Message, 64);
        }
    }

    // What the engine leaves out of an event when it is empty.
    private static object? Zero(string name) => name.ToLowerInvariant() switch
    {
        "status" or "id" or "from" or "type" or "action" or "scope" => "",
        "time" or "timenano" => 0L,
        _ => null,
    };

    private static GoMap? Attributes(JsonElement owner, string name) => name == "Attributes" ? new GoMap(owner.At(name), "") : null;

    // One event, one line: a label with a line end does not forge another.
    private static string Visible(string text) => GoValue.Visible(text).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Plain(JsonElement message)
    {
        long nanoseconds = message.Number("timeNano");
        DateTimeOffset time = DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100).ToLocalTime();
        string zone = time.Offset == TimeSpan.Zero ? "Z" : time.ToString("zzz", CultureInfo.InvariantCulture);
        string stamp = time.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture)
            + $".{nanoseconds % 1_000_000_000:000000000}{zone}";
        JsonElement actor = message.At("Actor");
        IEnumerable<string> attributes = actor.Members("Attributes").OrderBy(static a => a.Name, StringComparer.Ordinal)
            .Select(static a => $"{a.Name}={a.Value.GetString()}");
        string list = Visible(string.Join(", ", attributes));
        string what = $"{message.Text("Type")} {Visible(message.Text("Action"))} {Visible(actor.Text("ID"))}";
        return $"{stamp} {what}{(list.Length > 0 ? $" ({list})" : "")}";
    }
}

/// <summary><c>system dial-stdio</c>: what an <c>ssh://</c> client runs here; bytes both ways, untouched.</summary>
internal static class DialStdioCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        using HijackedStream stream = await session.Engine.DialAsync(cancellationToken);
        Task output = stream.CopyToAsync(session.Console.Output, cancellationToken);
        Task input = Task.Run(
            async () =>
            {
                byte[] buffer = new byte[32 * 1024];
                int count;
                while ((count = await session.Console.Input.ReadAsync(buffer, cancellationToken)) > 0)
                    await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                await stream.CloseWriteAsync();
            },
            cancellationToken);
        await output;
        _ = input.ContinueWith(static t => t.Exception, TaskScheduler.Default);
        return 0;
    }
}

/// <summary><c>system df</c>: what takes how much room.</summary>
internal static class DiskUsageCommand
{
    private static readonly Dictionary<string, string> s_headers = new()
    {
        ["Type"] = "TYPE", ["TotalCount"] = "TOTAL", ["Active"] = "ACTIVE", ["Size"] = "SIZE", ["Reclaimable"] = "RECLAIMABLE",
    };

    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        JsonElement usage = await session.Engine.SendForJsonAsync(EngineRequest.Get("/system/df"), cancellationToken);
        if (parsed.Bool("verbose"))
        {
            if (parsed.String("format") is { Length: > 0 } format)
                session.Print(VerboseBy(session, format, usage));  // Docker ends no line here.
            else
                Verbose(session, usage);
            return 0;
        }
        List<JsonElement> images = usage.Items("Images").ToList();
        List<JsonElement> containers = usage.Items("Containers").ToList();
        List<JsonElement> volumes = usage.Items("Volumes").ToList();
        List<JsonElement> caches = usage.Items("BuildCache").ToList();
        long layers = usage.Number("LayersSize");
        long usedImages = images.Where(static i => i.Number("Containers") > 0)
            .Sum(static i => i.Number("Size") - Math.Max(0, i.Number("SharedSize")));
        static bool Runs(JsonElement c) => c.Text("State") is "running" or "paused" or "restarting";
        long VolumeSize(bool unused) => volumes.Where(v => !unused || v.At("UsageData").Number("RefCount") == 0)
            .Sum(static v => Math.Max(0, v.At("UsageData").Number("Size")));
        Row[] rows =
        [
            Line("Images", images.Count, images.Count(static i => i.Number("Containers") > 0), layers, layers - usedImages, isShare: true),
            Line("Containers", containers.Count, containers.Count(Runs), containers.Sum(static c => c.Number("SizeRw")),
                containers.Where(static c => !Runs(c)).Sum(static c => c.Number("SizeRw")), isShare: true),
            Line("Local Volumes", volumes.Count, volumes.Count(static v => v.At("UsageData").Number("RefCount") > 0), VolumeSize(false),
                VolumeSize(true), isShare: true),
            Line("Build Cache", caches.Count, caches.Count(static c => c.Flag("InUse")),
                caches.Where(static c => !c.Flag("Shared")).Sum(static c => c.Number("Size")),
                caches.Where(static c => !c.Flag("InUse") && !c.Flag("Shared")).Sum(static c => c.Number("Size")), isShare: false),
        ];
        Listing.Print(
            session, parsed.String("format"), "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}", s_headers, rows);
        return 0;
    }

    private static Row Line(string type, int count, int active, long size, long reclaimable, bool isShare) => new(
        "*formatter.diskUsageImagesContext",
        ("Type", () => type),
        ("TotalCount", () => count.ToString(CultureInfo.InvariantCulture)),
        ("Active", () => active.ToString(CultureInfo.InvariantCulture)),
        ("Size", () => Humanize.Size(size, 4)),
        ("Reclaimable", () => Humanize.Size(reclaimable, 4) + (isShare && size > 0 ? $" ({reclaimable * 100 / size}%)" : "")));

    // One object of four lists, whose rows are those of the lists' own commands.
    private static string VerboseBy(Session session, string format, JsonElement usage)
    {
        DateTimeOffset now = session.Time.GetUtcNow();
        (string Name, List<object?> Rows)[] all =
        [
            ("Images", [.. usage.Items("Images").Select(i => ImageList.DiskRow(i, now))]),
            ("Containers", [.. usage.Items("Containers").Select(c => ContainerList.DiskRow(c, now))]),
            ("Volumes", [.. usage.Items("Volumes").Select(static v => VolumeCommands.RowOf(v))]),
            ("BuildCache", [.. usage.Items("BuildCache").Select(c => CacheRow(c, now))]),
        ];
        if (format == "json")
        {
            return "{" + string.Join(',', all.Select(static list =>
                $"\"{list.Name}\":[{string.Join(',', list.Rows.Select(Value.Json))}]")) + "}";
        }
        // Docker's order of the lists, which is not that of their names.
        if (format is "{{json .}}" or "{{ json . }}")
            return VerboseBy(session, "json", usage);
        Row lists = new("*formatter.diskUsageContext", [.. all.Select(static l => (l.Name, (Func<object?>)(() => l.Rows)))]);
        try
        {
            return Listing.Parse(format, exitCode: 1).Run(lists, new Functions());
        }
        catch (TemplateException e)
        {
            throw new CommandException(e.Message);
        }
    }

    private static Row CacheRow(JsonElement c, DateTimeOffset now) => new(
        "*formatter.buildCacheContext",
        ("CacheType", () => c.Text("Type")),
        ("CreatedAt", () => Humanize.GoTime(c.Text("CreatedAt"))),
        ("CreatedSince", () => Ago(c, "CreatedAt", now)),
        ("Description", () => c.Text("Description")),
        ("ID", () => c.Text("ID")),
        ("InUse", () => c.Flag("InUse") ? "true" : "false"),
        ("LastUsedAt", () => c.Text("LastUsedAt") is { Length: > 0 } used ? Humanize.GoTime(used) : ""),
        ("LastUsedSince", () => Ago(c, "LastUsedAt", now)),
        ("Parent", () => string.Join(", ", c.Texts("Parents"))),
        ("Shared", () => c.Flag("Shared") ? "true" : "false"),
        ("Size", () => Humanize.Size(c.Number("Size"))),
        ("UsageCount", () => c.Number("UsageCount").ToString(CultureInfo.InvariantCulture)));

    private static void Verbose(Session session, JsonElement usage)
    {
        DateTimeOffset now = session.Time.GetUtcNow();
        TabWriter images = TabWriter.ForTable();
        images.Line("REPOSITORY\tTAG\tIMAGE ID\tCREATED\tSIZE\tSHARED SIZE\tUNIQUE SIZE\tCONTAINERS");
        foreach (JsonElement image in usage.Items("Images"))
        {
            string name = image.Texts("RepoTags").FirstOrDefault() ?? "<none>:<none>";
            int colon = name.LastIndexOf(':');
            long shared = Math.Max(0, image.Number("SharedSize"));
            images.Line(string.Join('\t', name[..colon], name[(colon + 1)..], Short.Id(image.Text("Id")),
                Humanize.Ago(DateTimeOffset.FromUnixTimeSeconds(image.Number("Created")), now), Humanize.Size(image.Number("Size")),
                Humanize.Size(shared, 4), Humanize.Size(image.Number("Size") - shared, 4), image.Number("Containers")));
        }
        TabWriter containers = TabWriter.ForTable();
        containers.Line("CONTAINER ID\tIMAGE\tCOMMAND\tLOCAL VOLUMES\tSIZE\tCREATED\tSTATUS\tNAMES");
        foreach (JsonElement c in usage.Items("Containers"))
        {
            containers.Line(string.Join('\t', Short.Id(c.Text("Id")), c.Text("Image"), GoValue.Quote(Short.Ellipsis(c.Text("Command"), 20)),
                c.Items("Mounts").Count(static m => m.Text("Driver") == "local"), Humanize.Size(c.Number("SizeRw")),
                Humanize.Ago(DateTimeOffset.FromUnixTimeSeconds(c.Number("Created")), now), c.Text("Status"),
                string.Join(',', c.Texts("Names").Select(static n => n.TrimStart('/')))));
        }
        TabWriter volumes = TabWriter.ForTable();
        volumes.Line("VOLUME NAME\tLINKS\tSIZE");
        foreach (JsonElement v in usage.Items("Volumes"))
            volumes.Line($"{v.Text("Name")}\t{v.At("UsageData").Number("RefCount")}\t{Humanize.Size(v.At("UsageData").Number("Size"))}");
        TabWriter caches = TabWriter.ForTable();
        caches.Line("CACHE ID\tCACHE TYPE\tSIZE\tCREATED\tLAST USED\tUSAGE\tSHARED");
        foreach (JsonElement c in usage.Items("BuildCache"))
        {
            caches.Line(string.Join('\t', Short.Id(c.Text("ID")), c.Text("Type"), Humanize.Size(c.Number("Size")), Ago(c, "CreatedAt", now),
                Ago(c, "LastUsedAt", now), c.Number("UsageCount"), c.Flag("Shared") ? "true" : "false"));
        }
        long cacheSize = usage.Items("BuildCache").Where(static c => !c.Flag("Shared")).Sum(static c => c.Number("Size"));
        session.Print($"Images space usage:\n\n{images}\nContainers space usage:\n\n{containers}\nLocal Volumes space usage:\n\n{volumes}\n"
            + $"Build cache usage: {Humanize.Size(cacheSize, 4)}\n\n{caches}");
    }

    private static string Ago(JsonElement cache, string field, DateTimeOffset now) =>
        DateTimeOffset.TryParse(cache.Text(field), CultureInfo.InvariantCulture, out DateTimeOffset time) ? Humanize.Ago(time, now) : "";
}
