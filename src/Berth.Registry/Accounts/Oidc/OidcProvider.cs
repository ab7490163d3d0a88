using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Berth.Registry.Accounts.Oidc;

/// <summary>Who signed in, as the provider says.</summary>
/// <param name="Subject">Who, for ever.</param>
/// <param name="PreferredName">What they would like to be called; may be empty.</param>
/// <param name="DisplayName">Their name; may be empty.</param>
/// <param name="Email">Their address; may be empty.</param>
public sealed record OidcIdentity(string Subject, string PreferredName, string DisplayName, string Email);

/// <summary>Talks to the provider: where things are, codes for tokens, and whether a token is the provider's.</summary>
/// <remarks>OpenID Connect Core 1.0, 3.1; Discovery 1.0; RFC 7636 (PKCE).</remarks>
public sealed class OidcProvider : IDisposable
{
    /// <summary>How far the provider's clock may differ from ours.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    private const int AnswerBytesMax = 1024 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_keep = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_keysStep = TimeSpan.FromSeconds(30);

    private readonly OidcSettings _settings;
    private readonly TimeProvider _time;
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly SemaphoreSlim _gate = new(1);
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false,
        ConnectTimeout = s_patience })
    {
        Timeout = s_patience, MaxResponseContentBufferSize = AnswerBytesMax,
    };

    private Discovery? _discovery;                 // Guarded by _gate.
    private (IList<SecurityKey> Keys, long At)? _keys; // Guarded by _gate.

    /// <summary>Makes one; nothing is asked before it is needed.</summary>
    public OidcProvider(OidcSettings settings, TimeProvider time) => (_settings, _time) = (settings, time);

    private sealed record Discovery(Uri Authorization, Uri Token, Uri Keys, long At);

    /// <summary>Where a browser is sent to sign in.</summary>
    /// <exception cref="FaultException">Unavailable: the provider cannot be asked, or answers nonsense.</exception>
    public async Task<Uri> AuthorizationAsync(
        string redirect, string state, string nonce, string challenge, CancellationToken cancellationToken)
    {
        Discovery discovery = await DiscoverAsync(cancellationToken);
        (string Name, string Value)[] parameters =
        [
            ("response_type", "code"), ("client_id", _settings.ClientId), ("redirect_uri", redirect),
            ("scope", string.Join(' ', _settings.Scopes)), ("state", state), ("nonce", nonce), ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ];
        string query = string.Join('&', parameters.Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value)}"));
        var builder = new UriBuilder(discovery.Authorization);
        builder.Query = builder.Query.Length > 1 ? $"{builder.Query[1..]}&{query}" : query;
        return builder.Uri;
    }

    /// <summary>Who the code stands for.</summary>
    /// <exception cref="FaultException">Unauthorized: the code or the token is not good. Unavailable: the provider cannot be
    /// asked.</exception>
    public async Task<OidcIdentity> RedeemAsync(
        string code, string redirect, string verifier, string nonce, CancellationToken cancellationToken)
    {
        Discovery discovery = await DiscoverAsync(cancellationToken);
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code", ["code"] = code, ["redirect_uri"] = redirect, ["code_verifier"] = verifier,
            ["client_id"] = _settings.ClientId,
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, discovery.Token) { Content = new FormUrlEncodedContent(form) };
        // RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
        if (_settings.ClientSecret is { } secret)
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(
                Encoding.UTF8.GetBytes($"{Uri.EscapeDataString(_settings.ClientId)}:{Uri.EscapeDataString(secret)}")));
        (int status, JsonElement answer) = await SendAsync(request, cancellationToken);
        if (status != 200 || TextOf(answer, "id_token") is not { Length: > 0 } token)
            throw new FaultException(FaultKind.Unauthorized, $"sign in at {_settings.Name}: the provider did not accept the code");
        return await VerifyAsync(token, nonce, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Dispose();
        _gate.Dispose();
    }

    private async Task<OidcIdentity> VerifyAsync(string token, string nonce, CancellationToken cancellationToken)
    {
        TokenValidationResult result = await _handler.ValidateTokenAsync(token, Rules(await KeysAsync(isFresh: false, cancellationToken)));
        // The provider may have changed its keys; asked again now and then, not for every forged token.
        if (!result.IsValid && result.Exception is SecurityTokenInvalidSignatureException)
            result = await _handler.ValidateTokenAsync(token, Rules(await KeysAsync(isFresh: true, cancellationToken)));
        if (!result.IsValid || result.SecurityToken is not JsonWebToken valid
            || ClaimOf(valid, "nonce") != nonce || valid.Subject is not { Length: > 0 and <= 255 } subject
            || (ClaimOf(valid, "azp") is { Length: > 0 } party && party != _settings.ClientId))
            throw new FaultException(FaultKind.Unauthorized, $"sign in at {_settings.Name}: the provider's token is not good");
        string email = valid.TryGetPayloadValue("email_verified", out bool isVerified) && isVerified ? ClaimOf(valid, "email") : "";
        return new OidcIdentity(subject, ClaimOf(valid, "preferred_username"), ClaimOf(valid, "name"), email);
    }

    private TokenValidationParameters Rules(IList<SecurityKey> keys) => new()
    {
        ValidAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"],
        IssuerSigningKeys = keys,
        TryAllIssuerSigningKeys = keys.Count == 1,
        RequireSignedTokens = true,
        ValidIssuer = _settings.Issuer,
        ValidAudience = _settings.ClientId,
        RequireAudience = true,
        RequireExpirationTime = true,
        LifetimeValidator = (notBefore, expires, _, _) =>
        {
            DateTime now = _time.GetUtcNow().UtcDateTime;
            return expires is { } end && now - ClockSkew < end && (notBefore is null || now + ClockSkew >= notBefore);
        },
    };

    private async Task<Discovery> DiscoverAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_discovery is { } known && _time.GetElapsedTime(known.At) < s_keep)
                return known;
            Uri address = new(_settings.Issuer.TrimEnd('/') + "/.well-known/openid-configuration");
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            (int status, JsonElement answer) = await SendAsync(request, cancellationToken);
            // Another issuer's document would let that one sign our people in.
            if (status != 200 || TextOf(answer, "issuer") != _settings.Issuer)
                throw FaultException.Unavailable($"sign in at {_settings.Name}: {address} does not describe {_settings.Issuer}");
            return _discovery = new Discovery(
                Endpoint(answer, "authorization_endpoint"), Endpoint(answer, "token_endpoint"), Endpoint(answer, "jwks_uri"),
                _time.GetTimestamp());
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<IList<SecurityKey>> KeysAsync(bool isFresh, CancellationToken cancellationToken)
    {
        Discovery discovery = await DiscoverAsync(cancellationToken);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_keys is { } known && _time.GetElapsedTime(known.At) < (isFresh ? s_keysStep : s_keep))
                return known.Keys;
            using var request = new HttpRequestMessage(HttpMethod.Get, discovery.Keys);
            (int status, JsonElement answer) = await SendAsync(request, cancellationToken);
            if (status != 200)
                throw FaultException.Unavailable($"sign in at {_settings.Name}: the provider's keys cannot be read");
            IList<SecurityKey> keys = new JsonWebKeySet(answer.GetRawText()).GetSigningKeys();
            _keys = (keys, _time.GetTimestamp());
            return keys;
        }
        catch (ArgumentException failure)
        {
            throw FaultException.Unavailable($"sign in at {_settings.Name}: the provider's keys cannot be read", failure);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<(int Status, JsonElement Answer)> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            request.Headers.Accept.ParseAdd("application/json");
            using HttpResponseMessage response = await _client.SendAsync(request, cancellationToken);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            return ((int)response.StatusCode, response.IsSuccessStatusCode ? JsonElement.Parse(body) : default);
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException or IOException
            || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw FaultException.Unavailable($"sign in at {_settings.Name}: the provider does not answer", failure);
        }
    }

    // As the issuer itself: TLS, or this machine.
    private Uri Endpoint(JsonElement answer, string name) =>
        Uri.TryCreate(TextOf(answer, name), UriKind.Absolute, out Uri? address)
            && (address.Scheme == "https" || address is { Scheme: "http", IsLoopback: true })
            ? address : throw FaultException.Unavailable($"sign in at {_settings.Name}: the provider names no usable {name}");

    private static string ClaimOf(JsonWebToken token, string name) => token.TryGetPayloadValue(name, out string? value) ? value ?? "" : "";

    private static string? TextOf(JsonElement answer, string name) =>
        answer.ValueKind is JsonValueKind.Object && answer.TryGetProperty(name, out JsonElement value)
            && value.ValueKind is JsonValueKind.String
            ? value.GetString() : null;
}
