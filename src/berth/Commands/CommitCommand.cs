using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;

namespace Berth.Cli.Commands;

/// <summary><c>commit</c>: a container's changes become an image.</summary>
internal static class CommitCommand
{
    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        EngineRequest request = EngineRequest.Post("/commit").Query("container", parsed.Arguments[0]);
        if (parsed.Arguments.Count > 1)
        {
            (string repository, string tag) = ImageName.Split(parsed.Arguments[1]);
            request.Query("repo", repository).Query("tag", tag.Length == 0 ? "latest" : tag);
        }
        request.QueryUnlessEmpty("comment", parsed.String("message")).QueryUnlessEmpty("author", parsed.String("author"));
        foreach (string change in parsed.List("change"))
            request.Query("changes", change);
        if (!parsed.Bool("pause"))
            request.Query("pause", "0");
        JsonElement answer = await session.Engine.SendForJsonAsync(request with { Json = "null"u8.ToArray() }, cancellationToken);
        session.PrintLine(answer.Text("Id"));
        return 0;
    }
}
