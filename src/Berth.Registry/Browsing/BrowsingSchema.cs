using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>Stars, the indexes by which lists of any length are paged, and what tells the search index which repositories have
/// changed.</summary>
/// <remarks>
/// Each order that a page offers has an index that begins with the visibility, so that a page of a hundred thousand repositories
/// costs what a page of a hundred does. Each change of a repository leaves a row in <c>repository_changes</c> with a version, also its end.
/// SQLite's versions count up: there is one writer, so whoever has seen one has seen all below. PostgreSQL's are numbers of transactions:
/// whoever reads from the lowest that was under way misses none, however late it is committed.
/// </remarks>
internal static class BrowsingSchema
{
    /// <summary>The table of changes; it follows from the others.</summary>
    internal const string ChangesTable = "repository_changes";

    private const string Watched = "account_id, name, namespace, visibility, description, pushed_at, pull_count, star_count, bytes";

    // An account's mark is seen with each of its repositories: they count as changed when it changes.
    private const string MarkColumns = """
        alter table repositories add column is_official bigint not null default 0;
        alter table accounts add column is_verified bigint not null default 0;
        create index repositories_starred on repositories(visibility, star_count desc, id desc);
        """;

    private const string SqliteMarks = $"""
        {MarkColumns}
        drop trigger repository_changes_update;
        create trigger repository_changes_update after update of {Watched}, is_official on repositories begin
            insert into repository_changes select new.id, coalesce(max(version), 0) + 1 from repository_changes where true
            on conflict(repository_id) do update set version = excluded.version;
        end;
        create trigger repository_changes_account after update of is_verified on accounts begin
            update repositories set account_id = account_id where account_id = new.id;
        end;
        """;

    private const string PostgreSqlMarks = $"""
        {MarkColumns}
        drop trigger repository_changes_update on repositories;
        create trigger repository_changes_update after update of {Watched}, is_official on repositories
            for each row execute function repository_changes_follow();
        create function repository_changes_of_account() returns trigger language plpgsql as $$ begin
            update repositories set account_id = account_id where account_id = new.id;
            return null;
        end $$;
        create trigger repository_changes_account after update of is_verified on accounts
            for each row execute function repository_changes_of_account();
        """;

    // Steps 2 to 4 made text indexes in the databases. No release had them, but hubs that were made in between do.
    private const string Sqlite = $"""
        drop trigger if exists repository_search_insert;
        drop trigger if exists repository_search_delete;
        drop trigger if exists repository_search_update;
        drop table if exists repository_search;
        drop view if exists repository_search_rows;
        create table repository_changes(repository_id bigint primary key, version bigint not null);
        create unique index repository_changes_version on repository_changes(version);
        create trigger repository_changes_insert after insert on repositories begin
            insert into repository_changes select new.id, coalesce(max(version), 0) + 1 from repository_changes where true
            on conflict(repository_id) do update set version = excluded.version;
        end;
        create trigger repository_changes_update after update of {Watched} on repositories begin
            insert into repository_changes select new.id, coalesce(max(version), 0) + 1 from repository_changes where true
            on conflict(repository_id) do update set version = excluded.version;
        end;
        create trigger repository_changes_delete after delete on repositories begin
            insert into repository_changes select old.id, coalesce(max(version), 0) + 1 from repository_changes where true
            on conflict(repository_id) do update set version = excluded.version;
        end;
        """;

    private const string PostgreSql = $"""
        drop trigger if exists repository_words_insert on repositories;
        drop trigger if exists repository_words_update on repositories;
        drop function if exists repository_words_follow();
        drop table if exists repository_words;
        drop index if exists repositories_search;
        create table repository_changes(repository_id bigint primary key, version bigint not null);
        create index repository_changes_version on repository_changes(version);
        create function repository_changes_follow() returns trigger language plpgsql as $$ begin
            insert into repository_changes values (
                case when tg_op = 'DELETE' then old.id else new.id end, pg_current_xact_id()::text::bigint)
            on conflict (repository_id) do update set version = excluded.version;
            return null;
        end $$;
        create trigger repository_changes_insert after insert on repositories
            for each row execute function repository_changes_follow();
        create trigger repository_changes_update after update of {Watched} on repositories
            for each row execute function repository_changes_follow();
        create trigger repository_changes_delete after delete on repositories
            for each row execute function repository_changes_follow();
        """;

    public static IReadOnlyList<Migration> Steps { get; } =
    [
        new("browsing", 1, """
            create table stars(
                account_id bigint not null references accounts(id) on delete cascade,
                repository_id bigint not null references repositories(id) on delete cascade, starred_at bigint not null,
                primary key(account_id, repository_id));
            create index stars_repository on stars(repository_id);
            create index repositories_popular on repositories(visibility, pull_count desc, id desc);
            create index repositories_updated on repositories(visibility, coalesce(pushed_at, created_at) desc, id desc);
            create index repositories_by_name on repositories(visibility, name);
            create index repositories_of_namespace on repositories(namespace, name);
            create index tags_updated on tags(repository_id, updated_at desc, name);
            """),
        new("browsing", 5, Sqlite) { PostgreSql = PostgreSql },
        new("browsing", 6, SqliteMarks) { PostgreSql = PostgreSqlMarks },
    ];

    /// <summary>A version from which on whoever reads now must read the next time.</summary>
    internal static SqlText SeenVersion(Dialect dialect) => (SqlText)(dialect == Dialect.PostgreSql
        ? "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        : "select coalesce(max(version), 0) + 1 from repository_changes");

    /// <summary>Forgets versions that this PostgreSQL cannot have given: tables that were copied from another one bring that one's, and
    /// would be read as new for ever.</summary>
    internal static async Task ForgetForeignVersionsAsync(HubDatabase database)
    {
        if (database.Dialect != Dialect.PostgreSql)
            return;
        SqlText foreign = $"version >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
        if (await database.ReadAsync(
            (transaction, token) => transaction.NumberAsync($"select 1 from repository_changes where {foreign} limit 1", token),
            default).ConfigureAwait(false) is not null)
            await database.WriteAsync(
                (transaction, token) => transaction.ExecuteAsync($"delete from repository_changes where {foreign}", token),
                default).ConfigureAwait(false);
    }
}
