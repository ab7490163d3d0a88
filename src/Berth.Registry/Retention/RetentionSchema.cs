using Berth.Registry.Database;

namespace Berth.Registry.Retention;

/// <summary>The table of the retention rules.</summary>
internal static class RetentionSchema
{
    public static IReadOnlyList<Migration> Steps { get; } =
    [
        new("retention", 1, """
            create table retention_rules(
                id {identity}, repository_id bigint not null references repositories(id) on delete cascade, pattern text,
                keep_last bigint, keep_days bigint, created_at bigint not null);
            create index retention_rules_repository on retention_rules(repository_id, id);
            """),
    ];
}
