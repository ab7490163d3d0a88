using Berth.Oci.Images;

namespace Berth.Distribution;

/// <summary>Chooses the manifest of an index for a machine.</summary>
internal static class PlatformChoice
{
    /// <summary>The best entry for a platform: the exact variant, then none, then the nearest older one; null for none.</summary>
    public static Descriptor? Choose(ImageIndex index, Platform wanted)
    {
        Descriptor? best = null;
        int bestScore = 0;
        foreach (Descriptor entry in index.Manifests)
        {
            int score = Score(entry, wanted);
            if (score > bestScore)
                (best, bestScore) = (entry, score);
        }
        return best;
    }

    // Greater is better, the first of equals wins, 0 is unusable.
    private static int Score(Descriptor entry, Platform wanted)
    {
        if (entry.Platform is not { } has)
            return entry.ArtifactType is null && entry.Annotations?.ContainsKey("vnd.docker.reference.type") != true ? 1 : 0;
        if (has.Os != wanted.Os || has.Architecture != wanted.Architecture)
            return 0;
        string hasVariant = Variant(has), wantedVariant = Variant(wanted);
        if (hasVariant == wantedVariant)
            return 1000;
        if (hasVariant.Length == 0)
            return 900;
        int hasLevel = Level(hasVariant), wantedLevel = wantedVariant.Length == 0 ? HostLevel(wanted) : Level(wantedVariant);
        return hasLevel > 0 && hasLevel <= wantedLevel ? 100 + hasLevel : 0;
    }

    // v8 is what every arm64 is, v1 what every amd64 is.
    private static string Variant(Platform platform) => (platform.Architecture, platform.Variant) switch
    {
        ("arm64", "v8") or ("amd64", "v1") => "",
        (_, null) => "",
        (_, var variant) => variant,
    };

    private static int Level(string variant) =>
        variant.Length is 2 or 3 && variant[0] == 'v' && int.TryParse(variant.AsSpan(1), out int level) ? level : 0;

    // Without a variant: any 32-bit arm up to v7; for others only the baseline.
    private static int HostLevel(Platform wanted) => wanted.Architecture == "arm" ? 7 : 1;
}
