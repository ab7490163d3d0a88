using System.Data.Common;
using System.Security.Cryptography;

namespace Berth.Registry.Database;

/// <summary>
/// The hub's metadata, in SQLite or in PostgreSQL. Every writing transaction is serialisable: it sees the others as before or after
/// it.
/// </summary>
/// <remarks>Owned by <see cref="Hosting.HubServices"/>. Times are Unix milliseconds, truths 0 and 1, ids are numbers.</remarks>
public sealed class HubDatabase : IAsyncDisposable
{
    // Conflicts are short; who still loses after this many tries meets a load that a 503 tells better.
    private const int TriesMax = 60;

    /// <summary>What a full disk means, and what to do.</summary>
    public const string FullAdvice = "the disk of the data directory is full: delete images and collect garbage "
        + "(\"berth-hub gc\", or the page \"Storage\"), or give it room; pulls, deletions and sign-ins go on";

    private readonly IConnectionSource _source;

    private HubDatabase(IConnectionSource source) => _source = source;

    /// <summary>What the database speaks.</summary>
    public Dialect Dialect => _source.Dialect;

    /// <summary>The embedded database in a file, which is created where there is none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keepsRoom">Whether room is kept beside it for a full disk; not for what is only read once.</param>
    /// <exception cref="FaultException">Internal: it cannot be opened.</exception>
    public static HubDatabase OpenSqlite(string path, bool keepsRoom = true) => new(SqliteSource.Open(path, keepsRoom));

    /// <summary>A PostgreSQL database by its connection string.</summary>
    /// <exception cref="FaultException">InvalidArgument: the string is not a connection string.</exception>
    public static HubDatabase OpenPostgreSql(string connectionString) => new(new PostgreSqlSource(connectionString));

    internal static HubDatabase Over(IConnectionSource source) => new(source);

    /// <summary>Brings the schema up to date: the steps that were not done yet, in their order. Other processes wait meanwhile.</summary>
    public Task MigrateAsync(IReadOnlyList<Migration> steps, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Dialect.LockForMigration is not { } locking)
            return MigrateLockedAsync(steps, time, cancellationToken);
        // The lock is held by a session beside the transactions: one inside them would be waited for with a view from before.
        return ReadAsync<bool>(
            async (session, token) =>
            {
                await session.ExecuteAsync((SqlText)locking, token).ConfigureAwait(false);
                try
                {
                    await MigrateLockedAsync(steps, time, token).ConfigureAwait(false);
                }
                finally
                {
                    await session.ExecuteAsync((SqlText)Dialect.UnlockAfterMigration!, CancellationToken.None).ConfigureAwait(false);
                }
                return true;
            }, cancellationToken);
    }

    /// <summary>Reads. Each statement sees what was committed when it began.</summary>
    /// <exception cref="FaultException">Unavailable: the disk fails, or the database is away.</exception>
    public async Task<T> ReadAsync<T>(Func<HubTransaction, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        HubConnection connection = await _source.RentReaderAsync(cancellationToken).ConfigureAwait(false);
        bool failed = true;
        try
        {
            T result = await work(new HubTransaction(connection, null), cancellationToken).ConfigureAwait(false);
            failed = false;
            return result;
        }
        catch (DbException exception)
        {
            throw FaultException.Unavailable($"read database: {exception.Message}", exception);
        }
        finally
        {
            await _source.ReturnAsync(connection, failed).ConfigureAwait(false);
        }
    }

    /// <summary>Changes things, all or nothing, and durable when it returns.</summary>
    /// <param name="work">Run again when it lost against another transaction: it must change nothing but the database.</param>
    /// <param name="cancellationToken">Gives up; nothing is changed then.</param>
    /// <exception cref="FaultException">Unavailable: the disk is full, the database is away, or too many conflicts.</exception>
    public Task<T> WriteAsync<T>(Func<HubTransaction, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        WriteAsync(Durability.Power, work, cancellationToken);

    /// <summary>Changes things with a chosen promise.</summary>
    public Task<T> WriteAsync<T>(
        Durability durability, Func<HubTransaction, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        WriteAsync(durability, ReserveUse.None, work, cancellationToken);

    /// <summary>Changes things with a chosen promise, and with what they may take on a full disk.</summary>
    public async Task<T> WriteAsync<T>(
        Durability durability, ReserveUse use, Func<HubTransaction, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        if (use is ReserveUse.None)
            RequireRoom();
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await TryWriteAsync(durability, work, cancellationToken).ConfigureAwait(false);
            }
            catch (DbException exception) when (attempt < TriesMax
                && (Dialect.IsConflict(exception) || (Dialect.MayBeFull(exception) && _source.TryGiveRoom(use))))
            {
                // Who waits a random time meets the same opponent less likely again.
                int milliseconds = RandomNumberGenerator.GetInt32(1, 2 + Math.Min(attempt * 5, 100));
                await Task.Delay(milliseconds, cancellationToken).ConfigureAwait(false);
            }
            catch (DbException exception)
            {
                throw FaultException.Unavailable(
                    $"write database: {exception.Message}{(_source.IsDiskFull ? $" ({FullAdvice})" : "")}", exception);
            }
        }
    }

    /// <summary>Changes things so that there is more room, or will be: also on a full disk, in room that is kept for it.</summary>
    public Task<T> FreeAsync<T>(Func<HubTransaction, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        WriteAsync(Durability.Power, ReserveUse.Freeing, work, cancellationToken);

    /// <summary>Whether the disk of the embedded database is full: what makes no room is refused.</summary>
    public bool IsDiskFull => _source.IsDiskFull;

    /// <summary>Refuses what would take room on a disk that is full.</summary>
    /// <exception cref="FaultException">Unavailable: it is.</exception>
    public void RequireRoom()
    {
        if (!_source.TryKeepRoom())
            throw FaultException.Unavailable($"write: {FullAdvice}");
    }

    /// <summary>Keeps room for deletions again, now that there may be some.</summary>
    public void KeepRoom() => _source.TryKeepRoom();

    /// <summary>Gives away some of the room that is kept, for a file that is needed to make more; false when there is none.</summary>
    public bool TryGiveRoom() => _source.TryGiveRoom(ReserveUse.Freeing);

    /// <summary>Writes what is worth knowing and not worth failing for, as when something was used last: on a full disk it is not
    /// written.</summary>
    public async Task NoteAsync(Func<HubTransaction, CancellationToken, Task<int>> work, CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync(Durability.Process, work, cancellationToken).ConfigureAwait(false);
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.Unavailable)
        {
            // Whoever only reads goes on.
        }
    }

    /// <summary>Writes tables anew, so that the database's files hold nothing any more that their rows once were.</summary>
    /// <exception cref="FaultException">Unavailable: somebody reads all the while; it may be tried again.</exception>
    public async Task RewriteAsync(IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        HubConnection connection = await _source.RentWriterAsync(cancellationToken).ConfigureAwait(false);
        bool failed = true;
        try
        {
            var session = new HubTransaction(connection, null);
            foreach (string statement in Dialect.Rewriting(tables))
            {
                if (await session.NumberAsync((SqlText)statement, cancellationToken).ConfigureAwait(false) is > 0)
                    throw FaultException.Unavailable("write database: another process reads what is to be written anew");
            }
            failed = false;
        }
        finally
        {
            await _source.ReturnAsync(connection, failed).ConfigureAwait(false);
        }
    }

    /// <summary>A value that is the same only while nothing that a reader could see has changed, in whichever process. On PostgreSQL it
    /// may be another without a change.</summary>
    public ValueTask<DatabaseMark> MarkAsync(CancellationToken cancellationToken) => _source.MarkAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task<T> TryWriteAsync<T>(
        Durability durability, Func<HubTransaction, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        HubConnection connection = await _source.RentWriterAsync(cancellationToken).ConfigureAwait(false);
        bool failed = true;
        try
        {
            await using DbTransaction transaction =
                await _source.BeginAsync(connection, durability, cancellationToken).ConfigureAwait(false);
            T result;
            try
            {
                result = await work(new HubTransaction(connection, transaction), cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not DbException)
            {
                // The work refused or gave up: the connection is as good as before.
                await transaction.RollbackAsync(CancellationToken.None).ConfigureAwait(false);
                failed = false;
                throw;
            }
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            failed = false;
            return result;
        }
        finally
        {
            await _source.ReturnAsync(connection, failed).ConfigureAwait(false);
        }
    }

    private async Task MigrateLockedAsync(IReadOnlyList<Migration> steps, TimeProvider time, CancellationToken cancellationToken)
    {
        // A start on a full disk finds all of it done; what is to be done needs some of the room that is kept.
        await FreeAsync(
            (transaction, token) => transaction.ExecuteAsync(
                $"""
                create table if not exists migrations(
                    subject text not null, number bigint not null, applied_at bigint not null, primary key(subject, number))
                """, token), cancellationToken).ConfigureAwait(false);
        foreach (Migration step in steps)
            await FreeAsync((transaction, token) => ApplyAsync(transaction, step, time, token), cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> ApplyAsync(HubTransaction transaction, Migration step, TimeProvider time, CancellationToken cancellationToken)
    {
        long? done = await transaction.NumberAsync(
            $"select 1 from migrations where subject = {step.Subject} and number = {step.Number}", cancellationToken).ConfigureAwait(false);
        if (done is not null)
            return false;
        string sql = Dialect == Dialect.PostgreSql ? step.PostgreSql ?? step.Sql : step.Sql;
        await transaction.ExecuteAsync((SqlText)Dialect.Translate(sql), cancellationToken).ConfigureAwait(false);
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        await transaction.ExecuteAsync(
            $"insert into migrations(subject, number, applied_at) values ({step.Subject}, {step.Number}, {now})",
            cancellationToken).ConfigureAwait(false);
        return true;
    }
}
