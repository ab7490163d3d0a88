using System.Data.Common;
using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Audit;

/// <summary>The record of all changes. An entry is written in the transaction of the change itself: one is never there without the
/// other.</summary>
public sealed class AuditLog(HubDatabase database, TimeProvider time)
{
    /// <summary>Entries that one page of the list may have.</summary>
    public const int PageMax = 1000;

    /// <summary>Longest details; what a stranger can put there is cut.</summary>
    public const int DetailsLengthMax = 1000;

    /// <summary>Who is named for changes made on the server's command line.</summary>
    public const string CommandLine = "(command line)";

    private const string Columns = "id, at, actor_id, actor, address, action, subject, details";

    /// <summary>Records a change in its transaction.</summary>
    public Task RecordAsync(
        HubTransaction transaction, Caller actor, string action, string subject, string details, CancellationToken cancellationToken)
    {
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        string name = actor.Name ?? "(anonymous)";
        string text = details.Length > DetailsLengthMax ? details[..DetailsLengthMax] : details;
        return transaction.ExecuteAsync(
            $"insert into audit(at, actor_id, actor, address, action, subject, details) values ({now}, {actor.AccountId}, {name}, {actor.RemoteAddress ?? ""}, {action}, {subject}, {text})",
            cancellationToken);
    }

    /// <summary>Records something that changed nothing else, as a refused sign-in.</summary>
    public Task RecordAsync(Caller actor, string action, string subject, string details, CancellationToken cancellationToken) =>
        RecordAsync(ReserveUse.None, actor, action, subject, details, cancellationToken);

    /// <summary>Records a collection, which also a full disk must allow.</summary>
    public Task RecordCollectionAsync(Caller actor, string details, CancellationToken cancellationToken) =>
        RecordAsync(ReserveUse.Freeing, actor, AuditActions.HubCollect, "", details, cancellationToken);

    private Task<bool> RecordAsync(
        ReserveUse use, Caller actor, string action, string subject, string details, CancellationToken cancellationToken) =>
        database.WriteAsync(
            Durability.Process, use,
            async (transaction, token) =>
            {
                await RecordAsync(transaction, actor, action, subject, details, token);
                return true;
            }, cancellationToken);

    /// <summary>The newest entries that match, newest first.</summary>
    /// <param name="filter">What is wanted.</param>
    /// <param name="before">Only entries older than this id; null from the newest.</param>
    /// <param name="count">At most this many, and at most <see cref="PageMax"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<List<AuditEntry>> ListAsync(AuditFilter filter, long? before, int count, CancellationToken cancellationToken)
    {
        SqlText condition = $"id < {before ?? long.MaxValue}";
        if (filter.ActorId is { } actor)
            condition = $"{condition} and actor_id = {actor}";
        if (filter.Subject is { } subject)
            condition = $"{condition} and subject = {subject}";
        if (filter.Namespace is { } space)
            condition = $"{condition} and (subject = {space} or subject like {Like(space) + "/%"} escape '!')";
        if (filter.Action is { } action)
            condition = $"{condition} and action = {action}";
        if (filter.Since is { } since)
            condition = $"{condition} and at >= {since.ToUnixTimeMilliseconds()}";
        SqlText head = $"select {(SqlText)Columns} from audit where ";
        long limit = Math.Clamp(count, 1, PageMax);
        return database.ReadAsync(
            (transaction, token) =>
                transaction.ListAsync($"{head}{condition} order by id desc limit {limit}", Read, token), cancellationToken);
    }

    private static string Like(string text) => text.Replace("!", "!!", StringComparison.Ordinal)
        .Replace("%", "!%", StringComparison.Ordinal).Replace("_", "!_", StringComparison.Ordinal);

    private static AuditEntry Read(DbDataReader row) => new(
        row.GetInt64(0), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1)), row.IsDBNull(2) ? null : row.GetInt64(2),
        row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6), row.GetString(7));
}

/// <summary>Which entries are wanted; what is null does not narrow.</summary>
public sealed record AuditFilter
{
    /// <summary>Changes by one account.</summary>
    public long? ActorId { get; init; }

    /// <summary>Changes to one thing.</summary>
    public string? Subject { get; init; }

    /// <summary>Changes to an account and to all its repositories.</summary>
    public string? Namespace { get; init; }

    /// <summary>One kind of change.</summary>
    public string? Action { get; init; }

    /// <summary>Changes since a moment.</summary>
    public DateTimeOffset? Since { get; init; }
}
