using Berth.Oci;

namespace Berth.Registry.Protocol;

/// <summary>One thing that a manifest refers to.</summary>
/// <param name="Digest">What.</param>
/// <param name="Kind">As what.</param>
/// <param name="Bytes">How large the manifest says it is.</param>
/// <param name="MayBeElsewhere">It need not be in the registry: a layer that may not be passed on.</param>
public sealed record ManifestReference(Digest Digest, ManifestReferenceKind Kind, long Bytes, bool MayBeElsewhere);
