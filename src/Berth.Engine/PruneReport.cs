namespace Berth.Engine;

/// <summary>What a clean-up removed.</summary>
/// <param name="Removed">IDs or names.</param>
/// <param name="SpaceReclaimed">Bytes on disk.</param>
public sealed record PruneReport(IReadOnlyList<string> Removed, long SpaceReclaimed);
