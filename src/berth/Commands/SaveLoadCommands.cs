using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>save</c> and <c>load</c>: images as archives.</summary>
internal static class SaveLoadCommands
{
    public static async Task<int> SaveAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string file = parsed.String("output");
        if (file.Length == 0 && session.Console.OutputIsTerminal)
            throw new CommandException("cowardly refusing to save to a terminal. Use the -o flag or redirect");
        OutputFile.Check(file, "failed to save image");
        EngineRequest request = EngineRequest.Get("/images/get");
        foreach (string name in parsed.Arguments)
            request.Query("names", name);
        request.QueryUnlessEmpty("platform", PlatformText.ToJson(parsed.String("platform")));
        using EngineResponse response = await session.Engine.SendAsync(request, cancellationToken);
        await OutputFile.WriteAsync(session, file, response.Body, cancellationToken);
        return 0;
    }

    public static async Task<int> LoadAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        string file = parsed.String("input");
        if (file.Length == 0 && session.Console.InputTerminal is not null)
            throw new CommandException("requested load from stdin, but stdin is empty");
        await using Stream input = file.Length == 0 ? session.Console.Input : ImportCommand.OpenFile(file);
        bool quiet = parsed.Bool("quiet") || !session.Console.OutputIsTerminal;
        EngineRequest request = new EngineRequest("POST", "/images/load")
        {
            Body = (output, token) => input.CopyToAsync(output, token),
        };
        request.Query("quiet", quiet ? "1" : "0").QueryUnlessEmpty("platform", PlatformText.ToJson(parsed.String("platform")));
        using EngineResponse response = await session.Engine.SendAsync(request, cancellationToken);
        if (response.Header("Content-Type")?.StartsWith("application/json", StringComparison.Ordinal) == true)
        {
            await new Progress(session.Console.Output, session.Console.OutputIsTerminal, session.Console.Size()?.Columns ?? 200)
                .ShowAsync(response, cancellationToken);
        }
        else
            await response.Body.CopyToAsync(session.Console.Output, cancellationToken);
        return 0;
    }
}
