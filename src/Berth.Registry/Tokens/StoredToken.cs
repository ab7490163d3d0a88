using Berth.Registry.Model;

namespace Berth.Registry.Tokens;

/// <summary>A secret as lists show it: everything but the secret, which only its owner has.</summary>
public sealed record StoredToken
{
    /// <summary>The row.</summary>
    public required long Id { get; init; }

    /// <summary>What it is for.</summary>
    public required SecretKind Kind { get; init; }

    /// <summary>Whose it is: a user, or for robots an organisation. Null for invitations.</summary>
    public long? AccountId { get; init; }

    /// <summary>What its owner calls it; of a session or a refresh token the mark of the htpasswd file's entry that opened it, or
    /// empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>Its beginning and end.</summary>
    public string Hint { get; init; } = "";

    /// <summary>What it is narrowed to; null: all that its owner may do.</summary>
    public IReadOnlyList<TokenScope>? Scopes { get; init; }

    /// <summary>The personal or robot token that a refresh token was given for; it dies with that one.</summary>
    public long? ParentId { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it ends; null: when it is revoked.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was last used, to ten minutes; null for never.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
}
