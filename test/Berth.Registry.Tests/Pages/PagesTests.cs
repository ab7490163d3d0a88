using System.Net;
using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using Berth.Oci;
using Berth.Registry.Audit;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Pages.Frame;
using Berth.Registry.Retention;

namespace Berth.Registry.Tests.Pages;

/// <summary>The pages over HTTP, read as a browser without a script reads them.</summary>
public sealed class PagesTests(PagesHub hub) : IClassFixture<PagesHub>
{
    [Fact]
    public async Task EveryPage_IsAccessibleInItsStructureAndStrictInItsHeaders()
    {
        string name = await hub.NewRepositoryAsync(readme: "# Hello\n\n[x](https://a.example)");
        string digest = await hub.PushAsync(name, "v1", "one");
        await hub.PushAsync(name, "v1", "two");
        await hub.Services.Browsing.Settings.FreezeAsync(hub.Alice, await IdAsync(name), TagPattern.Parse("rc*"), default);
        RetentionRule rule = new() { Pattern = TagPattern.Parse("pr*"), KeepLast = 3 };
        await hub.Services.Browsing.Retention.AddAsync(hub.Alice, await IdAsync(name), rule, default);
        await hub.Services.Accounts.Organisations.CreateAsync(hub.Alice, "structure", "Structure", "alice", default);
        await hub.Services.Accounts.Teams.CreateAsync(hub.Alice, "structure", "team", "", default);
        await hub.Services.Operation.Webhooks.CreateAsync(hub.Alice, "alice/*", "http://127.0.0.1:9/hook", ["push"], default);
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("alice");
        string[] pages =
        [
            "/", "/search", "/search?q=r", "/search?q=nothing-like-it", $"/r/{name}", $"/r/{name}/-/tags", $"/r/{name}/-/tags/v1",
            $"/r/{name}/-/images/{digest}", $"/r/{name}/-/diary", $"/r/{name}/-/diary/v1", $"/r/{name}/-/diary/v1?on=2026-01-01",
            $"/r/{name}/-/settings", "/new", "/account", "/account/tokens", "/account/organisations", "/u/alice", "/u/structure",
            "/u/structure/-/people", "/u/structure/-/robots", "/u/structure/-/webhooks", "/u/alice/-/webhooks", "/admin", "/admin/users", "/admin/storage", "/admin/caches", "/admin/marks", "/admin/audit", "/admin/settings",
            "/signin", "/signup",
        ];
        foreach (string page in pages)
        {
            await reader.GetAsync(page);
            Assert.True(reader.Status == HttpStatusCode.OK, $"{page}: {reader.Status}");
            RequireStructure(reader, page);
        }
        await reader.GetAsync("/no/such/page");
        Assert.Equal(HttpStatusCode.NotFound, reader.Status);
        RequireStructure(reader, "the error page");
    }

    [Fact]
    public async Task PrivateRepository_IsNowhereForOthers()
    {
        string name = await hub.NewRepositoryAsync(isPrivate: true, description: "hush-hush-word");
        string digest = await hub.PushAsync(name, "v1", "secret");
        string[] pages = [$"/r/{name}", $"/r/{name}/-/tags", $"/r/{name}/-/tags/v1", $"/r/{name}/-/diary", $"/r/{name}/-/images/{digest}", $"/r/{name}/-/settings"];
        foreach (string? user in new[] { null, "bob" })
        {
            using PageReader reader = new(hub.Address);
            if (user is not null)
                await reader.SignInAsync(user);
            foreach (string page in pages)
            {
                await reader.GetAsync(page);
                Assert.True(reader.Status == HttpStatusCode.NotFound, $"{user}: {page}: {reader.Status}");
                Assert.DoesNotContain("hush-hush-word", reader.Document.DocumentElement.OuterHtml, StringComparison.Ordinal);
            }
            foreach (string list in new[] { "/", "/search", "/search?q=hush", "/search?visibility=private", "/u/alice" })
            {
                await reader.GetAsync(list);
                Assert.DoesNotContain("hush-hush-word", reader.Text, StringComparison.Ordinal);
            }
            // What exists and may not be known looks like what does not exist.
            await reader.GetAsync($"/r/{name}");
            string hidden = reader.Text;
            await reader.GetAsync("/r/alice/never-was");
            Assert.Equal(hidden, reader.Text);
        }
        using PageReader owner = new(hub.Address);
        await owner.SignInAsync("alice");
        await owner.GetAsync("/search?q=hush");
        Assert.Contains("hush-hush-word", owner.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Overview_ShowsReadmeCommandsAndFigures()
    {
        string name = await hub.NewRepositoryAsync(readme: "# Use\n\n<script>x</script> **bold**", description: "Says what it is");
        await hub.PushAsync(name, "latest", "one");
        using PageReader reader = new(hub.Address);
        await reader.GetAsync($"/r/{name}");
        string[] commands = [.. reader.Document.QuerySelectorAll(".command code").Select(code => code.TextContent)];
        Assert.Contains($"docker pull {hub.Address.Authority}/{name}:latest", commands);
        Assert.Contains($"berth pull {hub.Address.Authority}/{name}:latest", commands);
        Assert.Contains("Says what it is", reader.Text, StringComparison.Ordinal);
        Assert.Contains("linux/amd64", reader.Text, StringComparison.Ordinal);
        Assert.Equal("bold", reader.Document.QuerySelector("article strong")!.TextContent);
        Assert.Empty(reader.Document.QuerySelectorAll("article script"));
    }

    [Fact]
    public async Task Commands_AreForBothClients_AndForImagesOnly()
    {
        string name = await hub.NewRepositoryAsync(isPrivate: true);
        using PageReader owner = new(hub.Address);
        await owner.SignInAsync("alice");
        await owner.GetAsync($"/r/{name}");
        string host = hub.Address.Authority;
        string[] Shown() => [.. owner.Document.QuerySelectorAll(".command code").Select(code => code.TextContent)];
        Assert.Equal([$"docker tag my-image {host}/{name}:latest", $"berth tag my-image {host}/{name}:latest",
            $"docker push {host}/{name}:latest", $"berth push {host}/{name}:latest"], Shown());
        string digest = await hub.PushAsync(name, "latest", "one");
        await owner.GetAsync($"/r/{name}");
        Assert.Equal([$"docker pull {host}/{name}:latest", $"berth pull {host}/{name}:latest", $"docker login {host}", $"berth login {host}"],
            Shown());
        await owner.GetAsync($"/r/{name}/-/tags/latest");
        Assert.Equal([$"docker pull {host}/{name}:latest", $"berth pull {host}/{name}:latest",
            $"docker pull {host}/{name}@{digest}", $"berth pull {host}/{name}@{digest}"], Shown());

        using HttpClient client = hub.Client("alice");
        const string artifact = """
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/spdx+json",
            "config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},
            "layers":[]}
            """;
        await PagesHub.PushBlobAsync(client, name, "{}"u8.ToArray());
        using HttpResponseMessage pushed = await PagesHub.PutAsync(client, name, "sbom", artifact);
        Assert.Equal(HttpStatusCode.Created, pushed.StatusCode);
        await owner.GetAsync($"/r/{name}/-/tags/sbom");
        Assert.Equal([$"{host}/{name}:sbom", $"{host}/{name}@{Digest.Of(Encoding.UTF8.GetBytes(artifact))}"], Shown());
    }

    [Fact]
    public async Task Tags_SayWhenTheirImageWasLastPulled()
    {
        string name = await hub.NewRepositoryAsync();
        string digest = await hub.PushAsync(name, "latest", "one");
        await hub.PushAsync(name, "other", "two");
        using PageReader reader = new(hub.Address);
        string[] Pulled() => [.. reader.Document.QuerySelectorAll("td[data-label='Last pulled']").Select(cell => cell.TextContent.Trim())];
        await reader.GetAsync($"/r/{name}/-/tags?sort=name");
        Assert.Equal(["never", "never"], Pulled());
        using HttpClient client = hub.Client();
        // As docker does: by its digest, after a HEAD by the tag.
        using HttpResponseMessage pull = await client.GetAsync(new Uri($"/v2/{name}/manifests/{digest}", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, pull.StatusCode);
        await hub.Services.Pulls.FlushAsync(default);
        await reader.GetAsync($"/r/{name}/-/tags?sort=name");
        Assert.Equal("never", Pulled()[1]);
        Assert.NotEqual("never", Pulled()[0]);
    }

    [Fact]
    public async Task RefusedForm_LeadsBackToItsPage()
    {
        using PageReader owner = new(hub.Address);
        await owner.SignInAsync("alice");
        await owner.GetAsync("/new?owner=alice");
        owner.Referrer = new Uri(hub.Address, "/new?owner=alice");
        await owner.SubmitAsync("/new", ("name", "No Name"));
        Assert.Equal(HttpStatusCode.BadRequest, owner.Status);
        Assert.Equal(["/new?owner=alice"], Backs());
        owner.Referrer = new Uri("https://elsewhere.example/new");
        await owner.GetAsync("/new");
        await owner.SubmitAsync("/new", ("name", "No Name"));
        Assert.Empty(Backs());

        string[] Backs() => [.. owner.Document.QuerySelectorAll("a").Where(link => link.TextContent == "Back to the form")
            .Select(link => link.GetAttribute("href")!)];
    }

    [Fact]
    public async Task Image_ShowsEachLayerWithItsStep()
    {
        string name = await hub.NewRepositoryAsync();
        await hub.PushAsync(name, "v1", "stepped");
        using PageReader reader = new(hub.Address);
        await reader.GetAsync($"/r/{name}/-/tags/v1");
        string[] steps = [.. reader.Document.QuerySelectorAll(".layer pre").Select(step => step.TextContent)];
        Assert.Equal(["ADD file:1 in /", "CMD [\"sh\"]", "RUN echo stepped > /f"], steps);
        Assert.Equal(2, reader.Document.QuerySelectorAll(".layer .bar").Length);
        Assert.Contains("<i>stepped</i>", reader.Text, StringComparison.Ordinal);
        Assert.Contains("serve \"--port 80\"", reader.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Diary_ShowsMovesAndTakesThemBack()
    {
        string name = await hub.NewRepositoryAsync();
        string first = await hub.PushAsync(name, "stable", "first");
        await hub.PushAsync(name, "stable", "second");
        using PageReader reader = new(hub.Address);
        await reader.GetAsync($"/r/{name}/-/diary/stable");
        Assert.Equal(2, reader.Document.QuerySelectorAll(".diary > li").Length);
        Assert.Empty(reader.Document.QuerySelectorAll("main form[method=post]"));
        await reader.SignInAsync("alice");
        await reader.GetAsync($"/r/{name}/-/diary/stable");
        await reader.SubmitAsync($"/r/{name}/-/undo");
        Assert.Contains("The tag is back", reader.Text, StringComparison.Ordinal);
        Assert.Equal(first, (await hub.Services.Browsing.Tags.TryGetAsync(await IdAsync(name), "stable", default))!.Digest);
        string today = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd");
        await reader.GetAsync($"/r/{name}/-/tags/stable@{today}");
        Assert.Equal(HttpStatusCode.OK, reader.Status);
        Assert.Contains(first, reader.Text, StringComparison.Ordinal);
        await reader.GetAsync($"/r/{name}/-/tags/stable@2020-01-01");
        Assert.Equal(HttpStatusCode.NotFound, reader.Status);
    }

    [Fact]
    public async Task Settings_ChangeTextsVisibilityRulesAndDelete()
    {
        string name = await hub.NewRepositoryAsync();
        await hub.PushAsync(name, "a", "a");
        await hub.PushAsync(name, "b", "b");
        string settings = $"/r/{name}/-/settings";
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("alice");
        await reader.GetAsync(settings);
        await reader.SubmitAsync($"/r/{name}/-/texts", ("description", "New <words>"), ("readme", "\n# Title"));
        Assert.Equal("New <words>", reader.Document.QuerySelector("#description")!.GetAttribute("value"));
        await reader.SubmitAsync($"/r/{name}/-/freeze", ("pattern", "b*"));
        await reader.SubmitAsync($"/r/{name}/-/retention-add", ("what", "tags"), ("pattern", "*"), ("last", "0"), ("days", ""));
        await reader.SubmitAsync($"/r/{name}/-/retention-dry-run");
        Assert.Contains("would remove 1 tag", reader.Text, StringComparison.Ordinal);
        Assert.Equal(2, await hub.Services.Browsing.Tags.CountAsync(await IdAsync(name), default));
        await reader.GetAsync(settings);
        await reader.SubmitAsync($"/r/{name}/-/retention-run");
        Assert.Null(await hub.Services.Browsing.Tags.TryGetAsync(await IdAsync(name), "a", default));
        Assert.NotNull(await hub.Services.Browsing.Tags.TryGetAsync(await IdAsync(name), "b", default));
        TagMove last = (await hub.Services.Browsing.Diary.ListAsync(await IdAsync(name), "a", null, 1, default))[0];
        Assert.Equal(TagMoveReason.Retention, last.Reason);
        await reader.SubmitAsync($"/r/{name}/-/visibility", ("visibility", "private"));
        Assert.Equal(RepositoryAccess.None, await hub.Services.Access.OfAsync(Caller.Anonymous, RepositoryName.Parse(name), default));
        await reader.SubmitAsync($"/r/{name}/-/delete", ("confirm", "something else"));
        Assert.Equal(HttpStatusCode.BadRequest, reader.Status);
        await reader.GetAsync(settings);
        await reader.SubmitAsync($"/r/{name}/-/delete", ("confirm", name));
        await reader.GetAsync($"/r/{name}");
        Assert.Equal(HttpStatusCode.NotFound, reader.Status);
    }

    [Theory]
    [InlineData("texts")]
    [InlineData("visibility")]
    [InlineData("freeze")]
    [InlineData("retention-add")]
    [InlineData("retention-run")]
    [InlineData("delete")]
    [InlineData("undo")]
    [InlineData("delete-tag")]
    public async Task Form_OfSomebodyWithoutTheRight_IsRefused(string action)
    {
        string name = await hub.NewRepositoryAsync();
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("bob");
        await reader.GetAsync($"/r/{name}");
        string token = reader.Document.QuerySelector("[name=form-token]")!.GetAttribute("value")!;
        Dictionary<string, string> fields = new()
        {
            ["form-token"] = token, ["confirm"] = name, ["pattern"] = "*", ["tag"] = "v1", ["move"] = "1", ["what"] = "tags", ["last"] = "0",
        };
        await reader.PostAsync($"/r/{name}/-/{action}", fields, "same-origin");
        Assert.Equal(HttpStatusCode.Forbidden, reader.Status);
        Assert.NotNull(await hub.Services.Browsing.Search.TryGetAsync(RepositoryName.Parse(name), default));
    }

    [Fact]
    public async Task Form_FromElsewhere_IsRefused()
    {
        string name = await hub.NewRepositoryAsync();
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("alice");
        await reader.GetAsync($"/r/{name}/-/settings");
        string token = reader.Document.QuerySelector("[name=form-token]")!.GetAttribute("value")!;
        string action = $"/r/{name}/-/texts";
        await reader.PostAsync(action, new Dictionary<string, string> { ["description"] = "forged" }, "same-origin");
        Assert.Equal(HttpStatusCode.Forbidden, reader.Status);
        await reader.PostAsync(action, new Dictionary<string, string> { ["description"] = "forged", ["form-token"] = token }, "cross-site");
        Assert.Equal(HttpStatusCode.Forbidden, reader.Status);
        using PageReader other = new(hub.Address);
        await other.SignInAsync("alice");
        await other.PostAsync(action, new Dictionary<string, string> { ["description"] = "forged", ["form-token"] = token }, "same-origin");
        Assert.Equal(HttpStatusCode.Forbidden, other.Status);
        Assert.Equal("", (await hub.Services.Browsing.Search.TryGetAsync(RepositoryName.Parse(name), default))!.Description);
        await reader.PostAsync(action, new Dictionary<string, string> { ["description"] = "mine", ["form-token"] = token }, "same-origin");
        Assert.Equal(HttpStatusCode.SeeOther, reader.Status);
    }

    [Fact]
    public async Task SignIn_WrongThenRightThenOut()
    {
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("carol", "wrong password");
        Assert.Equal(HttpStatusCode.Unauthorized, reader.Status);
        Assert.Contains("no account with this name and password", reader.Text, StringComparison.Ordinal);
        await reader.SignInAsync("carol");
        await reader.GetAsync("/account");
        Assert.Equal(HttpStatusCode.OK, reader.Status);
        await reader.SubmitAsync("/signout");
        await reader.GetAsync("/account");
        Assert.Equal(HttpStatusCode.Unauthorized, reader.Status);
        AuditFilter ofCarol = new() { Subject = "carol" };
        Assert.Equal(
            [("user.sign-out", "carol"), ("user.sign-in", "carol"), ("user.sign-in-failed", "(anonymous)")],
            (await hub.Services.Accounts.Audit.ListAsync(ofCarol, null, 3, default)).Select(entry => (entry.Action, entry.Actor)));
    }

    [Theory]
    [InlineData("//evil.example/")]
    [InlineData("https://evil.example/")]
    [InlineData("/\\evil.example")]
    public async Task SignIn_LeadsBackToThisHubOnly(string back)
    {
        using PageReader reader = new(hub.Address);
        await reader.GetAsync("/signin?back=" + Uri.EscapeDataString(back));
        IHtmlFormElement form = reader.Document.QuerySelector<IHtmlFormElement>("form[action='/signin']")!;
        Dictionary<string, string> fields = form.QuerySelectorAll("input[type=hidden]")
            .ToDictionary(input => input.GetAttribute("name")!, input => input.GetAttribute("value") ?? "");
        fields["name"] = "alice";
        fields["password"] = PagesHub.Password;
        await reader.PostAsync("/signin", fields, "same-origin");
        Assert.Equal("/", reader.Response.Headers.Location!.ToString());
    }

    [Fact]
    public async Task SignUp_CannotTakeMoreThanAnAccount()
    {
        using PageReader reader = new(hub.Address);
        await reader.GetAsync("/signup");
        await reader.SubmitAsync(
            "/signup", ("name", "mallory"), ("password", PagesHub.Password), ("administrator", "yes"), ("is_administrator", "1"), ("role", "owner"));
        Assert.Equal(HttpStatusCode.OK, reader.Status);
        Assert.False((await hub.Services.Accounts.Users.FindAsync("mallory", default))!.IsAdministrator);
        await reader.GetAsync("/admin");
        Assert.Equal(HttpStatusCode.NotFound, reader.Status);
    }

    [Fact]
    public async Task Token_IsShownOnceAndWorksUntilItIsRevoked()
    {
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("bob");
        await reader.GetAsync("/account/tokens");
        await reader.SubmitAsync("/account/tokens", ("name", "laptop"), ("may", "pull"), ("repositories", "bob/*"), ("days", "30"));
        string secret = reader.Document.QuerySelector(".secret code")!.TextContent;
        Assert.StartsWith("bhp_", secret, StringComparison.Ordinal);
        await reader.GetAsync("/account/tokens");
        Assert.DoesNotContain(secret, reader.Text, StringComparison.Ordinal);
        Assert.Contains("bob/*:pull", reader.Text, StringComparison.Ordinal);
        await reader.SubmitAsync("/account/tokens/revoke", ("name", "laptop"));
        Assert.Contains("revoked", reader.Text, StringComparison.Ordinal);
        Assert.Null(await hub.Services.Accounts.SignIn.WithTokenAsync(secret, "bob", null, default));
    }

    [Fact]
    public async Task Organisation_IsMadeWithPeopleAndTeams()
    {
        using PageReader reader = new(hub.Address);
        await reader.SignInAsync("carol");
        await reader.GetAsync("/account/organisations");
        await reader.SubmitAsync("/account/organisations", ("name", "harbour"), ("display-name", "The harbour"));
        await reader.SubmitAsync("/u/harbour/-/member", ("user", "bob"), ("role", "member"));
        await reader.SubmitAsync("/u/harbour/-/team", ("team", "pilots"), ("description", "They bring ships in"));
        await reader.SubmitAsync("/u/harbour/-/team-member", ("team", "pilots"), ("user", "bob"));
        await reader.SubmitAsync("/u/harbour/-/team-permission", ("team", "pilots"), ("repository", "harbour/*"), ("access", "push"));
        Assert.Contains("harbour/* pull, push", reader.Text, StringComparison.Ordinal);
        using PageReader member = new(hub.Address);
        await member.SignInAsync("bob");
        await member.GetAsync("/u/harbour/-/people");
        Assert.Equal(HttpStatusCode.OK, member.Status);
        Assert.Empty(member.Document.QuerySelectorAll("main form[method=post]"));
        using PageReader stranger = new(hub.Address);
        await stranger.GetAsync("/u/harbour/-/people");
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.Status);
    }

    [Theory]
    [InlineData("/r/../../etc/passwd")]
    [InlineData("/r/%2e%2e/%2e%2e/etc/passwd")]
    [InlineData("/r/alice%2f..%2fbob")]
    [InlineData("/r/Alice/App")]
    [InlineData("/r/alice//app")]
    [InlineData("/r/-/tags")]
    [InlineData("/r/alice/app/-/")]
    [InlineData("/r/alice/app/-/tags/..%2f..%2fx")]
    [InlineData("/u/%3Cscript%3E")]
    [InlineData("/assets/..%2f..%2fhub.db")]
    public async Task Name_ThatIsNone_IsNotFound(string path)
    {
        using PageReader reader = new(hub.Address);
        await reader.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, reader.Status);
    }

    [Fact]
    public async Task Name_OfTenKilobytes_IsRefused()
    {
        using PageReader reader = new(hub.Address);
        await reader.GetAsync("/r/" + new string('a', 5_000));
        Assert.Equal(HttpStatusCode.NotFound, reader.Status);
        await reader.GetAsync("/r/" + new string('a', 10_000));
        Assert.Equal(HttpStatusCode.RequestUriTooLong, reader.Status);
    }

    [Fact]
    public async Task Theme_WithoutAScript_ChangesByTheForm()
    {
        using PageReader reader = new(hub.Address);
        await reader.GetAsync("/search?q=x");
        Assert.Null(reader.Document.DocumentElement.GetAttribute("data-theme"));
        await reader.SubmitAsync("/theme");
        Assert.Equal("dark", reader.Document.DocumentElement.GetAttribute("data-theme"));
        Assert.Equal("x", reader.Document.QuerySelector("#q")!.GetAttribute("value"));
        await reader.GetAsync("/u/caf%C3%A9?x=%E2%82%AC");
        await reader.SubmitAsync("/theme");
        Assert.Equal("/u/caf%C3%A9?x=%E2%82%AC", reader.Response.RequestMessage!.RequestUri!.PathAndQuery);
        Assert.Equal("light", reader.Document.DocumentElement.GetAttribute("data-theme"));
    }

    [Fact]
    public async Task Asset_IsKeptForeverUnderItsHashAndCompressed()
    {
        using PageReader reader = new(hub.Address);
        await reader.GetAsync("/");
        string style = reader.Document.QuerySelector("link[rel=stylesheet]")!.GetAttribute("href")!;
        using HttpClient client = hub.Client();
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(style, UriKind.Relative));
        request.Headers.Add("Accept-Encoding", "br");
        using HttpResponseMessage response = await client.SendAsync(request);
        Assert.Equal("text/css", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("br", Assert.Single(response.Content.Headers.ContentEncoding));
        Assert.Contains("immutable", response.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
        using HttpRequestMessage again = new(HttpMethod.Get, new Uri(style, UriKind.Relative));
        again.Headers.IfNoneMatch.Add(response.Headers.ETag!);
        using HttpResponseMessage notModified = await client.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, notModified.StatusCode);
    }

    private async Task<long> IdAsync(string name) =>
        (await hub.Services.Browsing.Search.TryGetAsync(RepositoryName.Parse(name), default))!.Id;

    private static void RequireStructure(PageReader reader, string page)
    {
        IDocument document = reader.Document;
        Assert.Equal(PageHeaders.ContentSecurityPolicy, reader.Response.Headers.GetValues("Content-Security-Policy").Single());
        Assert.Equal("nosniff", reader.Response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.True(reader.Response.Headers.CacheControl!.NoStore, page);
        Assert.Equal("en", document.DocumentElement.GetAttribute("lang"));
        Assert.Single(document.QuerySelectorAll("h1"));
        int[] levels = [.. document.QuerySelectorAll("h1, h2, h3, h4, h5, h6").Select(heading => heading.LocalName[1] - '0')];
        Assert.True(levels[0] == 1 && levels.Zip(levels.Skip(1)).All(pair => pair.Second <= pair.First + 1),
            $"{page}: the outline skips a level: {string.Join(' ', levels)}");
        Assert.Single(document.QuerySelectorAll("main"));
        Assert.NotNull(document.QuerySelector("a.skip[href='#content']"));
        Assert.All(document.QuerySelectorAll("script"), script => Assert.True(script.HasAttribute("src") && script.TextContent == "", page));
        Assert.Empty(document.QuerySelectorAll("style"));
        string[] ids = [.. document.QuerySelectorAll("[id]").Select(element => element.Id!)];
        Assert.True(ids.Length == ids.Distinct().Count(), $"{page}: an id twice: {string.Join(' ', ids.GroupBy(id => id).Where(g => g.Count() > 1).Select(g => g.Key))}");
        foreach (IElement element in document.All)
        {
            Assert.DoesNotContain(element.Attributes, attribute => attribute.Name.StartsWith("on", StringComparison.Ordinal) || attribute.Name == "style");
            foreach (string reference in new[] { "aria-labelledby", "aria-describedby", "for" })
                Assert.True(element.GetAttribute(reference) is not { } id || ids.Contains(id), $"{page}: {reference} leads nowhere: {element.OuterHtml}");
        }
        foreach (IElement field in document.QuerySelectorAll("input:not([type=hidden]), select, textarea").Where(field => field.Closest("article") is null))
            Assert.True(document.QuerySelector($"label[for='{field.Id}']") is not null || field.HasAttribute("aria-label"), $"{page}: no label: {field.OuterHtml}");
        foreach (IElement control in document.QuerySelectorAll("a, button, summary"))
            Assert.True(control.TextContent.Trim().Length > 0 || control.HasAttribute("aria-label"), $"{page}: no name: {control.OuterHtml}");
        foreach (IElement form in document.QuerySelectorAll("form[method=post]"))
            Assert.True(form.QuerySelector("input[name=form-token]") is not null, $"{page}: a form without a token");
        foreach (IElement table in document.QuerySelectorAll("main table").Where(table => table.Closest("article") is null))
            Assert.All(table.QuerySelectorAll("th"), heading => Assert.Equal("col", heading.GetAttribute("scope")));
    }
}
