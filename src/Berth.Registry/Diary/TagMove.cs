namespace Berth.Registry.Diary;

/// <summary>Why a tag moved.</summary>
public enum TagMoveReason
{
    /// <summary>A client put a manifest under the tag.</summary>
    Push,

    /// <summary>Somebody deleted the tag, or the manifest that it named.</summary>
    Delete,

    /// <summary>Somebody put the tag back to what it named before.</summary>
    Undo,

    /// <summary>A retention rule removed it.</summary>
    Retention,

    /// <summary>It came from another registry's folder or from an upstream.</summary>
    Import,
}

/// <summary>One line of a tag's diary. Never changed and never removed while its repository lives.</summary>
public sealed record TagMove
{
    /// <summary>Names the move; a later move has a larger one.</summary>
    public required long Id { get; init; }

    /// <summary>The tag.</summary>
    public required string Tag { get; init; }

    /// <summary>What it named before; null when there was no such tag.</summary>
    public string? From { get; init; }

    /// <summary>What it names since; null when the tag was removed.</summary>
    public string? To { get; init; }

    /// <summary>When, in Unix milliseconds.</summary>
    public required long MovedAt { get; init; }

    /// <summary>The name of the account that moved it, <see cref="Retention.RetentionJob.Name"/> where the hub ran its rules by itself;
    /// null for the anonymous.</summary>
    public string? MovedBy { get; init; }

    /// <summary>Why.</summary>
    public required TagMoveReason Reason { get; init; }

    /// <summary>The move that this one took back, if it did.</summary>
    public long? Undoes { get; init; }

    /// <summary>True while the image that the tag came from is still in the repository, so that it can be put back.</summary>
    public bool IsFromKept { get; init; }

    /// <summary>True while the image that the tag went to is still in the repository.</summary>
    public bool IsToKept { get; init; }
}
