using System.Data.Common;
using Berth.Registry.Database;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Sealing;

/// <summary>
/// Seals what is secret before it is stored, and opens it again. The database says which key is the one; the key is in a file beside it
/// (docs/adr/0023-secrets-at-rest.md).
/// </summary>
/// <remarks>Made by <see cref="OpenAsync"/>, which knows that key and database belong together. What another process sealed with a newer
/// key is opened as soon as the file has that key: it is read again when an unknown one is met.</remarks>
public sealed partial class SealedSecrets
{
    private readonly SealingKeyFile _file;
    private readonly Lock _gate = new();
    private Dictionary<string, SealingKey> _keys = new(StringComparer.Ordinal); // Replaced, never changed; guarded by _gate.

    private SealedSecrets(SealingKeyFile file, IReadOnlyList<SealingKey> keys)
    {
        _file = file;
        Learn(keys);
    }

    /// <summary>Where the key is.</summary>
    public string KeyFile => _file.Path;

    /// <summary>Finds the database's key. A database without one gets that of the file, or a new one in a new file, and everything in it
    /// is sealed.</summary>
    /// <exception cref="FaultException">Conflict: the file has another key. NotFound: there is no file. InvalidArgument: it is damaged.
    /// Unavailable: it cannot be read or made.</exception>
    public static async Task<SealedSecrets> OpenAsync(
        HubDatabase database, string keyFile, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var file = new SealingKeyFile(keyFile);
        SealedSecrets secrets;
        if (await database.ReadAsync(CurrentAsync, cancellationToken).ConfigureAwait(false) is { } current)
            secrets = new SealedSecrets(file, file.Read() ?? throw Missing(file, current.Id));
        else
        {
            IReadOnlyList<SealingKey> keys = file.ReadOrMake();
            secrets = new SealedSecrets(file, keys);
            current = await database.WriteAsync(
                (transaction, token) => BeginAsync(transaction, keys[0], time, token), cancellationToken).ConfigureAwait(false);
        }
        if (secrets.Find(current.Id) is null)
            throw Wrong(file, current.Id);
        if (!current.IsRewritten)
            await RewriteAsync(database, logger, cancellationToken).ConfigureAwait(false);
        return secrets;
    }

    /// <summary>Seals a value for a row, with the key that is the database's in this transaction.</summary>
    internal async Task<byte[]> SealAsync(
        HubTransaction transaction, SealedColumn column, string row, ReadOnlyMemory<byte> plain, CancellationToken cancellationToken)
    {
        SealingKey key = await CurrentKeyAsync(transaction, cancellationToken);
        return key.Seal(plain.Span, column.PlaceOf(row));
    }

    /// <summary>The key that is the database's in this transaction.</summary>
    internal async Task<SealingKey> CurrentKeyAsync(HubTransaction transaction, CancellationToken cancellationToken)
    {
        string id = (await CurrentAsync(transaction, cancellationToken))?.Id
            ?? throw FaultException.Internal("seal a secret: the database names no key");
        return Find(id) ?? throw Wrong(_file, id);
    }

    /// <summary>Opens what is stored in a row.</summary>
    /// <exception cref="FaultException">Internal: it was changed, or belongs to another row, or was never sealed. Conflict: it is sealed
    /// with a key that the file does not have.</exception>
    internal byte[] Open(SealedColumn column, string row, object stored)
    {
        byte[] value = column.BytesOf(stored);
        if (SealingKey.IdOf(value) is { } id)
        {
            SealingKey key = Find(id) ?? throw Wrong(_file, id);
            if (key.TryOpen(value, column.PlaceOf(row), out byte[]? plain))
                return plain;
        }
        throw FaultException.Internal($"read {column.Column} of {column.Table} {row}: it is damaged, or was put there from another row");
    }

    /// <summary>A key by its name; the file is read again for one that is not known.</summary>
    internal SealingKey? Find(string id)
    {
        lock (_gate)
        {
            if (_keys.TryGetValue(id, out SealingKey? known))
                return known;
        }
        if (_file.Read() is { } keys)
            Learn(keys);
        lock (_gate)
            return _keys.GetValueOrDefault(id);
    }

    /// <summary>Seals everything with another key and says that it is the database's now, all in the caller's transaction.</summary>
    internal async Task ChangeAsync(HubTransaction transaction, SealingKey next, TimeProvider time, CancellationToken cancellationToken)
    {
        foreach (SealedColumn column in SealedColumn.All)
        {
            foreach ((object id, object stored) in await column.ListAsync(transaction, cancellationToken))
            {
                string row = SealedColumn.RowOf(id);
                await column.WriteAsync(
                    transaction, id, next.Seal(Open(column, row, stored), column.PlaceOf(row)), cancellationToken);
            }
        }
        await NameAsync(transaction, next, time, cancellationToken);
    }

    /// <summary>Says which key is the database's.</summary>
    internal static Task NameAsync(HubTransaction transaction, SealingKey key, TimeProvider time, CancellationToken cancellationToken) =>
        transaction.ExecuteAsync(
            $"update sealing_key set id = {key.Id}, since = {time.GetUtcNow().ToUnixTimeMilliseconds()}", cancellationToken);

    internal sealed record Current(string Id, bool IsRewritten);

    /// <summary>Which key is the database's; null for one whose secrets are still plain.</summary>
    internal static Task<Current?> CurrentAsync(HubTransaction transaction, CancellationToken cancellationToken) => transaction.FirstAsync(
        $"select id, rewritten from sealing_key", row => new Current(row.GetString(0), row.GetInt64(1) != 0), cancellationToken);

    private static FaultException Missing(SealingKeyFile file, string id) => FaultException.NotFound(
        $"open the hub's secrets: they are encrypted with key {id}, and its file {file.Path} is not there: put it back from where a copy "
        + "of it is kept, or name it with secret-key-file; all processes on one database need the same. If it is lost, see \"berth-hub secrets reset --help\"");

    private static FaultException Wrong(SealingKeyFile file, string id) => FaultException.Conflict(
        $"open the hub's secrets: they are encrypted with key {id}, which {file.Path} does not hold: put the right file there, or name "
        + "it with secret-key-file; all processes on one database need the same. If it is lost, see \"berth-hub secrets reset --help\"");

    // The first process alone does this: the others see its row.
    private static async Task<Current> BeginAsync(
        HubTransaction transaction, SealingKey key, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await CurrentAsync(transaction, cancellationToken) is { } present)
            return present;
        bool isPlain = false;
        foreach (SealedColumn column in SealedColumn.All)
        {
            foreach ((object id, object plain) in await column.ListAsync(transaction, cancellationToken))
            {
                isPlain = true;
                byte[] value = key.Seal(SealedColumn.PlainOf(plain), column.PlaceOf(SealedColumn.RowOf(id)));
                await column.WriteAsync(transaction, id, value, cancellationToken);
            }
        }
        await transaction.ExecuteAsync(
            $"""
            insert into sealing_key(one, id, since, rewritten) values (1, {key.Id}, {time.GetUtcNow().ToUnixTimeMilliseconds()}, {!isPlain})
            """, cancellationToken);
        return new Current(key.Id, !isPlain);
    }

    // A row that was changed stays in the database's files as it was, until its place is used again.
    private static async Task RewriteAsync(HubDatabase database, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            await database.RewriteAsync([.. SealedColumn.All.Select(column => column.Table)], cancellationToken).ConfigureAwait(false);
            await database.WriteAsync(
                (transaction, token) => transaction.ExecuteAsync($"update sealing_key set rewritten = 1", token), cancellationToken)
                .ConfigureAwait(false);
            Log.Sealed(logger);
        }
        catch (Exception failure) when (failure is DbException or FaultException)
        {
            // The rows themselves are sealed, and the next start tries again: no reason not to serve.
            Log.NotRewritten(logger, failure.Message);
        }
    }

    private void Learn(IReadOnlyList<SealingKey> keys)
    {
        lock (_gate)
        {
            var known = new Dictionary<string, SealingKey>(_keys, StringComparer.Ordinal);
            foreach (SealingKey key in keys)
                known[key.Id] = key;
            _keys = known;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 6401, Level = LogLevel.Information, Message = "The secrets in the database are encrypted now")]
        public static partial void Sealed(ILogger logger);

        [LoggerMessage(EventId = 6402, Level = LogLevel.Warning,
            Message = "Secrets in the database are encrypted, but files may still hold what they were, until the next start: {Problem}")]
        public static partial void NotRewritten(ILogger logger, string problem);
    }
}
