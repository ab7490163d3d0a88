using System.Globalization;
using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>stats</c>: what containers use, refreshed in place on a terminal.</summary>
internal static class StatsCommand
{
    private const string Table = "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";

    private static readonly Dictionary<string, string> s_headers = new()
    {
        ["Container"] = "CONTAINER", ["Name"] = "NAME", ["ID"] = "CONTAINER ID", ["CPUPerc"] = "CPU %", ["MemUsage"] = "MEM USAGE / LIMIT",
        ["MemPerc"] = "MEM %", ["NetIO"] = "NET I/O", ["BlockIO"] = "BLOCK I/O", ["PIDs"] = "PIDS",
    };

    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string format = parsed.String("format") is { Length: > 0 } given ? given : session.Config.Text("statsFormat");
        while (true)
        {
            // A sample takes the engine a second or two, which is also the pace of the display.
            List<string> names = parsed.Arguments.Count > 0 ? parsed.Arguments
                : await NamesAsync(session, parsed.Bool("all"), cancellationToken);
            JsonElement[] samples = await Task.WhenAll(names.Select(n => SampleAsync(session, n, cancellationToken)));
            if (!parsed.Bool("no-stream") && session.Console.OutputIsTerminal)
                session.Print("\x1b[H\x1b[2J");
            IEnumerable<IFields> rows = samples.Select((s, i) => RowOf(s, names[i], parsed.Bool("no-trunc")));
            Listing.Print(session, format, Table, s_headers, rows);
            if (parsed.Bool("no-stream"))
                return 0;
            if (names.Count == 0)
                await Task.Delay(TimeSpan.FromSeconds(1), session.Time, cancellationToken);
        }
    }

    private static async Task<List<string>> NamesAsync(Session session, bool all, CancellationToken cancellationToken)
    {
        JsonElement containers = await session.Engine.SendForJsonAsync(
            EngineRequest.Get("/containers/json").QueryIf("all", all), cancellationToken);
        return containers.Elements().Select(static c => c.Text("Id")).ToList();
    }

    private static Task<JsonElement> SampleAsync(Session session, string name, CancellationToken cancellationToken) =>
        session.Engine.SendForJsonAsync(
            (EngineRequest.Get($"/containers/{EngineRequest.Escape(name)}/stats") with { RunsBesideOthers = true }).Query("stream", "0"),
            cancellationToken);

    private static Row RowOf(JsonElement s, string name, bool whole)
    {
        JsonElement memory = s.At("memory_stats");
        // The page cache can be given back, so it does not count: its name differs between cgroup v1 and v2.
        JsonElement details = memory.At("stats");
        long cache = details.Number("total_inactive_file") is > 0 and var v1 ? v1 : details.Number("inactive_file");
        long used = memory.Number("usage") > cache ? memory.Number("usage") - cache : memory.Number("usage");
        long limit = memory.Number("limit");
        (long received, long sent) = (s.Members("networks").Sum(static n => n.Value.Number("rx_bytes")),
            s.Members("networks").Sum(static n => n.Value.Number("tx_bytes")));
        return new Row(
            "*container.statsContext",
            ("Container", () => name),
            ("ID", () => whole ? s.Text("id") : Short.Id(s.Text("id"))),
            ("Name", () => s.Text("name").TrimStart('/')),
            ("CPUPerc", () => Percent(CpuPercent(s))),
            ("MemUsage", () => $"{Humanize.BinarySize(used)} / {Humanize.BinarySize(limit)}"),
            ("MemPerc", () => Percent(limit > 0 ? used * 100.0 / limit : 0)),
            ("NetIO", () => $"{Humanize.Size(received)} / {Humanize.Size(sent)}"),
            ("BlockIO", () => $"{Humanize.Size(Block(s, "read"))} / {Humanize.Size(Block(s, "write"))}"),
            ("PIDs", () => s.At("pids_stats").Number("current").ToString(CultureInfo.InvariantCulture)));
    }

    private static double CpuPercent(JsonElement s)
    {
        JsonElement now = s.At("cpu_stats");
        JsonElement before = s.At("precpu_stats");
        double used = now.At("cpu_usage").Real("total_usage") - before.At("cpu_usage").Real("total_usage");
        double system = now.Real("system_cpu_usage") - before.Real("system_cpu_usage");
        double cpus = now.Number("online_cpus") is > 0 and var online ? online : now.At("cpu_usage").Items("percpu_usage").Count();
        return used > 0 && system > 0 ? used / system * cpus * 100 : 0;
    }

    private static long Block(JsonElement s, string operation) => s.At("blkio_stats").Items("io_service_bytes_recursive")
        .Where(e => string.Equals(e.Text("op"), operation, StringComparison.OrdinalIgnoreCase)).Sum(static e => e.Number("value"));

    private static string Percent(double value) => value.ToString("F2", CultureInfo.InvariantCulture) + "%";
}
