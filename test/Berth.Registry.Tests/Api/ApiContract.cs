using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Model;
using Berth.Registry.Protocol;
using Berth.Registry.Repositories;
using Berth.Registry.Retention;
using Berth.Registry.Tests.Pages;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Registry.Tests.Api;

/// <summary>The JSON API over HTTP, on both databases.</summary>
public abstract class ApiContract(PagesHub hub)
{
    [Fact]
    public async Task Repositories_AreListedPageByPageWithoutGapOrDouble()
    {
        List<string> made = [];
        for (int i = 0; i < 7; i++)
            made.Add(await hub.NewRepositoryAsync(description: "pagedword"));
        foreach (string sort in new[] { "name", "popular", "updated" })
        {
            List<string> seen = [];
            string? after = null;
            do
            {
                string path = $"/api/v1/repositories?q=pagedword&limit=3&sort={sort}" + (after is null ? "" : "&after=" + Uri.EscapeDataString(after));
                JsonElement page = await GetAsync(null, path);
                seen.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("name").GetString()!));
                after = page.TryGetProperty("next", out JsonElement next) ? next.GetString() : null;
            }
            while (after is not null);
            Assert.Equal(made.Order(), seen.Order());
        }
    }

    [Theory]
    [InlineData("'; drop table repositories; --")]
    [InlineData("\" OR 1=1")]
    [InlineData("* NEAR x")]
    [InlineData("a & b | !c")]
    [InlineData("%")]
    [InlineData("\0")]
    [InlineData("((((")]
    public async Task Search_OfAnything_Answers(string text)
    {
        JsonElement page = await GetAsync(null, "/api/v1/repositories?q=" + Uri.EscapeDataString(text));
        Assert.Equal(JsonValueKind.Array, page.GetProperty("items").ValueKind);
    }

    [Theory]
    [InlineData("sort=name&after=0~0~%27;drop")]
    [InlineData("after=1~1~")]
    [InlineData("owner=%00")]
    [InlineData("owner=nobody-has-this&sort=starred")]
    [InlineData("limit=0")]
    [InlineData("limit=999999999")]
    public async Task List_WithAnyMarkOrLimit_Answers(string query) =>
        Assert.Equal(JsonValueKind.Array, (await GetAsync(null, "/api/v1/repositories?" + query)).GetProperty("items").ValueKind);

    [Theory]
    [InlineData("GET", "repositories?ownr=x", "ownr: the query may not name this; known here: q, owner, visibility, is, sort, after, limit")]
    [InlineData("GET", "repositories?visibility=foo", "visibility: foo is none of private, public")]
    [InlineData("GET", "repositories?sort=foo", "sort: foo is none of best, popular, starred, updated, name")]
    [InlineData("GET", "repositories?is=foo", "is: foo is none of official, verified")]
    [InlineData("GET", "repositories?after=junk", "after: the \"next\" of the page before is expected")]
    [InlineData("GET", "repositories?sort=name&after=0~0~a%00b", "after: the \"next\" of the page before is expected")]
    [InlineData("GET", "repositories?limit=many", "limit: a number is expected")]
    [InlineData("GET", "repositories?sort=name&sort=name", "sort: it stands in the query more than once")]
    [InlineData("GET", "repositories/NAME?x", "x: the query may not name this; this call takes no query")]
    [InlineData("DELETE", "repositories/NAME?dryRun=true", "dryRun: the query may not name this; this call takes no query")]
    [InlineData("GET", "repositories/NAME/-/tags?sort=size", "sort: size is none of name, updated")]
    [InlineData("GET", "repositories/NAME/-/tags?after=x", "after: the \"next\" of the page before is expected")]
    [InlineData("GET", "repositories/NAME/-/diary?after=1", "after: the query may not name this; known here: tag, before, limit")]
    [InlineData("POST", "repositories/NAME/-/retention/run?dryRun=true", "dryRun: the query may not name this; known here: dry-run")]
    [InlineData("POST", "repositories/NAME/-/retention/run?dry-run=yes", "dry-run: yes is none of true, false")]
    [InlineData("POST", "repositories/NAME/-/retention/run?dry-run=true&dry-run=false", "dry-run: it stands in the query more than once")]
    [InlineData("POST", "admin/collect?dry-run=true", "dry-run: the query may not name this; this call takes no query")]
    [InlineData("GET", "admin/audit?after=1", "after: the query may not name this; known here: subject, action, before, limit")]
    [InlineData("GET", "account/tokens?after=1", "after: the query may not name this; this call takes no query")]
    public async Task Query_ThatACallDoesNotKnow_IsRefused(string method, string path, string message)
    {
        string name = await hub.NewRepositoryAsync("alice");
        await hub.PushAsync(name, "v1", "unknown query", "alice");
        string root = $"/api/v1/repositories/{name}/-";
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("alice", HttpMethod.Post, $"{root}/retention", "{\"pattern\":\"*\",\"keepLast\":0}"));
        using HttpResponseMessage response = await hub.AskAsync(
            "alice", new HttpMethod(method), "/api/v1/" + path.Replace("NAME", name, StringComparison.Ordinal), null);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        JsonElement error = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(("invalid", message), (error.GetProperty("error").GetString(), error.GetProperty("message").GetString()));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("alice", HttpMethod.Get, $"{root}/tags/v1"));
    }

    [Fact]
    public async Task Tags_WithAFilterThatNoNameCanHave_AreNone()
    {
        string name = await hub.NewRepositoryAsync();
        await hub.PushAsync(name, "v1", "filtered");
        JsonElement none = await GetAsync(null, $"/api/v1/repositories/{name}/-/tags?filter=%00");
        Assert.Equal(0, none.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task PrivateRepository_IsNotFoundForOthers()
    {
        string name = await hub.NewRepositoryAsync(isPrivate: true, description: "unheardof");
        await hub.PushAsync(name, "v1", "x");
        foreach (string? user in new[] { null, "bob" })
        {
            foreach (string rest in new[] { "", "/-/tags", "/-/tags/v1", "/-/diary", "/-/retention", "/-/immutable-tags" })
                Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(user, HttpMethod.Get, $"/api/v1/repositories/{name}{rest}"));
            foreach (string rest in new[] { "", "/-/tags/v1", "/-/star" })
                Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(user, HttpMethod.Delete, $"/api/v1/repositories/{name}{rest}"));
            Assert.Equal(0, (await GetAsync(user, "/api/v1/repositories?q=unheardof")).GetProperty("items").GetArrayLength());
            Assert.Equal(0, (await GetAsync(user, "/v1/search?q=unheardof")).GetProperty("num_results").GetInt32());
        }
        Assert.Equal(1, (await GetAsync("alice", "/api/v1/repositories?q=unheardof")).GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task Tag_IsReadAsItWasAndPutBack()
    {
        string name = await hub.NewRepositoryAsync();
        string first = await hub.PushAsync(name, "stable", "first");
        string second = await hub.PushAsync(name, "stable", "second");
        string root = $"/api/v1/repositories/{name}/-";
        string today = DateTimeOffset.UtcNow.AddMinutes(1).ToString("yyyy-MM-dd");
        Assert.Equal(second, (await GetAsync(null, $"{root}/tags/stable@{today}")).GetProperty("digest").GetString());
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(null, HttpMethod.Get, $"{root}/tags/stable@2020-01-01"));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync(null, HttpMethod.Get, $"{root}/tags/stable@yesterday"));
        JsonElement diary = await GetAsync(null, $"{root}/diary?tag=stable");
        JsonElement[] moves = [.. diary.GetProperty("items").EnumerateArray()];
        Assert.Equal([second, first], moves.Select(move => move.GetProperty("to").GetString()));
        Assert.Equal("alice", moves[0].GetProperty("by").GetString());
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(null, HttpMethod.Post, $"{root}/undo", "{\"tag\":\"stable\",\"move\":1}"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync("bob", HttpMethod.Post, $"{root}/undo", "{\"tag\":\"stable\",\"move\":1}"));
        long move = moves[0].GetProperty("id").GetInt64();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("alice", HttpMethod.Post, $"{root}/undo", $"{{\"tag\":\"stable\",\"move\":{move}}}"));
        Assert.Equal(first, (await GetAsync(null, $"{root}/tags/stable")).GetProperty("digest").GetString());
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("alice", HttpMethod.Post, $"{root}/undo", $"{{\"tag\":\"stable\",\"digest\":\"{second}\"}}"));
        JsonElement image = await GetAsync(null, $"{root}/tags/stable");
        Assert.Equal(second, image.GetProperty("digest").GetString());
        Assert.Equal(["stable"], image.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()));
        Assert.Equal("RUN", image.GetProperty("steps")[2].GetProperty("instruction").GetString());
    }

    [Fact]
    public async Task ProtocolClient_ReadsATagAsItWas()
    {
        string name = await hub.NewRepositoryAsync();
        string digest = await hub.PushAsync(name, "stable", "first");
        string today = DateTimeOffset.UtcNow.AddMinutes(1).ToString("yyyy-MM-dd");
        using HttpClient client = hub.Client("alice");
        using HttpResponseMessage then = await client.GetAsync(new Uri($"/v2/{name}/manifests/stable?at={today}", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, then.StatusCode);
        Assert.Equal(digest, then.Headers.GetValues("Docker-Content-Digest").Single());
        using HttpResponseMessage before = await client.GetAsync(new Uri($"/v2/{name}/manifests/stable?at=2020-01-01", UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, before.StatusCode);
        using HttpResponseMessage wrong = await client.GetAsync(new Uri($"/v2/{name}/manifests/stable?at=yesterday", UriKind.Relative));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
    }

    [Fact]
    public async Task ImmutableTag_IsRefusedToClientsThatPushOrDelete()
    {
        string name = await hub.NewRepositoryAsync();
        string root = $"/api/v1/repositories/{name}/-";
        string digest = await hub.PushAsync(name, "v1", "first");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("alice", HttpMethod.Post, $"{root}/immutable-tags", "{\"pattern\":\"v*\"}"));
        using HttpClient client = hub.Client("alice");
        string manifest = await client.GetStringAsync(new Uri($"/v2/{name}/manifests/v1", UriKind.Relative));
        using HttpResponseMessage same = await PagesHub.PutAsync(client, name, "v1", manifest);
        Assert.Equal(HttpStatusCode.Created, same.StatusCode);
        using HttpResponseMessage moved = await PagesHub.PutAsync(client, name, "v1", manifest + "\n");
        Assert.Equal(HttpStatusCode.Conflict, moved.StatusCode);
        Assert.Contains("immutable", await moved.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using HttpResponseMessage deleted = await client.DeleteAsync(new Uri($"/v2/{name}/manifests/v1", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Conflict, deleted.StatusCode);
        using HttpResponseMessage image = await client.DeleteAsync(new Uri($"/v2/{name}/manifests/{digest}", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Conflict, image.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, await StatusAsync("alice", HttpMethod.Delete, $"{root}/tags/v1"));
        Assert.Equal(digest, (await GetAsync(null, $"{root}/tags/v1")).GetProperty("digest").GetString());
    }

    [Fact]
    public async Task Deletion_ByProtocol_StandsInTheDiary()
    {
        string name = await hub.NewRepositoryAsync();
        string digest = await hub.PushAsync(name, "a", "x");
        await hub.PushAsync(name, "b", "x");
        await hub.PushAsync(name, "c", "x");
        using HttpClient client = hub.Client("alice");
        using HttpResponseMessage tag = await client.DeleteAsync(new Uri($"/v2/{name}/manifests/a", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Accepted, tag.StatusCode);
        using HttpResponseMessage image = await client.DeleteAsync(new Uri($"/v2/{name}/manifests/{digest}", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Accepted, image.StatusCode);
        JsonElement diary = await GetAsync(null, $"/api/v1/repositories/{name}/-/diary");
        JsonElement[] gone = [.. diary.GetProperty("items").EnumerateArray().Where(move => !move.TryGetProperty("to", out _))];
        Assert.Equal(["a", "b", "c"], gone.Select(move => move.GetProperty("tag").GetString()).Order());
        Assert.All(gone, move => Assert.Equal(("delete", "alice", digest), (
            move.GetProperty("reason").GetString(), move.GetProperty("by").GetString(), move.GetProperty("from").GetString())));
    }

    [Fact]
    public async Task Retention_DryRunAndRunAgree()
    {
        string name = await hub.NewRepositoryAsync();
        string root = $"/api/v1/repositories/{name}/-";
        foreach (string tag in new[] { "pr-1", "pr-2", "pr-3", "latest" })
            await hub.PushAsync(name, tag, tag);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("alice", HttpMethod.Post, $"{root}/retention", "{\"pattern\":\"pr-*\",\"keepLast\":1}"));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync("alice", HttpMethod.Post, $"{root}/retention", "{\"pattern\":\"pr-*\"}"));
        JsonElement dry = await SendAsync("alice", HttpMethod.Post, $"{root}/retention/run?dry-run=true");
        Assert.Equal(4, (await GetAsync(null, $"{root}/tags")).GetProperty("items").GetArrayLength());
        JsonElement run = await SendAsync("alice", HttpMethod.Post, $"{root}/retention/run");
        Assert.Equal(Names(dry), Names(run));
        Assert.Equal(["pr-1", "pr-2"], Names(run));
        JsonElement left = await GetAsync(null, $"{root}/tags?sort=name");
        Assert.Equal(["latest", "pr-3"], left.GetProperty("items").EnumerateArray().Select(tag => tag.GetProperty("name").GetString()));

        static IEnumerable<string?> Names(JsonElement plan) =>
            plan.GetProperty("removed").EnumerateArray().Select(tag => tag.GetProperty("tag").GetString()).Order();
    }

    [Fact]
    public async Task Retention_IsInTheDiary_WithWhoRanIt()
    {
        string name = await hub.NewRepositoryAsync();
        await hub.PushAsync(name, "pr-1", "first");
        long id = (await hub.Services.Browsing.Search.TryGetAsync(RepositoryName.Parse(name), default))!.Id;
        await hub.Services.Browsing.Retention.AddAsync(
            hub.Alice, id, new RetentionRule { Pattern = TagPattern.Parse("pr-*"), KeepLast = 1 }, default);
        await hub.PushAsync(name, "pr-2", "second");
        await SendAsync("alice", HttpMethod.Post, $"/api/v1/repositories/{name}/-/retention/run");
        await hub.PushAsync(name, "pr-3", "third");
        await new RetentionJob(hub.Services.Browsing.Retention, NullLogger<RetentionJob>.Instance).RunAsync(default);
        JsonElement diary = await GetAsync(null, $"/api/v1/repositories/{name}/-/diary");
        Assert.Equal(["(retention)", "alice"], diary.GetProperty("items").EnumerateArray()
            .Where(move => move.GetProperty("reason").GetString() == "retention").Select(move => move.GetProperty("by").GetString()));
        using HttpClient client = hub.Client();
        string page = await client.GetStringAsync(new Uri($"/r/{name}/-/diary", UriKind.Relative));
        Assert.Contains("The retention rules removed", page, StringComparison.Ordinal);
        Assert.Contains("By the retention rules, alice removed", page, StringComparison.Ordinal);
    }

    private async Task<int> SizeAsync(string name, string digest)
    {
        using HttpClient client = hub.Client("alice");
        return (await client.GetByteArrayAsync(new Uri($"/v2/{name}/manifests/{digest}", UriKind.Relative))).Length;
    }

    [Fact]
    public async Task Sizes_AreOfWhatIsStored_WhateverManifestsSay()
    {
        string name = await hub.NewRepositoryAsync();
        await hub.PushAsync(name, "v1", "sizes");
        // As one that was pulled through, or pushed to an older hub: one blob is here and smaller than it says, others are not.
        string layer = Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", "base");
        string document = $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{{Descriptor("application/vnd.oci.image.config.v1+json", "nowhere")}},
            "layers":[{{layer}},{{Descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "elsewhere")}}]}
            """;
        string image = await StoreAsync(name, "huge", document);
        await StoreAsync(name, "sparse", $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
            {{Descriptor("application/vnd.oci.image.manifest.v1+json", document)}},{{Descriptor("application/vnd.oci.image.manifest.v1+json", "absent")}}]}
            """);
        string root = $"/api/v1/repositories/{name}/-";
        foreach (JsonElement one in new[] { await GetAsync(null, $"{root}/tags/huge"), await GetAsync(null, $"{root}/images/{image}") })
        {
            JsonElement whole = Assert.Single(one.GetProperty("platforms").EnumerateArray());
            Assert.Equal((4, true, 2), (whole.GetProperty("bytes").GetInt64(), whole.GetProperty("here").GetBoolean(), whole.GetProperty("blobsMissing").GetInt32()));
            Assert.Equal([4, null], one.GetProperty("steps").EnumerateArray().Select(
                step => step.TryGetProperty("bytes", out JsonElement bytes) && bytes.ValueKind == JsonValueKind.Number ? bytes.GetInt64() : (long?)null));
        }
        JsonElement[] platforms = [.. (await GetAsync(null, $"{root}/tags/sparse")).GetProperty("platforms").EnumerateArray()];
        Assert.Equal([(4, true), (0, false)], platforms.Select(one => (one.GetProperty("bytes").GetInt64(), one.GetProperty("here").GetBoolean())));
        using HttpClient client = hub.Client("alice");
        foreach (string path in new[] { "", "/-/tags", "/-/tags/huge", "/-/tags/sparse", $"/-/images/{image}" })
        {
            string page = await client.GetStringAsync(new Uri($"/r/{name}{path}", UriKind.Relative));
            Assert.DoesNotContain(" PB", page, StringComparison.Ordinal);
            Assert.DoesNotContain("1000000000000000", page, StringComparison.Ordinal);
        }
        Assert.Contains("4 B, 2 blobs not here", await client.GetStringAsync(new Uri($"/r/{name}/-/tags/huge", UriKind.Relative)), StringComparison.Ordinal);
        // What was missing comes.
        using HttpResponseMessage pushed = await client.PostAsync(new Uri(
            $"/v2/{name}/blobs/uploads/?digest={DigestOf("elsewhere")}", UriKind.Relative), new StringContent("elsewhere"));
        Assert.Equal(HttpStatusCode.Created, pushed.StatusCode);
        Assert.Equal(13, (await GetAsync(null, $"{root}/tags/huge")).GetProperty("platforms")[0].GetProperty("bytes").GetInt64());
    }

    private static Digest DigestOf(string content) => Digest.Of(Encoding.UTF8.GetBytes(content));

    private static string Descriptor(string type, string content) =>
        $$"""{"mediaType":"{{type}}","digest":"{{DigestOf(content)}}","size":1000000000000000}""";

    private async Task<string> StoreAsync(string name, string tag, string document)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(document);
        await hub.Services.Database.WriteAsync(
            async (transaction, token) =>
            {
                RepositoryRow row = (await RepositoryTable.FindAsync(transaction, RepositoryName.Parse(name), token))!;
                await ManifestTable.AddFetchedAsync(
                    transaction, row, Digest.Of(bytes), ManifestDocument.Parse(bytes, null), bytes, 0, token);
                await TagTable.SetAsync(transaction, row, tag, Digest.Of(bytes), hub.Alice, 0, token);
                return true;
            }, default);
        return Digest.Of(bytes).ToString();
    }

    [Fact]
    public async Task Retention_OfUntaggedImages_SparesWhatAnIndexNames()
    {
        string name = await hub.NewRepositoryAsync();
        string left = await hub.PushAsync(name, "v1", "left over");
        string child = await hub.PushAsync(name, "v1", "child");
        using HttpClient client = hub.Client("alice");
        string index = $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{child}}","size":{{await SizeAsync(name, child)}}}]}
            """;
        using StringContent content = new(index, Encoding.UTF8, "application/vnd.oci.image.index.v1+json");
        using HttpResponseMessage put = await client.PutAsync(new Uri($"/v2/{name}/manifests/v1", UriKind.Relative), content);
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        RetentionRule rule = new() { KeepDays = 0 };
        long id = (await hub.Services.Browsing.Search.TryGetAsync(RepositoryName.Parse(name), default))!.Id;
        await hub.Services.Browsing.Retention.AddAsync(hub.Alice, id, rule, default);
        // Older than the millisecond in which it was pushed.
        long pushed = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        while (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() <= pushed)
            await Task.Yield();
        JsonElement run = await SendAsync("alice", HttpMethod.Post, $"/api/v1/repositories/{name}/-/retention/run");
        Assert.Equal([left], run.GetProperty("removedImages").EnumerateArray().Select(image => image.GetString()));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(null, HttpMethod.Get, $"/api/v1/repositories/{name}/-/images/{left}"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(null, HttpMethod.Get, $"/api/v1/repositories/{name}/-/images/{child}"));
    }

    [Theory]
    [InlineData("{\"description\":\"x\",\"administrator\":true}")]
    [InlineData("{\"visibility\":\"secret\"}")]
    [InlineData("{\"name\":\"alice/other\"}")]
    [InlineData("{\"description\":5}")]
    [InlineData("{\"description\":\"a\",\"description\":\"b\"}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("{\"description\":\"two\\nlines\"}")]
    public async Task Change_ThatIsNotUnderstood_IsRefusedWhole(string body)
    {
        string name = await hub.NewRepositoryAsync(description: "before");
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync("alice", HttpMethod.Patch, $"/api/v1/repositories/{name}", body));
        Assert.Equal("before", (await GetAsync(null, $"/api/v1/repositories/{name}")).GetProperty("description").GetString());
    }

    [Fact]
    public async Task Change_ByAFormOfAnotherSite_IsRefused()
    {
        string name = await hub.NewRepositoryAsync();
        using HttpClient client = hub.Client("alice");
        using StringContent plain = new("{\"description\":\"x\"}", Encoding.UTF8, "text/plain");
        using HttpResponseMessage response = await client.PatchAsync(new Uri($"/api/v1/repositories/{name}", UriKind.Relative), plain);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Repository_IsMadeStarredAndDeleted()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(null, HttpMethod.Post, "/api/v1/repositories", "{\"name\":\"bob/mine\"}"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync("carol", HttpMethod.Post, "/api/v1/repositories", "{\"name\":\"bob/mine\"}"));
        Assert.Equal(HttpStatusCode.Created, await StatusAsync("bob", HttpMethod.Post, "/api/v1/repositories", "{\"name\":\"bob/mine\",\"visibility\":\"public\"}"));
        Assert.Equal(HttpStatusCode.Conflict, await StatusAsync("bob", HttpMethod.Post, "/api/v1/repositories", "{\"name\":\"bob/mine\"}"));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync("bob", HttpMethod.Post, "/api/v1/repositories", "{\"name\":\"bob/../x\"}"));
        for (int i = 0; i < 2; i++)
            Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("carol", HttpMethod.Put, "/api/v1/repositories/bob/mine/-/star"));
        Assert.Equal(1, (await GetAsync(null, "/api/v1/repositories/bob/mine")).GetProperty("stars").GetInt32());
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("carol", HttpMethod.Delete, "/api/v1/repositories/bob/mine/-/star"));
        Assert.Equal(0, (await GetAsync(null, "/api/v1/repositories/bob/mine")).GetProperty("stars").GetInt32());
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync("carol", HttpMethod.Delete, "/api/v1/repositories/bob/mine"));
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("bob", HttpMethod.Delete, "/api/v1/repositories/bob/mine"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync("bob", HttpMethod.Get, "/api/v1/repositories/bob/mine"));
    }

    [Theory]
    [InlineData("{\"owner\":\"x\"}", "read body: $.owner: this call has no such field, or one of another kind")]
    [InlineData("{\"readme\":1}", "read body: $.readme: this call has no such field, or one of another kind")]
    [InlineData("[]", "read body: an object with this call's fields is expected")]
    [InlineData("{\"readme\":}", "read body: '}' is an invalid start of a value.")]
    public async Task Body_ThatDoesNotFit_IsToldInTheCallersWords(string body, string message)
    {
        string name = await hub.NewRepositoryAsync("carol");
        using HttpResponseMessage response = await hub.AskAsync("carol", HttpMethod.Patch, $"/api/v1/repositories/{name}", body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(
            message, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("build server"), InlineData("100%"), InlineData("%2F"), InlineData("a?b#c"), InlineData("..."), InlineData("\\ü\"")]
    public async Task Token_OfAnyNameThatIsTaken_IsRevokedByTheApi(string name)
    {
        string body = $$"""{"name":{{JsonSerializer.Serialize(name)}}}""";
        Assert.Equal(HttpStatusCode.Created, await StatusAsync("carol", HttpMethod.Post, "/api/v1/account/tokens", body));
        Assert.Equal(
            HttpStatusCode.NoContent,
            await StatusAsync("carol", HttpMethod.Delete, $"/api/v1/account/tokens/{Uri.EscapeDataString(name)}"));
    }

    [Fact]
    public async Task Readme_WithTheCharacterNul_IsRefusedForThat()
    {
        string name = await hub.NewRepositoryAsync("carol");
        using HttpResponseMessage response = await hub.AskAsync(
            "carol", HttpMethod.Patch, $"/api/v1/repositories/{name}", "{\"readme\":\"a\\u0000b\"}");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("NUL", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeletedRepository_GivesItsQuotaBackOnce()
    {
        string kept = await hub.NewRepositoryAsync("carol");
        string gone = await hub.NewRepositoryAsync("carol");
        await hub.PushAsync(kept, "v1", "quota one", "carol");
        long before = await UsedAsync();
        await hub.PushAsync(gone, "v1", "quota one", "carol");
        long manifest = (await hub.Services.Database.ReadAsync(
            (transaction, token) => transaction.NumberAsync(
                $"select m.bytes from manifests m join repositories r on r.id = m.repository_id where r.name = {gone}", token), default))!.Value;
        // The same blobs once more; each repository has the manifest for itself.
        Assert.Equal(before + manifest, await UsedAsync());
        await hub.PushAsync(gone, "v2", "quota two", "carol");
        Assert.True(await UsedAsync() > before);
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("carol", HttpMethod.Delete, $"/api/v1/repositories/{gone}"));
        Assert.Equal(before, await UsedAsync());

        async Task<long> UsedAsync() => await hub.Services.Database.ReadAsync(
            (transaction, token) => transaction.NumberAsync($"select bytes_used from quotas where namespace = {"carol"}", token), default) ?? 0;
    }

    [Fact]
    public async Task Account_TokensAndWhatANarrowedOneMay()
    {
        JsonElement made = await SendAsync(
            "bob", HttpMethod.Post, "/api/v1/account/tokens", "{\"name\":\"narrow\",\"scopes\":[\"bob/*:pull\"]}");
        string secret = made.GetProperty("secret").GetString()!;
        using HttpClient client = hub.Client();
        client.DefaultRequestHeaders.Authorization = new("Bearer", secret);
        using HttpResponseMessage account = await client.GetAsync(new Uri("/api/v1/account", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Forbidden, account.StatusCode);
        using HttpResponseMessage list = await client.GetAsync(new Uri("/api/v1/repositories", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, list.StatusCode);
        // What bob likes is not among what the token is for, though it may pull here.
        Assert.Equal(HttpStatusCode.Created, await StatusAsync("bob", HttpMethod.Post, "/api/v1/repositories", "{\"name\":\"bob/liked\"}"));
        using HttpResponseMessage star = await client.PutAsync(new Uri("/api/v1/repositories/bob/liked/-/star", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.Forbidden, star.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("bob", HttpMethod.Delete, "/api/v1/repositories/bob/liked"));
        JsonElement tokens = await GetAsync("bob", "/api/v1/account/tokens");
        Assert.False(tokens.GetProperty("items")[0].TryGetProperty("secret", out _));
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("bob", HttpMethod.Delete, "/api/v1/account/tokens/narrow"));
        using HttpResponseMessage revoked = await client.GetAsync(new Uri("/api/v1/repositories", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Unauthorized, revoked.StatusCode);
    }

    [Fact]
    public async Task Account_CannotMakeItselfMore()
    {
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync("bob", HttpMethod.Patch, "/api/v1/account", "{\"administrator\":true}"));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync("bob", HttpMethod.Patch, "/api/v1/account", "{\"isAdministrator\":true}"));
        Assert.False((await GetAsync("bob", "/api/v1/account")).GetProperty("administrator").GetBoolean());
    }

    [Theory]
    [InlineData("GET", "figures")]
    [InlineData("GET", "users")]
    [InlineData("POST", "users")]
    [InlineData("POST", "invitations")]
    [InlineData("POST", "collect")]
    [InlineData("POST", "collect?dry-run=true")]
    [InlineData("GET", "audit")]
    public async Task Administration_IsNotThereForOthers(string method, string call)
    {
        foreach (string? user in new[] { null, "bob" })
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(user, new HttpMethod(method), $"/api/v1/admin/{call}", method == "GET" ? null : "{}"));
    }

    [Fact]
    public async Task Administration_ListsUsersAndWhatWasDone()
    {
        Assert.Equal(HttpStatusCode.Created, await StatusAsync("alice", HttpMethod.Post, "/api/v1/admin/users", "{\"name\":\"dave\",\"password\":\"long enough it is\"}"));
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync("alice", HttpMethod.Patch, "/api/v1/admin/users/dave", "{\"blocked\":true}"));
        JsonElement users = await GetAsync("alice", "/api/v1/admin/users");
        JsonElement dave = users.GetProperty("items").EnumerateArray().First(user => user.GetProperty("name").GetString() == "dave");
        Assert.True(dave.GetProperty("blocked").GetBoolean());
        JsonElement audit = await GetAsync("alice", "/api/v1/admin/audit?subject=dave");
        Assert.Equal(["user.disable", "user.create"], audit.GetProperty("items").EnumerateArray().Select(entry => entry.GetProperty("action").GetString()));
        Assert.True((await GetAsync("alice", "/api/v1/admin/figures")).GetProperty("users").GetInt64() >= 4);
        Assert.True((await SendAsync("alice", HttpMethod.Post, "/api/v1/admin/collect")).TryGetProperty("bytesFreed", out _));
    }

    [Fact]
    public async Task DockerSearch_AnswersAsDockerReads()
    {
        string name = await hub.NewRepositoryAsync(description: "findable whale");
        JsonElement found = await GetAsync(null, "/v1/search?q=whale&n=5");
        Assert.Equal(1, found.GetProperty("num_results").GetInt32());
        Assert.Equal(name, found.GetProperty("results")[0].GetProperty("name").GetString());
        Assert.False(found.GetProperty("results")[0].GetProperty("is_official").GetBoolean());
        Assert.True((await GetAsync(null, "/v1/_ping")).GetProperty("standalone").GetBoolean());
    }

    [Fact]
    public async Task WrongCredentials_AreToldOnEveryCall()
    {
        using HttpClient client = hub.Client();
        client.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String("bob:wrong"u8));
        using HttpResponseMessage response = await client.GetAsync(new Uri("/api/v1/repositories", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Basic", response.Headers.WwwAuthenticate.Single().Scheme);
        Assert.Equal("unauthorized", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString());
    }

    private Task<JsonElement> GetAsync(string? user, string path) => SendAsync(user, HttpMethod.Get, path);

    private async Task<JsonElement> SendAsync(string? user, HttpMethod method, string path, string? body = null)
    {
        using HttpResponseMessage response = await hub.AskAsync(user, method, path, body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {response.StatusCode}: {text}");
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private async Task<HttpStatusCode> StatusAsync(string? user, HttpMethod method, string path, string? body = null)
    {
        using HttpResponseMessage response = await hub.AskAsync(user, method, path, body);
        return response.StatusCode;
    }
}
