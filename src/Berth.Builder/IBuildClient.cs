using Berth.Distribution;
using Berth.Dockerfile.Ignore;
using Berth.Faults;

namespace Berth.Builder;

/// <summary>
/// Whoever asked for a build, as long as it runs: sends its files and answers what only it can. All of it is asked when it is needed
/// and not before, so that a step that is in the cache asks nothing. Calls may come side by side.
/// </summary>
public interface IBuildClient
{
    /// <summary>Puts the Dockerfile into a directory, with the ignore files that may belong to it: the one named after it and
    /// the context's <c>.dockerignore</c>. What the client does not have is left out.</summary>
    /// <param name="directory">An empty directory.</param>
    /// <param name="dockerfile">The Dockerfile's name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FaultException">InvalidArgument: the client sends what cannot be. Unavailable: it is gone, or the disk is full.
    /// </exception>
    Task SendDefinitionAsync(string directory, string dockerfile, CancellationToken cancellationToken);

    /// <summary>Names where the client's context comes from, for every build of it alike; null: it is not worth keeping.</summary>
    string? ContextKey { get; }

    /// <summary>Puts the context into a directory.</summary>
    /// <param name="directory">An empty directory, or what an earlier build of the same <see cref="ContextKey"/> left: what has not changed
    /// since is not sent again, and what is not there any more is removed.</param>
    /// <param name="ignore">What is left out.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Bytes of the context's files.</returns>
    /// <exception cref="FaultException">As <see cref="SendDefinitionAsync"/>.</exception>
    Task<long> SendContextAsync(string directory, IgnoreFile ignore, CancellationToken cancellationToken);

    /// <summary>A secret; null when the client does not have it.</summary>
    Task<ReadOnlyMemory<byte>?> FindSecretAsync(string id, CancellationToken cancellationToken);

    /// <summary>Who the client is to a registry; null when it is nobody there.</summary>
    /// <param name="registry">The domain of an image's name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<RegistryCredentials?> FindCredentialsAsync(string registry, CancellationToken cancellationToken);

    /// <summary>True when the client lets the build use an ssh agent of this name.</summary>
    Task<bool> HasAgentAsync(string id, CancellationToken cancellationToken);

    /// <summary>Carries one connection to the client's ssh agent, until either side ends it.</summary>
    Task ForwardAgentAsync(string id, Stream connection, CancellationToken cancellationToken);
}
