using Berth.Faults;
using Berth.Registry.Audit;
using Berth.Registry.Database;
using Berth.Registry.Diary;
using Berth.Registry.Hosting;
using Berth.Registry.Model;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Repositories;
using Berth.Registry.Retention;
using Microsoft.Extensions.Time.Testing;

namespace Berth.Registry.Tests.Diary;

/// <summary>What the tag diary promises, on both databases.</summary>
public abstract class TagDiaryContract : IAsyncLifetime
{
    private static readonly DateTimeOffset s_start = new(2026, 9, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly Caller s_alice = new() { Name = "alice" };
    private static readonly Caller s_bob = new() { Name = "bob" };

    private readonly FakeTimeProvider _time = new(s_start);
    private HubDatabase _database = null!;
    private TagDiary _diary = null!;
    private long _repository;

    private protected abstract HubDatabase Open();

    public async ValueTask InitializeAsync()
    {
        _database = Open();
        await _database.MigrateAsync(HubSchema.Steps, _time, default);
        // No webhook is here, so nothing is signed.
        var news = new RepositoryNews(new AuditLog(_database, _time), new WebhookQueue(_database, null!, _time), _time);
        _diary = new TagDiary(_database, news, _time);
        _repository = (await _database.WriteAsync(
            (transaction, token) => transaction.NumberAsync(
                $"insert into repositories(name, namespace, created_at) values ({"alice/app"}, {"alice"}, {0}) returning id", token), default))!.Value;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Tag_MovedTenTimes_CanBeReadForEachDayAndPutBack()
    {
        for (int day = 1; day <= 10; day++)
        {
            await PushAsync("stable", Image(day));
            _time.Advance(TimeSpan.FromDays(1));
        }
        for (int day = 1; day <= 10; day++)
        {
            Assert.True(DiaryMoment.TryParse($"2026-09-{day:00}", out long at));
            Assert.Equal(Image(day), await _diary.DigestAtAsync(_repository, "stable", at, default));
        }
        List<TagMove> moves = await _diary.ListAsync(_repository, "stable", null, 100, default);
        Assert.Equal(10, moves.Count);
        Assert.Equal(Image(9), await _diary.UndoAsync(_repository, "stable", moves[0].Id, s_bob, true, default));
        Assert.Equal(Image(9), await CurrentAsync("stable"));
        TagMove undone = (await _diary.ListAsync(_repository, "stable", null, 1, default))[0];
        Assert.Equal((TagMoveReason.Undo, "bob", moves[0].Id), (undone.Reason, undone.MovedBy, undone.Undoes));
        Assert.Equal(Image(3), await _diary.PutBackAsync(_repository, "stable", Image(3), s_bob, default));
        Assert.Equal(Image(3), await CurrentAsync("stable"));
    }

    [Fact]
    public async Task Tag_BeforeItsFirstPushAndAfterItsRemoval_NamesNothing()
    {
        Assert.Null(await AtAsync("v1"));
        await PushAsync("v1", Image(1));
        _time.Advance(TimeSpan.FromDays(2));
        Assert.Equal(Image(1), await AtAsync("v1"));
        long move = (await _diary.ListAsync(_repository, "v1", null, 1, default))[0].Id;
        // Who may push and not delete does not delete by undoing.
        FaultException refused = await Assert.ThrowsAsync<FaultException>(
            () => _diary.UndoAsync(_repository, "v1", move, s_alice, false, default));
        Assert.Equal(FaultKind.Forbidden, refused.Kind);
        Assert.Null(await _diary.UndoAsync(_repository, "v1", move, s_alice, true, default));
        Assert.Null(await CurrentAsync("v1"));
        Assert.Null(await AtAsync("v1"));
        Assert.Equal(Image(1), await _diary.DigestAtAsync(_repository, "v1", s_start.ToUnixTimeMilliseconds(), default));
    }

    [Fact]
    public async Task Push_OfTheSameImage_IsNoMove()
    {
        await PushAsync("v1", Image(1));
        await PushAsync("v1", Image(1));
        Assert.Single(await _diary.ListAsync(_repository, "v1", null, 10, default));
    }

    [Fact]
    public async Task Move_ThatIsRefused_LeavesNoLine()
    {
        await Assert.ThrowsAsync<FaultException>(() => _database.WriteAsync<bool>(
            async (transaction, token) =>
            {
                await TagDiary.RecordAsync(transaction, _repository, Move("v1", null, Image(1)), token);
                throw FaultException.Conflict("refused");
            }, default));
        Assert.Empty(await _diary.ListAsync(_repository, null, null, 10, default));
    }

    [Fact]
    public async Task Undo_ToAnImageThatIsGone_IsRefused()
    {
        await PushAsync("v1", Image(1));
        await PushAsync("v1", Image(2));
        await _database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"delete from manifests where digest = {Image(1)}", token), default);
        TagMove last = (await _diary.ListAsync(_repository, "v1", null, 1, default))[0];
        Assert.False(last.IsFromKept);
        Assert.True(last.IsToKept);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => _diary.UndoAsync(_repository, "v1", last.Id, s_alice, true, default));
        Assert.Equal(FaultKind.NotFound, fault.Kind);
        Assert.Equal(Image(2), await CurrentAsync("v1"));
    }

    [Fact]
    public async Task Undo_OfAnotherTagsMove_IsRefused()
    {
        await PushAsync("v1", Image(1));
        await PushAsync("v2", Image(2));
        TagMove move = (await _diary.ListAsync(_repository, "v2", null, 1, default))[0];
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => _diary.UndoAsync(_repository, "v1", move.Id, s_alice, true, default));
        Assert.Equal(FaultKind.NotFound, fault.Kind);
    }

    [Fact]
    public async Task PutBack_ToWhatTheTagNeverNamed_IsRefused()
    {
        await PushAsync("v1", Image(1));
        await PushAsync("other", Image(2));
        FaultException fault = await Assert.ThrowsAsync<FaultException>(
            () => _diary.PutBackAsync(_repository, "v1", Image(2), s_alice, default));
        Assert.Equal(FaultKind.NotFound, fault.Kind);
    }

    [Fact]
    public async Task FrozenTag_CanBeMadeButNotMoved()
    {
        await _database.WriteAsync(
            async (transaction, token) =>
            {
                await FrozenTags.AddAsync(transaction, _repository, TagPattern.Parse("v*"), "alice", 0, token);
                return true;
            }, default);
        await PushAsync("v1", Image(1));
        await PushAsync("v1", Image(1));
        await PushAsync("latest", Image(1));
        await PushAsync("latest", Image(2));
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => PushAsync("v1", Image(2)));
        Assert.Equal(FaultKind.Conflict, fault.Kind);
        Assert.Contains("\"v*\"", fault.Message, StringComparison.Ordinal);
        Assert.Equal(Image(1), await CurrentAsync("v1"));
    }

    [Fact]
    public async Task TagsOf_AnImage_AreThoseThatPointThere()
    {
        await PushAsync("b", Image(1));
        await PushAsync("a", Image(1));
        await PushAsync("c", Image(2));
        Assert.Equal(["a", "b"], await _diary.TagsOfAsync(_repository, Image(1), default));
    }

    [Fact]
    public async Task List_IsPagedFromTheLatest()
    {
        for (int i = 1; i <= 5; i++)
            await PushAsync("v1", Image(i));
        List<TagMove> first = await _diary.ListAsync(_repository, null, null, 2, default);
        List<TagMove> second = await _diary.ListAsync(_repository, null, first[^1].Id, 2, default);
        Assert.Equal([Image(5), Image(4), Image(3), Image(2)], first.Concat(second).Select(move => move.To));
    }

    private static string Image(int number) => $"sha256:{number:x64}";

    private TagMove Move(string tag, string? from, string? to) => new()
    {
        Id = 0, Tag = tag, From = from, To = to, MovedAt = _time.GetUtcNow().ToUnixTimeMilliseconds(), MovedBy = "alice",
        Reason = TagMoveReason.Push,
    };

    private Task<string?> AtAsync(string tag) =>
        _diary.DigestAtAsync(_repository, tag, _time.GetUtcNow().ToUnixTimeMilliseconds(), default);

    private Task<string?> CurrentAsync(string tag) =>
        _database.ReadAsync((transaction, token) => TagDiary.CurrentAsync(transaction, _repository, tag, token), default);

    private Task PushAsync(string tag, string digest) => _database.WriteAsync(
        async (transaction, token) =>
        {
            await TagDiary.RequireMovableAsync(transaction, _repository, tag, digest, token);
            string? from = await TagDiary.CurrentAsync(transaction, _repository, tag, token);
            long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
            await transaction.ExecuteAsync($"""
                insert into manifests(repository_id, digest, media_type, bytes, document, created_at)
                values ({_repository}, {digest}, {"x"}, {1}, {new byte[] { 1 }}, {now}) on conflict do nothing
                """, token);
            await transaction.ExecuteAsync($"""
                insert into tags(repository_id, name, manifest_digest, updated_at) values ({_repository}, {tag}, {digest}, {now})
                on conflict(repository_id, name) do update set manifest_digest = excluded.manifest_digest
                """, token);
            await TagDiary.RecordAsync(transaction, _repository, Move(tag, from, digest), token);
            return true;
        }, default);
}
