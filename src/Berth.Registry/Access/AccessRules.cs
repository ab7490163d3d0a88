using Berth.Registry.Accounts;
using Berth.Registry.Cache;
using Berth.Registry.Model;
using Berth.Registry.Tokens;

namespace Berth.Registry.Access;

/// <summary>Who may do what, by ownership, organisations, teams and what a token is narrowed to.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>A public repository is pulled by anybody.</item>
/// <item>The first part of a name says whose a repository is: that user does everything with it, and so do that organisation's owners
/// and maintainers; its members do what their teams give. Who is in it, its robots and webhooks are its owners' alone.</item>
/// <item>A robot of an organisation does with its repositories what its scopes say, never administer.</item>
/// <item>An administrator does everything. Names of one part belong to nobody: administrators alone push them.</item>
/// <item>A repository of another registry that is passed on to members is pulled by every account, also before it is here.</item>
/// <item>A token gives at most what its owner has at the moment it is used.</item>
/// </list>
/// </remarks>
public sealed class AccessRules(AccountDirectory directory, IEnumerable<UpstreamOptions> upstreams) : IAccessRules
{
    private const RepositoryAccess Content = RepositoryAccess.Pull | RepositoryAccess.Push | RepositoryAccess.Delete;
    private const RepositoryAccess Everything = Content | RepositoryAccess.Administer;

    private readonly UpstreamOptions[] _upstreams = [.. upstreams.OrderByDescending(upstream => upstream.Prefix.Length)];

    /// <inheritdoc/>
    public async ValueTask<RepositoryAccess> OfAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken)
    {
        bool isPublic = false;
        if (!IsForMembers(repository))
        {
            if (await directory.IsPublicAsync(repository, cancellationToken) is not { } here)
                return RepositoryAccess.None;
            isPublic = here;
        }
        RepositoryAccess access = await RightsAsync(caller, repository, cancellationToken);
        // A token for other repositories still pulls what is public: without any token its bearer could as well.
        RepositoryAccess granted = access & TokenScopes.Of(caller.Scopes, repository);
        return isPublic ? granted | RepositoryAccess.Pull : granted.HasFlag(RepositoryAccess.Pull) ? granted : RepositoryAccess.None;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> MayCreateAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken) =>
        TokenScopes.Of(caller.Scopes, repository).HasFlag(RepositoryAccess.Push)
        && (await RightsAsync(caller, repository, cancellationToken)).HasFlag(RepositoryAccess.Push);

    /// <summary>What an account may do, whether or not the repository exists, without regard to tokens.</summary>
    internal async ValueTask<RepositoryAccess> RightsAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken)
    {
        if (caller.AccountId is not { } id || await directory.RightsAsync(id, cancellationToken) is not { IsDisabled: false } rights)
            return RepositoryAccess.None;
        if (rights.IsAdministrator)
            return Everything;
        if (IsForMembers(repository))
            return RepositoryAccess.Pull;
        string space = repository.Namespace;
        if (space.Length == 0)
            return RepositoryAccess.None;
        if (rights.Name == space)
            return rights.IsOrganisation ? Content : Everything;
        if (!rights.Roles.TryGetValue(space, out OrganisationRole role))
            return RepositoryAccess.None;
        return role switch
        {
            OrganisationRole.Owner or OrganisationRole.Maintainer => Everything,
            _ => TeamsOf(rights, repository),
        };
    }

    private bool IsForMembers(RepositoryName repository)
    {
        foreach (UpstreamOptions upstream in _upstreams)
        {
            if (upstream.Has(repository))
                return !upstream.IsPublic;
        }
        return false;
    }

    private static RepositoryAccess TeamsOf(AccountRights rights, RepositoryName repository) =>
        rights.Teams.Count == 0 ? RepositoryAccess.None : TokenScopes.Of(rights.Teams, repository);
}
