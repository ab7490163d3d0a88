using Berth.Registry.Model;

namespace Berth.Registry.Cache;

/// <summary>A registry whose images this hub passes on and keeps.</summary>
public sealed record UpstreamOptions
{
    /// <summary>How long a tag is passed on without asking whether it has moved, if nobody says otherwise.</summary>
    public static readonly TimeSpan DefaultTagTime = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Where it is found here: with <c>docker.io</c>, <c>hub:5000/docker.io/library/debian</c> is its <c>library/debian</c>.
    /// </summary>
    public required string Prefix { get; init; }

    /// <summary>Where it is: <c>https://registry-1.docker.io</c>.</summary>
    public required Uri Address { get; init; }

    /// <summary>Who signs in there; null: nobody.</summary>
    public string? UserName { get; init; }

    /// <summary>With which password or token.</summary>
    public string? Password { get; init; }

    /// <summary>
    /// Where it gives tokens, if not at its own host. Credentials are sent to no other place, whatever the registry answers.
    /// </summary>
    public Uri? TokenAddress { get; init; }

    /// <summary>Anybody may pull through; else only who has signed in here.</summary>
    public bool IsPublic { get; init; } = true;

    /// <summary>The visibility of its repositories here.</summary>
    internal string Visibility => IsPublic ? "public" : "private";

    /// <summary>How long a tag is passed on without asking whether it has moved.</summary>
    public TimeSpan TagTime { get; init; } = DefaultTagTime;

    /// <summary>Whether a name is beneath the prefix. Of several upstreams the one with the longest prefix is meant.</summary>
    internal bool Has(RepositoryName repository) => repository.Value.Length > Prefix.Length + 1 && repository.Value[Prefix.Length] == '/'
        && repository.Value.StartsWith(Prefix, StringComparison.Ordinal);
}
