using Berth.Registry.Audit;

namespace Berth.Registry.Repositories;

/// <summary>One change of a repository's tags or images.</summary>
public sealed record RepositoryNewsItem
{
    /// <summary>What was done: one of <see cref="AuditActions"/>.</summary>
    public required string Action { get; init; }

    /// <summary>The repository's name.</summary>
    public required string Repository { get; init; }

    /// <summary>The tag; null: the change is of an image, or of the whole repository.</summary>
    public string? Tag { get; init; }

    /// <summary>The image that was pushed or deleted, or that the tag names now or named until it was removed.</summary>
    public string? Digest { get; init; }

    /// <summary>The image's media type, where it is pushed.</summary>
    public string? MediaType { get; init; }

    /// <summary>What else the audit log says.</summary>
    public string? Remark { get; init; }
}
