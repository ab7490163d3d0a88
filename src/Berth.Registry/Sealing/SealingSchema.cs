using Berth.Registry.Database;

namespace Berth.Registry.Sealing;

/// <summary>The table that says which key the database's secrets are sealed with. The key itself is outside, so no backup holds the row.
/// </summary>
internal static class SealingSchema
{
    /// <summary>The table's name.</summary>
    public const string Table = "sealing_key";

    // One row: "one" can have no other value. "rewritten" is 0 while files of the database may still have what was once there plainly.
    public static IReadOnlyList<Migration> Steps { get; } =
    [
        new("sealing", 1, $"""
            create table {Table}(
                one bigint primary key check (one = 1), id text not null, since bigint not null, rewritten bigint not null)
            """),
    ];
}
