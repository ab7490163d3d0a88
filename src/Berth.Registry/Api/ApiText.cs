using Berth.Registry.Browsing;
using Berth.Registry.Diary;
using Berth.Registry.Model;

namespace Berth.Registry.Api;

/// <summary>Turns what the hub knows into the API's documents.</summary>
internal static class ApiText
{
    public static RepositoryWire Repository(RepositorySummary summary) => new(
        summary.Name, summary.IsPrivate ? "private" : "public", summary.Description, summary.Pulls, summary.Stars, Time(summary.CreatedAt),
        summary.PushedAt is { } pushed ? Time(pushed) : null, summary.Bytes, summary.IsOfficial, summary.IsVerified);

    public static TagWire Tag(TagRow tag, ImageSummary? image, bool isImmutable) => new(
        tag.Name, tag.Digest, Time(tag.UpdatedAt), tag.UpdatedBy, image is null ? null : Kind(image.Kind), image?.MediaType,
        image is null ? null : Platforms(image), isImmutable, tag.PulledAt is { } pulled ? Time(pulled) : null);

    public static ImageWire Image(ImageDetail image, IReadOnlyList<string> tags) => new(
        image.Summary.Digest, Kind(image.Summary.Kind), image.Summary.MediaType, Platforms(image.Summary), Time(image.PushedAt),
        image.CreatedAt, image.ConfigDigest,
        [.. image.Steps.Select(step => new StepWire(step.Instruction, step.Arguments, step.LayerDigest, step.LayerBytes))],
        image.Config?.Labels, image.Annotations, image.Subject,
        [.. image.Referrers.Select(referrer => new ReferrerWire(referrer.Digest, referrer.ArtifactType, referrer.Bytes))], tags);

    public static MoveWire Move(TagMove move) => new(
        move.Id, move.Tag, move.From, move.To, Time(move.MovedAt), move.MovedBy, TagDiary.TextOf(move.Reason), move.Undoes, move.IsFromKept,
        move.IsToKept);

    public static IReadOnlyList<string> Rights(RepositoryAccess access)
    {
        List<string> words = [];
        foreach (RepositoryAccess right in Enum.GetValues<RepositoryAccess>())
        {
            if (right != RepositoryAccess.None && access.HasFlag(right))
                words.Add(right.ToString().ToLowerInvariant());
        }
        return words;
    }

    private static string Kind(ImageKind kind) => kind switch
    {
        ImageKind.Index => "index",
        ImageKind.Artifact => "artifact",
        _ => "image",
    };

    private static IReadOnlyList<PlatformWire> Platforms(ImageSummary image) =>
    [
        .. image.Platforms.Select(platform => new PlatformWire(
            platform.Name, platform.Digest, platform.Bytes, platform.IsAttestation, platform.IsHere, platform.BlobsMissing)),
    ];

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
