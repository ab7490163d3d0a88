using System.Text.Json.Serialization;

namespace Berth.Registry.Tokens;

/// <summary>What the token service answers: both spellings of the token, for the clients of both protocols.</summary>
internal sealed record TokenAnswer
{
    [JsonPropertyName("token")]
    public required string Token { get; init; }

    [JsonPropertyName("access_token")]
    public required string AccessToken { get; init; }

    [JsonPropertyName("token_type")]
    public string TokenType { get; init; } = "Bearer";

    [JsonPropertyName("expires_in")]
    public required int ExpiresIn { get; init; }

    [JsonPropertyName("issued_at")]
    public required DateTimeOffset IssuedAt { get; init; }

    [JsonPropertyName("scope")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Scope { get; init; }

    [JsonPropertyName("refresh_token")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RefreshToken { get; init; }
}

/// <summary>A refusal, in the registry's form and in OAuth's (RFC 6749, 5.2) at once.</summary>
internal sealed record TokenRefusal
{
    [JsonPropertyName("errors")]
    public required IReadOnlyList<TokenRefusalError> Errors { get; init; }

    [JsonPropertyName("error")]
    public required string Error { get; init; }

    [JsonPropertyName("error_description")]
    public required string Description { get; init; }
}

/// <summary>One error in the registry's form.</summary>
internal sealed record TokenRefusalError(
    [property: JsonPropertyName("code")] string Code, [property: JsonPropertyName("message")] string Message);

[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(TokenRefusal))]
internal sealed partial class TokenJson : JsonSerializerContext;
