using Berth.Registry.Model;

namespace Berth.Registry.Repositories;

/// <summary>A repository as the database has it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">Its name.</param>
public sealed record RepositoryRow(long Id, RepositoryName Name);
