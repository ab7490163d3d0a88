using Berth.Registry.Database;
using Berth.Registry.Tests.Database;

namespace Berth.Registry.Tests.Accounts;

public sealed class PostgreSqlHtpasswdTests : HtpasswdContract
{
    private protected override (HubDatabase First, HubDatabase Second) OpenTwice()
    {
        string connection = TestCluster.NewDatabase();
        return (HubDatabase.OpenPostgreSql(connection), HubDatabase.OpenPostgreSql(connection));
    }
}
