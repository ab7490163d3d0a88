using System.Text.Json;
using Berth.Cli.Configuration;
using Berth.Cli.Parsing;
using Berth.Cli.Templates;
using Berth.Cli.Text;
using Berth.Client;
using Berth.Oci.References;

namespace Berth.Cli.Commands;

/// <summary><c>tags</c>: what a repository has at its registry.</summary>
internal static class TagsCommand
{
    private static readonly Dictionary<string, string> s_headers = new() { ["Tag"] = "TAG", ["Name"] = "NAME" };

    public static async Task<int> RunAsync(Session session, ParsedCommand parsed, CancellationToken cancellationToken)
    {
        ImageReference repository = ImageReference.Parse(parsed.Arguments[0]);
        if (repository.Tag is not null || repository.Digest is not null)
            throw new CommandException($"invalid repository {parsed.Arguments[0]}: a name without tag and digest is expected");
        EngineRequest request = EngineRequest.Get($"/distribution/{repository.Name}/tags")
            .QueryUnlessEmpty("n", parsed.String("limit")).QueryUnlessEmpty("last", parsed.String("last"))
            .Header("X-Registry-Auth", await RegistryAccounts.HeaderAsync(session, repository.Domain, cancellationToken));
        JsonElement tags = await session.Engine.SendForJsonAsync(request, cancellationToken);
        Listing.Print(
            session, parsed.String("format"), "{{.Tag}}", s_headers,
            tags.Elements().Select(tag => tag.GetString() ?? "").Select(tag => new Row(
                "*tags.tagContext", ("Tag", () => tag), ("Name", () => $"{repository.FamiliarName}:{tag}"))));
        return 0;
    }
}
