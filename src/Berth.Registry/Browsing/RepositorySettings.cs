using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Repositories;
using Berth.Registry.Retention;

namespace Berth.Registry.Browsing;

/// <summary>What somebody wants to change about a repository; null leaves it as it is. These fields and no others can be set.</summary>
public sealed record RepositoryChange
{
    /// <summary>One line about it.</summary>
    public string? Description { get; init; }

    /// <summary>The README, in Markdown.</summary>
    public string? Readme { get; init; }

    /// <summary>Whether only those see it who have a right to it.</summary>
    public bool? IsPrivate { get; init; }
}

/// <summary>Makes repositories and changes what their owners decide. Callers check who may; every change stands in the audit
/// log.</summary>
public sealed class RepositorySettings(HubDatabase database, AuditLog audit, RepositoryNews news, TimeProvider time)
{
    /// <summary>The README as it was written; empty where there is none.</summary>
    public async Task<string> ReadmeAsync(long repositoryId, CancellationToken cancellationToken) => await database.ReadAsync(
        (transaction, token) => transaction.TextAsync($"select readme from repositories where id = {repositoryId}", token),
        cancellationToken) ?? "";

    /// <summary>Makes a repository before anything is pushed into it.</summary>
    /// <exception cref="FaultException">Conflict: there is one, or the name is an upstream's. InvalidArgument: a text is too
    /// long.</exception>
    public Task<long> CreateAsync(Caller actor, RepositoryName name, RepositoryChange wanted, CancellationToken cancellationToken)
    {
        Check(wanted);
        string visibility = VisibilityOf(wanted.IsPrivate ?? true);
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        return database.WriteAsync(
            async (transaction, token) =>
            {
                if (await PrefixOfAsync(transaction, name.Value, token) is { } prefix)
                    throw FaultException.Conflict(
                        $"create {name}: names that begin with {prefix}/ are another registry's: pull one, and it is here");
                if (await RepositoryTable.FindVisibleAsync(transaction, name, token) is not null)
                    throw FaultException.Conflict($"create {name}: there is a repository of this name");
                RepositoryRow made = await RepositoryTable.FindOrCreateAsync(transaction, name, visibility, now, token);
                await transaction.ExecuteAsync(
                    $"""
                    update repositories set description = {wanted.Description ?? ""}, readme = {wanted.Readme ?? ""} where id = {made.Id}
                    """, token);
                await audit.RecordAsync(transaction, actor, AuditActions.RepositoryCreate, name.Value, visibility, token);
                return made.Id;
            }, cancellationToken);
    }

    /// <summary>Changes texts and visibility.</summary>
    /// <exception cref="FaultException">NotFound: no such repository. InvalidArgument: a text is too long. Conflict: the visibility is
    /// that of an upstream.</exception>
    public Task ChangeAsync(Caller actor, string name, RepositoryChange change, CancellationToken cancellationToken)
    {
        Check(change);
        return database.WriteAsync(
            async (transaction, token) =>
            {
                long id = RepositoryName.TryParse(name, out RepositoryName parsed)
                    && await RepositoryTable.FindVisibleAsync(transaction, parsed, token) is { } found
                    ? found.Id
                    : throw FaultException.NotFound($"change {name}: no such repository");
                if (change.IsPrivate is { } wanted)
                    await RequireOwnVisibilityAsync(transaction, id, name, wanted, token);
                if (change.Description is { } description)
                    await transaction.ExecuteAsync($"update repositories set description = {description} where id = {id}", token);
                if (change.Readme is { } readme)
                    await transaction.ExecuteAsync($"update repositories set readme = {readme} where id = {id}", token);
                if (change.IsPrivate is { } isPrivate)
                    await transaction.ExecuteAsync($"update repositories set visibility = {VisibilityOf(isPrivate)} where id = {id}",
                        token);
                await audit.RecordAsync(transaction, actor, AuditActions.RepositoryUpdate, name, WordsOf(change), token);
                return true;
            }, cancellationToken);
    }

    /// <summary>Deletes a repository with its tags, images and diary. Blobs that nothing else needs are freed by the next
    /// collection.</summary>
    /// <exception cref="FaultException">NotFound: no such repository.</exception>
    public async Task DeleteAsync(Caller actor, RepositoryName name, CancellationToken cancellationToken)
    {
        await database.FreeAsync(
            async (transaction, token) =>
            {
                RepositoryRow repository = await RepositoryTable.FindVisibleAsync(transaction, name, token)
                    ?? throw FaultException.NotFound($"delete {name}: no such repository");
                await RepositoryTable.RemoveAsync(transaction, repository.Id, name.Namespace, token);
                RepositoryNewsItem item = new() { Action = AuditActions.RepositoryRemove, Repository = name.Value };
                await news.TellAsync(transaction, actor, item, token);
                return true;
            }, cancellationToken);
        news.Announce();
    }

    /// <summary>Adds a rule: tags of this pattern never change.</summary>
    /// <exception cref="FaultException">InvalidArgument: too many rules.</exception>
    public Task FreezeAsync(Caller actor, long repositoryId, TagPattern pattern,
        CancellationToken cancellationToken) => database.WriteAsync(
        async (transaction, token) =>
        {
            long now = time.GetUtcNow().ToUnixTimeMilliseconds();
            await FrozenTags.AddAsync(transaction, repositoryId, pattern, actor.Name, now, token);
            await RecordAsync(transaction, actor, repositoryId, AuditActions.RepositoryUpdate, $"immutable tags: {pattern} added", token);
            return true;
        }, cancellationToken);

    /// <summary>Takes a rule of immutable tags away.</summary>
    /// <exception cref="FaultException">NotFound: no such rule.</exception>
    public Task ThawAsync(Caller actor, long repositoryId, long ruleId, CancellationToken cancellationToken) => database.FreeAsync(
        async (transaction, token) =>
        {
            string pattern = await transaction.TextAsync(
                $"select pattern from frozen_tags where repository_id = {repositoryId} and id = {ruleId}", token)
                ?? throw FaultException.NotFound($"remove rule {ruleId}: the repository has none of this number");
            await FrozenTags.RemoveAsync(transaction, repositoryId, ruleId, token);
            await RecordAsync(transaction, actor, repositoryId, AuditActions.RepositoryUpdate, $"immutable tags: {pattern} removed", token);
            return true;
        }, cancellationToken);

    /// <summary>Deletes a tag; the image stays, and the diary remembers what the tag named.</summary>
    /// <exception cref="FaultException">NotFound: no such tag. Conflict: it is immutable.</exception>
    public async Task DeleteTagAsync(Caller actor, long repositoryId, string tag, CancellationToken cancellationToken)
    {
        await database.FreeAsync(
            async (transaction, token) =>
            {
                long now = time.GetUtcNow().ToUnixTimeMilliseconds();
                string digest = await TagTable.RemoveAsync(transaction, repositoryId, tag, actor, now, token)
                    ?? throw FaultException.NotFound($"delete tag: the repository has none of this name");
                await news.TellDeletionAsync(transaction, actor, repositoryId, tag, digest, null, token);
                return true;
            }, cancellationToken);
        news.Announce();
    }

    internal async Task RecordAsync(
        HubTransaction transaction, Caller actor, long repositoryId, string action, string details, CancellationToken cancellationToken)
    {
        string name = await RepositoryNews.NameAsync(transaction, repositoryId, cancellationToken);
        await audit.RecordAsync(transaction, actor, action, name, details, cancellationToken);
    }

    // Who may pull what is another registry's is decided for all of it, before anything of it is here.
    private static async Task RequireOwnVisibilityAsync(
        HubTransaction transaction, long id, string name, bool isPrivate, CancellationToken cancellationToken)
    {
        if (await PrefixOfAsync(transaction, name, cancellationToken) is { } prefix
            && await transaction.TextAsync($"select visibility from repositories where id = {id}", cancellationToken)
                != VisibilityOf(isPrivate))
            throw FaultException.Conflict(
                $"change {name}: the repository is another registry's, and who may pull it is said of the whole upstream {prefix}: "
                + "set its members-only in the hub's configuration");
    }

    /// <summary>The prefix of the upstream that a name belongs to; null: it is this hub's own.</summary>
    private static Task<string?> PrefixOfAsync(HubTransaction transaction, string name, CancellationToken cancellationToken) =>
        transaction.TextAsync(
            $"""
            select prefix from cache_prefixes where substr({name}, 1, length(prefix) + 1) = prefix || '/'
            order by length(prefix) desc limit 1
            """, cancellationToken);

    private static string VisibilityOf(bool isPrivate) => isPrivate ? "private" : "public";

    private static string WordsOf(RepositoryChange change)
    {
        List<string> words = [];
        if (change.Description is not null)
            words.Add("description");
        if (change.Readme is not null)
            words.Add("README");
        if (change.IsPrivate is { } isPrivate)
            words.Add("now " + VisibilityOf(isPrivate));
        return string.Join(", ", words);
    }

    private static void Check(RepositoryChange change)
    {
        if (change.Description is { } description && (description.Length > RepositoryLimits.DescriptionMax
            || description.Any(char.IsControl)))
            throw FaultException.Invalid($"description: one line of at most {RepositoryLimits.DescriptionMax} characters is allowed");
        if (change.Readme is { Length: > RepositoryLimits.ReadmeMax })
            throw FaultException.Invalid($"README: at most {RepositoryLimits.ReadmeMax} characters are allowed");
        if (change.Readme is { } readme && readme.Contains('\0'))
            throw FaultException.Invalid("README: text is expected, and it has the character NUL");
    }
}
