using System.Text;
using System.Text.Json;
using Berth.Registry.Database;
using Berth.Registry.Sealing;

namespace Berth.Registry.Operation.Webhooks;

/// <summary>What webhooks still have to be told, kept in the database: a crash or a receiver that is away loses nothing.</summary>
public sealed class WebhookQueue(HubDatabase database, SealedSecrets seals, TimeProvider time)
{
    /// <summary>Attempts before a delivery is given up: the last is about a day after the first.</summary>
    public const int AttemptsMax = 9;

    /// <summary>Deliveries of one webhook that may wait; more are not told.</summary>
    public const int WaitingMax = 10_000;

    // Who took a delivery has this long; afterwards it is anybody's: the one who took it has died.
    private static readonly TimeSpan s_claim = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_keepDone = TimeSpan.FromDays(7);

    private static readonly TimeSpan[] s_waits =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10), TimeSpan.FromHours(1),
        TimeSpan.FromHours(3), TimeSpan.FromHours(6), TimeSpan.FromHours(12),
    ];

    /// <summary>Is raised when something was added, so that nobody waits for the next look.</summary>
    public event Action? Added;

    /// <summary>Says that something was added; called when the transaction has ended, for nobody sees it before.</summary>
    public void Announce() => Added?.Invoke();

    /// <summary>Notes an event for every webhook that wants it, in the transaction of the change itself; <see cref="Announce"/> follows it.
    /// </summary>
    public async Task AddAsync(HubTransaction transaction, RegistryEvent what, CancellationToken cancellationToken)
    {
        int slash = what.Repository.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return;
        string space = what.Repository[..slash];
        List<(long Id, string Events)> webhooks = await transaction.ListAsync(
            $"select id, events from webhooks where namespace = {space} and repository in {new[] { what.Repository, space + "/*" }}",
            row => (row.GetInt64(0), row.GetString(1)), cancellationToken);
        foreach ((long id, string events) in webhooks)
        {
            if (!events.Split(',').Contains(what.Type) || await transaction.NumberAsync(
                $"select count(*) from webhook_deliveries where webhook_id = {id} and state = 'waiting'", cancellationToken) >= WaitingMax)
                continue;
            byte[] body = JsonSerializer.SerializeToUtf8Bytes(what, WebhookJson.Default.RegistryEvent);
            long now = time.GetUtcNow().ToUnixTimeMilliseconds();
            await transaction.ExecuteAsync($"""
                insert into webhook_deliveries(webhook_id, event_id, body, state, next_at, created_at)
                values ({id}, {what.Id}, {body}, 'waiting', {now}, {now})
                """, cancellationToken);
        }
    }

    internal sealed record Due(long Id, string EventId, byte[] Body, int Attempts, string Url, long Webhook, string Sealed);

    /// <summary>What a delivery is signed with.</summary>
    /// <exception cref="FaultException">It cannot be opened.</exception>
    internal string SecretOf(Due due) =>
        Encoding.ASCII.GetString(seals.Open(SealedColumn.Webhooks, SealedColumn.RowOf(due.Webhook), due.Sealed));

    /// <summary>Takes deliveries that are due, at most one of each webhook; nobody else gets them for a while.</summary>
    /// <param name="count">The most to take.</param>
    /// <param name="busy">Webhooks that are being told something now.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task<List<Due>> TakeAsync(
        int count, IReadOnlyCollection<long> busy, CancellationToken cancellationToken) => database.WriteAsync(
        Durability.Process,
        async (transaction, token) =>
        {
            long now = time.GetUtcNow().ToUnixTimeMilliseconds();
            List<Due> due = await transaction.ListAsync(
                $"""
                select d.id, d.event_id, d.body, d.attempts, w.url, w.id, w.secret from webhooks w
                join webhook_deliveries d on d.id = ({FirstDue(now)})
                where w.id not in {Others(busy)} order by d.next_at, d.id limit {count}
                """,
                row => new Due(
                    row.GetInt64(0), row.GetString(1), (byte[])row.GetValue(2), (int)row.GetInt64(3), row.GetString(4), row.GetInt64(5),
                    row.GetString(6)),
                token);
            if (due.Count > 0)
            {
                long until = now + (long)s_claim.TotalMilliseconds;
                await transaction.ExecuteAsync(
                    $"update webhook_deliveries set next_at = {until} where id in {due.Select(one => one.Id)}", token);
            }
            return due;
        }, cancellationToken);

    /// <summary>Whether anything is due now for a webhook that is not busy, without taking it.</summary>
    internal async Task<bool> HasDueAsync(IReadOnlyCollection<long> busy, CancellationToken cancellationToken) => await database.ReadAsync(
        (transaction, token) => transaction.NumberAsync(
            $"""
            select w.id from webhooks w
            where w.id not in {Others(busy)} and exists ({FirstDue(time.GetUtcNow().ToUnixTimeMilliseconds())}) limit 1
            """, token),
        cancellationToken) is not null;

    // The oldest, so that a receiver is told things in their order while it takes them.
    private static SqlText FirstDue(long now) => $"""
        select e.id from webhook_deliveries e where e.webhook_id = w.id and e.state = 'waiting' and e.next_at <= {now}
        order by e.next_at, e.id limit 1
        """;

    // "not in" of nothing would be true of nothing; no row has this number.
    private static IEnumerable<long> Others(IReadOnlyCollection<long> busy) => busy.Append(-1);

    /// <summary>Notes how an attempt ended.</summary>
    /// <param name="due">What was tried.</param>
    /// <param name="status">The answer's status; null for none.</param>
    /// <param name="problem">Why it failed; null when it was taken.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task FinishAsync(Due due, int? status, string? problem, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        int attempts = due.Attempts + 1;
        bool isOver = problem is null || attempts >= AttemptsMax;
        string state = problem is null ? "done" : isOver ? "given up" : "waiting";
        long next = (isOver ? now : now + s_waits[Math.Min(attempts - 1, s_waits.Length - 1)]).ToUnixTimeMilliseconds();
        return database.WriteAsync(
            Durability.Process,
            async (transaction, token) =>
            {
                await transaction.ExecuteAsync($"""
                    update webhook_deliveries set state = {state}, attempts = {attempts}, next_at = {next}, status = {status},
                    problem = {problem}
                    where id = {due.Id}
                    """, token);
                return await transaction.ExecuteAsync(
                    $"delete from webhook_deliveries where state <> 'waiting' and next_at < {(now - s_keepDone).ToUnixTimeMilliseconds()}", token);
            }, cancellationToken);
    }
}
