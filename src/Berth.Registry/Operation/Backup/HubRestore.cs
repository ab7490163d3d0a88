using System.Buffers;
using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Storage;

namespace Berth.Registry.Operation.Backup;

/// <summary>Puts a backup back into a hub that has nothing yet, whichever database and storage it has.</summary>
public sealed class HubRestore(HubServices services)
{
    private const int RowsAtOnce = 500;
    private const int ChunkBytes = 1024 * 1024;

    /// <summary>Restores from a directory, with the hub's own key or another.</summary>
    /// <exception cref="FaultException">Conflict: the hub has something already, or the backup's key is not here. InvalidArgument: it is
    /// no backup, or not a whole one, or of a newer hub. Unavailable: it cannot be read or written.</exception>
    public async Task<RestoreReport> RunAsync(string directory, RestoreKeys keys, CancellationToken cancellationToken)
    {
        string path = Path.Join(directory, BackupFormat.RowsFile);
        try
        {
            await RequireEmptyAsync(cancellationToken);
            var secrets = new RestoredSecrets(services.Accounts.Seals, keys);
            await RequireWholeAsync(path, secrets, cancellationToken);
            long blobs = await PutRowsAsync(directory, path, secrets, cancellationToken);
            await NumberOnAsync(cancellationToken);
            return new RestoreReport(blobs, secrets.SigningKeysLost, secrets.WebhooksLost);
        }
        catch (JsonException failure)
        {
            throw FaultException.Invalid($"restore {path}: {failure.Message}", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw FaultException.Unavailable($"restore {directory}: {failure.Message}", failure);
        }
    }

    private async Task RequireEmptyAsync(CancellationToken cancellationToken)
    {
        bool isEmpty = await services.Database.WriteAsync(
            async (transaction, token) =>
            {
                // The link that a first start printed is all that an unused hub has.
                await transaction.ExecuteAsync($"delete from secrets where kind = 'setup'", token);
                foreach (string table in BackupTables.All)
                {
                    if (await transaction.NumberAsync((SqlText)("select count(*) from " + table), token) > 0)
                        return false;
                }
                return true;
            }, cancellationToken);
        if (!isEmpty)
            throw FaultException.Conflict("restore: this hub has accounts or repositories already: restore into an empty one");
    }

    // Before anything is written: half a backup must not become half a hub.
    private static async Task RequireWholeAsync(string path, RestoredSecrets secrets, CancellationToken cancellationToken)
    {
        string? last = null;
        bool isFirst = true;
        (string table, string[] columns) = ("", []);
        await foreach (string line in File.ReadLinesAsync(path, cancellationToken))
        {
            if (isFirst)
            {
                JsonElement head = JsonElement.Parse(line);
                if (head.ValueKind is not JsonValueKind.Object || !head.TryGetProperty("format", out JsonElement format)
                    || format.GetString() != BackupFormat.Name)
                    throw FaultException.Invalid($"restore {path}: it is not a hub's backup");
                int version = head.GetProperty("version").GetInt32();
                if (version is not (BackupFormat.Version or BackupFormat.PlainVersion))
                    throw FaultException.Invalid($"restore {path}: it was made by a newer hub");
                secrets.IsPlain = version == BackupFormat.PlainVersion;
            }
            JsonElement row = JsonElement.Parse(line);
            if (row.ValueKind is JsonValueKind.Array)
                secrets.Check(table, columns, row);
            else if (row.ValueKind is JsonValueKind.Object)
                (table, columns) = HeadOf(row) ?? (table, columns);
            (isFirst, last) = (false, line);
        }
        if (last != "{\"complete\":true}")
            throw FaultException.Invalid($"restore {path}: its end is missing");
    }

    private async Task<long> PutRowsAsync(
        string directory, string path, RestoredSecrets secrets, CancellationToken cancellationToken)
    {
        long blobs = 0;
        string[] columns = [];
        string table = "";
        var rows = new List<JsonElement>(RowsAtOnce);
        await foreach (string line in File.ReadLinesAsync(path, cancellationToken))
        {
            JsonElement row = JsonElement.Parse(line);
            if (row.ValueKind is JsonValueKind.Array)
            {
                if (!secrets.IsLost(table, columns, row))
                    rows.Add(row);
                if (rows.Count < RowsAtOnce)
                    continue;
            }
            blobs += await PutAsync(directory, table, columns, rows, secrets, cancellationToken);
            rows.Clear();
            if (row.ValueKind is JsonValueKind.Object)
                (table, columns) = HeadOf(row) ?? (table, columns);
        }
        return blobs;
    }

    private static (string Table, string[] Columns)? HeadOf(JsonElement line)
    {
        if (!line.TryGetProperty("table", out JsonElement name))
            return null;
        string table = name.GetString()!;
        string[] columns = [.. line.GetProperty("columns").EnumerateArray().Select(column => column.GetString()!)];
        // Names become part of statements, so only those that we know ourselves are let through.
        if (!BackupTables.All.Contains(table) || columns.Any(column => column.Any(c => !char.IsAsciiLetterLower(c) && c != '_')))
            throw FaultException.Invalid($"restore: table {table} is unknown here: the backup was made by a newer hub");
        return (table, columns);
    }

    private async Task<long> PutAsync(
        string directory, string table, string[] columns, List<JsonElement> rows, RestoredSecrets secrets,
        CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
            return 0;
        var locations = new Dictionary<string, string>(StringComparer.Ordinal);
        if (table == "blobs")
        {
            int digest = Array.IndexOf(columns, "digest") + 1;
            foreach (JsonElement row in rows)
                locations[row[digest].GetString()!] = await IngestAsync(directory, row[digest].GetString()!, cancellationToken);
        }
        await services.Database.WriteAsync(
            async (transaction, token) =>
            {
                foreach (JsonElement row in rows)
                    await transaction.ExecuteAsync(await InsertAsync(transaction, table, columns, row, locations, secrets, token), token);
                return true;
            }, cancellationToken);
        return locations.Count;
    }

    private static async Task<SqlText> InsertAsync(
        HubTransaction transaction, string table, string[] columns, JsonElement row, Dictionary<string, string> locations,
        RestoredSecrets secrets, CancellationToken cancellationToken)
    {
        if (row.GetArrayLength() != columns.Length + 1 || row[0].GetString() != table)
            throw new JsonException($"a row of {table} does not fit its head");
        string digest = table == "blobs" ? row[Array.IndexOf(columns, "digest") + 1].GetString()! : "";
        SqlText values = $"";
        for (int i = 0; i < columns.Length; i++)
        {
            SqlText value = Value(row[i + 1]);
            if (table == "blobs" && columns[i] == "location")
                value = Parameter(locations[digest]);
            else if (RestoredSecrets.ColumnOf(table, columns[i]) is { } column)
                value = await secrets.SealAsync(transaction, column, columns, row, cancellationToken) switch
                {
                    string text => Parameter(text),
                    var bytes => Parameter((byte[])bytes),
                };
            values = i == 0 ? value : $"{values}, {value}";
        }
        SqlText head = $"insert into {(SqlText)table}({(SqlText)string.Join(", ", columns)}) values (";
        return $"{head}{values})";
    }

    private static SqlText Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => Null,
        JsonValueKind.String => Parameter(value.GetString()),
        JsonValueKind.Number => Parameter(value.GetInt64()),
        JsonValueKind.Object => Parameter(value.GetProperty("b64").GetBytesFromBase64()),
        _ => throw new JsonException("a value is neither text, number, bytes nor null"),
    };

    // PostgreSQL would ask what kind of nothing a parameter is.
    private static SqlText Null => $"null";

    // Each by itself: in an expression with several forms the text would be taken for a part of the statement.
    private static SqlText Parameter(string? value) => $"{value}";

    private static SqlText Parameter(long value) => $"{value}";

    private static SqlText Parameter(byte[] value) => $"{value}";

    private async Task<string> IngestAsync(string directory, string text, CancellationToken cancellationToken)
    {
        if (!Digest.TryParse(text, out Digest digest))
            throw new JsonException($"{text} is not a digest");
        await using FileStream file = File.OpenRead(BackupFormat.BlobPath(directory, text));
        await using IBlobWriter writer = await services.Storage.BeginAsync(
            UploadIds.NextOfRestore(), digest.Algorithm, cancellationToken);
        byte[] chunk = new byte[ChunkBytes];
        int count;
        while ((count = await file.ReadAsync(chunk, cancellationToken)) > 0)
            await writer.WriteAsync(new ReadOnlySequence<byte>(chunk, 0, count), cancellationToken);
        if (await writer.DigestAsync(digest.Algorithm, cancellationToken) != digest)
            throw FaultException.Invalid($"restore {text}: the backup's bytes are not of that digest");
        return await writer.FinishAsync(digest, cancellationToken);
    }

    // PostgreSQL does not notice numbers that were given; SQLite does.
    private Task NumberOnAsync(CancellationToken cancellationToken) => services.Database.Dialect != Dialect.PostgreSql
        ? Task.CompletedTask
        : services.Database.WriteAsync(
            async (transaction, token) =>
            {
                foreach (string table in BackupTables.Numbered)
                {
                    string next =
                        $"select setval(pg_get_serial_sequence('{table}', 'id'), (select coalesce(max(id), 0) + 1 from {table}), false)";
                    await transaction.NumberAsync((SqlText)next, token);
                }
                return true;
            }, cancellationToken);
}
