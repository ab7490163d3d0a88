using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Sealing;

namespace Berth.Registry.Operation.Webhooks;

/// <summary>Webhooks: making and removing them. Callers decide who may; every change stands in the audit log.</summary>
public sealed class WebhookService(HubDatabase database, SealedSecrets seals, WebhookHosts hosts, AuditLog audit, TimeProvider time)
{
    /// <summary>Webhooks of one namespace.</summary>
    public const int Max = 50;

    /// <summary>Longest address.</summary>
    public const int UrlLengthMax = 2000;

    private const int SecretBytes = 32;
    private static readonly string[] s_events = ["push", "delete"];

    /// <summary>Makes a webhook; the secret is told this once. Its form is that of standardwebhooks.com, whose libraries verify what we
    /// send.</summary>
    /// <exception cref="FaultException">InvalidArgument: a field is wrong. Forbidden: the host is not allowed. Conflict: too
    /// many.</exception>
    public async Task<(Webhook Webhook, string Secret)> CreateAsync(
        Caller actor, string repository, string url, IReadOnlyList<string> events, CancellationToken cancellationToken)
    {
        string name = repository.EndsWith("/*", StringComparison.Ordinal) ? repository[..^1] + "x" : repository;
        if (!RepositoryName.TryParse(name, out RepositoryName parsed) || parsed.Namespace.Length == 0)
            throw FaultException.Invalid($"webhook: {repository} is neither a repository nor NAMESPACE/*");
        if (url.Length > UrlLengthMax)
            throw FaultException.Invalid($"webhook: the address is longer than {UrlLengthMax} characters");
        if (events.Count == 0 || events.Any(one => !s_events.Contains(one)))
            throw FaultException.Invalid($"webhook: events are {string.Join(" and ", s_events)}");
        string address = hosts.Check(url).AbsoluteUri;
        string secret = "whsec_" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBytes));
        string joined = string.Join(',', events.Distinct());
        Webhook made = await database.WriteAsync(
            async (transaction, token) =>
            {
                if (await transaction.NumberAsync($"select count(*) from webhooks where namespace = {parsed.Namespace}", token) >= Max)
                    throw FaultException.Conflict($"webhook: {parsed.Namespace} has {Max} already");
                long now = time.GetUtcNow().ToUnixTimeMilliseconds();
                long id = (await transaction.NumberAsync($"""
                    insert into webhooks(namespace, repository, url, secret, events, created_by, created_at)
                    values ({parsed.Namespace}, {repository}, {address}, '', {joined}, {actor.AccountId}, {now}) returning id
                    """, token))!.Value;
                // The number is part of what is sealed.
                byte[] kept = await seals.SealAsync(
                    transaction, SealedColumn.Webhooks, SealedColumn.RowOf(id), Encoding.ASCII.GetBytes(secret), token);
                await SealedColumn.Webhooks.WriteAsync(transaction, id, kept, token);
                await audit.RecordAsync(transaction, actor, AuditActions.WebhookCreate, repository, hosts.Check(url).Host, token);
                return new Webhook(id, repository, address, joined.Split(','), DateTimeOffset.FromUnixTimeMilliseconds(now));
            }, cancellationToken);
        return (made, secret);
    }

    /// <summary>The webhooks of a namespace.</summary>
    public Task<List<Webhook>> ListAsync(string space, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"select id, repository, url, events, created_at from webhooks where namespace = {space} order by id", Read, token),
        cancellationToken);

    /// <summary>The last deliveries of a webhook, newest first.</summary>
    public Task<List<WebhookDelivery>> DeliveriesAsync(long id, int count, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"""
            select id, event_id, state, attempts, status, problem, next_at from webhook_deliveries
            where webhook_id = {id} order by id desc limit {Math.Clamp(count, 1, 100)}
            """, ReadDelivery, token), cancellationToken);

    /// <summary>Removes a webhook with what it still had to tell; false when the namespace has none of this id.</summary>
    public Task<bool> RemoveAsync(Caller actor, string space, long id, CancellationToken cancellationToken) => database.FreeAsync(
        async (transaction, token) =>
        {
            string? repository = await transaction.TextAsync($"select repository from webhooks where id = {id} and namespace = {space}",
                token);
            if (repository is null)
                return false;
            await transaction.ExecuteAsync($"delete from webhooks where id = {id}", token);
            await audit.RecordAsync(transaction, actor, AuditActions.WebhookRemove, repository, "", token);
            return true;
        }, cancellationToken);

    private static Webhook Read(DbDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetString(3).Split(','),
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(4)));

    private static WebhookDelivery ReadDelivery(DbDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.GetString(2), (int)row.GetInt64(3), row.IsDBNull(4) ? null : (int)row.GetInt64(4),
        row.IsDBNull(5) ? null : row.GetString(5), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)));
}
