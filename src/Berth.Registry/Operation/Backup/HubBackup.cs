using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Registry.Audit;
using Berth.Registry.Collection;
using Berth.Registry.Database;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Storage;
using Microsoft.Data.Sqlite;

namespace Berth.Registry.Operation.Backup;

/// <summary>What a backup did.</summary>
/// <param name="Blobs">Blobs that the backup holds.</param>
/// <param name="Copied">Of those, how many were not there from an earlier backup into the same directory.</param>
/// <param name="CopiedBytes">Their bytes.</param>
public sealed record BackupReport(long Blobs, long Copied, long CopiedBytes);

/// <summary>Copies everything that a hub has into a directory while it goes on serving: rows as they were at one moment, and every
/// blob that
/// they need.</summary>
/// <remarks>
/// The rows are taken first, then the blobs. A blob that was collected in between belongs to nothing any more; the rows are then
/// taken again,
/// until all that they name is there. A second backup into the same directory copies only what is new.
/// </remarks>
public sealed class HubBackup(HubServices services)
{
    private const int TriesMax = 10;

    // Missing blobs that a sentence names.
    private const int NamedMax = 20;

    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerDirectory = OwnerFile | UnixFileMode.UserExecute;

    /// <summary>Whether the backup of another hub may be written over.</summary>
    public bool Replaces { get; init; }

    /// <summary>Backs up into a directory.</summary>
    /// <exception cref="FaultException">Unavailable: it cannot be written, or a blob is damaged. Conflict: another hub's backup is
    /// there.</exception>
    public async Task<BackupReport> RunAsync(Caller actor, string directory, CancellationToken cancellationToken)
    {
        string fresh = Path.Join(directory, BackupFormat.RowsFile + ".new");
        try
        {
            Directory.CreateDirectory(directory, OwnerDirectory);
            await ClaimAsync(directory, cancellationToken);
            await services.Accounts.Audit.RecordAsync(actor, AuditActions.HubBackup, "", "", cancellationToken);
            BackupReport sum = new(0, 0, 0);
            for (int attempt = 1; ; attempt++)
            {
                List<(string Digest, string Location)> blobs = await TakeRowsAsync(fresh, cancellationToken);
                List<string> missing = [];
                foreach ((string digest, string location) in blobs)
                {
                    long? copied = await CopyAsync(directory, digest, location, cancellationToken);
                    if (copied is null)
                        missing.Add(digest);
                    if (copied > 0)
                        sum = sum with { Copied = sum.Copied + 1, CopiedBytes = sum.CopiedBytes + copied.Value };
                }
                if (missing.Count == 0)
                {
                    // Names are on the disk when it is said to be done: the blobs' before that of the rows that need them.
                    foreach (string blobDirectory in Directory.EnumerateDirectories(directory, "*", SearchOption.AllDirectories))
                        FileCalls.SyncDirectory(blobDirectory);
                    File.Move(fresh, Path.Join(directory, BackupFormat.RowsFile), overwrite: true);
                    FileCalls.SyncDirectory(directory);
                    return sum with { Blobs = blobs.Count };
                }
                if (attempt == TriesMax)
                    throw FaultException.Unavailable(Missing(missing));
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or LinuxException)
        {
            throw FaultException.Unavailable($"back up to {directory}: {failure.Message}", failure);
        }
        finally
        {
            // Of a backup that was not made nothing stays but blobs, which the next one needs.
            if (Directory.Exists(directory))
                File.Delete(fresh);
        }
    }

    // A second hub that is backed up into the same directory would take the first one's rows away. Backups from before have no name in
    // them: they become whose is written next.
    private async Task ClaimAsync(string directory, CancellationToken cancellationToken)
    {
        string id = await new StorageOwner(services.Database, services.Storage).IdAsync(cancellationToken);
        string path = Path.Join(directory, BackupFormat.HubFile);
        if (File.Exists(path))
        {
            if ((await File.ReadAllTextAsync(path, cancellationToken)).Trim() == id)
                return;
            if (!Replaces)
                throw FaultException.Conflict(
                    $"back up to {directory}: the backup of another hub is there: name another directory, or say --replace to write over it");
        }
        File.Delete(path);
        await using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerFile,
        });
        await file.WriteAsync(Encoding.ASCII.GetBytes(id + "\n"), cancellationToken);
    }

    private static string Missing(List<string> digests) =>
        $"back up: the storage has not what the database names: {string.Join(", ", digests.Take(NamedMax))}"
        + (digests.Count > NamedMax ? $" and {digests.Count - NamedMax} more" : "")
        + ": push those blobs again, or delete the images that need them";

    private async Task<List<(string Digest, string Location)>> TakeRowsAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerFile,
        });
        List<(string, string)> blobs;
        if (services.Options.Database is not null)
            blobs = await services.Database.WriteAsync(
                Durability.Process, (transaction, token) => TakeRowsAsync(transaction, file, token), cancellationToken);
        else
            blobs = await FromCopyAsync(path + ".db", file, cancellationToken);
        file.Flush(flushToDisk: true);
        return blobs;
    }

    // A long transaction would keep SQLite's writers waiting: a copy of the file, made in one go, is read instead.
    private async Task<List<(string, string)>> FromCopyAsync(string copy, FileStream file, CancellationToken cancellationToken)
    {
        File.Delete(copy);
        try
        {
            // An empty file may be there, and then it keeps its mode.
            await new FileStream(copy, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerFile,
            }).DisposeAsync();
            var source = new SqliteConnectionStringBuilder
            {
                DataSource = Path.Join(services.Options.DataDirectory, HubServices.SqliteFile), Mode = SqliteOpenMode.ReadOnly,
                    Pooling = false,
            };
            await using (var connection = new SqliteConnection(source.ToString()))
            {
                await connection.OpenAsync(cancellationToken);
                await using SqliteCommand command = connection.CreateCommand();
                command.CommandText = "vacuum into $copy";
                command.Parameters.AddWithValue("$copy", copy);
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
            await using HubDatabase database = HubDatabase.OpenSqlite(copy, keepsRoom: false);
            return await database.ReadAsync((transaction, token) => TakeRowsAsync(transaction, file, token), cancellationToken);
        }
        catch (SqliteException failure)
        {
            throw FaultException.Unavailable($"back up: the database cannot be copied: {failure.Message}", failure);
        }
        finally
        {
            foreach (string rest in new[] { copy, copy + "-wal", copy + "-shm" })
                File.Delete(rest);
        }
    }

    private async Task<List<(string, string)>> TakeRowsAsync(HubTransaction transaction, FileStream file,
        CancellationToken cancellationToken)
    {
        await new SnapshotWriter(file).WriteAsync(transaction, services.Time.GetUtcNow(), cancellationToken);
        return await transaction.ListAsync(
            $"select digest, location from blobs order by digest", row => (row.GetString(0), row.GetString(1)), cancellationToken);
    }

    /// <summary>The bytes that were copied, 0 for a blob that is there already; null when the storage has it no more.</summary>
    private async Task<long?> CopyAsync(string directory, string digest, string location, CancellationToken cancellationToken)
    {
        string path = BackupFormat.BlobPath(directory, digest);
        if (File.Exists(path))
            return 0;
        await using IBlobReader? blob = await services.Storage.OpenAsync(location, cancellationToken);
        if (blob is null)
            return null;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerDirectory);
        string fresh = path + ".new";
        await using (var file = new FileStream(fresh, new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.ReadWrite, UnixCreateMode = OwnerFile,
        }))
        {
            PipeWriter pipe = PipeWriter.Create(file, new StreamPipeWriterOptions(leaveOpen: true));
            await blob.CopyToAsync(pipe, 0, blob.Bytes, cancellationToken);
            await pipe.CompleteAsync();
            file.Position = 0;
            if (await DigestAsync(file, digest, cancellationToken) != digest)
                throw FaultException.Unavailable($"back up {digest}: the storage's bytes are not of that digest");
            file.Flush(flushToDisk: true);
        }
        // Data before name: what has its name is whole.
        File.Move(fresh, path, overwrite: true);
        return blob.Bytes;
    }

    internal static async Task<string> DigestAsync(Stream content, string like, CancellationToken cancellationToken) =>
        like.StartsWith("sha512:", StringComparison.Ordinal)
            ? Digest.FromSha512(await SHA512.HashDataAsync(content, cancellationToken)).ToString()
            : "sha256:" + Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken));
}
