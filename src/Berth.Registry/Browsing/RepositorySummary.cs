using System.Data.Common;

namespace Berth.Registry.Browsing;

/// <summary>A repository as lists show it.</summary>
public sealed record RepositorySummary
{
    internal const string Columns =
        "r.id, r.name, r.visibility, r.description, r.pull_count, r.star_count, r.pushed_at, r.created_at, r.bytes, r.is_official, "
        + "coalesce((select a.is_verified from accounts a where a.id = r.account_id), 0)";

    /// <summary>How many columns that are.</summary>
    internal const int ColumnCount = 11;

    private const int OfficialColumn = 9;
    private const int VerifiedColumn = 10;

    /// <summary>Its row.</summary>
    public required long Id { get; init; }

    /// <summary>Its whole name.</summary>
    public required string Name { get; init; }

    /// <summary>True when only those see it who may pull it.</summary>
    public required bool IsPrivate { get; init; }

    /// <summary>One line about it, as its owner wrote it.</summary>
    public required string Description { get; init; }

    /// <summary>How often an image was pulled by tag or digest.</summary>
    public required long Pulls { get; init; }

    /// <summary>How many accounts starred it.</summary>
    public required long Stars { get; init; }

    /// <summary>When an image was last pushed, in Unix milliseconds; null: never.</summary>
    public required long? PushedAt { get; init; }

    /// <summary>When it was made, in Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>The bytes of all its images, each blob once.</summary>
    public required long Bytes { get; init; }

    /// <summary>True when the hub's administrators stand for it.</summary>
    public bool IsOfficial { get; init; }

    /// <summary>True when it belongs to a verified publisher.</summary>
    public bool IsVerified { get; init; }

    /// <summary>Its place by marks in the order of the best match: official ones, verified publishers', all others.</summary>
    internal int Rank => IsOfficial ? 0 : IsVerified ? 1 : RankMax;

    /// <summary>The last such place.</summary>
    internal const int RankMax = 2;

    /// <summary>What the list is ordered by when it is ordered by time.</summary>
    public long UpdatedAt => PushedAt ?? CreatedAt;

    internal static RepositorySummary Read(DbDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Name = row.GetString(1),
        IsPrivate = row.GetString(2) == "private",
        Description = row.GetString(3),
        Pulls = row.GetInt64(4),
        Stars = row.GetInt64(5),
        PushedAt = row.IsDBNull(6) ? null : row.GetInt64(6),
        CreatedAt = row.GetInt64(7),
        Bytes = row.GetInt64(8),
        IsOfficial = row.GetInt64(OfficialColumn) != 0,
        IsVerified = row.GetInt64(VerifiedColumn) != 0,
    };
}
