using System.Text.Json;
using Berth.Api;
using Berth.Cli.Parsing;
using Berth.Cli.Running;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>update</c>: new limits for running containers.</summary>
internal static class UpdateCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        if (!parsed.Command.Flags.Any(f => parsed.Has(f.Name)))
            throw new CommandException("you must provide one or more flags when using this command");
        UpdateContainerRequest body = new();
        ResourceOptions.Shared(parsed, body);
        body.PidsLimit = parsed.Has("pids-limit") ? parsed.Int("pids-limit") : null;
        body.RestartPolicy = parsed.Has("restart") ? HostOptions.Restart(parsed.String("restart")) : new RestartPolicy();
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(body, ApiJson.Wire.UpdateContainerRequest);
        return await ContainerVerbs.EachAsync(session, parsed, async name =>
        {
            JsonElement answer = await session.Engine.SendForJsonAsync(
                new EngineRequest("POST", $"/containers/{EngineRequest.Escape(name)}/update") { Json = json }, cancellationToken);
            foreach (string warning in answer.Texts("Warnings"))
                session.PrintLine(warning);
        });
    }
}
