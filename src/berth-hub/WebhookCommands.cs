using System.CommandLine;
using System.Globalization;
using Berth.Registry.Hosting;
using Berth.Registry.Operation.Webhooks;

namespace Berth.Hub;

/// <summary><c>berth-hub webhook …</c>: addresses that are told of pushes and deletions.</summary>
internal static class WebhookCommands
{
    private const int DeliveriesMax = 100;

    private static readonly Argument<string> s_repository = new("REPOSITORY") { Description = "A repository, or OWNER/* for all" };
    private static readonly Argument<string> s_url = new("URL") { Description = "The address, on a host of webhook-hosts" };
    private static readonly Argument<string> s_owner = new("OWNER") { Description = "A user or an organisation" };
    private static readonly Argument<string> s_id = new("ID") { Description = "The webhook's number, as list shows it" };

    private static readonly Option<string> s_events = new("--events")
    {
        Description = "What it is told of: push, delete or both", HelpName = "EVENTS", DefaultValueFactory = _ => "push,delete",
    };

    public static Command Create() => new("webhook", "Manage webhooks; --config names the file with webhook-hosts")
    {
        HubLocation.Verb("add", "Make a webhook and print its secret; it is not shown again", AddAsync, s_repository, s_url, s_events),
        HubLocation.Verb("list", "List the webhooks of a user or an organisation", ListAsync, s_owner),
        HubLocation.Verb("deliveries", "Show what a webhook was told last", DeliveriesAsync, s_owner, s_id),
        HubLocation.Verb("rm", "Remove a webhook", RemoveAsync, s_owner, s_id),
    };

    private static async Task AddAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        (_, string secret) = await services.Operation.Webhooks.CreateAsync(
            HubLocation.Operator, parsed.GetValue(s_repository)!, parsed.GetValue(s_url)!,
            parsed.GetValue(s_events)!.Split(',', StringSplitOptions.RemoveEmptyEntries), cancellationToken);
        Console.WriteLine(secret);
    }

    private static async Task ListAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        List<Webhook> webhooks = await services.Operation.Webhooks.ListAsync(parsed.GetValue(s_owner)!, cancellationToken);
        Output.Table(["ID", "REPOSITORY", "URL", "EVENTS", "CREATED"], webhooks.Select(webhook => (IReadOnlyList<string>)
            [$"{webhook.Id}", webhook.Repository, webhook.Url, string.Join(',', webhook.Events), Output.Time(webhook.CreatedAt)]));
    }

    private static async Task DeliveriesAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        long id = await FindAsync(services, parsed, cancellationToken);
        List<WebhookDelivery> deliveries = await services.Operation.Webhooks.DeliveriesAsync(id, DeliveriesMax, cancellationToken);
        Output.Table(["EVENT", "STATE", "ATTEMPTS", "ANSWER", "PROBLEM", "TIME"], deliveries.Select(delivery => (IReadOnlyList<string>)
        [
            delivery.EventId, delivery.State, $"{delivery.Attempts}", delivery.Status is { } status ? $"{status}" : "-",
            delivery.Problem ?? "-", Output.Time(delivery.NextAt),
        ]));
    }

    private static async Task RemoveAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken) =>
        await services.Operation.Webhooks.RemoveAsync(
            HubLocation.Operator, parsed.GetValue(s_owner)!, await FindAsync(services, parsed, cancellationToken), cancellationToken);

    private static async Task<long> FindAsync(HubServices services, ParseResult parsed, CancellationToken cancellationToken)
    {
        (string owner, string text) = (parsed.GetValue(s_owner)!, parsed.GetValue(s_id)!);
        List<Webhook> webhooks = await services.Operation.Webhooks.ListAsync(owner, cancellationToken);
        return webhooks.Find(webhook => webhook.Id.ToString(CultureInfo.InvariantCulture) == text)?.Id
            ?? throw FaultException.NotFound($"webhook {text}: {owner} has none of this number");
    }
}
