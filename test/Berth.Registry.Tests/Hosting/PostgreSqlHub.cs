using Berth.Registry.Tests.Database;

namespace Berth.Registry.Tests.Hosting;

/// <summary>A hub on PostgreSQL.</summary>
public sealed class PostgreSqlHub : HubRig
{
    protected override string? NewDatabase() => TestCluster.NewDatabase();
}
