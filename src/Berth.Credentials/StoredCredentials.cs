namespace Berth.Credentials;

/// <summary>What is stored for one registry. Never printed.</summary>
/// <param name="Username">The user; empty when only an identity token is stored.</param>
/// <param name="Password">The password; empty with an identity token.</param>
/// <param name="IdentityToken">The token service's refresh token; empty for none.</param>
public sealed record StoredCredentials(string Username, string Password, string IdentityToken)
{
    /// <summary>Says who, never how it is proven.</summary>
    public override string ToString() => $"{Username} (redacted)";
}
