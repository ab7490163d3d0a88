using Berth.Registry.Browsing;
using Berth.Registry.Diary;
using Berth.Registry.Model;

namespace Berth.Registry.Api;

/// <summary>The calls about tags, images and the diary of one repository.</summary>
internal static class TagCalls
{
    private const int UsualPage = 50;

    public static async Task ListAsync(RepositoryCalls.Subject subject)
    {
        ApiCall call = subject.Call;
        Listing<TagRow> tags = await subject.Browsing.Tags.FindAsync(
            subject.Id, call.Query("filter"), call.OneOf("sort", "name", "updated") == "name", call.Mark(),
            call.Limit(UsualPage, TagList.PageMax), call.Cancelled);
        IReadOnlyDictionary<string, ImageSummary> images = await subject.Browsing.Images.SummariesAsync(
            subject.Id, [.. tags.Items.Select(tag => tag.Digest)], call.Cancelled);
        FrozenTags frozen = await call.Services.Database.ReadAsync(
            (transaction, token) => FrozenTags.ReadAsync(transaction, subject.Id, token), call.Cancelled);
        IReadOnlyList<TagWire> items =
            [.. tags.Items.Select(tag => ApiText.Tag(tag, images.GetValueOrDefault(tag.Digest), frozen.RuleOf(tag.Name) is not null))];
        await call.SendAsync(new PageWire<TagWire>(items, tags.Next), ApiJson.Default.PageWireTagWire);
    }

    /// <summary>A tag, or what it named at a moment: <c>stable@2026-09-24</c>.</summary>
    public static async Task ShowAsync(RepositoryCalls.Subject subject, string text)
    {
        bool isDated = DiaryMoment.TrySplit(text, out string tag, out long at);
        if (!TagName.IsValid(tag) || (!isDated && text.Contains('@')))
            throw FaultException.Invalid("tag: a tag, or a tag and a moment as in stable@2026-09-24, is expected");
        string? digest = isDated
            ? await subject.Browsing.Diary.DigestAtAsync(subject.Id, tag, at, subject.Call.Cancelled)
            : (await subject.Browsing.Tags.TryGetAsync(subject.Id, tag, subject.Call.Cancelled))?.Digest;
        if (digest is null)
            throw FaultException.NotFound(isDated ? $"{tag}: it did not exist at that moment" : $"{tag}: there is no such tag");
        await ImageAsync(subject, digest, tag, isDated ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null);
    }

    public static async Task ImageAsync(RepositoryCalls.Subject subject, string digest, string? tag, DateTimeOffset? at)
    {
        ImageDetail image = await subject.Browsing.Images.TryGetAsync(subject.Id, digest, subject.Call.Cancelled)
            ?? throw FaultException.NotFound("the image is not in this repository, or no longer");
        IReadOnlyList<string> tags = await subject.Browsing.Diary.TagsOfAsync(subject.Id, digest, subject.Call.Cancelled);
        await subject.Call.SendAsync(ApiText.Image(image, tags) with { Tag = tag, At = at }, ApiJson.Default.ImageWire);
    }

    public static async Task DeleteAsync(RepositoryCalls.Subject subject, string tag)
    {
        subject.Require(RepositoryAccess.Delete, "delete tag");
        await subject.Browsing.Settings.DeleteTagAsync(subject.Call.Caller, subject.Id, tag, subject.Call.Cancelled);
        await subject.Call.DoneAsync();
    }

    public static async Task DiaryAsync(RepositoryCalls.Subject subject)
    {
        ApiCall call = subject.Call;
        int limit = call.Limit(UsualPage, TagDiary.PageMax);
        string? tag = call.Query("tag") is { Length: > 0 } text ? text : null;
        List<TagMove> moves = await subject.Browsing.Diary.ListAsync(subject.Id, tag, call.Number("before"), limit, call.Cancelled);
        string? next = moves.Count < limit ? null : moves[^1].Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await call.SendAsync(new PageWire<MoveWire>([.. moves.Select(ApiText.Move)], next), ApiJson.Default.PageWireMoveWire);
    }

    /// <summary>Takes a move back, or puts a tag to an image that it named once.</summary>
    public static async Task UndoAsync(RepositoryCalls.Subject subject)
    {
        subject.Require(RepositoryAccess.Push, "undo");
        ApiCall call = subject.Call;
        UndoWire wanted = await call.ReadAsync(ApiJson.Default.UndoWire);
        string? digest = (wanted.Move, wanted.Digest) switch
        {
            ({ } move, null) => await subject.Browsing.Diary.UndoAsync(
                subject.Id, wanted.Tag, move, call.Caller, subject.Access.HasFlag(RepositoryAccess.Delete), call.Cancelled),
            (null, { } to) => await subject.Browsing.Diary.PutBackAsync(subject.Id, wanted.Tag, to, call.Caller, call.Cancelled),
            _ => throw FaultException.Invalid("undo: either a move or a digest is expected"),
        };
        await call.SendAsync(new UndoneWire(wanted.Tag, digest), ApiJson.Default.UndoneWire);
    }
}
