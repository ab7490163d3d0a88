using Berth.Registry.Database;

namespace Berth.Registry.Browsing;

/// <summary>Stars, and the indexes by which lists of any length are paged and searched.</summary>
/// <remarks>
/// Each order that a page offers has an index that begins with the visibility, so that a page of a hundred thousand repositories
/// costs what a page of a hundred does. The text index splits names at their separators, and both databases match the beginnings
/// of words. It can be asked for those of one visibility and class of pulls: in SQLite's they lie together, because a row's number in it
/// begins with them; PostgreSQL's has each word a second time behind them. SQLite merges all words with a beginning before it gives the
/// first row, unless the beginnings of that length have an index; so the lengths that people type have one.
/// </remarks>
internal static class BrowsingSchema
{
    /// <summary>What classes begin with among PostgreSQL's words; no word of a text does.</summary>
    private const char ClassMark = '~';

    // How a row's number in SQLite's index is made of visibility, class and the repository's number.
    private const int NumberBits = 40;
    private const int PrivateBit = 60;

    /// <summary>What of a number in SQLite's index is the repository's.</summary>
    internal const long NumberMask = (1L << NumberBits) - 1;

    private const string PostgreSqlDocument = "to_tsvector('simple'::regconfig, translate(name, '/._-', '    ') || ' ' || description)";

    /// <summary>The first number in SQLite's index of a visibility and class: most pulled first.</summary>
    internal static long Place(bool isPrivate, int pullClass) =>
        (isPrivate ? 1L << PrivateBit : 0) + ((long)(PullClass.Max - pullClass) << NumberBits);

    /// <summary>Which visibility and class a place has: only whether two are the same means something.</summary>
    internal static long ClassOf(long place) => place >> NumberBits;

    /// <summary>What PostgreSQL's words of a visibility and class begin with.</summary>
    internal static string ClassPrefix(string name) => $"{ClassMark}{name}{ClassMark}";

    private static string Add =>
        $"""
        insert into repository_search(rowid, name, description, class) values (new.id, new.name, new.description, {ClassOf("new")});
        """;

    // The index holds no texts: what is taken out must be told to it as it was put in.
    private static string Remove =>
        $"""
        insert into repository_search(repository_search, rowid, name, description, class)
            values ('delete', old.id, old.name, old.description, {ClassOf("old")});
        """;

    // Words as the pages read them: what stands between ASCII's other characters. A table of its own, because looking at a
    // vector that is stored is quick, and making one is not.
    private static string PostgreSqlWords =>
        $"""
        drop index repositories_search;
        create table repository_words(
            repository_id bigint primary key references repositories(id) on delete cascade, words tsvector not null);
        create function repository_words_follow() returns trigger language plpgsql as $$ begin
            insert into repository_words(repository_id, words) values (new.id, array_to_tsvector(array_append(array_remove(string_to_array(
                regexp_replace(lower(new.name || ' ' || new.description), '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g'), ' '), ''),
                '{ClassMark}' || {ClassOf("new")})))
            on conflict (repository_id) do update set words = excluded.words;
            return null;
        end $$;
        create trigger repository_words_insert after insert on repositories
            for each row execute function repository_words_follow();
        create trigger repository_words_update after update of name, description, visibility, pull_count on repositories
            for each row when (old.name <> new.name or old.description <> new.description or {ClassOf("old")} <> {ClassOf("new")})
            execute function repository_words_follow();
        create trigger repository_words_fill after update of id on repositories
            for each row execute function repository_words_follow();
        update repositories set id = id;
        drop trigger repository_words_fill on repositories;
        create index repository_words_words on repository_words using gin(words);
        """;

    private static string AddAtPlace =>
        $"insert into repository_search(rowid, name, description) values ({PlaceOf("new")}, new.name, new.description);";

    private static string RemoveFromPlace =>
        $"""
        insert into repository_search(repository_search, rowid, name, description)
            values ('delete', {PlaceOf("old")}, old.name, old.description);
        """;

    private static string PostgreSqlWordsOfClasses =>
        $"""
        create or replace function repository_words_follow() returns trigger language plpgsql as $$
        declare
            plain text[] := array_remove(string_to_array(
                regexp_replace(lower(new.name || ' ' || new.description), '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g'), ' '), '');
            prefix text := '{ClassMark}' || {ClassOf("new")} || '{ClassMark}';
        begin
            insert into repository_words(repository_id, words)
            values (new.id, array_to_tsvector(plain || array(select prefix || word from unnest(plain) word)))
            on conflict (repository_id) do update set words = excluded.words;
            return null;
        end $$;
        create trigger repository_words_fill after update of id on repositories
            for each row execute function repository_words_follow();
        update repositories set id = id;
        drop trigger repository_words_fill on repositories;
        """;

    private static string PlaceOf(string row) =>
        $"((case {row}.visibility when 'private' then {1L << PrivateBit} else 0 end) "
        + $"+ ({PullClass.Max} - ({PullClass.Sql(row + ".pull_count")})) * {1L << NumberBits} + {row}.id)";

    private static string ClassOf(string row) => $"{row}.visibility || {PullClass.Sql(row + ".pull_count")}";

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
        new("browsing", 3, $"""
            drop trigger repository_search_insert;
            drop trigger repository_search_delete;
            drop trigger repository_search_update;
            drop table repository_search;
            create view repository_search_rows as
                select id, name, description, visibility || {PullClass.Sql("pull_count")} as class from repositories;
            create virtual table repository_search using fts5(
                name, description, class, content='repository_search_rows', content_rowid='id', tokenize='unicode61',
                prefix='1 2 3 4 5 6 7 8');
            insert into repository_search(rowid, name, description, class)
                select id, name, description, class from repository_search_rows;
            create trigger repository_search_insert after insert on repositories begin
                {Add}
            end;
            create trigger repository_search_delete after delete on repositories begin
                {Remove}
            end;
            create trigger repository_search_update after update of name, description, visibility, pull_count on repositories
            when old.name <> new.name or old.description <> new.description or {ClassOf("old")} <> {ClassOf("new")}
            begin
                {Remove}
                {Add}
            end;
            """) { PostgreSql = PostgreSqlWords },
        new("browsing", 4, $"""
            drop trigger repository_search_insert;
            drop trigger repository_search_delete;
            drop trigger repository_search_update;
            drop table repository_search;
            drop view repository_search_rows;
            create view repository_search_rows as
                select {PlaceOf("repositories")} as place, name, description from repositories;
            create virtual table repository_search using fts5(
                name, description, content='repository_search_rows', content_rowid='place', tokenize='unicode61',
                prefix='1 2 3 4 5 6 7 8');
            insert into repository_search(rowid, name, description)
                select place, name, description from repository_search_rows order by place;
            create trigger repository_search_insert after insert on repositories begin
                {AddAtPlace}
            end;
            create trigger repository_search_delete after delete on repositories begin
                {RemoveFromPlace}
            end;
            create trigger repository_search_update after update of name, description, visibility, pull_count on repositories
            when old.name <> new.name or old.description <> new.description or {PlaceOf("old")} <> {PlaceOf("new")}
            begin
                {RemoveFromPlace}
                {AddAtPlace}
            end;
            """) { PostgreSql = PostgreSqlWordsOfClasses },
    ];
}
