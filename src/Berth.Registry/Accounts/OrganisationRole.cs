namespace Berth.Registry.Accounts;

/// <summary>What a member may do in an organisation. Each includes the former.</summary>
public enum OrganisationRole
{
    /// <summary>Pulls its public repositories, and what their teams give.</summary>
    Member,

    /// <summary>Creates, pushes and pulls all of its repositories; makes teams.</summary>
    Maintainer,

    /// <summary>Does everything, members and the organisation itself included.</summary>
    Owner,
}
