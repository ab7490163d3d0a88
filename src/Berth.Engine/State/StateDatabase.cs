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

    private StateDatabase(SqliteConnection connection)
    {
        _connection = connection;
        _put = Prepare("INSERT INTO documents(kind, id, json) VALUES($kind, $id, $json) "
            + "ON CONFLICT(kind, id) DO UPDATE SET json = excluded.json", "$kind", "$id", "$json");
        _delete = Prepare("DELETE FROM documents WHERE kind = $kind AND id = $id", "$kind", "$id");
    }

    /// <exception cref="FaultException">Internal: the file cannot be opened or is damaged.</exception>
    public static StateDatabase Open(string path)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            // Its owner's alone, before there is anything in it; SQLite's files beside it take over its permissions.
            OwnedFile.Ensure(path);
            connection.Open();
            // In WAL mode a killed process loses nothing that was committed; NORMAL leaves the disk's flush to checkpoints.
            Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000;");
            Execute(connection, "CREATE TABLE IF NOT EXISTS documents(kind TEXT NOT NULL, id TEXT NOT NULL, json BLOB NOT NULL, "
                + "PRIMARY KEY(kind, id)) WITHOUT ROWID; PRAGMA user_version = 1;");
            return new StateDatabase(connection);
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
    /// <exception cref="FaultException">Unavailable: the disk is full.</exception>
    public void Apply(IReadOnlyCollection<Change> changes)
    {
        lock (_gate)
        {
            try
            {
                using SqliteTransaction? transaction = changes.Count > 1 ? _connection.BeginTransaction() : null;
                foreach (Change change in changes)
                    ApplyOne(change, transaction);
                transaction?.Commit();
                Writes++;
            }
            catch (SqliteException exception)
            {
                throw FaultException.Unavailable($"write state: {exception.Message}", exception);
            }
        }
    }

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
