using System.Buffers.Text;
using System.Text.Json;
using Berth.Engine;
using Microsoft.AspNetCore.Http;

namespace Berth.Daemon.Http;

/// <summary>Who signs in at a registry, as clients send it along with pulls, pushes and builds.</summary>
internal static class RegistryHeaders
{
    /// <summary><c>X-Registry-Auth</c>: base64url of JSON. Null when missing, empty or unreadable: like Docker, the call goes on
    /// without a login, and the registry says what it thinks of that.</summary>
    public static RegistryLogin? Login(IHeaderDictionary headers) =>
        Decode(headers["X-Registry-Auth"].ToString(), Wire.ApiJson.Wire.RegistryAuth) is { } auth ? ToLogin(auth) : null;

    /// <summary><c>X-Registry-Config</c>: the same by registry, for the base images of a build.</summary>
    public static IReadOnlyDictionary<string, RegistryLogin> Logins(IHeaderDictionary headers)
    {
        var logins = new Dictionary<string, RegistryLogin>(StringComparer.Ordinal);
        var all = Decode(headers["X-Registry-Config"].ToString(), Wire.ApiJson.Wire.RegistryAuths) ?? [];
        foreach ((string registry, Wire.RegistryAuth? auth) in all)
            if (auth is not null && ToLogin(auth) is { } login)
                logins[registry] = login;
        return logins;
    }

    /// <summary>A login; null when it names nobody.</summary>
    public static RegistryLogin? ToLogin(Wire.RegistryAuth auth)
    {
        (string? username, string? password) = (auth.Username, auth.Password);
        if (string.IsNullOrEmpty(username) && !string.IsNullOrEmpty(auth.Auth))
            (username, password) = Split(auth.Auth);
        if (string.IsNullOrEmpty(username) && string.IsNullOrEmpty(auth.IdentityToken)
            && string.IsNullOrEmpty(auth.RegistryToken))
            return null;
        return new RegistryLogin
        {
            Username = username,
            Password = password,
            IdentityToken = auth.IdentityToken,
            RegistryToken = auth.RegistryToken,
            ServerAddress = auth.ServerAddress,
        };
    }

    private static (string? Username, string? Password) Split(string auth)
    {
        byte[] bytes = new byte[auth.Length];
        if (!Convert.TryFromBase64String(auth, bytes, out int count))
            return default;
        string text = System.Text.Encoding.UTF8.GetString(bytes, 0, count);
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? default : (text[..colon], text[(colon + 1)..]);
    }

    private static T? Decode<T>(string header, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) where T : class
    {
        if (header.Length == 0)
            return null;
        // Old clients use the plain alphabet.
        string text = header.Replace('+', '-').Replace('/', '_').TrimEnd('=');
        try
        {
            return Base64Url.IsValid(text) ? JsonSerializer.Deserialize(Base64Url.DecodeFromChars(text), type) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
