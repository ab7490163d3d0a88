using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>Stars, and the indexes by which lists of any length are paged and searched.</summary>
/// <remarks>
/// Each order that a page offers has an index that begins with the visibility, so that a page of a hundred thousand repositories
/// costs what
/// a page of a hundred does. The text index splits names at their separators, and both databases match the beginnings of words.
/// </remarks>
internal static class BrowsingSchema
{
    /// <summary>The expression that PostgreSQL's text index is made of; queries must repeat it to the letter.</summary>
    internal const string PostgreSqlDocument = "to_tsvector('simple'::regconfig, translate(name, '/._-', '    ') || ' ' || description)";

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
        new("browsing", 2, """
            create virtual table repository_search using fts5(
                name, description, content='repositories', content_rowid='id', tokenize='unicode61', prefix='2 3 4');
            insert into repository_search(rowid, name, description) select id, name, description from repositories;
            create trigger repository_search_insert after insert on repositories begin
                insert into repository_search(rowid, name, description) values (new.id, new.name, new.description);
            end;
            create trigger repository_search_delete after delete on repositories begin
                insert into repository_search(repository_search, rowid, name, description)
                    values ('delete', old.id, old.name, old.description);
            end;
            create trigger repository_search_update after update of name, description on repositories begin
                insert into repository_search(repository_search, rowid, name, description)
                    values ('delete', old.id, old.name, old.description);
                insert into repository_search(rowid, name, description) values (new.id, new.name, new.description);
            end;
            """) { PostgreSql = $"create index repositories_search on repositories using gin(({PostgreSqlDocument}))" },
    ];
}
