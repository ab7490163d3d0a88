namespace Berth.Registry.Repositories;

/// <summary>A blob of a repository.</summary>
/// <param name="RepositoryId">The repository.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Location">Where the storage has it.</param>
/// <param name="UsedAt">When it was last pushed, mounted or asked for.</param>
public sealed record BlobRow(long RepositoryId, long Bytes, string Location, long UsedAt);
