using Berth.Registry.Database;

namespace Berth.Registry.Tests.Database;

public sealed class SqliteDatabaseTests : HubDatabaseContract
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");

    private protected override (HubDatabase First, HubDatabase Second) OpenTwice()
    {
        string path = Path.Join(_directory.FullName, "hub.db");
        return (HubDatabase.OpenSqlite(path), HubDatabase.OpenSqlite(path));
    }

    [Fact]
    public async Task File_IsItsOwnersAlone_AlsoInADirectoryForAll()
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        File.SetUnixFileMode(_directory.FullName, OwnerOnly | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        string path = Path.Join(_directory.FullName, "own.db");
        for (int i = 0; i < 2; i++)
        {
            await using (HubDatabase database = HubDatabase.OpenSqlite(path))
            {
                await database.WriteAsync((transaction, token) => transaction.ExecuteAsync(
                    $"create table if not exists t(n bigint)", token), default);
                string[] files = [.. Directory.GetFiles(_directory.FullName, "own.db*")];
                Assert.True(files.Length > 1, string.Join(' ', files));
                Assert.All(files, file => Assert.Equal(OwnerOnly, File.GetUnixFileMode(file)));
            }
            // One that a former hub made.
            File.SetUnixFileMode(path, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
