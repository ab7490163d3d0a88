using Berth.Registry.Database;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Database;

public sealed class PostgreSqlDatabaseTests : HubDatabaseContract
{
    [Theory]
    [InlineData(-3600)]
    [InlineData(3600)]
    public async Task Clock_ThatIsOff_IsNoticed(int seconds)
    {
        await using HubDatabase database = HubDatabase.OpenPostgreSql(TestCluster.NewDatabase());
        TimeSpan off = TimeSpan.FromSeconds(seconds);
        TimeSpan? ahead = await DatabaseClock.AheadAsync(database, new FakeTimeProvider(TimeProvider.System.GetUtcNow() + off), default);
        // The fake clock stands still while the database is asked: minutes are room for the slowest machine.
        Assert.InRange((ahead!.Value - off).Duration(), TimeSpan.Zero, TimeSpan.FromMinutes(10));
        Assert.InRange(
            (await DatabaseClock.AheadAsync(database, TimeProvider.System, default))!.Value.Duration(), TimeSpan.Zero, TimeSpan.FromMilliseconds(5));
    }

    private protected override (HubDatabase First, HubDatabase Second) OpenTwice()
    {
        string connection = TestCluster.NewDatabase();
        return (HubDatabase.OpenPostgreSql(connection), HubDatabase.OpenPostgreSql(connection));
    }
}
