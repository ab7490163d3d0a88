using System.Text.Json;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Oci.References;

namespace Berth.Cli.Commands;

/// <summary><c>rmi</c> and <c>tag</c>.</summary>
internal static class ImageVerbs
{
    public static async Task<int> RemoveAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        bool failed = false;
        foreach (string name in parsed.Arguments)
        {
            try
            {
                EngineRequest request = EngineRequest.Delete($"/images/{EngineRequest.Escape(name)}").QueryIf("force", parsed.Bool("force"))
                    .QueryIf("noprune", parsed.Bool("no-prune"));
                foreach (string platform in parsed.List("platform"))
                    request.Query("platforms", PlatformText.ToJson(platform));
                JsonElement items = await session.Engine.SendForJsonAsync(request, cancellationToken);
                foreach (JsonElement item in items.Elements())
                    session.PrintLine(item.Text("Deleted") is { Length: > 0 } id ? $"Deleted: {id}" : $"Untagged: {item.Text("Untagged")}");
            }
            catch (EngineException e) when (!e.IsConnectionFailure)
            {
                session.Warn(e.Display);
                failed |= !(parsed.Bool("force") && e.IsNotFound);
            }
        }
        return failed ? 1 : 0;
    }

    public static async Task<int> TagAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        foreach (string name in parsed.Arguments)
        {
            if (!ImageReference.TryParse(name, out _, out string? problem) && !IsId(name))
                throw new CommandException($"Error parsing reference: \"{name}\" is not a valid repository/tag: {problem}");
        }
        (string repository, string tag) = ImageName.Split(parsed.Arguments[1]);
        await session.Engine.SendForStatusAsync(
            EngineRequest.Post($"/images/{EngineRequest.Escape(parsed.Arguments[0])}/tag").Query("repo", repository)
                .Query("tag", tag.Length == 0 ? "latest" : tag), cancellationToken);
        return 0;
    }

    // An image may be named by its whole ID, which is no reference.
    private static bool IsId(string name) => name.Length == 64 && name.All(char.IsAsciiHexDigitLower);
}
