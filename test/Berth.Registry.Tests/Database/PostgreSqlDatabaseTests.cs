using Berth.Registry.Database;

namespace Berth.Registry.Tests.Database;

public sealed class PostgreSqlDatabaseTests : HubDatabaseContract
{
    private protected override (HubDatabase First, HubDatabase Second) OpenTwice()
    {
        string connection = TestCluster.NewDatabase();
        return (HubDatabase.OpenPostgreSql(connection), HubDatabase.OpenPostgreSql(connection));
    }
}
