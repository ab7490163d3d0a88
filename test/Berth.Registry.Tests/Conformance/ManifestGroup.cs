using System.Net;
using System.Security.Cryptography;
using System.Text;
using Berth.Oci;
using Berth.Registry.Model;
using Berth.Registry.Protocol;
using Berth.Registry.Repositories;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

/// <summary>distribution-spec 1.1, "Pushing Manifests" and what they may be made of.</summary>
public abstract class ManifestGroup<THub>(THub hub) : IClassFixture<THub> where THub : HubRig
{
    [Fact]
    public async Task Manifest_ByTag_AnswersDigestAndPlace()
    {
        string name = hub.NewRepository();
        string document = HubRig.Image(await hub.PushBlobAsync(name, "{}"), await hub.PushBlobAsync(name, "layer"));
        using HttpResponseMessage response = await hub.PutManifestAsync(name, "v1", document);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(HubRig.DigestOf(document).ToString(), HubRig.Header(response, "Docker-Content-Digest"));
        Assert.Equal(document, await hub.Client.GetStringAsync(response.Headers.Location));
        Assert.Null(HubRig.Header(response, "OCI-Subject"));
    }

    [Fact]
    public async Task Manifest_ByDigestWithTags_HasThemAll()
    {
        string name = hub.NewRepository();
        string document = HubRig.Image(await hub.PushBlobAsync(name, "{}"));
        using HttpResponseMessage response = await hub.PutManifestAsync(name, $"{HubRig.DigestOf(document)}?tag=a&tag=b", document);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("a, b", HubRig.Header(response, "OCI-Tag"));
        foreach (string tag in new[] { "a", "b" })
            Assert.Equal(document, await hub.Client.GetStringAsync(new Uri($"/v2/{name}/manifests/{tag}", UriKind.Relative)));
    }

    [Fact]
    public async Task Manifest_BySha512_IsThereUnderIt()
    {
        string name = hub.NewRepository();
        string document = HubRig.Image(await hub.PushBlobAsync(name, "{}"));
        Digest digest = Digest.FromSha512(SHA512.HashData(Encoding.UTF8.GetBytes(document)));
        using HttpResponseMessage response = await hub.PutManifestAsync(name, $"{digest}?tag=v512", document);
        Assert.Equal(digest.ToString(), HubRig.Header(response, "Docker-Content-Digest"));
        using HttpResponseMessage tagged = await hub.GetAsync($"/v2/{name}/manifests/v512");
        Assert.Equal(digest.ToString(), HubRig.Header(tagged, "Docker-Content-Digest"));
    }

    [Fact]
    public async Task Manifest_ByAnotherDigest_IsRefused()
    {
        string name = hub.NewRepository();
        string document = HubRig.Image(await hub.PushBlobAsync(name, "{}"));
        using HttpResponseMessage response = await hub.PutManifestAsync(name, HubRig.DigestOf("another").ToString(), document);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("DIGEST_INVALID", await HubRig.CodeAsync(response));
    }

    [Fact]
    public async Task Manifest_WithABlobThatIsNotThere_IsRefused()
    {
        string name = hub.NewRepository();
        Digest elsewhere = await hub.PushBlobAsync(hub.NewRepository(), "only elsewhere");
        string document = HubRig.Image(await hub.PushBlobAsync(name, "{}"), elsewhere);
        using HttpResponseMessage response = await hub.PutManifestAsync(name, "v1", document);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("MANIFEST_BLOB_UNKNOWN", await HubRig.CodeAsync(response));
        using HttpResponseMessage get = await hub.GetAsync($"/v2/{name}/manifests/v1");
        Assert.Equal(HttpStatusCode.NotFound, get.StatusCode);
    }

    [Theory]
    [InlineData("config", 2), InlineData("layer", 9), InlineData("child", 0), InlineData("foreign layer that is here", 9)]
    public async Task Manifest_ThatSaysAnotherSizeThanWhatIsThereHas_IsRefused(string of, long size)
    {
        string name = hub.NewRepository();
        string image = HubRig.Image(await hub.PushBlobAsync(name, "{}"), await hub.PushBlobAsync(name, "nine char"));
        (string document, string type) = (image, HubRig.OciManifest);
        if (of == "child")
        {
            using HttpResponseMessage child = await hub.PutManifestAsync(name, "child", image);
            Assert.Equal(HttpStatusCode.Created, child.StatusCode);
            (document, type, size) = (HubRig.Index((HubRig.OciManifest, HubRig.DigestOf(image))), HubRig.OciIndex, image.Length);
        }
        else if (of.StartsWith("foreign", StringComparison.Ordinal))
            document = document.Replace("layer.v1.tar+gzip", "layer.nondistributable.v1.tar+gzip", StringComparison.Ordinal);
        foreach (string lie in new[] { "0", $"{size + 1}", "1000000000000000" })
        {
            string lying = document.Replace($"\"size\":{size}}}", $"\"size\":{lie}}}", StringComparison.Ordinal);
            Assert.NotEqual(document, lying);
            using HttpResponseMessage response = await hub.PutManifestAsync(name, "v1", lying, type);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal("MANIFEST_INVALID", await HubRig.CodeAsync(response));
            Assert.Contains($"has {size} bytes, and the manifest says that it has {lie}", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        using HttpResponseMessage none = await hub.GetAsync($"/v2/{name}/manifests/v1");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        using HttpResponseMessage truth = await hub.PutManifestAsync(name, "v1", document, type);
        Assert.Equal(HttpStatusCode.Created, truth.StatusCode);
    }

    [Fact]
    public async Task Manifest_FromBeforeSizesWereLookedAt_GetsAnotherTag()
    {
        string name = hub.NewRepository();
        await hub.PushImageAsync(name, "latest");
        string old = HubRig.Image(HubRig.DigestOf("{}"), HubRig.DigestOf("layer")).Replace("\"size\":5}", "\"size\":50}", StringComparison.Ordinal);
        byte[] bytes = Encoding.UTF8.GetBytes(old);
        await hub.Services.Database.WriteAsync(
            async (transaction, token) =>
            {
                RepositoryRow row = (await RepositoryTable.FindAsync(transaction, RepositoryName.Parse(name), token))!;
                return await ManifestTable.AddFetchedAsync(transaction, row, Digest.Of(bytes), ManifestDocument.Parse(bytes, null), bytes, 0, token);
            }, default);
        using HttpResponseMessage response = await hub.PutManifestAsync(name, "again", old);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Fact]
    public async Task Tag_PutAgain_Moves()
    {
        string name = hub.NewRepository();
        await hub.PushImageAsync(name, "latest", "one");
        string second = await hub.PushImageAsync(name, "latest", "two");
        Assert.Equal(second, await hub.Client.GetStringAsync(new Uri($"/v2/{name}/manifests/latest", UriKind.Relative)));
    }

    [Fact]
    public async Task Index_AndIndexOfIndexes_AreServed()
    {
        string name = hub.NewRepository();
        string image = await hub.PushImageAsync(name, "image");
        string index = HubRig.Index((HubRig.OciManifest, HubRig.DigestOf(image)));
        string outer = HubRig.Index((HubRig.OciIndex, HubRig.DigestOf(index)), (HubRig.OciManifest, HubRig.DigestOf(image)));
        foreach ((string tag, string document) in new[] { ("inner", index), ("outer", outer) })
        {
            using HttpResponseMessage response = await hub.PutManifestAsync(name, tag, document, HubRig.OciIndex);
            Assert.Equal(HttpStatusCode.Created, response.StatusCode);
            using HttpResponseMessage get = await hub.GetAsync($"/v2/{name}/manifests/{tag}");
            Assert.Equal(HubRig.OciIndex, get.Content.Headers.ContentType!.ToString());
            Assert.Equal(document, await get.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task Index_WithoutSomeOfItsManifests_IsTaken()
    {
        string name = hub.NewRepository();
        string index = HubRig.Index((HubRig.OciManifest, HubRig.DigestOf("of a platform that was not copied")));
        using HttpResponseMessage response = await hub.PutManifestAsync(name, "sparse", index, HubRig.OciIndex);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Theory]
    [InlineData(HubRig.DockerManifest), InlineData(HubRig.OciManifest), InlineData(null), InlineData("application/json")]
    public async Task Manifest_OfEitherFamily_KeepsItsType(string? said)
    {
        string name = hub.NewRepository();
        Digest config = await hub.PushBlobAsync(name, "{}");
        string own = said is null or "application/json" ? HubRig.DockerManifest : said;
        string document = HubRig.Image(config).Replace(HubRig.OciManifest, own, StringComparison.Ordinal);
        using HttpResponseMessage response = await hub.PutManifestAsync(name, "v1", document, said);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        using HttpResponseMessage get = await hub.GetAsync($"/v2/{name}/manifests/v1");
        Assert.Equal(own, get.Content.Headers.ContentType!.ToString());
    }

    [Fact]
    public async Task List_OfDocker_IsServed()
    {
        string name = hub.NewRepository();
        string image = await hub.PushImageAsync(name, "image");
        string list = HubRig.Index((HubRig.DockerManifest, HubRig.DigestOf(image)))
            .Replace(HubRig.OciIndex, HubRig.DockerList, StringComparison.Ordinal);
        using HttpResponseMessage response = await hub.PutManifestAsync(name, "list", list, HubRig.DockerList);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Fact]
    public async Task Artifact_WithDataCustomFieldsAndNoLayers_IsServedAsItIs()
    {
        string name = hub.NewRepository();
        Digest empty = await hub.PushBlobAsync(name, "{}");
        string document = $$"""
            {"schemaVersion":2,"mediaType":"{{HubRig.OciManifest}}","artifactType":"application/vnd.example.thing","config":
            {"mediaType":"application/vnd.oci.empty.v1+json","digest":"{{empty}}","size":2,"data":"e30=","org.example.field":{"x":[1,null]} },
            "layers":[],"org.example.custom":"hello","annotations":{"a":"b"} }
            """;
        using HttpResponseMessage response = await hub.PutManifestAsync(name, "thing", document);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(document, await hub.Client.GetStringAsync(new Uri($"/v2/{name}/manifests/thing", UriKind.Relative)));
    }

    [Fact]
    public async Task Layer_ThatMayNotBePassedOn_NeedNotBeThere()
    {
        string name = hub.NewRepository();
        string document = HubRig.Image(await hub.PushBlobAsync(name, "{}"), HubRig.DigestOf("of Windows"))
            .Replace("layer.v1.tar+gzip", "layer.nondistributable.v1.tar+gzip", StringComparison.Ordinal);
        using HttpResponseMessage response = await hub.PutManifestAsync(name, "v1", document);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Theory]
    [InlineData("-a"), InlineData("a%20b"), InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task Tag_OutsideTheGrammar_IsRefused(string tag)
    {
        string name = hub.NewRepository();
        string document = HubRig.Image(await hub.PushBlobAsync(name, "{}"));
        using HttpResponseMessage response = await hub.PutManifestAsync(name, tag, document);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("MANIFEST_INVALID", await HubRig.CodeAsync(response));
    }

    [Theory]
    [InlineData("PUT", "manifests/v1?at=2020-01-01")]
    [InlineData("DELETE", "manifests/v1?at=2020-01-01")]
    [InlineData("DELETE", "manifests/DIGEST?at=2020-01-01")]
    [InlineData("GET", "tags/list?at=2020-01-01")]
    [InlineData("PUT", "manifests/v1?tag=v2")]
    public async Task Query_ThatMeansNothingHere_IsRefused_AndChangesNothing(string method, string path)
    {
        string name = hub.NewRepository();
        string document = await hub.PushImageAsync(name, "v1");
        string rest = path.Replace("DIGEST", HubRig.DigestOf(document).ToString(), StringComparison.Ordinal);
        var body = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(document + " "));
        body.Headers.ContentType = new(HubRig.OciManifest);
        using HttpResponseMessage response = await hub.SendAsync(
            new HttpMethod(method), $"/v2/{name}/{rest}", method == "PUT" ? body : null);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("UNSUPPORTED", await HubRig.CodeAsync(response));
        using HttpResponseMessage now = await hub.GetAsync($"/v2/{name}/manifests/v1");
        Assert.Equal(document, await now.Content.ReadAsStringAsync());
    }

    // RFC 9110 13.1.1 and 13.1.2. CURRENT is the entity tag of what the tag v1 names.
    [Theory]
    [InlineData("v1", "If-Match", "CURRENT", true)]
    [InlineData("v1", "If-Match", "\"other\", CURRENT", true)]
    [InlineData("v1", "If-Match", "*", true)]
    [InlineData("v1", "If-Match", "W/CURRENT", false)]
    [InlineData("v1", "If-Match", "\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"", false)]
    [InlineData("v1", "If-None-Match", "*", false)]
    [InlineData("v1", "If-None-Match", "W/CURRENT", false)]
    [InlineData("v1", "If-None-Match", "\"other\"", true)]
    [InlineData("new", "If-Match", "*", false)]
    [InlineData("new", "If-Match", "CURRENT", false)]
    [InlineData("new", "If-None-Match", "*", true)]
    public async Task Condition_OfAChange_IsHeeded(string tag, string header, string value, bool holds)
    {
        string name = hub.NewRepository();
        string document = await hub.PushImageAsync(name, "v1");
        string given = value.Replace("CURRENT", $"\"{HubRig.DigestOf(document)}\"", StringComparison.Ordinal);
        using (HttpResponseMessage removal = await hub.SendAsync(HttpMethod.Delete, $"/v2/{name}/manifests/{tag}", null, (header, given)))
            Assert.Equal(!holds ? HttpStatusCode.PreconditionFailed : tag == "v1" ? HttpStatusCode.Accepted : HttpStatusCode.NotFound,
                removal.StatusCode);
        if (holds && tag == "v1")
            await hub.PushImageAsync(name, "v1");
        string changed = document + " ";
        var body = new ByteArrayContent(Encoding.UTF8.GetBytes(changed));
        body.Headers.ContentType = new(HubRig.OciManifest);
        using HttpResponseMessage response = await hub.SendAsync(HttpMethod.Put, $"/v2/{name}/manifests/{tag}", body, (header, given));
        Assert.Equal(holds ? HttpStatusCode.Created : HttpStatusCode.PreconditionFailed, response.StatusCode);
        if (!holds)
            Assert.Equal("DENIED", await HubRig.CodeAsync(response));
        using HttpResponseMessage now = await hub.GetAsync($"/v2/{name}/manifests/{tag}");
        if (tag == "v1" || holds)
            Assert.Equal(holds ? changed : document, await now.Content.ReadAsStringAsync());
        else
            Assert.Equal(HttpStatusCode.NotFound, now.StatusCode);
        if (holds)
            Assert.Equal(HubRig.Header(now, "ETag"), HubRig.Header(response, "ETag"));
    }

    [Theory]
    [InlineData("If-Match", "sha256:0000"), InlineData("If-Match", ""), InlineData("If-None-Match", "*, \"a\"")]
    public async Task Condition_ThatIsNone_IsRefused(string header, string value)
    {
        string name = hub.NewRepository();
        string document = await hub.PushImageAsync(name, "v1");
        var body = new ByteArrayContent(Encoding.UTF8.GetBytes(document));
        body.Headers.ContentType = new(HubRig.OciManifest);
        using HttpResponseMessage response = await hub.SendAsync(HttpMethod.Put, $"/v2/{name}/manifests/v1", body, (header, value));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("UNSUPPORTED", await HubRig.CodeAsync(response));
    }
}
