using Berth.Registry.Model;

namespace Berth.Registry.Access;

/// <summary>
/// The open hub, for one's own machine and for tests: all is public, and whoever connects may push if that was asked for.
/// </summary>
/// <param name="anonymousPush">Whether anybody may push, delete and create.</param>
public sealed class OpenAccess(bool anonymousPush) : IAccessRules
{
    private readonly RepositoryAccess _access = anonymousPush
        ? RepositoryAccess.Pull | RepositoryAccess.Push | RepositoryAccess.Delete
        : RepositoryAccess.Pull;

    /// <inheritdoc/>
    public ValueTask<RepositoryAccess> OfAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken) =>
        new(_access);

    /// <inheritdoc/>
    public ValueTask<bool> MayCreateAsync(Caller caller, RepositoryName repository, CancellationToken cancellationToken) =>
        new(anonymousPush);
}
