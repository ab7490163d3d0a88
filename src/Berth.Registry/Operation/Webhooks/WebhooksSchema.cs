using Berth.Registry.Database;

namespace Berth.Registry.Operation.Webhooks;

/// <summary>The tables of webhooks and of what they still have to tell.</summary>
internal static class WebhooksSchema
{
    public static IReadOnlyList<Migration> Steps { get; } =
    [
        new("webhooks", 1, """
            create table webhooks(
                id {identity}, namespace text not null, repository text not null, url text not null, secret text not null,
                events text not null, created_by bigint, created_at bigint not null);
            create index webhooks_namespace on webhooks(namespace);
            create table webhook_deliveries(
                id {identity}, webhook_id bigint not null references webhooks(id) on delete cascade, event_id text not null,
                body {bytes} not null, state text not null, attempts bigint not null default 0, next_at bigint not null,
                status bigint, problem text, created_at bigint not null);
            create index webhook_deliveries_due on webhook_deliveries(state, next_at);
            create index webhook_deliveries_webhook on webhook_deliveries(webhook_id, id);
            """),
        new("webhooks", 2, "create index webhook_deliveries_first on webhook_deliveries(webhook_id, state, next_at, id);"),
    ];
}
