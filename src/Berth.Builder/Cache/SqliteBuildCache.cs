using System.Globalization;
using Berth.Content;
using Berth.Faults;
using Berth.Oci;
using Microsoft.Data.Sqlite;

namespace Berth.Builder.Cache;

/// <summary>The build cache in a SQLite file of its own.</summary>
/// <remarks>Write-ahead log with normal syncing: a killed process loses nothing, a power cut at most the last records, which only
/// means that steps run again.</remarks>
public sealed class SqliteBuildCache : IBuildCache, IDisposable
{
    private const string Columns = "key, chain, diff_id, size, created, last_used, use_count, description, parent";
    private readonly Lock _gate = new();
    private readonly SqliteConnection _connection; // Guarded by _gate.
    private readonly TimeProvider _time;

    /// <summary>Opens or makes the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="time">For last uses.</param>
    public SqliteBuildCache(string path, TimeProvider time)
    {
        _time = time;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        OwnedFile.Ensure(path);
        _connection.Open();
        // Nobody else opens it: without a shared mapping, a full disk is an error and no SIGBUS.
        Execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
        Execute("""
            CREATE TABLE IF NOT EXISTS step (
                key TEXT PRIMARY KEY, chain TEXT, diff_id TEXT, size INTEGER NOT NULL, created TEXT NOT NULL,
                last_used TEXT NOT NULL, use_count INTEGER NOT NULL, description TEXT NOT NULL, parent TEXT) WITHOUT ROWID;
            """);
    }

    /// <inheritdoc/>
    public CacheRecord? Find(Digest key)
    {
        lock (_gate)
        {
            try
            {
                return FindOne(key, $"UPDATE step SET last_used = $now, use_count = use_count + 1 WHERE key = $key RETURNING {Columns}");
            }
            catch (SqliteException)
            {
                // A disk that takes no more still tells what it has; only the use is not counted.
                return FindOne(key, $"SELECT {Columns} FROM step WHERE key = $key AND $now = $now");
            }
        }
    }

    private CacheRecord? FindOne(Digest key, string text)
    {
        using SqliteCommand command = _connection.CreateCommand();
#pragma warning disable CA2100 // The texts are the two above.
        command.CommandText = text;
#pragma warning restore CA2100
        command.Parameters.AddWithValue("$now", Text(_time.GetUtcNow()));
        command.Parameters.AddWithValue("$key", key.ToString());
        using SqliteDataReader reader = command.ExecuteReader();
        return reader.Read() ? Read(reader) : null;
    }

    /// <inheritdoc/>
    public void Store(CacheRecord record)
    {
        lock (_gate)
        {
            using SqliteCommand command = _connection.CreateCommand();
            command.CommandText = $"INSERT OR REPLACE INTO step ({Columns}) VALUES ($k, $c, $d, $s, $m, $u, $n, $t, $p)";
            command.Parameters.AddWithValue("$k", record.Key.ToString());
            command.Parameters.AddWithValue("$c", (object?)record.Chain?.ToString() ?? DBNull.Value);
            command.Parameters.AddWithValue("$d", (object?)record.DiffId?.ToString() ?? DBNull.Value);
            command.Parameters.AddWithValue("$s", record.Size);
            command.Parameters.AddWithValue("$m", Text(record.Created));
            command.Parameters.AddWithValue("$u", Text(record.LastUsed));
            command.Parameters.AddWithValue("$n", record.UseCount);
            command.Parameters.AddWithValue("$t", record.Description);
            command.Parameters.AddWithValue("$p", (object?)record.Parent?.ToString() ?? DBNull.Value);
            try
            {
                command.ExecuteNonQuery();
            }
            catch (SqliteException refused)
            {
                throw FaultException.Unavailable($"write build cache: {refused.Message}: is there space on its file system?", refused);
            }
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<CacheRecord> List()
    {
        lock (_gate)
        {
            using SqliteCommand command = _connection.CreateCommand();
            command.CommandText = $"SELECT {Columns} FROM step ORDER BY last_used DESC";
            using SqliteDataReader reader = command.ExecuteReader();
            List<CacheRecord> records = [];
            while (reader.Read())
                records.Add(Read(reader));
            return records;
        }
    }

    /// <inheritdoc/>
    public bool Remove(Digest key)
    {
        lock (_gate)
        {
            using SqliteCommand command = _connection.CreateCommand();
            command.CommandText = "DELETE FROM step WHERE key = $key";
            command.Parameters.AddWithValue("$key", key.ToString());
            return command.ExecuteNonQuery() > 0;
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        lock (_gate)
            _connection.Dispose();
    }

    private static CacheRecord Read(SqliteDataReader reader) => new(
        Digest.Parse(reader.GetString(0)),
        reader.IsDBNull(1) ? null : new ChainId(Digest.Parse(reader.GetString(1))),
        reader.IsDBNull(2) ? null : new DiffId(Digest.Parse(reader.GetString(2))),
        reader.GetInt64(3), Time(reader.GetString(4)), Time(reader.GetString(5)), reader.GetInt32(6), reader.GetString(7),
        reader.IsDBNull(8) ? null : new ChainId(Digest.Parse(reader.GetString(8))));

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);

    private void Execute(string sql)
    {
        lock (_gate)
        {
            using SqliteCommand command = _connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
    }
}
