using System.Data.Common;
using System.Globalization;
using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>A tag as lists show it.</summary>
/// <param name="Name">The tag.</param>
/// <param name="Digest">What it names.</param>
/// <param name="UpdatedAt">When it was last pushed, in Unix milliseconds.</param>
/// <param name="UpdatedBy">By whom.</param>
public sealed record TagRow(string Name, string Digest, long UpdatedAt, string? UpdatedBy)
{
    internal const string Columns = """
        t.name, t.manifest_digest, t.updated_at, t.updated_by,
        (select m.pulled_at from manifests m where m.repository_id = t.repository_id and m.digest = t.manifest_digest)
        """;

    /// <summary>When what it names was last pulled, by this or another name, in milliseconds since 1970; null: never. Up to five seconds
    /// late.</summary>
    public long? PulledAt { get; init; }

    internal static TagRow Read(DbDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetString(3))
        {
            PulledAt = row.IsDBNull(4) ? null : row.GetInt64(4),
        };
}

/// <summary>Lists the tags of a repository.</summary>
public sealed class TagList(HubDatabase database)
{
    /// <summary>The longest page.</summary>
    public const int PageMax = 100;

    /// <summary>One page of tags.</summary>
    /// <param name="repositoryId">The repository.</param>
    /// <param name="filter">A part of the name; empty: all.</param>
    /// <param name="byName">By name; otherwise last pushed first.</param>
    /// <param name="after">The mark of the page before; null: the first page.</param>
    /// <param name="limit">How many, at most <see cref="PageMax"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Listing<TagRow>> FindAsync(
        long repositoryId, string filter, bool byName, PageMark? after, int limit, CancellationToken cancellationToken)
    {
        // No tag has it, and PostgreSQL no text.
        if (filter.Contains('\0'))
            return new Listing<TagRow>([], null);
        int wanted = Math.Clamp(limit, 1, PageMax);
        List<TagRow> rows = await database.ReadAsync(
            (transaction, token) => transaction.ListAsync(Statement(repositoryId, filter, byName, after, wanted + 1), TagRow.Read, token),
            cancellationToken).ConfigureAwait(false);
        if (rows.Count <= wanted)
            return new Listing<TagRow>(rows, null);
        rows.RemoveAt(wanted);
        TagRow last = rows[^1];
        return new Listing<TagRow>(rows, new PageMark(byName ? 0 : last.UpdatedAt, 0, last.Name).ToString());
    }

    /// <summary>One tag; null when there is none.</summary>
    public Task<TagRow?> TryGetAsync(long repositoryId, string tag, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.FirstAsync<TagRow>(
            $"select {(SqlText)TagRow.Columns} from tags t where t.repository_id = {repositoryId} and t.name = {tag}",
            TagRow.Read, token), cancellationToken);

    /// <summary>How many tags a repository has.</summary>
    public async Task<long> CountAsync(long repositoryId, CancellationToken cancellationToken) => await database.ReadAsync(
        (transaction, token) => transaction.NumberAsync($"select count(*) from tags where repository_id = {repositoryId}", token),
        cancellationToken).ConfigureAwait(false) ?? 0;

    /// <summary>The whole statement; the tests ask the database how it would run it.</summary>
    internal static SqlText Statement(long repositoryId, string filter, bool byName, PageMark? after, int limit)
    {
        SqlText matching = filter.Length == 0 ? $"" : (SqlText)$"and lower(t.name) like {"%" + Escape(filter) + "%"} escape '!'";
        SqlText following = (byName, after) switch
        {
            (_, null) => (SqlText)$"",
            (true, _) => (SqlText)$"and t.name > {after.Name}",
            _ => (SqlText)$"and (t.updated_at < {after.Number} or (t.updated_at = {after.Number} and t.name > {after.Name}))",
        };
        string order = byName ? "t.name" : "t.updated_at desc, t.name";
        return $"""
            select {(SqlText)TagRow.Columns} from tags t
            where t.repository_id = {repositoryId} {matching} {following} order by {(SqlText)order} limit {limit}
            """;
    }

    private static string Escape(string filter) => filter.ToLower(CultureInfo.InvariantCulture)
        .Replace("!", "!!", StringComparison.Ordinal).Replace("%", "!%", StringComparison.Ordinal).Replace("_", "!_",
            StringComparison.Ordinal);
}
