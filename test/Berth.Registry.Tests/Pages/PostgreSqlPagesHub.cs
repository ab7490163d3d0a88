using Berth.Registry.Tests.Database;

namespace Berth.Registry.Tests.Pages;

/// <summary>The same hub on PostgreSQL.</summary>
public sealed class PostgreSqlPagesHub : PagesHub
{
    protected override string? NewDatabase() => TestCluster.NewDatabase();
}
