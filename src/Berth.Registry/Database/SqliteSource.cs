using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Berth.Registry.Database;

/// <summary>The embedded database: one file, many readers, one writer at a time.</summary>
internal sealed class SqliteSource : IConnectionSource
{
    /// <summary>What the file that keeps room is called after the database's.</summary>
    public const string ReserveSuffix = ".reserve";

    private const int BusyMilliseconds = 10_000;

    // All of the reserve, and some more that others hold for a moment.
    private const int OpeningTriesMax = 60;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _connectionString;
    private readonly DiskReserve? _reserve;
    private readonly ConcurrentBag<HubConnection> _readers = [];
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Lock _gate = new();
    private readonly SqliteConnection _watcher; // Guarded by _gate.
    private readonly SqliteCommand _version;    // Guarded by _gate.
    private HubConnection? _writer;             // Guarded by _writing.

    private SqliteSource(string connectionString, DiskReserve? reserve)
    {
        (_connectionString, _reserve) = (connectionString, reserve);
        _watcher = Open(writes: true);
        _version = _watcher.CreateCommand();
        _version.CommandText = "pragma data_version";
    }

    public Dialect Dialect => Dialect.Sqlite;

    /// <exception cref="FaultException">Internal: the file cannot be opened.</exception>
    public static SqliteSource Open(string path, bool keepsRoom = true)
    {
        try
        {
            KeepToOwner(path);
            string connectionString = new SqliteConnectionStringBuilder
            {
                DataSource = path, Pooling = false, DefaultTimeout = BusyMilliseconds / 1000, ForeignKeys = true,
            }.ToString();
            var source = new SqliteSource(connectionString, keepsRoom ? new DiskReserve(path + ReserveSuffix) : null);
            source.TryKeepRoom();
            return source;
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw FaultException.Internal($"open database: {path}: {exception.Message}", exception);
        }
    }

    public ValueTask<HubConnection> RentReaderAsync(CancellationToken cancellationToken) =>
        new(_readers.TryTake(out HubConnection? reader) ? reader : new HubConnection(Open(writes: false), keepsCommands: true));

    public async ValueTask<HubConnection> RentWriterAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _writer ??= new HubConnection(Open(writes: true), keepsCommands: true);
        }
        catch
        {
            _writing.Release();
            throw;
        }
    }

    public ValueTask<DbTransaction> BeginAsync(HubConnection connection, Durability durability, CancellationToken cancellationToken)
    {
        var sqlite = (SqliteConnection)connection.Connection;
        using (SqliteCommand command = sqlite.CreateCommand())
        {
            command.CommandText = durability == Durability.Power ? "pragma synchronous = full" : "pragma synchronous = normal";
            command.ExecuteNonQuery();
        }
        return new(sqlite.BeginTransaction(deferred: false));
    }

    public async ValueTask ReturnAsync(HubConnection connection, bool failed)
    {
        bool isWriter = ReferenceEquals(connection, _writer);
        if (failed)
            await connection.DisposeAsync().ConfigureAwait(false);
        if (isWriter)
        {
            _writer = failed ? null : connection;
            _writing.Release();
        }
        else if (!failed)
            _readers.Add(connection);
    }

    public ValueTask<DatabaseMark> MarkAsync(CancellationToken cancellationToken)
    {
        // SQLite's own count of what other connections committed: the watcher itself never writes.
        lock (_gate)
            return new(new DatabaseMark((long)_version.ExecuteScalar()!, null));
    }

    public bool TryKeepRoom() => _reserve?.TryKeep() ?? true;

    public bool TryGiveRoom(ReserveUse use) => _reserve?.Give(use) ?? false;

    public bool IsDiskFull => _reserve?.IsDiskFull ?? false;

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _version.Dispose();
            _watcher.Dispose();
        }
        while (_readers.TryTake(out HubConnection? reader))
            await reader.DisposeAsync().ConfigureAwait(false);
        if (_writer is { } writer)
            await writer.DisposeAsync().ConfigureAwait(false);
        _writing.Dispose();
    }

    // Keys and password hashes are in it, and the directory may be one that an administrator made for all to see. What SQLite puts
    // beside the file gets its mode.
    private static void KeepToOwner(string path)
    {
        if (!File.Exists(path))
        {
            try
            {
                using var made = new FileStream(path, new FileStreamOptions
                {
                    Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly,
                });
            }
            catch (IOException) when (File.Exists(path))
            {
                // Another process was quicker, and did the same.
            }
            return;
        }
        // By its name: to close a descriptor of the file would give up the locks that this process has on it.
        foreach (string file in new[] { path, path + "-wal", path + "-shm" })
        {
            if (File.Exists(file) && (File.GetUnixFileMode(file) & ~OwnerOnly) != 0)
                File.SetUnixFileMode(file, OwnerOnly);
        }
    }

    // To open the database files are made beside it: on a full disk a hub would not even start.
    private SqliteConnection Open(bool writes)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return Connect(writes);
            }
            catch (SqliteException full) when (
                Dialect.MayBeFull(full) && attempt < OpeningTriesMax && TryGiveRoom(ReserveUse.Freeing))
            {
                // Once more, with a piece of what was kept.
            }
        }
    }

    private SqliteConnection Connect(bool writes)
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = $"pragma busy_timeout = {BusyMilliseconds}; pragma journal_mode = wal; "
                + (writes ? "pragma synchronous = full" : "pragma query_only = 1");
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
