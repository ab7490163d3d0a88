namespace Berth.Registry.Accounts.Oidc;

/// <summary>An OpenID provider whose people may sign in.</summary>
public sealed record OidcSettings
{
    /// <summary>What is asked for if nobody says otherwise.</summary>
    public static IReadOnlyList<string> DefaultScopes { get; } = ["openid", "profile", "email"];

    /// <summary>The provider, to the letter as its tokens name it.</summary>
    public required string Issuer { get; init; }

    /// <summary>The hub's name at the provider.</summary>
    public required string ClientId { get; init; }

    /// <summary>The hub's secret at the provider; null for a public client, which PKCE protects.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>What people call the provider.</summary>
    public required string Name { get; init; }

    /// <summary>What is asked for.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = DefaultScopes;

    /// <summary>Whether somebody who signs in for the first time gets an account.</summary>
    public bool MakesAccounts { get; init; }
}
