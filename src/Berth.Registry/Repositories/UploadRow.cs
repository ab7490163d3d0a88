namespace Berth.Registry.Repositories;

/// <summary>An upload as the database has it.</summary>
/// <param name="Id">Its ID.</param>
/// <param name="RepositoryId">The repository in which it was begun.</param>
/// <param name="Bytes">What was acknowledged.</param>
/// <param name="Algorithm">The digest that is computed while it arrives.</param>
public sealed record UploadRow(string Id, long RepositoryId, long Bytes, string Algorithm);
