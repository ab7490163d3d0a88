using Berth.Registry.Database;
using Berth.Registry.Tests.Database;

namespace Berth.Registry.Tests.Diary;

public sealed class SqliteTagDiaryTests : TagDiaryContract
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");

    private protected override HubDatabase Open() => HubDatabase.OpenSqlite(Path.Join(_directory.FullName, "hub.db"));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}

public sealed class PostgreSqlTagDiaryTests : TagDiaryContract
{
    private protected override HubDatabase Open() => HubDatabase.OpenPostgreSql(TestCluster.NewDatabase());
}
