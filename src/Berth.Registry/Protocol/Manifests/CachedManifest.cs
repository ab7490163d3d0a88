using Berth.Oci;
using Berth.Registry.Repositories;
using Microsoft.Extensions.Primitives;

namespace Berth.Registry.Protocol.Manifests;

/// <summary>A manifest ready to be sent, its headers as well.</summary>
internal sealed record CachedManifest(
    long RepositoryId, Digest Digest, byte[] Document, StringValues MediaType, StringValues DigestText, StringValues ETag)
{
    public static CachedManifest Of(ManifestRow row) =>
        new(row.RepositoryId, row.Digest, row.Document, row.MediaType, row.Digest.ToString(), $"\"{row.Digest}\"");
}
