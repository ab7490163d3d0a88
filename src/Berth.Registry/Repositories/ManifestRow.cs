using Berth.Oci;

namespace Berth.Registry.Repositories;

/// <summary>A manifest as it is served.</summary>
/// <param name="RepositoryId">Its repository.</param>
/// <param name="Digest">Its digest.</param>
/// <param name="MediaType">Its type.</param>
/// <param name="Document">Its bytes, as they were pushed.</param>
public sealed record ManifestRow(long RepositoryId, Digest Digest, string MediaType, byte[] Document);
