using System.Globalization;
using Berth.Registry.Access;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;

namespace Berth.Registry.Browsing;

/// <summary>Finds repositories for a caller; what the caller may not pull is never in an answer.</summary>
/// <remarks>
/// Public and private rows are asked for apart, because each then walks an index in the order of the page; both lists are merged. A
/// private row is shown only when the access rules say so, so that a search never knows more about rights than a pull does. Lists come
/// from the database; what has certain words, marks or an owner is found in memory.
/// </remarks>
public sealed class RepositorySearch(HubDatabase database, IAccessRules access)
{
    // Private rows that are looked at for one page. An organisation's member who may see few of very many gets a short page.
    private const int PrivateRowsMax = 2_000;

    private readonly SearchFeed _feed = new(database);

    /// <summary>Reads the words of all repositories, so that the first search need not.</summary>
    public Task PrepareAsync(CancellationToken cancellationToken) => _feed.FollowAsync(cancellationToken);

    /// <summary>One page.</summary>
    public async Task<Listing<RepositorySummary>> FindAsync(Caller caller, RepositoryQuery query, CancellationToken cancellationToken)
    {
        int limit = Math.Clamp(query.Limit, 1, RepositoryQuery.PageMax);
        if (query.IsUnfindable)
            return new Listing<RepositorySummary>([], null);
        if (query.Order == RepositoryOrder.Best && !IsSearch(query))
            query = query with { Order = RepositoryOrder.Popular };
        List<RepositorySummary> found = [];
        if (query.IsPrivate != true)
            found.AddRange(await ReadAsync(query, isPrivate: false, null, query.After, limit + 1, cancellationToken).ConfigureAwait(false));
        if (query.IsPrivate != false && caller.AccountId is not null)
            found.AddRange(await ReadPrivateAsync(caller, query, limit + 1, cancellationToken).ConfigureAwait(false));
        List<RepositorySummary> page = [.. Sorted(found, query.Order).Take(limit)];
        return new Listing<RepositorySummary>(page, found.Count > page.Count ? MarkOf(page[^1], query.Order).ToString() : null);
    }

    /// <summary>One repository by its name, as lists show it; null when there is none. Asks no rights.</summary>
    public Task<RepositorySummary?> TryGetAsync(RepositoryName name, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.FirstAsync(
            $"""
            select {(SqlText)RepositorySummary.Columns} from repositories r
            where r.name = {name} and r.visibility <> {RepositoryTable.Hidden}
            """, RepositorySummary.Read, token),
        cancellationToken)!;

    private async Task<List<RepositorySummary>> ReadPrivateAsync(
        Caller caller, RepositoryQuery query, int wanted, CancellationToken cancellationToken)
    {
        List<RepositorySummary> shown = [];
        long? mine = caller.IsAdministrator ? null : caller.AccountId;
        PageMark? after = query.After;
        for (int seen = 0; seen < PrivateRowsMax && shown.Count < wanted;)
        {
            List<RepositorySummary> rows = await ReadAsync(query, isPrivate: true, mine, after, wanted,
                cancellationToken).ConfigureAwait(false);
            foreach (RepositorySummary row in rows)
            {
                RepositoryAccess may = await access.OfAsync(caller, RepositoryName.Parse(row.Name),
                    cancellationToken).ConfigureAwait(false);
                if (may.HasFlag(RepositoryAccess.Pull))
                    shown.Add(row);
            }
            if (rows.Count < wanted)
                break;
            seen += rows.Count;
            after = MarkOf(rows[^1], query.Order);
        }
        return shown;
    }

    // Of private rows of an account's own, those of its names; else all.
    private Task<List<RepositorySummary>> ReadAsync(
        RepositoryQuery query, bool isPrivate, long? mine, PageMark? after, int limit, CancellationToken cancellationToken)
    {
        if (IsSearch(query))
            return SearchAsync(query, isPrivate, mine, after, limit, cancellationToken);
        SqlText sql = Statement(query, isPrivate, mine is { } account ? CallerNamespaces.Condition(account) : null, after, limit);
        return database.ReadAsync((transaction, token) => transaction.ListAsync(sql, RepositorySummary.Read, token), cancellationToken);
    }

    // Also of an owner: a walk in the order of the page to the few rows that fit could be one along all repositories.
    private static bool IsSearch(RepositoryQuery query) =>
        query.Words.Count > 0 || query.WantedMarks != RepositoryMarks.None || query.Namespace is not null;

    private async Task<List<RepositorySummary>> SearchAsync(
        RepositoryQuery query, bool isPrivate, long? mine, PageMark? after, int limit, CancellationToken cancellationToken)
    {
        SearchFilter filter = new(query.Words, query.Order, isPrivate)
        {
            Marks = query.WantedMarks,
            Namespace = query.Namespace,
            Accounts = mine is { } account
                ? await NumbersAsync(CallerNamespaces.Accounts(account), cancellationToken).ConfigureAwait(false) : null,
            Repositories = query.StarredBy is { } admirer ? await NumbersAsync(
                $"select repository_id from stars where account_id = {admirer}", cancellationToken).ConfigureAwait(false) : null,
        };
        return await _feed.FindAsync(filter, after, limit, cancellationToken).ConfigureAwait(false);
    }

    private async Task<IReadOnlySet<long>> NumbersAsync(SqlText query, CancellationToken cancellationToken) =>
        (await database.ReadAsync((transaction, token) => transaction.ListAsync(query, row => row.GetInt64(0), token), cancellationToken)
            .ConfigureAwait(false)).ToHashSet();

    /// <summary>The whole statement; the tests ask the database how it would run it.</summary>
    internal static SqlText Statement(
        RepositoryQuery query, bool isPrivate, SqlText? visible, PageMark? after, int limit)
    {
        string visibility = isPrivate ? "private" : "public";
        SqlText starred = query.StarredBy is { } account
            ? (SqlText)$"and r.id in (select repository_id from stars where account_id = {account})" : $"";
        SqlText mine = visible is null ? $"" : (SqlText)$"and {visible}";
        // Rows that are found by their owner are few: they are sorted, not walked to among all.
        string column = visible is null ? "r.visibility" : "r.visibility || ''";
        return $"""
            select {(SqlText)RepositorySummary.Columns} from repositories r
            where {(SqlText)column} = {visibility} {starred} {mine} {Following(query.Order, after)}
            order by {(SqlText)OrderOf(query.Order)} limit {limit}
            """;
    }

    private static SqlText Following(RepositoryOrder order, PageMark? after) => (order, after) switch
    {
        (_, null) => (SqlText)$"",
        (RepositoryOrder.Name, _) => (SqlText)$"and r.name > {after.Name}",
        (RepositoryOrder.Updated, _) => (SqlText)$"and (coalesce(r.pushed_at, r.created_at), r.id) < ({after.Number}, {after.Id})",
        (RepositoryOrder.Starred, _) => (SqlText)$"and (r.star_count, r.id) < ({after.Number}, {after.Id})",
        _ => (SqlText)$"and (r.pull_count, r.id) < ({after.Number}, {after.Id})",
    };

    private static string OrderOf(RepositoryOrder order) => order switch
    {
        RepositoryOrder.Name => "r.name",
        RepositoryOrder.Updated => "coalesce(r.pushed_at, r.created_at) desc, r.id desc",
        RepositoryOrder.Starred => "r.star_count desc, r.id desc",
        _ => "r.pull_count desc, r.id desc",
    };

    private static IEnumerable<RepositorySummary> Sorted(IEnumerable<RepositorySummary> rows, RepositoryOrder order) => order switch
    {
        RepositoryOrder.Name => rows.OrderBy(row => row.Name, StringComparer.Ordinal),
        RepositoryOrder.Updated => rows.OrderByDescending(row => row.UpdatedAt).ThenByDescending(row => row.Id),
        RepositoryOrder.Starred => rows.OrderByDescending(row => row.Stars).ThenByDescending(row => row.Id),
        RepositoryOrder.Best => rows.OrderBy(row => row.Rank).ThenByDescending(row => row.Pulls).ThenByDescending(row => row.Id),
        _ => rows.OrderByDescending(row => row.Pulls).ThenByDescending(row => row.Id),
    };

    internal static PageMark MarkOf(RepositorySummary row, RepositoryOrder order) => order switch
    {
        RepositoryOrder.Name => new PageMark(0, row.Id, row.Name),
        RepositoryOrder.Updated => new PageMark(row.UpdatedAt, row.Id, ""),
        RepositoryOrder.Starred => new PageMark(row.Stars, row.Id, ""),
        RepositoryOrder.Best => new PageMark(row.Pulls, row.Id, row.Rank.ToString(CultureInfo.InvariantCulture)),
        _ => new PageMark(row.Pulls, row.Id, ""),
    };
}
