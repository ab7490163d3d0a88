using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Berth.Registry.Model;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Berth.Registry.Tokens;

/// <summary>Signs and reads the bearer tokens of the registry protocol: JSON Web Tokens for one hub, ES256 and nothing else.</summary>
/// <remarks>
/// Distribution, "Token Authentication Implementation"; RFC 7519, RFC 8725. The algorithm and the keys are ours: what a token's header says
/// about keys (<c>jwk</c>, <c>jku</c>, <c>x5c</c>) is never looked at, and a header that has such a field is refused. A token is believed
/// only about what it narrows: rights are looked up when it is used.
/// </remarks>
public sealed class BearerTokens(ISigningKeys keys, string service, TimeProvider time)
{
    /// <summary>How long a token lives.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>How far clocks of one hub's processes may differ.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    /// <summary>Longest token that is read, in characters.</summary>
    public const int LengthMax = 16 * 1024;

    private const int RememberedMax = 4096;
    private static readonly string[] s_keyHeaders = ["jwk", "jku", "x5c", "x5u", "crit", "zip", "enc", "b64"];

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false, MaximumTokenSizeInBytes = LengthMax };
    private readonly Lock _gate = new();
    // Guarded by _gate. A client sends one token with every request: its signature is checked once.
    private readonly Dictionary<string, BearerClaims> _remembered = new(StringComparer.Ordinal);

    /// <summary>The hub's name in tokens and challenges.</summary>
    public string Service { get; } = service;

    /// <summary>A signed token of claims; its life begins now, whatever <see cref="BearerClaims.ExpiresAt"/> says.</summary>
    public async ValueTask<string> IssueAsync(BearerClaims claims, CancellationToken cancellationToken)
    {
        SigningKey key = await keys.CurrentAsync(cancellationToken);
        return _handler.CreateToken(Payload(claims, time.GetUtcNow()),
            new SigningCredentials(key.Security, SecurityAlgorithms.EcdsaSha256));
    }

    /// <summary>What a token says; null when it is not one of ours, for another service, too old or too new.</summary>
    public async ValueTask<BearerClaims?> ReadAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Length > LengthMax)
            return null;
        if (Remembered(token) is { } known)
            return known;
        if (ReadHeader(token) is not { } id || await keys.FindAsync(id, cancellationToken) is not { } key)
            return null;
        TokenValidationResult result = await _handler.ValidateTokenAsync(token, Rules(key));
        if (!result.IsValid || result.SecurityToken is not JsonWebToken valid || ClaimsOf(valid) is not { } claims)
            return null;
        Remember(token, claims);
        return claims;
    }

    private BearerClaims? Remembered(string token)
    {
        lock (_gate)
            return _remembered.TryGetValue(token, out BearerClaims? claims) && claims.ExpiresAt + ClockSkew > time.GetUtcNow() ? claims
                : null;
    }

    private void Remember(string token, BearerClaims claims)
    {
        lock (_gate)
        {
            if (_remembered.Count >= RememberedMax)
                _remembered.Clear();
            _remembered[token] = claims;
        }
    }

    private TokenValidationParameters Rules(SigningKey key) => new()
    {
        ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
        ValidTypes = ["JWT"],
        IssuerSigningKey = key.Security,
        TryAllIssuerSigningKeys = false,
        RequireSignedTokens = true,
        ValidateIssuerSigningKey = true,
        ValidIssuer = Service,
        ValidAudience = Service,
        RequireAudience = true,
        RequireExpirationTime = true,
        LifetimeValidator = (notBefore, expires, _, _) => IsNow(notBefore, expires),
    };

    private bool IsNow(DateTime? notBefore, DateTime? expires)
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && now - ClockSkew < end && notBefore is { } start && now + ClockSkew >= start
            && end - start <= Lifetime;
    }

    // The key's name, from a header that says nothing else about keys.
    private static string? ReadHeader(string token)
    {
        int dot = token.IndexOf('.', StringComparison.Ordinal);
        if (dot <= 0)
            return null;
        try
        {
            byte[] header = System.Buffers.Text.Base64Url.DecodeFromChars(token.AsSpan(0, dot));
            using JsonDocument document = JsonDocument.Parse(header,
                new JsonDocumentOptions { MaxDepth = 4, AllowDuplicateProperties = false });
            JsonElement root = document.RootElement;
            if (root.ValueKind is not JsonValueKind.Object || s_keyHeaders.Any(name => root.TryGetProperty(name, out _)))
                return null;
            return root.TryGetProperty("alg", out JsonElement algorithm) && algorithm.ValueKind is JsonValueKind.String
                && algorithm.ValueEquals(SecurityAlgorithms.EcdsaSha256)
                && root.TryGetProperty("kid", out JsonElement id) && id.ValueKind is JsonValueKind.String ? id.GetString() : null;
        }
        catch (Exception wrong) when (wrong is FormatException or JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private string Payload(BearerClaims claims, DateTimeOffset now)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("iss", Service);
            json.WriteString("sub", claims.Name);
            json.WriteString("aud", Service);
            json.WriteNumber("exp", (now + Lifetime).ToUnixTimeSeconds());
            json.WriteNumber("nbf", now.ToUnixTimeSeconds());
            json.WriteNumber("iat", now.ToUnixTimeSeconds());
            json.WriteString("jti", RandomNumberGenerator.GetHexString(16, lowercase: true));
            if (claims.AccountId is { } account)
                json.WriteNumber("account", account);
            if (claims.TokenId is { } from)
                json.WriteNumber("token", from);
            json.WriteStartArray("access");
            foreach (TokenScope scope in claims.Access)
                WriteScope(json, "repository", scope.Repository, ScopeText.ActionsOf(scope.Access));
            if (claims.IncludesCatalog)
                WriteScope(json, "registry", "catalog", ["*"]);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteScope(Utf8JsonWriter json, string type, string name, IReadOnlyList<string> actions)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteString("name", name);
        json.WriteStartArray("actions");
        foreach (string action in actions)
            json.WriteStringValue(action);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static BearerClaims? ClaimsOf(JsonWebToken token)
    {
        if (!token.TryGetPayloadValue("access", out JsonElement access) || access.ValueKind is not JsonValueKind.Array)
            return null;
        var scopes = new List<TokenScope>();
        bool catalog = false;
        foreach (JsonElement entry in access.EnumerateArray())
        {
            string name = entry.GetProperty("name").GetString()!;
            if (entry.GetProperty("type").ValueEquals("registry"))
                catalog |= name == "catalog";
            else
                scopes.Add(new TokenScope(name, AccessOf(entry.GetProperty("actions"))));
        }
        return new BearerClaims
        {
            AccountId = NumberOf(token, "account"),
            TokenId = NumberOf(token, "token"),
            Name = token.Subject ?? "",
            Access = scopes,
            IncludesCatalog = catalog,
            ExpiresAt = new DateTimeOffset(token.ValidTo, TimeSpan.Zero),
        };
    }

    private static RepositoryAccess AccessOf(JsonElement actions)
    {
        RepositoryAccess access = RepositoryAccess.None;
        foreach (JsonElement action in actions.EnumerateArray())
            access |= ScopeText.AccessOf(action.GetString()!);
        return access;
    }

    private static long? NumberOf(JsonWebToken token, string name) =>
        token.TryGetPayloadValue(name, out long number) ? number : null;
}
