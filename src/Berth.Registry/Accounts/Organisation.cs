using Berth.Registry.Model;

namespace Berth.Registry.Accounts;

/// <summary>A name that several users have together.</summary>
/// <param name="Id">The row.</param>
/// <param name="Name">The name, which is the first part of its repositories' names.</param>
/// <param name="DisplayName">The name as they write it; may be empty.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record Organisation(long Id, string Name, string DisplayName, DateTimeOffset CreatedAt);

/// <summary>A user in an organisation.</summary>
/// <param name="AccountId">The user.</param>
/// <param name="Name">The user's name.</param>
/// <param name="DisplayName">The name as they write it.</param>
/// <param name="Role">What they may do.</param>
public sealed record OrganisationMember(long AccountId, string Name, string DisplayName, OrganisationRole Role);

/// <summary>Members of an organisation who get the same rights.</summary>
/// <param name="Id">The row.</param>
/// <param name="Name">Its name within the organisation.</param>
/// <param name="Description">What it is for.</param>
/// <param name="Members">The names of who belongs to it.</param>
/// <param name="Permissions">What it may do, by repository (<c>org/app</c>) or for all of the organisation's (<c>org/*</c>).</param>
public sealed record Team(
    long Id, string Name, string Description, IReadOnlyList<string> Members, IReadOnlyList<TokenScope> Permissions);
