using Berth.Registry.Accounts;
using Berth.Registry.Model;

namespace Berth.Registry.Access;

/// <summary>All that decides what an account may do, read together.</summary>
internal sealed record AccountRights
{
    public required long Id { get; init; }

    public required string Name { get; init; }

    public required bool IsOrganisation { get; init; }

    public bool IsAdministrator { get; init; }

    public bool IsDisabled { get; init; }

    /// <summary>The stored hash of the password; null for none.</summary>
    public string? Password { get; init; }

    /// <summary>Whether a password of the htpasswd file has opened the account before.</summary>
    public bool IsOfHtpasswd { get; init; }

    /// <summary>Whether a password of the htpasswd file may open it: it is a user's without a password of its own, and no
    /// provider's.</summary>
    public bool MayBeOfHtpasswd { get; init; }

    /// <summary>Organisations by name.</summary>
    public IReadOnlyDictionary<string, OrganisationRole> Roles { get; init; } = new Dictionary<string, OrganisationRole>();

    /// <summary>What teams give.</summary>
    public IReadOnlyList<TokenScope> Teams { get; init; } = [];
}
