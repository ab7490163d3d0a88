using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Berth.Runtime.Bundles;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary><c>state</c> and <c>list</c>.</summary>
internal static class StateVerbs
{
    /// <summary><c>state</c>.</summary>
    public static Verb State => new()
    {
        Name = "state",
        Summary = "shows a container's state as JSON",
        Run = static call =>
        {
            using BundleRuntime runtime = call.Open();
            BundleContainer container = runtime.State(call.Id);
            Console.Out.Write(Json(indented: true, json => Write(json, container)) + "\n");
            return 0;
        },
    };

    /// <summary><c>list</c>.</summary>
    public static Verb List => new()
    {
        Name = "list",
        Usage = "",
        Summary = "shows all containers below the root",
        Options =
        [
            Option.Value("format", "table or json (default: table)", "f"),
            Option.Flag("quiet", "names only", "q"),
        ],
        ArgumentsMin = 0,
        ArgumentsMax = 0,
        Run = static call =>
        {
            using BundleRuntime runtime = call.Open();
            IReadOnlyList<BundleContainer> containers = runtime.List();
            string format = call.Arguments.Value("format") ?? "table";
            Console.Out.Write(call.Arguments.Has("quiet") ? string.Concat(containers.Select(static each => each.Id + "\n")) : format switch
            {
                "table" => Table(containers),
                "json" => Json(indented: false, json => WriteAll(json, containers)) + "\n",
                _ => throw new UsageException($"invalid format option: {format}"),
            });
            return 0;
        },
    };

    /// <summary>Text of JSON that is written by hand.</summary>
    public static string Json(bool indented, Action<Utf8JsonWriter> write)
    {
        using MemoryStream bytes = new();
        JsonWriterOptions options = new() { Indented = indented, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (Utf8JsonWriter json = new(bytes, options))
            write(json);
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private static void WriteAll(Utf8JsonWriter json, IReadOnlyList<BundleContainer> containers)
    {
        json.WriteStartArray();
        foreach (BundleContainer container in containers)
            Write(json, container);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, BundleContainer container)
    {
        json.WriteStartObject();
        json.WriteString("ociVersion", container.OciVersion);
        json.WriteString("id", container.Id);
        json.WriteNumber("pid", container.Pid);
        json.WriteString("status", NameOf(container.Status));
        json.WriteString("bundle", container.Bundle);
        json.WriteString("rootfs", container.Rootfs);
        json.WriteString("created", Time(container.Created));
        if (container.Annotations is { Count: > 0 } annotations)
        {
            json.WriteStartObject("annotations");
            foreach ((string name, string value) in annotations)
                json.WriteString(name, value);
            json.WriteEndObject();
        }
        json.WriteString("owner", container.Owner);
        json.WriteEndObject();
    }

    private static string Table(IReadOnlyList<BundleContainer> containers)
    {
        List<string[]> rows = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]];
        rows.AddRange(containers.Select(static each => (string[])
            [each.Id, each.Pid.ToString(CultureInfo.InvariantCulture), NameOf(each.Status), each.Bundle, Time(each.Created), each.Owner]));
        const int apart = 3, least = 12;
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column =>
            Math.Max(least, rows.Max(row => row[column].Length + apart)))];
        return string.Concat(rows.Select(row =>
            string.Concat(row.Select((cell, column) => column == row.Length - 1 ? cell : cell.PadRight(widths[column]))) + "\n"));
    }

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    private static string NameOf(BundleStatus status) => status switch
    {
        BundleStatus.Creating => "creating",
        BundleStatus.Created => "created",
        BundleStatus.Running => "running",
        BundleStatus.Paused => "paused",
        _ => "stopped",
    };
}
