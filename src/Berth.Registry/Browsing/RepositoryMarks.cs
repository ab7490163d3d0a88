namespace Berth.Registry.Browsing;

/// <summary>What administrators say of repositories. A filter of several means any of them.</summary>
[Flags]
public enum RepositoryMarks
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The hub's administrators stand for the repository: its name has one part, so that nobody else can push to it.</summary>
    Official = 1,

    /// <summary>It belongs to a user or an organisation that they know: a verified publisher.</summary>
    Verified = 2,
}
