using System.CommandLine;
using Berth.Registry.Browsing;
using Berth.Registry.Hosting;

namespace Berth.Hub;

/// <summary><c>berth-hub mark …</c>: official repositories and verified publishers.</summary>
internal static class MarkCommands
{
    private static readonly Argument<string> s_mark = new("MARK") { Description = "official or verified" };
    private static readonly Argument<string> s_name = new("NAME")
    {
        Description = "For official a repository with a name of one part, for verified a user or an organisation",
    };

    public static Command Create() => new("mark", "Say which repositories are official and which publishers verified")
    {
        HubLocation.Verb(
            "set", "Give a mark", (services, parsed, token) => ChangeAsync(services, parsed, true, token), s_mark, s_name),
        HubLocation.Verb(
            "unset", "Take a mark back", (services, parsed, token) => ChangeAsync(services, parsed, false, token), s_mark, s_name),
        HubLocation.Verb("list", "List what has a mark", ListAsync),
    };

    private static Task ChangeAsync(HubServices services, ParseResult parsed, bool isSet, CancellationToken cancellationToken) =>
        services.Browsing.Marks.SetAsync(
            HubLocation.Operator, MarkService.Parse(parsed.GetValue(s_mark)!), parsed.GetValue(s_name)!, isSet, cancellationToken);

    private static async Task ListAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        List<MarkedName> marked = await services.Browsing.Marks.ListAsync(cancellationToken);
        Output.Table(["MARK", "NAME"], marked.Select(one => (IReadOnlyList<string>)[MarkService.TextOf(one.Mark), one.Name]));
    }
}
