using System.CommandLine;
using Berth.Registry.Browsing;
using Berth.Registry.Hosting;
using Berth.Registry.Operation.Configuration;

namespace Berth.Hub;

/// <summary><c>berth-hub quota …</c>: how much users and organisations may hold.</summary>
internal static class QuotaCommands
{
    private const int ListMax = 100_000;

    private static readonly Argument<string> s_owner = new("OWNER") { Description = "A user or an organisation" };
    private static readonly Argument<string> s_size = new("SIZE") { Description = "The most, as in 500MB or 20GB, or none for no limit" };

    public static Command Create() => new("quota", "Limit what users and organisations may hold")
    {
        HubLocation.Verb("set", "Say how much a user's or an organisation's repositories may hold", (services, parsed, token) =>
            services.Operation.Quotas.SetAsync(
                HubLocation.Operator, parsed.GetValue(s_owner)!, SizeText.Parse(parsed.GetValue(s_size)!), token), s_owner, s_size),
        HubLocation.Verb("list", "List who holds how much and may hold how much, in bytes", ListAsync),
    };

    private static async Task ListAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        List<NamespaceUse> uses = await HubFigures.LargestAsync(services.Database, ListMax, cancellationToken);
        Output.Table(["OWNER", "HOLDS", "MAY HOLD"], uses.Select(use => (IReadOnlyList<string>)
            [use.Namespace.Length > 0 ? use.Namespace : "-", $"{use.BytesUsed}", use.BytesMax is { } max ? $"{max}" : "-"]));
    }
}
