namespace Berth.Registry.Model;

/// <summary>What somebody may do with a repository.</summary>
[Flags]
public enum RepositoryAccess
{
    /// <summary>Nothing, not even know that it exists.</summary>
    None = 0,

    /// <summary>Read manifests, blobs, tags and referrers.</summary>
    Pull = 1,

    /// <summary>Upload blobs and put manifests and tags.</summary>
    Push = 2,

    /// <summary>Delete manifests, tags and blobs.</summary>
    Delete = 4,

    /// <summary>Change the repository's settings and who may use it.</summary>
    Administer = 8,
}
