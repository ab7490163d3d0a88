using Berth.Registry.Database;
using Berth.Registry.Tests.Database;

namespace Berth.Registry.Tests.Sealing;

public sealed class PostgreSqlSealedSecretsTests : SealedSecretsContract
{
    private protected override string? NewDatabase() => TestCluster.NewDatabase();

    private protected override async Task<byte[]> FilesAsync(HubDatabase database, string table)
    {
        string path = (await database.ReadAsync(
            async (session, token) =>
            {
                await session.ExecuteAsync($"checkpoint", token);
                return await session.TextAsync(
                    $"select setting || '/' || pg_relation_filepath({table}) from pg_settings where name = 'data_directory'", token);
            }, default))!;
        return await File.ReadAllBytesAsync(path);
    }
}
