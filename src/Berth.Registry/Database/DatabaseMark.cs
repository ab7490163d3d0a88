namespace Berth.Registry.Database;

/// <summary>Stands for all that readers can see: two equal marks mean that nothing was changed between them, by any process.</summary>
/// <remarks>
/// What was read after a mark was taken is still true while a new mark is equal to it, and every commit of a change gives another
/// mark. The converse holds for SQLite alone, whose marks move with commits to this database only. PostgreSQL's is the snapshot of
/// its server (pg_current_snapshot), which every writing transaction of every database there moves, also one that is rolled back
/// and the server's own vacuum: a mark that moved without a change costs whoever compares it another reading, nothing else.
/// </remarks>
public readonly record struct DatabaseMark(long Number, string? Text);
