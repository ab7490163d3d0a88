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

    private protected override HubDatabase Open() => HubDatabase.OpenSqlite(Path.Join(_directory.FullName, "hub.db"));

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
    private protected override HubDatabase Open() => HubDatabase.OpenPostgreSql(TestCluster.NewDatabase());

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
