using System.Data.Common;
using System.Security.Cryptography;
using Berth.Registry.Database;
using Berth.Registry.Sealing;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Tokens;

/// <summary>Signing keys in the database, sealed.</summary>
public sealed partial class StoredSigningKeys(HubDatabase database, SealedSecrets seals, TimeProvider time, ILogger logger) : ISigningKeys
{
    // Tokens with invented key names must not become a query each.
    private static readonly TimeSpan s_reloadStep = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private Dictionary<string, SigningKey> _keys = new(StringComparer.Ordinal); // Replaced, never changed; guarded by _gate.
    private DateTimeOffset _loadedAt = DateTimeOffset.MinValue;                  // Guarded by _gate.

    /// <inheritdoc/>
    public async ValueTask<SigningKey> CurrentAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (Newest(Known(), now) is { } known)
            return known;
        SigningKey fresh = SigningKey.Create(now);
        byte[] written = fresh.Write();
        // One row in weeks, without which nobody could sign in to delete anything from a full disk.
        await database.FreeAsync(
            async (transaction, token) =>
            {
                // Whoever comes second finds the first one's key: processes of one hub agree.
                if (!await HasRecentAsync(transaction, now, token))
                {
                    byte[] kept = await seals.SealAsync(transaction, SealedColumn.SigningKeys, fresh.Id, written, token);
                    await transaction.ExecuteAsync(
                        $"""
                        insert into signing_keys(id, private_key, created_at)
                        values ({fresh.Id}, {kept}, {now.ToUnixTimeMilliseconds()})
                        """, token);
                }
                long old = (now - SigningKey.VerifiesFor).ToUnixTimeMilliseconds();
                return await transaction.ExecuteAsync($"delete from signing_keys where created_at < {old}", token);
            }, cancellationToken);
        return Newest(await LoadAsync(cancellationToken), now)
            ?? throw FaultException.Internal("sign a token: the key that was just made is not in the database");
    }

    /// <inheritdoc/>
    public async ValueTask<SigningKey?> FindAsync(string id, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (!Known().TryGetValue(id, out SigningKey? key) && IsReloadDue(now))
            (await LoadAsync(cancellationToken)).TryGetValue(id, out key);
        return key is not null && key.MayVerify(now) ? key : null;
    }

    // Damaged ones sign nothing; one more is better than no sign-in.
    private async Task<bool> HasRecentAsync(HubTransaction transaction, DateTimeOffset now, CancellationToken cancellationToken)
    {
        long recent = (now - SigningKey.SignsFor).ToUnixTimeMilliseconds();
        List<(string Id, byte[] Bytes, long At)> rows = await transaction.ListAsync(
            $"select id, private_key, created_at from signing_keys where created_at > {recent}", ReadRow, cancellationToken);
        return rows.Exists(row => TryRead(row) is not null);
    }

    private Dictionary<string, SigningKey> Known()
    {
        lock (_gate)
            return _keys;
    }

    private bool IsReloadDue(DateTimeOffset now)
    {
        lock (_gate)
            return now - _loadedAt >= s_reloadStep || now < _loadedAt;
    }

    private static SigningKey? Newest(Dictionary<string, SigningKey> keys, DateTimeOffset now) =>
        keys.Values.Where(key => key.MaySign(now)).MaxBy(key => (key.CreatedAt, key.Id));

    private async Task<Dictionary<string, SigningKey>> LoadAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        List<(string Id, byte[] Bytes, long At)> rows = await database.ReadAsync(
            (transaction, token) => transaction.ListAsync(
                $"select id, private_key, created_at from signing_keys",
                ReadRow, token), cancellationToken);
        Dictionary<string, SigningKey> known = Known();
        Dictionary<string, SigningKey> keys = new(StringComparer.Ordinal);
        foreach ((string Id, byte[] Bytes, long At) row in rows)
        {
            if (known.GetValueOrDefault(row.Id) is { } old)
                keys[row.Id] = old;
            else if (TryRead(row) is { } read)
                keys[row.Id] = read;
        }
        lock (_gate)
            (_keys, _loadedAt) = (keys, now);
        return keys;
    }

    private static (string Id, byte[] Bytes, long At) ReadRow(DbDataReader row) =>
        (row.GetString(0), (byte[])row.GetValue(1), row.GetInt64(2));

    // A key that is not the hub's own is as good as none: neither signs it nor is anything of it accepted.
    private SigningKey? TryRead((string Id, byte[] Bytes, long At) row)
    {
        try
        {
            return SigningKey.Read(
                row.Id, DateTimeOffset.FromUnixTimeMilliseconds(row.At), seals.Open(SealedColumn.SigningKeys, row.Id, row.Bytes));
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.Internal)
        {
            Log.Refused(logger, fault.Message);
            return null;
        }
        catch (CryptographicException exception)
        {
            throw FaultException.Internal($"read signing key {row.Id}: {exception.Message}", exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 6403, Level = LogLevel.Error, Message = "A signing key is not used: {Problem}")]
        public static partial void Refused(ILogger logger, string problem);
    }
}
