using Berth.Registry.Database;

namespace Berth.Registry.Tests.Accounts;

public sealed class SqliteHtpasswdTests : HtpasswdContract
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");

    private protected override (HubDatabase First, HubDatabase Second) OpenTwice()
    {
        string path = Path.Join(_directory.FullName, "hub.db");
        return (HubDatabase.OpenSqlite(path), HubDatabase.OpenSqlite(path));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
