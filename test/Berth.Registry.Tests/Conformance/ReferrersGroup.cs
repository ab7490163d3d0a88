using System.Net;
using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Conformance;

/// <summary>distribution-spec 1.1, "Listing Referrers" and "Pushing Manifests with Subject": end-12.</summary>
public abstract class ReferrersGroup<THub>(THub hub) : IClassFixture<THub> where THub : HubRig
{
    [Fact]
    public async Task Referrers_AreListedWithTypeSizeAndAnnotations()
    {
        string name = hub.NewRepository();
        Digest subject = HubRig.DigestOf(await hub.PushImageAsync(name, "image"));
        Digest empty = await hub.PushBlobAsync(name, "{}");
        string signature = HubRig.Artifact("application/vnd.example.signature", empty, subject, """{"by":"alice"}""");
        using HttpResponseMessage put = await hub.PutManifestAsync(name, HubRig.DigestOf(signature).ToString(), signature);
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        Assert.Equal(subject.ToString(), HubRig.Header(put, "OCI-Subject"));
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/referrers/{subject}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(HubRig.OciIndex, response.Content.Headers.ContentType!.ToString());
        Assert.Null(HubRig.Header(response, "OCI-Filters-Applied"));
        JsonElement only = Assert.Single(await ManifestsAsync(response));
        Assert.Equal(HubRig.OciManifest, only.GetProperty("mediaType").GetString());
        Assert.Equal(HubRig.DigestOf(signature).ToString(), only.GetProperty("digest").GetString());
        Assert.Equal(signature.Length, only.GetProperty("size").GetInt64());
        Assert.Equal("application/vnd.example.signature", only.GetProperty("artifactType").GetString());
        Assert.Equal("alice", only.GetProperty("annotations").GetProperty("by").GetString());
    }

    [Fact]
    public async Task Referrers_ByType_AreFilteredAndSoIsSaid()
    {
        string name = hub.NewRepository();
        Digest subject = HubRig.DigestOf("not pushed yet");
        Digest empty = await hub.PushBlobAsync(name, "{}");
        foreach (string type in new[] { "application/a", "application/b+json" })
        {
            string artifact = HubRig.Artifact(type, empty, subject);
            using HttpResponseMessage put = await hub.PutManifestAsync(name, HubRig.DigestOf(artifact).ToString(), artifact);
            Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        }
        // The second is how people write it, though a plus sign in a query is a space.
        foreach (string written in new[] { "application%2Fb%2Bjson", "application/b+json" })
        {
            using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/referrers/{subject}?artifactType={written}");
            Assert.Equal("artifactType", HubRig.Header(response, "OCI-Filters-Applied"));
            Assert.Equal("application/b+json", Assert.Single(await ManifestsAsync(response)).GetProperty("artifactType").GetString());
        }
        using HttpResponseMessage two = await hub.GetAsync(
            $"/v2/{name}/referrers/{subject}?artifactType=application/a&artifactType=application/b%2Bjson");
        Assert.Equal(HttpStatusCode.BadRequest, two.StatusCode);
        using HttpResponseMessage none = await hub.GetAsync($"/v2/{name}/referrers/{subject}?artifactType=application/none");
        Assert.Empty(await ManifestsAsync(none));
    }

    [Fact]
    public async Task Referrer_WithoutTypeOfItsOwn_HasThatOfItsConfiguration()
    {
        string name = hub.NewRepository();
        Digest config = await hub.PushBlobAsync(name, "{}");
        Digest subject = HubRig.DigestOf("subject");
        string document = HubRig.Artifact("application/x", config, subject)
            .Replace("\"artifactType\":\"application/x\",", "", StringComparison.Ordinal);
        using HttpResponseMessage put = await hub.PutManifestAsync(name, "x", document);
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/referrers/{subject}");
        Assert.Equal(
            "application/vnd.oci.empty.v1+json", Assert.Single(await ManifestsAsync(response)).GetProperty("artifactType").GetString());
    }

    [Fact]
    public async Task Index_WithSubject_IsAReferrer()
    {
        string name = hub.NewRepository();
        Digest subject = HubRig.DigestOf("subject");
        string index = HubRig.Index().Replace(
            "\"manifests\"", $"\"subject\":{HubRig.Descriptor(HubRig.OciManifest, subject, 7)},\"artifactType\":\"application/i\",\"manifests\"",
            StringComparison.Ordinal);
        using HttpResponseMessage put = await hub.PutManifestAsync(name, "index", index, HubRig.OciIndex);
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/referrers/{subject}");
        Assert.Equal(HubRig.OciIndex, Assert.Single(await ManifestsAsync(response)).GetProperty("mediaType").GetString());
    }

    [Fact]
    public async Task Referrers_OfNothing_AreAnEmptyIndex()
    {
        string name = hub.NewRepository();
        await hub.PushImageAsync(name, "a");
        foreach (string repository in new[] { name, hub.NewRepository() })
        {
            using HttpResponseMessage response = await hub.GetAsync($"/v2/{repository}/referrers/{HubRig.DigestOf("nothing")}");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Empty(await ManifestsAsync(response));
        }
    }

    [Fact]
    public async Task Referrers_OfADigestThatIsNone_AreRefused()
    {
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{hub.NewRepository()}/referrers/latest");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("DIGEST_INVALID", await HubRig.CodeAsync(response));
    }

    [Fact]
    public async Task Referrer_Deleted_IsListedNoMore()
    {
        string name = hub.NewRepository();
        Digest subject = HubRig.DigestOf("subject");
        string artifact = HubRig.Artifact("application/x", await hub.PushBlobAsync(name, "{}"), subject);
        using HttpResponseMessage put = await hub.PutManifestAsync(name, "x", artifact);
        using HttpResponseMessage deleted = await hub.SendAsync(HttpMethod.Delete, $"/v2/{name}/manifests/{HubRig.DigestOf(artifact)}");
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/referrers/{subject}");
        Assert.Empty(await ManifestsAsync(response));
    }

    [Fact]
    public async Task Referrers_Many_ComeInPagesAndAreAllThere()
    {
        string name = hub.NewRepository();
        Digest subject = HubRig.DigestOf("subject");
        Digest empty = await hub.PushBlobAsync(name, "{}");
        HashSet<string> pushed = [];
        for (int i = 0; i < 25; i++)
        {
            string artifact = HubRig.Artifact("application/x", empty, subject, $$"""{"n":"{{i}}"}""");
            pushed.Add(HubRig.DigestOf(artifact).ToString());
            using HttpResponseMessage put = await hub.PutManifestAsync(name, HubRig.DigestOf(artifact).ToString(), artifact);
            Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        }
        HashSet<string> listed = [];
        string? next = $"/v2/{name}/referrers/{subject}?artifactType=application/x&n=10";
        while (next is not null)
        {
            using HttpResponseMessage response = await hub.GetAsync(next);
            Assert.All(await ManifestsAsync(response), manifest => Assert.True(listed.Add(manifest.GetProperty("digest").GetString()!)));
            next = HubRig.Header(response, "Link") is { } link ? link[1..link.IndexOf('>', StringComparison.Ordinal)] : null;
        }
        Assert.Equal(pushed.Order(), listed.Order());
    }

    // "Referrers Tag Schema": what a client does that takes the hub for one without the referrers API.
    [Fact]
    public async Task FallbackTag_OfWritersAtOnceWithConditions_LosesNothing()
    {
        const int writers = 4;
        string name = hub.NewRepository();
        string subject = HubRig.DigestOf("subject").ToString();
        string address = $"/v2/{name}/manifests/{subject.Replace(':', '-')}";
        Digest[] waiting = [.. Enumerable.Range(0, writers).Select(i => HubRig.DigestOf($"signature {i}"))];
        HashSet<Digest> all = [.. waiting];
        while (waiting.Length > 0)
        {
            // All have read the same before the first writes.
            (List<Digest> listed, (string, string) condition) = await FallbackAsync(address);
            HttpStatusCode[] statuses = await Task.WhenAll(waiting.Select(async mine =>
            {
                string index = HubRig.Index([.. listed.Append(mine).Select(digest => (HubRig.OciManifest, digest))]);
                var body = new StringContent(index, new System.Net.Http.Headers.MediaTypeHeaderValue(HubRig.OciIndex));
                using HttpResponseMessage put = await hub.SendAsync(HttpMethod.Put, address, body, condition);
                return put.StatusCode;
            }));
            Assert.Single(statuses, HttpStatusCode.Created);
            Assert.Equal(waiting.Length - 1, statuses.Count(status => status == HttpStatusCode.PreconditionFailed));
            waiting = [.. waiting.Where((_, i) => statuses[i] != HttpStatusCode.Created)];
        }
        Assert.Equal(all, (await FallbackAsync(address)).Listed.ToHashSet());
    }

    private async Task<(List<Digest> Listed, (string Name, string Value) Condition)> FallbackAsync(string address)
    {
        using HttpResponseMessage response = await hub.GetAsync(address);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return ([], ("If-None-Match", "*"));
        List<JsonElement> manifests = await ManifestsAsync(response);
        return ([.. manifests.Select(manifest => Digest.Parse(manifest.GetProperty("digest").GetString()!))],
            ("If-Match", HubRig.Header(response, "ETag")!));
    }

    private static async Task<List<JsonElement>> ManifestsAsync(HttpResponseMessage response)
    {
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(2, document.RootElement.GetProperty("schemaVersion").GetInt32());
        return [.. document.RootElement.GetProperty("manifests").EnumerateArray().Select(element => element.Clone())];
    }
}
