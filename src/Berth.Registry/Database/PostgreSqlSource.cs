using System.Data;
using System.Data.Common;
using Npgsql;

namespace Berth.Registry.Database;

/// <summary>
/// PostgreSQL, for several hub processes. Transactions are serialisable, so that all reasoning about SQLite's holds here too.
/// </summary>
internal sealed class PostgreSqlSource : IConnectionSource
{
    private const int PreparedMax = 200;

    private readonly NpgsqlDataSource _source;
    private readonly Lock _gate = new();
    private Task<DatabaseMark>? _waiting; // Guarded by _gate: a reading that has not been sent yet, for all who come before it is.
    private Task _sent = Task.CompletedTask; // Guarded by _gate.

    public PostgreSqlSource(string connectionString)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString) { MaxAutoPrepare = PreparedMax };
            settings.ApplicationName ??= "berth-hub";
            var builder = new NpgsqlSlimDataSourceBuilder(settings.ToString());
            builder.EnableTransportSecurity();
            _source = builder.Build();
        }
        catch (ArgumentException exception)
        {
            // The text may hold a password: only what is wrong with it is told.
            throw FaultException.Invalid("open database: the connection string is not one of PostgreSQL's", exception);
        }
    }

    public Dialect Dialect => Dialect.PostgreSql;

    public async ValueTask<HubConnection> RentReaderAsync(CancellationToken cancellationToken)
    {
        try
        {
            return new HubConnection(await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false), keepsCommands: false);
        }
        catch (NpgsqlException exception)
        {
            throw FaultException.Unavailable($"open database: {exception.Message}", exception);
        }
    }

    public ValueTask<HubConnection> RentWriterAsync(CancellationToken cancellationToken) => RentReaderAsync(cancellationToken);

    public async ValueTask<DbTransaction> BeginAsync(
        HubConnection connection, Durability durability, CancellationToken cancellationToken)
    {
        DbTransaction transaction = await connection.Connection
            .BeginTransactionAsync(IsolationLevel.Serializable, cancellationToken).ConfigureAwait(false);
        if (durability == Durability.Process)
            await connection.Command($"set local synchronous_commit = off", transaction)
                .ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        return transaction;
    }

    // Npgsql looks after its connections by itself, the broken ones too.
    public ValueTask ReturnAsync(HubConnection connection, bool failed) => connection.DisposeAsync();

    public async ValueTask<DatabaseMark> MarkAsync(CancellationToken cancellationToken)
    {
        Task<DatabaseMark> reading;
        lock (_gate)
        {
            if (_waiting is null)
            {
                _waiting = ReadMarkAsync(_sent);
                _sent = _waiting;
            }
            reading = _waiting;
        }
        return await reading.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    // One query at a time answers everybody who asked before it was sent: who asks during it needs the next.
    private async Task<DatabaseMark> ReadMarkAsync(Task former)
    {
        await former.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        lock (_gate)
            _waiting = null;
        try
        {
            await using NpgsqlCommand command = _source.CreateCommand("select pg_current_snapshot()::text");
            return new DatabaseMark(0, (string)(await command.ExecuteScalarAsync().ConfigureAwait(false))!);
        }
        catch (NpgsqlException exception)
        {
            throw FaultException.Unavailable($"read database: {exception.Message}", exception);
        }
    }
}
