using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>logs</c>.</summary>
internal static class LogsCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string name = EngineRequest.Escape(parsed.Arguments[0]);
        JsonElement container = await session.Engine.SendForJsonAsync(EngineRequest.Get($"/containers/{name}/json"), cancellationToken);
        DateTimeOffset now = session.Time.GetUtcNow();
        EngineRequest request =
            EngineRequest.Get($"/containers/{container.Text("Id")}/logs").QueryIf("stdout", true).QueryIf("stderr", true)
            .QueryUnlessEmpty("since", TimeArgument.ToUnix(parsed.String("since"), now, "since"))
            .QueryUnlessEmpty("until", TimeArgument.ToUnix(parsed.String("until"), now, "until"))
            .QueryIf("timestamps", parsed.Bool("timestamps")).QueryIf("details", parsed.Bool("details"))
            .QueryIf("follow", parsed.Bool("follow")).Query("tail", parsed.String("tail"));
        using EngineResponse response = await session.Engine.SendAsync(request, cancellationToken);
        StreamFrames.Reader read = (buffer, token) => response.Body.ReadAsync(buffer, token);
        if (container.At("Config").Flag("Tty"))
            await StreamFrames.CopyAsync(read, session.Console.Output, cancellationToken);
        else
            await StreamFrames.DemultiplexAsync(read, session.Console.Output, session.Console.Error, cancellationToken);
        return 0;
    }
}
