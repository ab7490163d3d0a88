using Berth.Registry.Access;
using Berth.Registry.Database;
using Berth.Registry.Model;

namespace Berth.Registry.Browsing;

/// <summary>Finds repositories for a caller; what the caller may not pull is never in an answer.</summary>
/// <remarks>
/// Public and private rows are asked for apart, because each then walks an index in the order of the page; both lists are merged. A
/// private row is shown only when the access rules say so, so that a search never knows more about rights than a pull does.
/// </remarks>
public sealed class RepositorySearch(HubDatabase database, IAccessRules access)
{
    // A caller's own rows that are looked at before the text index is asked, which knows nothing of whose a row is.
    private static readonly int[] s_walk = [250, 750];

    // Private rows that are looked at for one page. An organisation's member who may see few of very many gets a short page.
    private const int PrivateRowsMax = 2_000;

    private readonly WordIndex _index = WordIndex.Of(database.Dialect);

    /// <summary>One page.</summary>
    public async Task<Listing<RepositorySummary>> FindAsync(Caller caller, RepositoryQuery query, CancellationToken cancellationToken)
    {
        int limit = Math.Clamp(query.Limit, 1, RepositoryQuery.PageMax);
        if (query.Text.Length > 0 && query.Words.Count == 0)
            return new Listing<RepositorySummary>([], null);
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
            $"select {(SqlText)RepositorySummary.Columns} from repositories r where r.name = {name}", RepositorySummary.Read, token),
        cancellationToken)!;

    private async Task<List<RepositorySummary>> ReadPrivateAsync(
        Caller caller, RepositoryQuery query, int wanted, CancellationToken cancellationToken)
    {
        List<RepositorySummary> shown = [];
        SqlText? mine = caller.IsAdministrator ? null : OfCaller(caller.AccountId!.Value);
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

    private Task<List<RepositorySummary>> ReadAsync(
        RepositoryQuery query, bool isPrivate, SqlText? visible, PageMark? after, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync(
            async (transaction, token) =>
            {
                if (query.Words.Count > 0)
                {
                    if (visible is null)
                        return await new WordSearch(transaction, _index, query, isPrivate, limit).FindAsync(after, token)
                            .ConfigureAwait(false);
                    if (await WalkAsync(transaction, query, isPrivate, visible, after, limit, token).ConfigureAwait(false) is { } walked)
                        return walked;
                }
                SqlText sql = Statement(query, isPrivate, visible, TextCondition(query), after, limit);
                return await transaction.ListAsync(sql, RepositorySummary.Read, token).ConfigureAwait(false);
            }, cancellationToken);

    // The page, if enough of the first rows have the words; null: ask the text index.
    private static async Task<List<RepositorySummary>?> WalkAsync(
        HubTransaction transaction, RepositoryQuery query, bool isPrivate, SqlText? visible, PageMark? after, int limit,
        CancellationToken cancellationToken)
    {
        List<RepositorySummary> found = [];
        foreach (int rows in s_walk)
        {
            List<RepositorySummary> chunk = await transaction.ListAsync(
                Statement(query, isPrivate, visible, $"", after, rows), RepositorySummary.Read, cancellationToken).ConfigureAwait(false);
            found.AddRange(chunk.Where(query.Fits));
            if (found.Count >= limit || chunk.Count < rows)
                return [.. found.Take(limit)];
            after = MarkOf(chunk[^1], query.Order);
        }
        return null;
    }

    /// <summary>The whole statement; the tests ask the database how it would run it.</summary>
    internal static SqlText Statement(
        RepositoryQuery query, bool isPrivate, SqlText? visible, SqlText text, PageMark? after, int limit, bool isByNumber = false)
    {
        string visibility = isPrivate ? "private" : "public";
        SqlText ofNamespace = query.Namespace is null ? $"" : (SqlText)$"and r.namespace = {query.Namespace}";
        SqlText starred = query.StarredBy is { } account
            ? (SqlText)$"and r.id in (select repository_id from stars where account_id = {account})" : $"";
        SqlText mine = visible is null ? $"" : (SqlText)$"and {visible}";
        // Rows that are found by their owner or number are few: they are sorted, not walked to among all.
        string column = visible is null && !isByNumber ? "r.visibility" : "r.visibility || ''";
        return $"""
            select {(SqlText)RepositorySummary.Columns} from repositories r
            where {(SqlText)column} = {visibility} {ofNamespace} {starred} {mine} {text} {Following(query.Order, after)}
            order by {(SqlText)OrderOf(query.Order)} limit {limit}
            """;
    }

    private SqlText TextCondition(RepositoryQuery query) =>
        query.Words.Count == 0 ? $"" : (SqlText)$"and r.id in ({_index.Numbers(query.Words)})";

    // Rows that the caller may have a right to; the access rules decide about each.
    private static SqlText OfCaller(long accountId) => CallerNamespaces.Condition(accountId);

    private static SqlText Following(RepositoryOrder order, PageMark? after) => (order, after) switch
    {
        (_, null) => (SqlText)$"",
        (RepositoryOrder.Name, _) => (SqlText)$"and r.name > {after.Name}",
        (RepositoryOrder.Updated, _) => (SqlText)$"and (coalesce(r.pushed_at, r.created_at), r.id) < ({after.Number}, {after.Id})",
        _ => (SqlText)$"and (r.pull_count, r.id) < ({after.Number}, {after.Id})",
    };

    private static string OrderOf(RepositoryOrder order) => order switch
    {
        RepositoryOrder.Name => "r.name",
        RepositoryOrder.Updated => "coalesce(r.pushed_at, r.created_at) desc, r.id desc",
        _ => "r.pull_count desc, r.id desc",
    };

    private static IEnumerable<RepositorySummary> Sorted(IEnumerable<RepositorySummary> rows, RepositoryOrder order) => order switch
    {
        RepositoryOrder.Name => rows.OrderBy(row => row.Name, StringComparer.Ordinal),
        RepositoryOrder.Updated => rows.OrderByDescending(row => row.UpdatedAt).ThenByDescending(row => row.Id),
        _ => rows.OrderByDescending(row => row.Pulls).ThenByDescending(row => row.Id),
    };

    internal static PageMark MarkOf(RepositorySummary row, RepositoryOrder order) => order switch
    {
        RepositoryOrder.Name => new PageMark(0, row.Id, row.Name),
        RepositoryOrder.Updated => new PageMark(row.UpdatedAt, row.Id, ""),
        _ => new PageMark(row.Pulls, row.Id, ""),
    };
}
