using System.Net;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using Berth.Registry.Browsing;
using Berth.Registry.Model;

namespace Berth.Registry.Tests.Pages;

/// <summary>Marks on the pages: the administrators' section, and a badge in words wherever the repository is shown.</summary>
public sealed class MarksPageTests(PagesHub hub) : IClassFixture<PagesHub>
{
    [Fact]
    public async Task Marks_AreGivenOnThePage_ShownEverywhereAndTakenBack()
    {
        RepositoryChange wanted = new() { IsPrivate = false, Description = "badgeword" };
        await hub.Services.Browsing.Settings.CreateAsync(hub.Alice, RepositoryName.Parse("harbour"), wanted, default);
        await hub.PushAsync("harbour", "v1", "official");
        string name = await hub.NewRepositoryAsync("carol", description: "badgeword");
        await hub.PushAsync(name, "v1", "verified");
        using PageReader page = new(hub.Address);
        await page.SignInAsync("alice");
        await GiveAsync(page, "official", "harbour");
        await GiveAsync(page, "verified", "carol");
        Assert.Equal(
            ["harbour official", "carol verified publisher"],
            page.Document.QuerySelectorAll("tbody tr").Select(row => $"{row.QuerySelector("b")!.TextContent} {row.QuerySelector(".badge")!.TextContent}"));

        using PageReader visitor = new(hub.Address);
        foreach ((string path, string badge) in new[]
            {
                ("/r/harbour", "official"), ("/r/harbour/-/tags", "official"), ("/r/harbour/-/tags/v1", "official"), ("/search?q=harbour", "official"),
                ($"/r/{name}", "verified publisher"), ($"/r/{name}/-/tags/v1", "verified publisher"), ("/u/carol", "verified publisher"),
                ($"/search?q={name}", "verified publisher"),
            })
        {
            await visitor.GetAsync(path);
            Assert.Equal(HttpStatusCode.OK, visitor.Status);
            Assert.Contains(visitor.Document.QuerySelectorAll("main .badge"), element => element.TextContent == badge);
        }
        Assert.Equal(["harbour", name], await FoundAsync(visitor, "/search?q=badgeword"));
        Assert.Equal(["harbour"], await FoundAsync(visitor, "/search?q=badgeword&is=official"));
        Assert.Equal([name], await FoundAsync(visitor, "/search?is=verified"));
        Assert.Equal(["harbour"], await FoundAsync(visitor, "/search?q=is%3Aofficial"));
        Assert.Equal("official", visitor.Document.QuerySelector<IHtmlSelectElement>("#f-is")!.Options[1].Value);
        Assert.Equal(["harbour", name], await FoundAsync(visitor, "/search?q=badgeword&is=nonsense&sort=nonsense"));

        await TakeBackAsync(page, "harbour");
        await TakeBackAsync(page, "carol");
        Assert.Contains("Nothing has a mark yet", page.Text, StringComparison.Ordinal);
        Assert.Empty(await FoundAsync(visitor, "/search?is=official"));
        await visitor.GetAsync("/u/carol");
        Assert.DoesNotContain("verified publisher", visitor.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MarksPage_IsNotThereForOthers()
    {
        foreach (string? user in new[] { null, "bob" })
        {
            using PageReader page = new(hub.Address);
            if (user is not null)
                await page.SignInAsync(user);
            await page.GetAsync("/admin/marks");
            Assert.NotEqual(HttpStatusCode.OK, page.Status);
        }
        using PageReader bob = new(hub.Address);
        await bob.SignInAsync("bob");
        await bob.GetAsync("/account");
        string token = bob.Document.QuerySelector("form[method=post] input[type=hidden]")!.GetAttribute("value")!;
        string field = bob.Document.QuerySelector("form[method=post] input[type=hidden]")!.GetAttribute("name")!;
        await bob.PostAsync("/admin/marks", new Dictionary<string, string>
        {
            [field] = token, ["mark"] = "verified", ["action"] = "set", ["name"] = "bob",
        }, "same-origin");
        Assert.Equal(HttpStatusCode.NotFound, bob.Status);
        Assert.False(await hub.Services.Browsing.Marks.IsVerifiedAsync("bob", default));
    }

    private static async Task GiveAsync(PageReader page, string mark, string name)
    {
        await page.GetAsync("/admin/marks");
        await page.SubmitAsync((IHtmlFormElement)page.Document.QuerySelector($"#{mark}-name")!.Closest("form")!, ("name", name));
        Assert.Equal(HttpStatusCode.OK, page.Status);
    }

    private static async Task TakeBackAsync(PageReader page, string name)
    {
        await page.GetAsync("/admin/marks");
        await page.SubmitAsync((IHtmlFormElement)page.Document.QuerySelector($"tbody form:has(input[value={name}])")!);
    }

    private static async Task<IEnumerable<string>> FoundAsync(PageReader page, string path)
    {
        await page.GetAsync(path);
        return page.Document.QuerySelectorAll(".repository").Select(card => card.GetAttribute("data-name")!);
    }
}
