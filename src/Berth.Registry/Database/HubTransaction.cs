using System.Data.Common;
using System.Globalization;

namespace Berth.Registry.Database;

/// <summary>
/// What statements run in: handed to the work of <see cref="HubDatabase.ReadAsync"/> and of its writing sister, and valid only
/// there.
/// </summary>
public sealed class HubTransaction
{
    private readonly HubConnection _connection;
    private readonly DbTransaction? _transaction;

    internal HubTransaction(HubConnection connection, DbTransaction? transaction) =>
        (_connection, _transaction) = (connection, transaction);

    /// <summary>Runs a statement; the number of rows it changed.</summary>
    public async Task<int> ExecuteAsync(SqlText sql, CancellationToken cancellationToken) =>
        await _connection.Command(sql, _transaction).ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>All rows of a query.</summary>
    public async Task<List<T>> ListAsync<T>(SqlText sql, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        await using DbDataReader reader =
            await _connection.Command(sql, _transaction).ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            rows.Add(read(reader));
        return rows;
    }

    /// <summary>The first row of a query; <c>default</c> where there is none.</summary>
    public async Task<T?> FirstAsync<T>(SqlText sql, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        await using DbDataReader reader =
            await _connection.Command(sql, _transaction).ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        return await reader.ReadAsync(cancellationToken).ConfigureAwait(false) ? read(reader) : default;
    }

    /// <summary>The first number of the first row; null where there is no row or the number is null.</summary>
    public async Task<long?> NumberAsync(SqlText sql, CancellationToken cancellationToken) =>
        await FirstAsync(sql, Number, cancellationToken).ConfigureAwait(false);

    /// <summary>The first text of the first row; null where there is no row or the text is null.</summary>
    public async Task<string?> TextAsync(SqlText sql, CancellationToken cancellationToken) =>
        await FirstAsync(sql, reader => reader.IsDBNull(0) ? null : reader.GetString(0), cancellationToken).ConfigureAwait(false);

    // PostgreSQL counts with "integer" where a statement says 1, and sums numbers into "numeric".
    private static long? Number(DbDataReader reader) =>
        reader.IsDBNull(0) ? null : Convert.ToInt64(reader.GetValue(0), CultureInfo.InvariantCulture);
}
