using System.Data.Common;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Model;
using Berth.Registry.Repositories;

namespace Berth.Registry.Diary;

/// <summary>The diary of each repository's tags: every move with who, when, from which image to which.</summary>
/// <remarks>
/// A move is written in the transaction that moves the tag (<see cref="RecordAsync"/>), so the diary can neither miss one nor tell one
/// that did not happen. What a tag named at a moment is the last move before it. Times never run backwards within a tag: a clock
/// that was set back does not change the order, which is that of the transactions.
/// </remarks>
public sealed class TagDiary(HubDatabase database, RepositoryNews news, TimeProvider time)
{
    /// <summary>Moves that one page of the diary has at most.</summary>
    public const int PageMax = 200;

    /// <summary>Writes one move. Called by whatever changes a tag, in the same transaction.</summary>
    /// <param name="transaction">The transaction that changes the tag.</param>
    /// <param name="repositoryId">The repository.</param>
    /// <param name="move">The move; its id is given by the database. A move to where the tag already was is not written.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task RecordAsync(
        HubTransaction transaction, long repositoryId, TagMove move, CancellationToken cancellationToken)
    {
        if (move.From == move.To)
            return;
        await transaction.ExecuteAsync($"""
            insert into tag_moves(repository_id, tag, from_digest, to_digest, moved_at, moved_by, reason, undoes)
            values ({repositoryId}, {move.Tag}, {move.From}, {move.To}, {move.MovedAt}, {move.MovedBy}, {TextOf(move.Reason)},
            {move.Undoes})
            """, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Refuses to move a tag that a rule froze. A tag that does not exist yet may be made under any name.</summary>
    /// <exception cref="FaultException">Conflict: the tag exists, names another image and is frozen.</exception>
    public static async Task RequireMovableAsync(
        HubTransaction transaction, long repositoryId, string tag, string? to, CancellationToken cancellationToken)
    {
        string? from = await CurrentAsync(transaction, repositoryId, tag, cancellationToken).ConfigureAwait(false);
        if (from is null || from == to)
            return;
        FrozenTags frozen = await FrozenTags.ReadAsync(transaction, repositoryId, cancellationToken).ConfigureAwait(false);
        if (frozen.RuleOf(tag) is { } rule)
            throw FaultException.Conflict($"move tag {tag}: it is immutable by the rule \"{rule}\" of this repository");
    }

    /// <summary>What a tag named at a moment; null when it did not exist then.</summary>
    /// <param name="repositoryId">The repository.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="at">The moment, in Unix milliseconds, inclusive.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<string?> DigestAtAsync(long repositoryId, string tag, long at, CancellationToken cancellationToken) =>
        database.ReadAsync(
            (transaction, token) => transaction.TextAsync(
                $"""
                select to_digest from tag_moves where repository_id = {repositoryId} and tag = {tag} and moved_at <= {at}
                order by id desc limit 1
                """, token), cancellationToken);

    /// <summary>Moves of one tag or of all, the latest first.</summary>
    /// <param name="repositoryId">The repository.</param>
    /// <param name="tag">The tag; null: all tags.</param>
    /// <param name="before">Only moves with a smaller id; null: from the latest.</param>
    /// <param name="limit">How many, at most <see cref="PageMax"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<List<TagMove>> ListAsync(long repositoryId, string? tag, long? before, int limit, CancellationToken cancellationToken)
    {
        long upTo = before ?? long.MaxValue;
        int rows = Math.Clamp(limit, 1, PageMax);
        SqlText ofTag = tag is null ? $"" : (SqlText)$"and m.tag = {tag}";
        return database.ReadAsync(
            (transaction, token) => transaction.ListAsync(
                $"""
                select m.id, m.tag, m.from_digest, m.to_digest, m.moved_at, m.moved_by, m.reason, m.undoes,
                    (select 1 from manifests f where f.repository_id = m.repository_id and f.digest = m.from_digest),
                    (select 1 from manifests t where t.repository_id = m.repository_id and t.digest = m.to_digest)
                from tag_moves m where m.repository_id = {repositoryId} {ofTag} and m.id < {upTo} order by m.id desc limit {rows}
                """, ReadMove, token), cancellationToken);
    }

    /// <summary>The tags that name an image now, in order.</summary>
    public Task<List<string>> TagsOfAsync(long repositoryId, string digest, CancellationToken cancellationToken) => database.ReadAsync(
        (transaction, token) => transaction.ListAsync(
            $"select name from tags where repository_id = {repositoryId} and manifest_digest = {digest} order by name limit {PageMax}",
            reader => reader.GetString(0), token), cancellationToken);

    /// <summary>Takes one move back: the tag names again what it named before that move.</summary>
    /// <param name="repositoryId">The repository.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="moveId">The move.</param>
    /// <param name="by">Who does it.</param>
    /// <param name="mayDelete">Whether they may delete tags: before its first move there was none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What the tag names now; null when it is gone again.</returns>
    /// <exception cref="FaultException">NotFound: no such move, or the image is gone. Conflict: the tag is immutable. Forbidden: the tag
    /// would be gone, and they may not delete it.</exception>
    public async Task<string?> UndoAsync(
        long repositoryId, string tag, long moveId, Caller by, bool mayDelete, CancellationToken cancellationToken)
    {
        string? now = await database.WriteAsync(
            async (transaction, token) =>
            {
                TagMove move = await FindAsync(transaction, repositoryId, tag, moveId, token).ConfigureAwait(false)
                    ?? throw FaultException.NotFound($"undo {tag}: no move {moveId} in its diary");
                if (move.From is null && !mayDelete)
                    throw new FaultException(FaultKind.Forbidden, $"undo {tag}: that would delete the tag, to which you have no right");
                await MoveAsync(transaction, repositoryId, tag, move.From, by, moveId, token).ConfigureAwait(false);
                return move.From;
            }, cancellationToken).ConfigureAwait(false);
        news.Announce();
        return now;
    }

    /// <summary>Puts a tag back to an image that it named once.</summary>
    /// <exception cref="FaultException">
    /// NotFound: the tag never named it, or the image is gone. Conflict: the tag is immutable.
    /// </exception>
    public async Task<string> PutBackAsync(long repositoryId, string tag, string digest, Caller by, CancellationToken cancellationToken)
    {
        string now = await database.WriteAsync(
            async (transaction, token) =>
            {
                long? named = await transaction.NumberAsync(
                    $"select max(id) from tag_moves where repository_id = {repositoryId} and tag = {tag} and to_digest = {digest}", token)
                    .ConfigureAwait(false);
                if (named is null)
                    throw FaultException.NotFound($"put {tag} back: it never named {digest}");
                await MoveAsync(transaction, repositoryId, tag, digest, by, null, token).ConfigureAwait(false);
                return digest;
            }, cancellationToken).ConfigureAwait(false);
        news.Announce();
        return now;
    }

    /// <summary>What a tag names now; null when there is none.</summary>
    internal static Task<string?> CurrentAsync(HubTransaction transaction, long repositoryId, string tag,
        CancellationToken cancellationToken) =>
        transaction.TextAsync(
            $"select manifest_digest from tags where repository_id = {repositoryId} and name = {tag}", cancellationToken);

    internal static string TextOf(TagMoveReason reason) => reason switch
    {
        TagMoveReason.Push => "push",
        TagMoveReason.Delete => "delete",
        TagMoveReason.Undo => "undo",
        TagMoveReason.Retention => "retention",
        _ => "import",
    };

    private async Task MoveAsync(
        HubTransaction transaction, long repositoryId, string tag, string? to, Caller by, long? undoes,
            CancellationToken cancellationToken)
    {
        await RequireMovableAsync(transaction, repositoryId, tag, to, cancellationToken).ConfigureAwait(false);
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        string? from = await CurrentAsync(transaction, repositoryId, tag, cancellationToken).ConfigureAwait(false);
        string? mediaType = null;
        if (to is null)
        {
            await transaction.ExecuteAsync(
                $"delete from tags where repository_id = {repositoryId} and name = {tag}", cancellationToken).ConfigureAwait(false);
        }
        else
        {
            // Asked in the same transaction: the collector cannot take the image between the question and the move.
            mediaType = await transaction.TextAsync(
                $"select media_type from manifests where repository_id = {repositoryId} and digest = {to}", cancellationToken).ConfigureAwait(false);
            if (mediaType is null)
                throw FaultException.NotFound($"move tag {tag}: the image {to} is no longer in the repository");
            await transaction.ExecuteAsync($"""
                insert into tags(repository_id, name, manifest_digest, updated_at, updated_by)
                values ({repositoryId}, {tag}, {to}, {now}, {by.Name})
                on conflict(repository_id, name) do update set
                    manifest_digest = excluded.manifest_digest, updated_at = excluded.updated_at, updated_by = excluded.updated_by
                """, cancellationToken).ConfigureAwait(false);
        }
        TagMove move = new()
        {
            Id = 0, Tag = tag, From = from, To = to, MovedAt = now, MovedBy = by.Name, Reason = TagMoveReason.Undo, Undoes = undoes,
        };
        await RecordAsync(transaction, repositoryId, move, cancellationToken).ConfigureAwait(false);
        if (from == to)
            return;
        RepositoryNewsItem item = new()
        {
            Action = AuditActions.TagUndo,
            Repository = await RepositoryNews.NameAsync(transaction, repositoryId, cancellationToken).ConfigureAwait(false),
            Tag = tag, Digest = to, MediaType = mediaType, Remark = from is null ? "from nothing" : $"from {from}",
        };
        await news.TellAsync(transaction, by, item, cancellationToken).ConfigureAwait(false);
    }

    private static Task<TagMove?> FindAsync(
        HubTransaction transaction, long repositoryId, string tag, long moveId, CancellationToken cancellationToken) =>
        transaction.FirstAsync<TagMove>(
            $"""
            select m.id, m.tag, m.from_digest, m.to_digest, m.moved_at, m.moved_by, m.reason, m.undoes, null, null
            from tag_moves m where m.repository_id = {repositoryId} and m.tag = {tag} and m.id = {moveId}
            """, ReadMove, cancellationToken);

    private static TagMove ReadMove(DbDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Tag = row.GetString(1),
        From = row.IsDBNull(2) ? null : row.GetString(2),
        To = row.IsDBNull(3) ? null : row.GetString(3),
        MovedAt = row.GetInt64(4),
        MovedBy = row.IsDBNull(5) ? null : row.GetString(5),
        Reason = row.GetString(6) switch
        {
            "push" => TagMoveReason.Push,
            "delete" => TagMoveReason.Delete,
            "undo" => TagMoveReason.Undo,
            "retention" => TagMoveReason.Retention,
            _ => TagMoveReason.Import,
        },
        Undoes = row.IsDBNull(7) ? null : row.GetInt64(7),
        IsFromKept = !row.IsDBNull(8),
        IsToKept = !row.IsDBNull(9),
    };
}
