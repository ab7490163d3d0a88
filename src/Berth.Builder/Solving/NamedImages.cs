using Berth.Oci.References;

namespace Berth.Builder.Solving;

/// <summary>Names that a client has given to images, and that go before stages and images of that name.</summary>
internal static class NamedImages
{
    private const string Latest = ":latest";

    /// <summary>The image that a name in FROM or <c>--from</c> stands for; null when it stands for itself.</summary>
    public static string? Find(BuildRequest request, string name)
    {
        if (request.NamedImages.Count == 0)
            return null;
        string wanted = Normal(name);
        return request.NamedImages.FirstOrDefault(
            pair => Normal(pair.Key).Equals(wanted, StringComparison.OrdinalIgnoreCase)).Value;
    }

    // alpine, alpine:latest and docker.io/library/alpine are one.
    private static string Normal(string name)
    {
        string familiar =
            ImageReference.TryParse(name.ToLowerInvariant(), out ImageReference? reference, out _) ? reference.Familiar : name;
        return familiar.EndsWith(Latest, StringComparison.Ordinal) ? familiar[..^Latest.Length] : familiar;
    }
}
