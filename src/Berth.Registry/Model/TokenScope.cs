namespace Berth.Registry.Model;

/// <summary>What a token is narrowed to.</summary>
/// <param name="Repository">A pattern: <c>alice/app</c>, <c>alice/*</c> or <c>*</c>.</param>
/// <param name="Access">The most that is allowed there.</param>
public sealed record TokenScope(string Repository, RepositoryAccess Access);
