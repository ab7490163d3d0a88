using System.Net;
using Berth.Registry.Model;
using Berth.Registry.Operation.Webhooks;
using Berth.Registry.Repositories;
using Berth.Registry.Retention;

namespace Berth.Registry.Tests.Pages;

/// <summary>The forms of quotas and webhooks: who may, and what comes of them.</summary>
public sealed class OwnerRulesTests(PagesHub hub) : IClassFixture<PagesHub>
{
    [Fact]
    public async Task Webhook_IsMadeByItsOwner_ShowsItsSecretOnce_AndIsRemoved()
    {
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("bob");
        await reader.GetAsync("/u/bob/-/webhooks");
        await reader.SubmitAsync("/u/bob/-/webhooks", ("repository", "bob/*"), ("url", "http://127.0.0.1:1/hook"), ("event", "push"));
        Assert.Contains("whsec_", reader.Text, StringComparison.Ordinal);
        Webhook made = Assert.Single(await hub.Services.Operation.Webhooks.ListAsync("bob", default));
        Assert.Equal(("bob/*", "http://127.0.0.1:1/hook", "push"), (made.Repository, made.Url, string.Join(',', made.Events)));
        await reader.GetAsync("/u/bob/-/webhooks");
        Assert.Contains("http://127.0.0.1:1/hook", reader.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("whsec_", reader.Text, StringComparison.Ordinal);
        await reader.SubmitAsync("/u/bob/-/webhooks/remove", ("id", $"{made.Id}"));
        Assert.Empty(await hub.Services.Operation.Webhooks.ListAsync("bob", default));
    }

    [Theory]
    [InlineData("alice/*", "http://127.0.0.1:1/hook")]
    [InlineData("carolina/app", "http://127.0.0.1:1/hook")]
    [InlineData("carol/*", "http://elsewhere.example/hook")]
    public async Task Webhook_OfAnotherOwnerOrHost_IsRefused(string repository, string url)
    {
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("carol");
        await reader.GetAsync("/u/carol/-/webhooks");
        await reader.SubmitAsync("/u/carol/-/webhooks", ("repository", repository), ("url", url), ("event", "push"));
        Assert.True(reader.Status is HttpStatusCode.BadRequest or HttpStatusCode.Forbidden, $"{reader.Status}");
        foreach (string owner in new[] { "alice", "carol", "carolina" })
            Assert.Empty(await hub.Services.Operation.Webhooks.ListAsync(owner, default));
    }

    [Fact]
    public async Task Webhooks_OfOthers_AreNotThere()
    {
        await hub.Services.Accounts.Organisations.CreateAsync(hub.Alice, "hooked", "", "alice", default);
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("bob");
        await reader.GetAsync("/u/bob/-/webhooks");
        foreach (string owner in new[] { "carol", "hooked", "nobody" })
        {
            await reader.GetAsync($"/u/{owner}/-/webhooks");
            Assert.Equal(HttpStatusCode.NotFound, reader.Status);
        }
    }

    [Fact]
    public async Task TagThatIsImmutable_IsNotOfferedForDeletion_AndSaysWhy()
    {
        string name = await hub.NewRepositoryAsync();
        foreach (string tag in new[] { "v1", "latest" })
            await hub.PushAsync(name, tag, name);
        long id = (await hub.Services.Browsing.Search.TryGetAsync(RepositoryName.Parse(name), default))!.Id;
        await hub.Services.Browsing.Settings.FreezeAsync(hub.Alice, id, TagPattern.Parse("v*"), default);
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("alice");
        foreach ((string tag, bool mayGo) in new[] { ("v1", false), ("latest", true) })
        {
            await reader.GetAsync($"/r/{name}/-/tags/{tag}");
            Assert.Equal(mayGo, reader.Document.QuerySelector("form[action$='/-/delete-tag']") is not null);
            Assert.Equal(!mayGo, reader.Text.Contains("By the rule v* of this repository", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Quota_IsSetByAdministrators_AndCounts()
    {
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("alice");
        await reader.GetAsync("/admin/storage");
        await reader.SubmitAsync("/admin/quota", ("owner", "carol"), ("size", "1.5kB"));
        Assert.Equal(1500, (await QuotaAsync("carol")).BytesMax);
        await reader.GetAsync("/admin/storage");
        Assert.Matches("carol[^a-z]+0 B[^a-z]+1.5 kB", reader.Text);
        await reader.SubmitAsync("/admin/quota", ("owner", "carol"), ("size", "much"));
        Assert.Equal(HttpStatusCode.BadRequest, reader.Status);
        await reader.GetAsync("/admin/storage");
        await reader.SubmitAsync("/admin/quota", ("owner", "carol"), ("size", "none"));
        Assert.Null((await QuotaAsync("carol")).BytesMax);
        using PageReader other = new(hub.Address);
        await other.SignInAsync("bob");
        await other.GetAsync("/account");
        await other.SubmitAsync((AngleSharp.Html.Dom.IHtmlFormElement)With(other, "/admin/quota"), ("owner", "bob"), ("size", "1B"));
        Assert.Equal(HttpStatusCode.NotFound, other.Status);
        Assert.Null((await QuotaAsync("bob")).BytesMax);
    }

    // A form of one's own page, sent where it does not belong.
    private static AngleSharp.Dom.IElement With(PageReader reader, string action)
    {
        AngleSharp.Dom.IElement form = reader.Document.QuerySelector("form[action='/account/profile']")!;
        form.SetAttribute("action", action);
        return form;
    }

    private Task<Quota> QuotaAsync(string owner) => hub.Services.Database.ReadAsync(
        (transaction, token) => QuotaTable.FindAsync(transaction, owner, token), default);
}
