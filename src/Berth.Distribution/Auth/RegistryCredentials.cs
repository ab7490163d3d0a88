using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Faults;

namespace Berth.Distribution;

/// <summary>How a user proves to a registry who he is. Never printed.</summary>
/// <remarks>Docker Engine API, "Authentication": the <c>X-Registry-Auth</c> header is base64url of this as JSON.</remarks>
public sealed record RegistryCredentials
{
    /// <summary>The longest header that is read.</summary>
    public const int HeaderLengthMax = 64 * 1024;

    /// <summary>The user's name; empty for none.</summary>
    [JsonPropertyName("username")]
    public string Username { get; init; } = "";

    /// <summary>The password.</summary>
    [JsonPropertyName("password")]
    public string Password { get; init; } = "";

    /// <summary>A refresh token of the registry's token service, used instead of the password.</summary>
    [JsonPropertyName("identitytoken")]
    public string IdentityToken { get; init; } = "";

    /// <summary>A bearer token to send as it is.</summary>
    [JsonPropertyName("registrytoken")]
    public string RegistryToken { get; init; } = "";

    /// <summary>The registry that this is for; empty for the one of the request.</summary>
    [JsonPropertyName("serveraddress")]
    public string ServerAddress { get; init; } = "";

    /// <summary>True when there is nothing to prove anything with.</summary>
    [JsonIgnore]
    public bool IsAnonymous => Username.Length == 0 && IdentityToken.Length == 0 && RegistryToken.Length == 0;

    /// <summary>Reads an <c>X-Registry-Auth</c> header; null when it is missing, empty or holds nothing.</summary>
    /// <exception cref="FaultException">InvalidArgument: not base64url of a JSON object. The text holds nothing of it.</exception>
    public static RegistryCredentials? ParseHeader(string? header)
    {
        if (string.IsNullOrWhiteSpace(header))
            return null;
        if (header.Length > HeaderLengthMax)
            throw FaultException.Invalid("invalid X-Registry-Auth header: too long");
        RegistryCredentials credentials = ParseJson(Decode(header.Trim()));
        return credentials.IsAnonymous ? null : credentials;
    }

    /// <summary>Reads the JSON object by which <c>POST /auth</c> and one entry of <c>X-Registry-Config</c> give credentials.</summary>
    /// <exception cref="FaultException">InvalidArgument: not such an object.</exception>
    public static RegistryCredentials ParseJson(ReadOnlySpan<byte> json)
    {
        try
        {
            CredentialsJson? wire = JsonSerializer.Deserialize(json, AuthJson.Default.CredentialsJson);
            return wire is null ? new RegistryCredentials() : FromWire(wire);
        }
        catch (JsonException)
        {
            // Neither the text nor the parser's message: both may quote a password.
            throw FaultException.Invalid("invalid X-Registry-Auth header: invalid JSON");
        }
    }

    /// <summary>Reads an <c>X-Registry-Config</c> header: base64url of a JSON object from registry to credentials. Empty for
    /// none.</summary>
    /// <exception cref="FaultException">InvalidArgument: not of that form.</exception>
    public static IReadOnlyDictionary<string, RegistryCredentials> ParseConfigHeader(string? header)
    {
        Dictionary<string, RegistryCredentials> all = new(StringComparer.OrdinalIgnoreCase);
        if (string.IsNullOrWhiteSpace(header))
            return all;
        if (header.Length > HeaderLengthMax * 4)
            throw FaultException.Invalid("invalid X-Registry-Config header: too long");
        try
        {
            Dictionary<string, CredentialsJson?>? wire =
                JsonSerializer.Deserialize(Decode(header.Trim()), AuthJson.Default.DictionaryStringCredentialsJson);
            foreach ((string server, CredentialsJson? entry) in wire ?? [])
            {
                if (entry is not null)
                    all[server] = FromWire(entry) with { ServerAddress = server };
            }
            return all;
        }
        catch (JsonException)
        {
            throw FaultException.Invalid("invalid X-Registry-Config header: invalid JSON");
        }
    }

    /// <summary>Says who, never how it is proven.</summary>
    public override string ToString() => IsAnonymous ? "anonymous" : $"{Username} (redacted)";

    private static RegistryCredentials FromWire(CredentialsJson wire)
    {
        (string user, string password) = (wire.Username ?? "", wire.Password ?? "");
        if (user.Length == 0 && wire.Auth is { Length: > 0 } auth)
        {
            string pair = Encoding.UTF8.GetString(Decode(auth));
            int colon = pair.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
                throw FaultException.Invalid("invalid X-Registry-Auth header: auth is not user:password");
            (user, password) = (pair[..colon], pair[(colon + 1)..].Trim('\0'));
        }
        return new RegistryCredentials
        {
            Username = user,
            Password = password,
            IdentityToken = wire.IdentityToken ?? "",
            RegistryToken = wire.RegistryToken ?? "",
            ServerAddress = wire.ServerAddress ?? "",
        };
    }

    // Clients write both alphabets, with and without padding.
    private static byte[] Decode(string text)
    {
        string normal = text.Replace('+', '-').Replace('/', '_').TrimEnd('=');
        try
        {
            return Base64Url.DecodeFromChars(normal);
        }
        catch (FormatException)
        {
            throw FaultException.Invalid("invalid X-Registry-Auth header: must be base64url encoded");
        }
    }
}

/// <summary>The wire form, in which everything may be missing or null.</summary>
internal sealed record CredentialsJson
{
    [JsonPropertyName("username")]
    public string? Username { get; init; }

    [JsonPropertyName("password")]
    public string? Password { get; init; }

    [JsonPropertyName("auth")]
    public string? Auth { get; init; }

    [JsonPropertyName("identitytoken")]
    public string? IdentityToken { get; init; }

    [JsonPropertyName("registrytoken")]
    public string? RegistryToken { get; init; }

    [JsonPropertyName("serveraddress")]
    public string? ServerAddress { get; init; }
}

[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(CredentialsJson))]
[JsonSerializable(typeof(Dictionary<string, CredentialsJson?>))]
internal sealed partial class AuthJson : JsonSerializerContext;
