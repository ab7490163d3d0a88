using Berth.Registry.Database;

namespace Berth.Registry.Diary;

/// <summary>The tables of the tag diary and of the rules that freeze tags.</summary>
internal static class DiarySchema
{
    public static IReadOnlyList<Migration> Steps { get; } =
    [
        new("diary", 1, """
            create table tag_moves(
                id {identity}, repository_id bigint not null references repositories(id) on delete cascade, tag text not null,
                from_digest text, to_digest text, moved_at bigint not null, moved_by text, reason text not null, undoes bigint);
            create index tag_moves_tag on tag_moves(repository_id, tag, id);
            create index tag_moves_repository on tag_moves(repository_id, id);
            create table frozen_tags(
                id {identity}, repository_id bigint not null references repositories(id) on delete cascade, pattern text not null,
                created_at bigint not null, created_by text, unique(repository_id, pattern));
            """),
    ];
}
