using System.Buffers;
using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Repositories;
using Berth.Registry.Storage;

namespace Berth.Registry.Operation.Backup;

/// <summary>Puts a backup back into a hub that has nothing yet, whichever database and storage it has.</summary>
/// <remarks>All blobs first, each checked; then all rows in one transaction. So a restore that fails, or is killed, leaves a hub that is
/// as empty as before, and may be tried again.</remarks>
public sealed class HubRestore(HubServices services)
{
    private const int ChunkBytes = 1024 * 1024;

    // How many of the blobs that are not as they should be the message names.
    private const int NamedMax = 100;

    /// <summary>Restores from a directory, with the hub's own key or another.</summary>
    /// <exception cref="FaultException">Conflict: the hub has something already, or the backup's key is not here. InvalidArgument: it is
    /// no backup, or not a whole one, or of a newer hub. Unavailable: it cannot be read or written.</exception>
    public async Task<RestoreReport> RunAsync(string directory, RestoreKeys keys, CancellationToken cancellationToken)
    {
        string path = Path.Join(directory, BackupFormat.RowsFile);
        try
        {
            await services.Database.WriteAsync(RequireEmptyAsync, cancellationToken);
            await services.RequireStorageAsync(cancellationToken);
            var secrets = new RestoredSecrets(services.Accounts.Seals, keys);
            List<string> digests = await RequireWholeAsync(path, secrets, cancellationToken);
            RequireThere(directory, digests);
            var locations = new Dictionary<string, string>(StringComparer.Ordinal);
            bool isDone = false;
            try
            {
                await CopyAsync(directory, digests, locations, cancellationToken);
                await services.Database.WriteAsync(
                    (transaction, token) => PutRowsAsync(transaction, path, locations, secrets, token), cancellationToken);
                isDone = true;
            }
            finally
            {
                if (!isDone)
                    await TakeBackAsync(locations.Values);
            }
            return new RestoreReport(locations.Count, secrets.SigningKeysLost, secrets.WebhooksLost);
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

    private static async Task<bool> RequireEmptyAsync(HubTransaction transaction, CancellationToken cancellationToken)
    {
        // The link that a first start printed is all that an unused hub has.
        await transaction.ExecuteAsync($"delete from secrets where kind = 'setup'", cancellationToken);
        foreach (string table in BackupTables.All)
        {
            if (await transaction.NumberAsync((SqlText)("select count(*) from " + table), cancellationToken) > 0)
                throw FaultException.Conflict("restore: this hub has accounts or repositories already: restore into an empty one");
        }
        return true;
    }

    private static void RequireThere(string directory, List<string> digests) =>
        Refuse([.. digests.Where(digest => !File.Exists(BackupFormat.BlobPath(directory, digest)))], "missing from the backup");

    private static void Refuse(IReadOnlyList<string> digests, string why)
    {
        if (digests.Count == 0)
            return;
        string more = digests.Count > NamedMax ? $" and {digests.Count - NamedMax} more" : "";
        throw FaultException.Invalid(
            $"restore: {digests.Count} blobs are {why}: {string.Join(", ", digests.Take(NamedMax))}{more}: nothing was restored; "
            + "make the backup whole, from another copy of it or by backing up into the same directory again");
    }

    private async Task CopyAsync(
        string directory, List<string> digests, Dictionary<string, string> locations, CancellationToken cancellationToken)
    {
        var damaged = new List<string>();
        foreach (string digest in digests)
        {
            if (await IngestAsync(directory, digest, cancellationToken) is { } location)
                locations[digest] = location;
            else
                damaged.Add(digest);
        }
        Refuse(damaged, "damaged in the backup");
    }

    // Whoever is stopped before this leaves files that no row names, which a collection finds later.
    private async Task TakeBackAsync(IEnumerable<string> locations)
    {
        try
        {
            foreach (string location in locations)
                await services.Storage.DeleteAsync(location, CancellationToken.None);
        }
        catch (FaultException)
        {
            // The storage is away: what failed before says so.
        }
    }

    // Before anything is written: half a backup must not become half a hub. The digests of its blobs.
    private static async Task<List<string>> RequireWholeAsync(string path, RestoredSecrets secrets, CancellationToken cancellationToken)
    {
        var digests = new List<string>();
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
            {
                secrets.Check(table, columns, row);
                if (table == "blobs")
                    digests.Add(DigestOf(columns, row).ToString());
            }
            else if (row.ValueKind is JsonValueKind.Object)
                (table, columns) = HeadOf(row) ?? (table, columns);
            (isFirst, last) = (false, line);
        }
        if (last != "{\"complete\":true}")
            throw FaultException.Invalid($"restore {path}: its end is missing");
        return digests;
    }

    private static Digest DigestOf(string[] columns, JsonElement row)
    {
        int place = Array.IndexOf(columns, "digest") + 1;
        if (place == 0 || place >= row.GetArrayLength() || !Digest.TryParse(row[place].GetString(), out Digest digest))
            throw new JsonException("a blob has no digest");
        return digest;
    }

    private async Task<bool> PutRowsAsync(
        HubTransaction transaction, string path, Dictionary<string, string> locations, RestoredSecrets secrets,
        CancellationToken cancellationToken)
    {
        // Again, in the transaction that fills it: somebody may have begun to serve it meanwhile.
        await RequireEmptyAsync(transaction, cancellationToken);
        secrets.BeginAgain();
        (string table, string[] columns) = ("", []);
        await foreach (string line in File.ReadLinesAsync(path, cancellationToken))
        {
            JsonElement row = JsonElement.Parse(line);
            if (row.ValueKind is JsonValueKind.Object)
                (table, columns) = HeadOf(row) ?? (table, columns);
            else if (row.ValueKind is JsonValueKind.Array && !secrets.IsLost(table, columns, row))
                await transaction.ExecuteAsync(
                    await InsertAsync(transaction, table, columns, row, locations, secrets, cancellationToken), cancellationToken);
        }
        await NumberOnAsync(transaction, cancellationToken);
        // An older hub counted less.
        await QuotaTable.RecountAsync(transaction, cancellationToken);
        return true;
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

    private static async Task<SqlText> InsertAsync(
        HubTransaction transaction, string table, string[] columns, JsonElement row, Dictionary<string, string> locations,
        RestoredSecrets secrets, CancellationToken cancellationToken)
    {
        if (row.GetArrayLength() != columns.Length + 1 || row[0].GetString() != table)
            throw new JsonException($"a row of {table} does not fit its head");
        SqlText values = $"";
        for (int i = 0; i < columns.Length; i++)
        {
            SqlText value = Value(row[i + 1]);
            if (table == "blobs" && columns[i] == "location")
                value = Parameter(locations[DigestOf(columns, row).ToString()]);
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

    // Null: the bytes are not of that digest.
    private async Task<string?> IngestAsync(string directory, string text, CancellationToken cancellationToken)
    {
        var digest = Digest.Parse(text);
        await using FileStream file = File.OpenRead(BackupFormat.BlobPath(directory, text));
        string id = UploadIds.NextOfRestore();
        await using (IBlobWriter writer = await services.Storage.BeginAsync(id, digest.Algorithm, cancellationToken))
        {
            byte[] chunk = new byte[ChunkBytes];
            int count;
            while ((count = await file.ReadAsync(chunk, cancellationToken)) > 0)
                await writer.WriteAsync(new ReadOnlySequence<byte>(chunk, 0, count), cancellationToken);
            if (await writer.DigestAsync(digest.Algorithm, cancellationToken) == digest)
                return await writer.FinishAsync(digest, cancellationToken);
        }
        await services.Storage.CancelAsync(id, cancellationToken);
        return null;
    }

    // PostgreSQL does not notice numbers that were given; SQLite does.
    private async Task NumberOnAsync(HubTransaction transaction, CancellationToken cancellationToken)
    {
        if (services.Database.Dialect != Dialect.PostgreSql)
            return;
        foreach (string table in BackupTables.Numbered)
        {
            string next =
                $"select setval(pg_get_serial_sequence('{table}', 'id'), (select coalesce(max(id), 0) + 1 from {table}), false)";
            await transaction.NumberAsync((SqlText)next, cancellationToken);
        }
    }
}
