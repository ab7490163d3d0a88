using System.Text;
using System.Text.Json;
using Berth.BuildKit.Progress;
using Berth.BuildKit.Sessions;
using Berth.Dockerfile;
using Berth.Faults;

namespace Berth.BuildKit.Control;

/// <summary>Questions about a Dockerfile instead of its build: <c>docker build --check</c> and <c>--call</c>.</summary>
/// <remarks>BuildKit, frontend/subrequests: the names, versions and forms of the answers.</remarks>
internal static class Subrequests
{
    private const string Describe = "frontend.subrequests.describe";
    private const string Targets = "frontend.targets";
    private const string Lint = "frontend.lint";
    private const string Version = "1.0.0";

    private static readonly (string Name, string Description)[] s_offered =
    [
        (Describe, "List available subrequest types"), (Targets, "List all targets current build supports"), (Lint, "Lint a Dockerfile"),
    ];

    /// <summary>Answers one.</summary>
    /// <param name="asked">Its name.</param>
    /// <param name="options">Where the Dockerfile is.</param>
    /// <param name="engine">Reads it.</param>
    /// <param name="sessions">Whose it is.</param>
    /// <param name="job">The build in which it is asked.</param>
    /// <param name="time">The time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The metadata of the result.</returns>
    /// <exception cref="FaultException">NotSupported: it is none of those offered. InvalidArgument: the Dockerfile is wrong.</exception>
    public static async Task<IReadOnlyDictionary<string, string>> AnswerAsync(
        string asked, SolveOptions options, IBuildControl engine, SessionTable sessions, BuildJob job, TimeProvider time,
        CancellationToken cancellationToken)
    {
        switch (asked)
        {
            case Describe:
                return Answer(Json(WriteOffered), string.Concat(s_offered.Select(one => $"{one.Name}\t{one.Description}\n")));
            case Targets:
                ParsedDockerfile all = await ReadAsync(options, engine, sessions, job, time, cancellationToken).ConfigureAwait(false);
                return Answer(Json(json => WriteTargets(json, all)), string.Concat(all.Stages.Select(stage => $"{stage.Name}\n")));
            case Lint:
                ParsedDockerfile file = await ReadAsync(options, engine, sessions, job, time, cancellationToken).ConfigureAwait(false);
                Dictionary<string, string> answer = Answer(
                    Json(json => WriteWarnings(json, file)), string.Concat(file.Diagnostics.Warnings.Select(warning => $"{warning}\n")));
                answer["result.statuscode"] = file.Diagnostics.Warnings.Any() ? "1" : "0";
                return answer;
            default:
                throw new FaultException(FaultKind.NotSupported, $"unsupported request {asked}");
        }
    }

    /// <summary>Why a question is refused where an answer has no place.</summary>
    public static FaultException NoResult(string asked) => new(
        FaultKind.NotSupported, $"unsupported request {asked}: questions about a Dockerfile are asked through the gateway");

    private static async Task<ParsedDockerfile> ReadAsync(
        SolveOptions options, IBuildControl engine, SessionTable sessions, BuildJob job, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (options.Remote is not null || options.UploadPath is not null)
            throw new FaultException(
                FaultKind.NotSupported, "a Dockerfile is only examined where the context is a directory of the client");
        using SolveSessions used = await SolveSessions.TakeAsync(sessions, job.Session, options, cancellationToken).ConfigureAwait(false);
        SessionClient client = used.ClientOf(options, BuildTrace.Into(job.Log.Write, time));
        string text = await used.RunAsync(
            token => engine.ReadDefinitionAsync(options.Filename, client, token), cancellationToken).ConfigureAwait(false);
        ParsedDockerfile file = DockerfileParser.Parse(text, Path.GetFileName(options.Filename));
        return file.Diagnostics.HasErrors
            ? throw FaultException.Invalid(string.Join('\n', file.Diagnostics.Errors.Select(error => error.ToString())))
            : file;
    }

    private static Dictionary<string, string> Answer(string json, string text) =>
        new() { ["result.json"] = json, ["result.txt"] = text, ["version"] = Version };

    private static string Json(Action<Utf8JsonWriter> write)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, new JsonWriterOptions { Indented = true }))
            write(json);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static void WriteOffered(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach ((string name, string description) in s_offered)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("version", Version);
            json.WriteString("type", "rpc");
            json.WriteString("description", description);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteTargets(Utf8JsonWriter json, ParsedDockerfile file)
    {
        json.WriteStartObject();
        json.WriteStartArray("targets");
        foreach (Stage stage in file.Stages)
        {
            json.WriteStartObject();
            if (stage.Name is { } name)
                json.WriteString("name", name);
            if (stage.Index == file.Stages.Count - 1)
                json.WriteBoolean("default", true);
            json.WriteString("base", stage.From.Image);
            if (stage.From.Platform is { } platform)
                json.WriteString("platform", platform);
            WriteLocation(json, stage.From.Range);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("sources");
        json.WriteBase64StringValue(Encoding.UTF8.GetBytes(string.Join('\n', file.Lines)));
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteWarnings(Utf8JsonWriter json, ParsedDockerfile file)
    {
        json.WriteStartObject();
        json.WriteStartArray("warnings");
        foreach (Diagnostic warning in file.Diagnostics.Warnings)
        {
            json.WriteStartObject();
            json.WriteString("ruleName", warning.Rule);
            json.WriteString("detail", warning.Message);
            WriteLocation(json, warning.Range);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("sources");
        json.WriteStartObject();
        json.WriteString("fileName", file.FileName);
        json.WriteString("language", "Dockerfile");
        json.WriteBase64String("data", Encoding.UTF8.GetBytes(string.Join('\n', file.Lines)));
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteLocation(Utf8JsonWriter json, SourceRange range)
    {
        json.WriteStartObject("location");
        json.WriteNumber("sourceIndex", 0);
        json.WriteStartArray("ranges");
        json.WriteStartObject();
        WritePosition(json, "start", range.StartLine, range.StartColumn);
        WritePosition(json, "end", range.EndLine, range.EndColumn);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WritePosition(Utf8JsonWriter json, string name, int line, int column)
    {
        json.WriteStartObject(name);
        json.WriteNumber("line", line);
        json.WriteNumber("character", column);
        json.WriteEndObject();
    }
}
