using Berth.Registry.Database;
using Berth.Registry.Hosting;

namespace Berth.Registry.Tests.Sealing;

public sealed class SqliteSealedSecretsTests : SealedSecretsContract
{
    private protected override string? NewDatabase() => null;

    private protected override async Task<byte[]> FilesAsync(HubDatabase database, string table)
    {
        string path = Path.Join(Data, HubServices.SqliteFile);
        byte[] all = await File.ReadAllBytesAsync(path);
        return File.Exists(path + "-wal") ? [.. all, .. await File.ReadAllBytesAsync(path + "-wal")] : all;
    }
}
