using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Berth.Registry.Audit;
using Berth.Registry.Operation.Serving;
using Berth.Registry.Tests.Serving;

namespace Berth.Registry.Tests.Webhooks;

/// <summary>Which changes of tags and images are told to webhooks and stand in the audit log: all, by whichever way they are
/// made.</summary>
public sealed class RepositoryNewsTests : IAsyncLifetime
{
    private static readonly AuthenticationHeaderValue s_alice = RunningHub.Basic("alice");

    private RunningHub _hub = null!;
    private long _seen;
    private string _first = "";
    private string _second = "";

    public async ValueTask InitializeAsync()
    {
        // Nobody listens there: what is to be told stays in the queue, where it is read.
        _hub = await RunningHub.StartAsync(options => options with { Serving = new ServingSettings { WebhookHosts = ["127.0.0.1"] } });
        await _hub.UserAsync("alice");
        await _hub.Services.Operation.Webhooks.CreateAsync(
            RunningHub.Operator, "alice/*", "http://127.0.0.1:1/", ["push", "delete"], default);
        (_first, _) = await _hub.PushAsync("alice/app", "v1", "first", s_alice);
        (_second, _) = await _hub.PushAsync("alice/app", "v1", "second", s_alice);
        Assert.Equal([$"push v1 {_first} alice", $"push v1 {_second} alice"], await ToldAsync());
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Fact]
    public async Task TagDeleted_ByTheApi_IsTold()
    {
        await CallAsync(HttpMethod.Delete, "/-/tags/v1");
        Assert.Equal([$"delete v1 {_second} alice"], await ToldAsync());
        Assert.Equal($"tag.delete v1 {_second}", await RecordedAsync());
    }

    [Fact]
    public async Task Undo_AndItsOwnUndo_AreTold()
    {
        await CallAsync(HttpMethod.Post, "/-/undo", $$"""{"tag":"v1","digest":"{{_first}}"}""");
        Assert.Equal([$"push v1 {_first} alice"], await ToldAsync());
        Assert.Equal($"tag.undo v1 {_first} from {_second}", await RecordedAsync());
        long made = (await _hub.Services.Browsing.Diary.ListAsync(1, "v1", null, 10, default))[^1].Id;
        await CallAsync(HttpMethod.Post, "/-/undo", $$"""{"tag":"v1","move":{{made}}}""");
        Assert.Equal(["delete v1  alice"], await ToldAsync());
        Assert.Equal($"tag.undo v1 from {_first}", await RecordedAsync());
    }

    [Fact]
    public async Task UndoThatMovesNothing_IsNotTold()
    {
        await CallAsync(HttpMethod.Post, "/-/undo", $$"""{"tag":"v1","digest":"{{_second}}"}""");
        Assert.Empty(await ToldAsync());
    }

    [Fact]
    public async Task ImageDeleted_IsTold_WithEachOfItsTags()
    {
        await _hub.PushAsync("alice/app", "other", "second", s_alice);
        await ToldAsync();
        using HttpResponseMessage deleted = await _hub.SendAsync(HttpMethod.Delete, $"/v2/alice/app/manifests/{_second}", s_alice);
        Assert.Equal(HttpStatusCode.Accepted, deleted.StatusCode);
        Assert.Equal(
            [$"delete other {_second} alice", $"delete v1 {_second} alice", $"delete  {_second} alice"], await ToldAsync(sortedBut: 1));
        Assert.Equal($"manifest.delete {_second}", await RecordedAsync());
    }

    [Fact]
    public async Task RunOfRetention_IsTold_WithEachTagAndImage()
    {
        (string old, _) = await _hub.PushAsync("alice/app", "pr-1", "old", s_alice);
        _hub.Time.Advance(TimeSpan.FromMinutes(1));
        await _hub.PushAsync("alice/app", "pr-2", "new", s_alice);
        await ToldAsync();
        await CallAsync(HttpMethod.Post, "/-/retention", """{"pattern":"pr-*","keepLast":1}""");
        await CallAsync(HttpMethod.Post, "/-/retention/run");
        Assert.Equal([$"delete pr-1 {old} alice"], await ToldAsync());
        Assert.Equal($"tag.delete pr-1 {old} (by the retention rules)", await RecordedAsync());
        await CallAsync(HttpMethod.Post, "/-/retention", """{"keepDays":1}""");
        _hub.Time.Advance(TimeSpan.FromDays(2));
        await CallAsync(HttpMethod.Post, "/-/retention/run");
        // The hub's own hourly run may have been quicker than alice's.
        Assert.Equal(
            new[] { _first, old }.Order().Select(digest => $"delete  {digest}"),
            (await ToldAsync()).Select(told => told[..told.LastIndexOf(' ')]).Order());
    }

    [Fact]
    public async Task RepositoryDeleted_IsTold()
    {
        await CallAsync(HttpMethod.Delete, "");
        Assert.Equal(["delete   alice"], await ToldAsync());
        Assert.Equal("repository.remove ", await RecordedAsync());
    }

    private async Task CallAsync(HttpMethod method, string path, string? body = null)
    {
        byte[]? bytes = body is null ? null : Encoding.UTF8.GetBytes(body);
        using HttpResponseMessage response =
            await _hub.SendAsync(method, "/api/v1/repositories/alice/app" + path, s_alice, bytes, "application/json");
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
    }

    // What webhooks have to be told since the last look. Tags that go together have no order; what comes last is left there.
    private async Task<string[]> ToldAsync(int sortedBut = int.MaxValue)
    {
        List<(long Id, byte[] Body)> told = await _hub.Services.Database.ReadAsync(
            (transaction, token) => transaction.ListAsync(
                $"select id, body from webhook_deliveries where id > {_seen} order by id",
                row => (row.GetInt64(0), (byte[])row.GetValue(1)), token), default);
        _seen = told.Count > 0 ? told[^1].Id : _seen;
        string[] texts = [.. told.Select(one => TextOf(JsonElement.Parse(one.Body)))];
        return sortedBut == int.MaxValue ? texts : [.. texts[..^sortedBut].Order(), .. texts[^sortedBut..]];
    }

    private static string TextOf(JsonElement told)
    {
        Assert.Equal("alice/app", told.GetProperty("repository").GetString());
        return string.Join(' ', new[] { "type", "tag", "digest", "actor" }.Select(
            name => told.TryGetProperty(name, out JsonElement value) ? value.GetString() : ""));
    }

    private async Task<string> RecordedAsync()
    {
        AuditEntry entry = (await _hub.Services.Accounts.Audit.ListAsync(new AuditFilter { Subject = "alice/app" }, null, 1, default))[0];
        Assert.Equal("alice", entry.Actor);
        return $"{entry.Action} {entry.Details}";
    }
}
