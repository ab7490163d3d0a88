using System.Security.Cryptography;
using Berth.Registry.Database;

namespace Berth.Registry.Tokens;

/// <summary>Signing keys in the database.</summary>
public sealed class StoredSigningKeys(HubDatabase database, TimeProvider time) : ISigningKeys
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
        await database.WriteAsync(
            async (transaction, token) =>
            {
                // Whoever comes second finds the first one's key: processes of one hub agree.
                long recent = (now - SigningKey.SignsFor).ToUnixTimeMilliseconds();
                if (await transaction.NumberAsync($"select cast(1 as bigint) from signing_keys where created_at > {recent} limit 1",
                    token) is null)
                    await transaction.ExecuteAsync(
                        $"insert into signing_keys(id, private_key, created_at) values ({fresh.Id}, {written}, {now.ToUnixTimeMilliseconds()})",
                        token);
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
                row => (row.GetString(0), (byte[])row.GetValue(1), row.GetInt64(2)), token), cancellationToken);
        Dictionary<string, SigningKey> known = Known();
        Dictionary<string, SigningKey> keys = new(StringComparer.Ordinal);
        foreach ((string id, byte[] bytes, long at) in rows)
            keys[id] = known.TryGetValue(id, out SigningKey? old) ? old : ReadKey(id, bytes, at);
        lock (_gate)
            (_keys, _loadedAt) = (keys, now);
        return keys;
    }

    private static SigningKey ReadKey(string id, byte[] bytes, long at)
    {
        try
        {
            return SigningKey.Read(id, DateTimeOffset.FromUnixTimeMilliseconds(at), bytes);
        }
        catch (CryptographicException exception)
        {
            throw FaultException.Internal($"read signing key {id}: {exception.Message}", exception);
        }
    }
}
