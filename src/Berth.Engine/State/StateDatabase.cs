using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Berth.Content;
using Berth.Faults;
using Microsoft.Data.Sqlite;

namespace Berth.Engine.State;

/// <summary>The engine's records on disk: documents by kind and ID in one SQLite file. What a call has written survives the
/// process; several changes handed over together are all there or none.</summary>
/// <remarks>The engine keeps everything in memory too, so this is read once, at open.</remarks>
internal sealed class StateDatabase : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SqliteConnection _connection; // Guarded by _gate.
    private readonly SqliteCommand _put;           // Guarded by _gate.
    private readonly SqliteCommand _delete;        // Guarded by _gate.
    private readonly SpaceReserve _reserve;        // Guarded by _gate.
    private bool _isReserving;                     // Guarded by _gate.

    private StateDatabase(SqliteConnection connection, SpaceReserve reserve)
    {
        (_connection, _reserve) = (connection, reserve);
        _put = Prepare("INSERT INTO documents(kind, id, json) VALUES($kind, $id, $json) "
            + "ON CONFLICT(kind, id) DO UPDATE SET json = excluded.json", "$kind", "$id", "$json");
        _delete = Prepare("DELETE FROM documents WHERE kind = $kind AND id = $id", "$kind", "$id");
    }

    /// <exception cref="FaultException">Internal: the file cannot be opened or is damaged.</exception>
    public static StateDatabase Open(string path)
    {
        SpaceReserve reserve = new(path + ".reserve");
        // On a full disk, what a start needs is taken from what was kept.
        reserve.Give();
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            // Its owner's alone, before there is anything in it; SQLite's files beside it take over its permissions.
            OwnedFile.Ensure(path);
            connection.Open();
            // In WAL mode a killed process loses nothing that was committed; NORMAL leaves the disk's flush to checkpoints. Nobody else
            // opens the file, so the log's index need not be a shared mapping, which a full disk would turn into a SIGBUS.
            Execute(connection, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
            if (VersionOf(connection) < 1)
                Execute(connection, "CREATE TABLE IF NOT EXISTS documents(kind TEXT NOT NULL, id TEXT NOT NULL, json BLOB NOT NULL, "
                    + "PRIMARY KEY(kind, id)) WITHOUT ROWID; PRAGMA user_version = 1;");
            return new StateDatabase(connection, reserve);
        }
        catch (SqliteException exception)
        {
            connection.Dispose();
            throw FaultException.Internal($"open state: {path}: {exception.Message}", exception);
        }
    }

    /// <summary>All documents of a kind.</summary>
    public List<(string Id, T Document)> ReadAll<T>(string kind, JsonTypeInfo<T> type)
    {
        lock (_gate)
        {
            using SqliteCommand command = _connection.CreateCommand();
            command.CommandText = "SELECT id, json FROM documents WHERE kind = $kind ORDER BY id";
            command.Parameters.AddWithValue("$kind", kind);
            using SqliteDataReader reader = command.ExecuteReader();
            List<(string, T)> all = [];
            while (reader.Read())
            {
                byte[] json = (byte[])reader[1];
                T document = JsonSerializer.Deserialize(json, type)
                    ?? throw FaultException.Internal($"read state: {kind} {reader.GetString(0)}: the record is null");
                all.Add((reader.GetString(0), document));
            }
            return all;
        }
    }

    /// <summary>Writes one document.</summary>
    public void Put<T>(string kind, string id, T document, JsonTypeInfo<T> type) => Apply([Change.Put(kind, id, document, type)]);

    /// <summary>Removes one document.</summary>
    public void Delete(string kind, string id) => Apply([Change.Delete(kind, id)]);

    /// <summary>How many times something was written since it was opened.</summary>
    public long Writes { get; private set; }

    /// <summary>Makes changes together.</summary>
    /// <param name="changes">All of them, or none, will be there.</param>
    /// <param name="isDue">They only say what has happened already, so that they are written even when the disk is full, in room that
    /// was kept for it. Removals always are: they make room.</param>
    /// <exception cref="FaultException">Unavailable: the disk is full or cannot be written.</exception>
    public void Apply(IReadOnlyCollection<Change> changes, bool isDue = false)
    {
        lock (_gate)
        {
            try
            {
                ApplyTogether(changes);
            }
            catch (SqliteException full) when (IsFull(full) && (isDue || changes.Any(change => change.Json is null)) && _reserve.Give())
            {
                Retry(changes);
            }
            catch (SqliteException exception)
            {
                throw Refused(exception);
            }
            if (_isReserving)
                _reserve.TryFill();
        }
    }

    /// <summary>Keeps room for changes that cannot be put off. Called when all that an engine needs to start is there.</summary>
    public void KeepReserve()
    {
        lock (_gate)
        {
            _isReserving = true;
            _reserve.TryFill(atOnce: true);
        }
    }

    private void Retry(IReadOnlyCollection<Change> changes)
    {
        try
        {
            ApplyTogether(changes);
        }
        catch (SqliteException exception)
        {
            throw Refused(exception);
        }
    }

    private void ApplyTogether(IReadOnlyCollection<Change> changes)
    {
        using SqliteTransaction? transaction = changes.Count > 1 ? _connection.BeginTransaction() : null;
        foreach (Change change in changes)
            ApplyOne(change, transaction);
        transaction?.Commit();
        Writes++;
    }

    // SQLITE_FULL, or SQLITE_IOERR for what it does to the shared memory and the log.
    private static bool IsFull(SqliteException exception) => exception.SqliteErrorCode is 13 or 10;

    private static FaultException Refused(SqliteException exception) => FaultException.Unavailable(
        exception.SqliteErrorCode switch
        {
            13 => "write state: no space left on device: free some space on the file system of the data root",
            8 => "write state: the file system of the data root is read-only",
            _ => $"write state: {exception.Message}",
        }, exception);

    public void Dispose()
    {
        lock (_gate)
        {
            _put.Dispose();
            _delete.Dispose();
            _connection.Dispose();
        }
    }

    private void ApplyOne(Change change, SqliteTransaction? transaction)
    {
        SqliteCommand command = change.Json is null ? _delete : _put;
        command.Transaction = transaction;
        command.Parameters["$kind"].Value = change.Kind;
        command.Parameters["$id"].Value = change.Id;
        if (change.Json is not null)
            command.Parameters["$json"].Value = change.Json;
        command.ExecuteNonQuery();
        command.Transaction = null;
    }

    private SqliteCommand Prepare(string text, params ReadOnlySpan<string> parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = text;
        foreach (string name in parameters)
            command.Parameters.Add(new SqliteParameter(name, name == "$json" ? SqliteType.Blob : SqliteType.Text));
        return command;
    }

    // Asked, so that nothing is written where nothing has to be: an engine starts on a full disk too.
    private static long VersionOf(SqliteConnection connection)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA user_version";
        return (long)command.ExecuteScalar()!;
    }

    private static void Execute(SqliteConnection connection, string text)
    {
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The texts are the constants above.
        command.CommandText = text;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}

/// <summary>One change of the state: a document written, or (without bytes) removed.</summary>
internal sealed record Change(string Kind, string Id, byte[]? Json)
{
    public static Change Put<T>(string kind, string id, T document, JsonTypeInfo<T> type) =>
        new(kind, id, JsonSerializer.SerializeToUtf8Bytes(document, type));

    public static Change Delete(string kind, string id) => new(kind, id, null);
}
