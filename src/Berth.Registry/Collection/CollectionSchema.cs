using Berth.Registry.Database;

namespace Berth.Registry.Collection;

/// <summary>The table that says how the storage knows this database. A backup has it not: what it is restored to is another one.</summary>
internal static class CollectionSchema
{
    /// <summary>The table's name.</summary>
    public const string Table = "storage_owner";

    // One row: "one" can have no other value.
    public static IReadOnlyList<Migration> Steps { get; } =
    [
        new("collection", 1, $"create table {Table}(one bigint primary key check (one = 1), id text not null)"),
    ];
}
