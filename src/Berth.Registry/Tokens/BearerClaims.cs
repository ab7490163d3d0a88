using Berth.Registry.Model;

namespace Berth.Registry.Tokens;

/// <summary>What a bearer token says: who, and which of their rights it carries.</summary>
public sealed record BearerClaims
{
    /// <summary>The account; null for a token that anybody may have.</summary>
    public long? AccountId { get; init; }

    /// <summary>The account's name at the time; empty for anybody's.</summary>
    public string Name { get; init; } = "";

    /// <summary>The personal, robot or refresh token that it was given for, so that it dies with that one; null for a password.</summary>
    public long? TokenId { get; init; }

    /// <summary>Which of the account's rights it carries; never more than the account has when it is used.</summary>
    public IReadOnlyList<TokenScope> Access { get; init; } = [];

    /// <summary>
    /// Whether it may read the list of all repositories (<c>registry:catalog:*</c>) and search among them, for which docker asks
    /// (<c>registry:catalog:search</c>).
    /// </summary>
    public bool IncludesCatalog { get; init; }

    /// <summary>When it ends.</summary>
    public DateTimeOffset ExpiresAt { get; init; }
}
