using Berth.Registry.Model;

namespace Berth.Registry.Access;

/// <summary>Decides what a caller may do with a repository. Asked on every request, so answers must be quick.</summary>
public interface IAccessRules
{
    /// <summary>
    /// What the caller may do; <see cref="RepositoryAccess.None"/> both for unknown repositories and for invisible ones.
    /// </summary>
    ValueTask<RepositoryAccess> OfAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken);

    /// <summary>True when a push of this caller may create the repository.</summary>
    ValueTask<bool> MayCreateAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken);
}
