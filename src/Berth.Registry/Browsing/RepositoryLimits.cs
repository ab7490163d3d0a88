namespace Berth.Registry.Browsing;

/// <summary>What a repository's owner may write at most.</summary>
public static class RepositoryLimits
{
    /// <summary>Characters of a description.</summary>
    public const int DescriptionMax = 200;

    /// <summary>Characters of a README.</summary>
    public const int ReadmeMax = 100_000;
}
