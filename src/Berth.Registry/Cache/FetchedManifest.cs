using Berth.Oci;
using Berth.Registry.Protocol;

namespace Berth.Registry.Cache;

/// <summary>A manifest that an upstream has sent and that has the digest.</summary>
internal sealed record FetchedManifest(Digest Digest, ManifestDocument Manifest, byte[] Document);
