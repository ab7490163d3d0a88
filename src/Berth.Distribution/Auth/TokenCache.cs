using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Distribution;

/// <summary>Bearer tokens until they expire, by realm, service, scopes and who asked.</summary>
internal sealed class TokenCache(TimeProvider time)
{
    private const int EntriesMax = 1000;
    private static readonly TimeSpan s_margin = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, (string Token, DateTimeOffset Expires)> _tokens = new();

    public static string Key(Uri realm, string? service, IReadOnlyList<string> scopes, RegistryCredentials? credentials)
    {
        string who = credentials is null ? "" : string.Join(
            '\0', credentials.Username, credentials.Password, credentials.IdentityToken);
        // Hashed, so that no password lies about in a key.
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            string.Join('\n', realm.AbsoluteUri, service, string.Join(' ', scopes), who))));
    }

    public string? Find(string key) =>
        _tokens.TryGetValue(key, out (string Token, DateTimeOffset Expires) entry) && entry.Expires > time.GetUtcNow()
            ? entry.Token : null;

    public void Add(string key, string token, TimeSpan lifetime)
    {
        if (_tokens.Count >= EntriesMax)
            _tokens.Clear();
        _tokens[key] = (token, time.GetUtcNow() + lifetime - s_margin);
    }

    public void Remove(string key) => _tokens.TryRemove(key, out _);
}
