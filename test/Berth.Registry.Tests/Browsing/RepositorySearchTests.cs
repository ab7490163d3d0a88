using Berth.Registry.Database;
using Berth.Registry.Tests.Database;

namespace Berth.Registry.Tests.Browsing;

public sealed class SqliteRepositorySearchTests : RepositorySearchContract
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private protected override string FormerIndex =>
        """
        create table repository_search(id bigint);
        create view repository_search_rows as select id from repositories;
        create trigger repository_search_insert after insert on repositories begin
            insert into repository_search(id) values (new.id);
        end;
        """;

    private protected override HubDatabase Open() => HubDatabase.OpenSqlite(Path.Join(_directory.FullName, "hub.db"));

    private protected override HubDatabase OpenAgain() => Open();

    private protected override async Task<string> PlanAsync(SqlText sql) => string.Join('\n', await Database.ReadAsync(
        (transaction, token) => transaction.ListAsync($"explain query plan {sql}", row => row.GetString(3), token), default));

    private protected override void RequireNoSorting(string plan)
    {
        Assert.Contains("USING INDEX", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("TEMP B-TREE", plan, StringComparison.Ordinal);
    }
}

public sealed class PostgreSqlRepositorySearchTests : RepositorySearchContract
{
    private readonly string _connection = TestCluster.NewDatabase();

    private protected override string FormerIndex =>
        """
        create table repository_words(repository_id bigint);
        create function repository_words_follow() returns trigger language plpgsql as $$ begin
            insert into repository_words values (new.id);
            return null;
        end $$;
        create trigger repository_words_insert after insert on repositories for each row execute function repository_words_follow();
        """;

    private protected override HubDatabase Open() => HubDatabase.OpenPostgreSql(_connection);

    private protected override HubDatabase OpenAgain() => Open();

    private protected override async Task<string> PlanAsync(SqlText sql)
    {
        await Database.WriteAsync((transaction, token) => transaction.ExecuteAsync($"analyze repositories; analyze tags", token), default);
        return string.Join('\n', await Database.ReadAsync(
            (transaction, token) => transaction.ListAsync($"explain {sql}", row => row.GetString(0), token), default));
    }

    private protected override void RequireNoSorting(string plan)
    {
        Assert.Contains("Index", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Sort", plan, StringComparison.Ordinal);
    }
}
