using System.Net;
using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

/// <summary>distribution-spec 1.1, "Content Discovery" and "Content Management": end-8, end-9, end-10, and docker's catalog.</summary>
public abstract class ManagementGroup<THub>(THub hub) : IClassFixture<THub> where THub : HubRig
{
    [Fact]
    public async Task Tags_AreInTheOrderOfTheirBytes()
    {
        string name = hub.NewRepository();
        foreach (string tag in new[] { "b", "a", "B", "_x", "1.10", "1.9" })
            await hub.PushImageAsync(name, tag);
        using JsonDocument list = await JsonAsync($"/v2/{name}/tags/list");
        Assert.Equal(name, list.RootElement.GetProperty("name").GetString());
        Assert.Equal(["1.10", "1.9", "B", "_x", "a", "b"], Texts(list, "tags"));
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(5), InlineData(100)]
    public async Task Tags_InPages_AreAllOfThem(int count)
    {
        string name = hub.NewRepository();
        string[] tags = ["a", "b", "c", "d", "e"];
        foreach (string tag in tags)
            await hub.PushImageAsync(name, tag);
        Assert.Equal(tags, await FollowAsync($"/v2/{name}/tags/list?n={count}", "tags", count));
    }

    [Fact]
    public async Task Tags_None_IsAnEmptyListWithoutMore()
    {
        string name = hub.NewRepository();
        await hub.PushImageAsync(name, "a");
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/tags/list?n=0");
        Assert.Null(HubRig.Header(response, "Link"));
        Assert.Equal($$"""{"name":"{{name}}","tags":[]}""", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Tags_AfterOneThatIsNotThere_AreThoseBehindIt()
    {
        string name = hub.NewRepository();
        await hub.PushImageAsync(name, "a");
        await hub.PushImageAsync(name, "c");
        using JsonDocument list = await JsonAsync($"/v2/{name}/tags/list?last=b");
        Assert.Equal(["c"], Texts(list, "tags"));
    }

    [Fact]
    public async Task Tags_OfNoRepository_Answers404()
    {
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{hub.NewRepository()}/tags/list");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("NAME_UNKNOWN", await HubRig.CodeAsync(response));
    }

    [Theory]
    [InlineData("1000000000"), InlineData("99999999999999999999999")]
    public async Task Count_Huge_IsClamped(string count)
    {
        string name = hub.NewRepository();
        await hub.PushImageAsync(name, "a");
        foreach (string path in new[] { $"/v2/{name}/tags/list?n={count}", $"/v2/_catalog?n={count}" })
        {
            using HttpResponseMessage response = await hub.GetAsync(path);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    [Theory]
    [InlineData("-1"), InlineData("x"), InlineData(""), InlineData("1.5"), InlineData("0x10")]
    public async Task Count_ThatIsNone_IsRefused(string count)
    {
        string name = hub.NewRepository();
        await hub.PushImageAsync(name, "a");
        foreach (string path in new[] { $"/v2/{name}/tags/list?n={count}", $"/v2/_catalog?n={count}" })
        {
            using HttpResponseMessage response = await hub.GetAsync(path);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }
    }

    [Fact]
    public async Task Catalog_InPages_HasTheRepositories()
    {
        string[] names = [hub.NewRepository(), hub.NewRepository(), hub.NewRepository()];
        foreach (string name in names)
            await hub.PushImageAsync(name, "a");
        List<string> all = await FollowAsync("/v2/_catalog?n=2", "repositories", 2);
        Assert.All(names, name => Assert.Contains(name, all));
        Assert.Equal(all.Order(StringComparer.Ordinal), all);
    }

    [Fact]
    public async Task Tag_Deleted_LeavesTheManifest()
    {
        string name = hub.NewRepository();
        string document = await hub.PushImageAsync(name, "a");
        await hub.PushImageAsync(name, "b");
        await DeleteAsync($"/v2/{name}/manifests/a", HttpStatusCode.Accepted);
        await DeleteAsync($"/v2/{name}/manifests/a", HttpStatusCode.NotFound, "MANIFEST_UNKNOWN");
        using HttpResponseMessage gone = await hub.GetAsync($"/v2/{name}/manifests/a");
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        foreach (string reference in new[] { "b", HubRig.DigestOf(document).ToString() })
        {
            using HttpResponseMessage there = await hub.GetAsync($"/v2/{name}/manifests/{reference}");
            Assert.Equal(HttpStatusCode.OK, there.StatusCode);
        }
    }

    [Fact]
    public async Task Manifest_Deleted_TakesItsTagsAlong()
    {
        string name = hub.NewRepository();
        Digest digest = HubRig.DigestOf(await hub.PushImageAsync(name, "a"));
        await hub.PushImageAsync(name, "b");
        await hub.PushImageAsync(name, "other", "another layer");
        await DeleteAsync($"/v2/{name}/manifests/{digest}", HttpStatusCode.Accepted);
        await DeleteAsync($"/v2/{name}/manifests/{digest}", HttpStatusCode.NotFound, "MANIFEST_UNKNOWN");
        using JsonDocument list = await JsonAsync($"/v2/{name}/tags/list");
        Assert.Equal(["other"], Texts(list, "tags"));
    }

    [Fact]
    public async Task Blob_Deleted_IsGoneHereAndNotElsewhere()
    {
        string name = hub.NewRepository();
        string other = hub.NewRepository();
        Digest digest = await hub.PushBlobAsync(name, name);
        await hub.PushBlobAsync(other, name);
        await DeleteAsync($"/v2/{name}/blobs/{digest}", HttpStatusCode.Accepted);
        await DeleteAsync($"/v2/{name}/blobs/{digest}", HttpStatusCode.NotFound, "BLOB_UNKNOWN");
        using HttpResponseMessage there = await hub.GetAsync($"/v2/{other}/blobs/{digest}");
        Assert.Equal(HttpStatusCode.OK, there.StatusCode);
    }

    [Fact]
    public async Task Blob_ThatAManifestNeeds_IsNotDeleted()
    {
        string name = hub.NewRepository();
        string document = await hub.PushImageAsync(name, "a", name);
        Digest layer = HubRig.DigestOf(name);
        await DeleteAsync($"/v2/{name}/blobs/{layer}", HttpStatusCode.MethodNotAllowed, "UNSUPPORTED");
        await DeleteAsync($"/v2/{name}/manifests/{HubRig.DigestOf(document)}", HttpStatusCode.Accepted);
        await DeleteAsync($"/v2/{name}/blobs/{layer}", HttpStatusCode.Accepted);
    }

    [Theory]
    [InlineData("manifests/a"), InlineData("manifests/sha256:0123456789012345678901234567890123456789012345678901234567890123")]
    [InlineData("blobs/sha256:0123456789012345678901234567890123456789012345678901234567890123")]
    public async Task Delete_InNoRepository_Answers404(string what) =>
        await DeleteAsync($"/v2/{hub.NewRepository()}/{what}", HttpStatusCode.NotFound, "NAME_UNKNOWN");

    [Theory]
    [InlineData("POST", "/v2/test/x/manifests/a", "GET, HEAD, PUT, DELETE"), InlineData("PUT", "/v2/test/x/tags/list", "GET, HEAD")]
    [InlineData("PATCH", "/v2/test/x/blobs/uploads/", "POST"), InlineData("DELETE", "/v2/_catalog", "GET, HEAD")]
    public async Task Method_ThatIsNotOffered_Answers405(string method, string path, string allow)
    {
        using HttpResponseMessage response = await hub.SendAsync(new HttpMethod(method), path);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal("UNSUPPORTED", await HubRig.CodeAsync(response));
        Assert.Equal(allow, HubRig.Header(response, "Allow"));
    }

    private async Task DeleteAsync(string path, HttpStatusCode status, string? code = null)
    {
        using HttpResponseMessage response = await hub.SendAsync(HttpMethod.Delete, path);
        Assert.Equal(status, response.StatusCode);
        if (code is not null)
            Assert.Equal(code, await HubRig.CodeAsync(response));
    }

    private async Task<JsonDocument> JsonAsync(string path) =>
        JsonDocument.Parse(await hub.Client.GetStringAsync(new Uri(path, UriKind.Relative)));

    private async Task<List<string>> FollowAsync(string path, string list, int countMax)
    {
        List<string> all = [];
        string? next = path;
        while (next is not null)
        {
            using HttpResponseMessage response = await hub.GetAsync(next);
            using JsonDocument page = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            string[] entries = Texts(page, list);
            Assert.InRange(entries.Length, 1, countMax);
            all.AddRange(entries);
            string? link = HubRig.Header(response, "Link");
            Assert.True(link is null || link.EndsWith(">; rel=\"next\"", StringComparison.Ordinal));
            next = link?[1..link.IndexOf('>', StringComparison.Ordinal)];
        }
        return all;
    }

    private static string[] Texts(JsonDocument document, string list) =>
        [.. document.RootElement.GetProperty(list).EnumerateArray().Select(entry => entry.GetString()!)];
}
