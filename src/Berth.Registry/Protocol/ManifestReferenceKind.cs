namespace Berth.Registry.Protocol;

/// <summary>What a manifest is made of.</summary>
public enum ManifestReferenceKind
{
    /// <summary>The configuration.</summary>
    Config,

    /// <summary>A layer, or another blob of an artifact.</summary>
    Layer,

    /// <summary>A manifest of an index.</summary>
    Manifest,
}
