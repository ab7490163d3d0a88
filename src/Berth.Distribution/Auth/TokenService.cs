using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Faults;

namespace Berth.Distribution;

/// <summary>Asks the token service that a registry named for a bearer token.</summary>
/// <remarks>Distribution's "Token Authentication Specification" and "OAuth2 Token Authentication".</remarks>
internal sealed class TokenService(RegistryContext context)
{
    private const int BodyBytesMax = 1024 * 1024;
    private const int LifetimeSecondsMin = 60;
    private const int LifetimeSecondsMax = 24 * 3600;
    private const string ClientId = "berth";

    /// <summary>A token, and the refresh token that came with it.</summary>
    public async Task<(string Token, string RefreshToken)> FetchAsync(
        Uri registry, AuthChallenge challenge, IReadOnlyList<string> scopes, RegistryCredentials? credentials,
        bool offline, CancellationToken cancellationToken)
    {
        Uri realm = await RealmAsync(registry, challenge, cancellationToken);
        string? service = challenge.Parameter("service");
        string key = TokenCache.Key(realm, service, scopes, credentials);
        if (!offline && context.Tokens.Find(key) is { } cached)
            return (cached, "");

        TokenJson answer = await Retry.RunAsync(
            context, () => AskAsync(realm, service, scopes, credentials, offline, cancellationToken), cancellationToken);
        string? token = string.IsNullOrEmpty(answer.Token) ? answer.AccessToken : answer.Token;
        if (string.IsNullOrEmpty(token) || token.Any(c => c is < '!' or > '~'))
            throw new RegistryException(
                FaultKind.Unavailable,
                $"authorization server {realm.Authority} did not include a token in the response");
        int seconds = Math.Clamp(answer.ExpiresIn ?? 0, LifetimeSecondsMin, LifetimeSecondsMax);
        context.Tokens.Add(key, token, TimeSpan.FromSeconds(seconds));
        return (token, answer.RefreshToken ?? "");
    }

    public void Forget(Uri realm, string? service, IReadOnlyList<string> scopes, RegistryCredentials? credentials) =>
        context.Tokens.Remove(TokenCache.Key(realm, service, scopes, credentials));

    // The registry decides who gets its users' passwords, so it must be the registry that spoke: over TLS it may name any
    // TLS service; without TLS anybody on the way could have written the name, so only its own host will do.
    private async Task<Uri> RealmAsync(Uri registry, AuthChallenge challenge, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(challenge.Parameter("realm"), UriKind.Absolute, out Uri? realm)
            || realm.Scheme is not ("https" or "http") || realm.UserInfo.Length > 0)
            throw new RegistryException(FaultKind.Unavailable, $"registry {registry.Authority} named no usable token service");
        bool isSameHost = realm.Host.Equals(registry.Host, StringComparison.OrdinalIgnoreCase);
        bool isAllowed = registry.Scheme == "https"
            ? realm.Scheme == "https" || (isSameHost && await context.Policy.AllowsInsecureAsync(realm, cancellationToken))
            : isSameHost;
        return isAllowed ? realm : throw new RegistryException(
            FaultKind.Forbidden,
            $"refusing to ask {RegistryErrors.Clip(realm.GetLeftPart(UriPartial.Authority))} for a token: registry "
                + $"{registry.GetLeftPart(UriPartial.Authority)} may not send credentials there");
    }

    private async Task<TokenJson> AskAsync(
        Uri realm, string? service, IReadOnlyList<string> scopes, RegistryCredentials? credentials, bool offline,
        CancellationToken cancellationToken)
    {
        bool insecure = await context.Policy.AllowsInsecureAsync(realm, cancellationToken);
        using HttpRequestMessage request = credentials is { IdentityToken.Length: > 0 }
            ? RefreshRequest(realm, service, scopes, credentials)
            : GetRequest(realm, service, scopes, credentials, offline);
        using HttpResponseMessage response = await context.Transport.SendAsync(request, insecure, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
            throw await RefusalAsync(response, credentials, cancellationToken);
        byte[] body = await BoundedBody.ReadAsync(response.Content, BodyBytesMax, "token answer", cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(body, TokenJsonContext.Default.TokenJson) ?? new TokenJson();
        }
        catch (JsonException)
        {
            throw new RegistryException(FaultKind.Unavailable, $"unable to decode token response of {realm.Authority}");
        }
    }

    private static HttpRequestMessage GetRequest(
        Uri realm, string? service, IReadOnlyList<string> scopes, RegistryCredentials? credentials, bool offline)
    {
        StringBuilder query = new(realm.Query.TrimStart('?'));
        Append(query, "service", service);
        foreach (string scope in scopes)
            Append(query, "scope", scope);
        if (credentials is { Username.Length: > 0 })
        {
            Append(query, "account", credentials.Username);
            Append(query, "client_id", ClientId);
            Append(query, "offline_token", offline ? "true" : null);
        }
        HttpRequestMessage request = new(HttpMethod.Get, new UriBuilder(realm) { Query = query.ToString() }.Uri);
        if (credentials is { Username.Length: > 0 })
            request.Headers.Authorization = Basic(credentials);
        return request;
    }

    private static HttpRequestMessage RefreshRequest(
        Uri realm, string? service, IReadOnlyList<string> scopes, RegistryCredentials credentials)
    {
        Dictionary<string, string> form = new()
        {
            ["grant_type"] = "refresh_token",
            ["refresh_token"] = credentials.IdentityToken,
            ["service"] = service ?? "",
            ["client_id"] = ClientId,
        };
        if (scopes.Count > 0)
            form["scope"] = string.Join(' ', scopes);
        return new HttpRequestMessage(HttpMethod.Post, realm) { Content = new FormUrlEncodedContent(form) };
    }

    public static AuthenticationHeaderValue Basic(RegistryCredentials credentials) => new(
        "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credentials.Username}:{credentials.Password}")));

    private static async Task<RegistryException> RefusalAsync(
        HttpResponseMessage response, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        bool isRefused = response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.BadRequest;
        if (!isRefused)
            return await RegistryErrors.ReadAsync(response, cancellationToken);
        return credentials is null
            ? new RegistryException(FaultKind.Forbidden, "denied: requested access to the resource is denied") { Code = "DENIED" }
            : new RegistryException(FaultKind.Unauthorized, "unauthorized: incorrect username or password") { Code = "UNAUTHORIZED" };
    }

    private static void Append(StringBuilder query, string name, string? value)
    {
        if (string.IsNullOrEmpty(value))
            return;
        if (query.Length > 0)
            query.Append('&');
        query.Append(name).Append('=').Append(Uri.EscapeDataString(value));
    }
}

internal sealed record TokenJson
{
    [JsonPropertyName("token")]
    public string? Token { get; init; }

    [JsonPropertyName("access_token")]
    public string? AccessToken { get; init; }

    [JsonPropertyName("refresh_token")]
    public string? RefreshToken { get; init; }

    [JsonPropertyName("expires_in")]
    public int? ExpiresIn { get; init; }
}

[JsonSerializable(typeof(TokenJson))]
internal sealed partial class TokenJsonContext : JsonSerializerContext;
