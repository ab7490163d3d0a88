using System.Net;
using System.Text;
using Berth.Oci;
using Berth.Registry.Protocol;
using Berth.Registry.Repositories;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Attacks;

/// <summary>Manifests of any size, depth and kind (attacks F2 and A11).</summary>
public sealed class HostileManifestTests(EmbeddedHub hub) : IClassFixture<EmbeddedHub>
{
    private const string SomeDigest = "sha256:0123456789012345678901234567890123456789012345678901234567890123";

    public static TheoryData<string> Documents => new()
    {
        "", "null", "[]", "1", "\"x\"", "{", "{}", """{"schemaVersion":1}""", """{"schemaVersion":"2"}""", """{"schemaVersion":2}""",
        """{"schemaVersion":2,"config":null}""", """{"schemaVersion":2,"config":{}}""", """{"schemaVersion":2,"config":{"digest":"x","size":1}}""",
        $$"""{"schemaVersion":2,"config":{"digest":"{{SomeDigest}}","size":-1} }""",
        $$"""{"schemaVersion":2,"config":{"digest":"{{SomeDigest}}","size":1e30} }""",
        $$"""{"schemaVersion":2,"config":{"digest":"{{SomeDigest}}","size":1},"layers":{} }""",
        $$"""{"schemaVersion":2,"config":{"digest":"{{SomeDigest}}","size":1},"layers":[1]}""",
        $$"""{"schemaVersion":2,"config":{"digest":"{{SomeDigest}}","size":1},"layers":[],"manifests":[]}""",
        $$"""{"schemaVersion":2,"config":{"digest":"{{SomeDigest}}","size":1},"config":{"digest":"{{SomeDigest}}","size":1} }""",
        $$"""{"schemaVersion":2,"mediaType":7,"config":{"digest":"{{SomeDigest}}","size":1} }""",
        $$"""{"schemaVersion":2,"mediaType":"text/html","config":{"digest":"{{SomeDigest}}","size":1} }""",
        $$"""{"schemaVersion":2,"mediaType":"{{HubRig.DockerManifest}}","config":{"digest":"{{SomeDigest}}","size":1} }""",
        $$"""{"schemaVersion":2,"config":{"digest":"{{SomeDigest}}","size":1},"subject":"x"}""",
        $$"""{"schemaVersion":2,"config":{"digest":"{{SomeDigest}}","size":1},"annotations":[]}""",
        $$"""{"schemaVersion":2,"config":{"digest":"{{SomeDigest}}","size":1},"annotations":{"a":1} }""",
        $$"""{"schemaVersion":2,"artifactType":"\ud800","config":{"digest":"{{SomeDigest}}","size":1} }""",
        $$"""{"schemaVersion":2,"\ud800":1,"config":{"digest":"{{SomeDigest}}","size":1} }""",
    };

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task Document_ThatIsNoManifest_IsRefused(string document)
    {
        using HttpResponseMessage response = await hub.PutManifestAsync(hub.NewRepository(), "v1", document);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("MANIFEST_INVALID", await HubRig.CodeAsync(response));
    }

    [Fact]
    public async Task Document_TooLarge_Answers413_WithAndWithoutLength()
    {
        byte[] large = new byte[ManifestDocument.BytesMax + 1];
        string path = $"/v2/{hub.NewRepository()}/manifests/v1";
        using HttpResponseMessage said = await hub.SendAsync(HttpMethod.Put, path, new ByteArrayContent(large));
        using HttpResponseMessage streamed = await hub.SendAsync(
            HttpMethod.Put, path, new StreamContent(new MemoryStream(large)), ("Transfer-Encoding", "chunked"));
        foreach (HttpResponseMessage response in new[] { said, streamed })
        {
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
            Assert.Equal("SIZE_INVALID", await HubRig.CodeAsync(response));
        }
    }

    [Fact]
    public async Task Document_WithTooManyReferences_IsRefused()
    {
        string descriptor = HubRig.Descriptor("a/b", Digest.Parse(SomeDigest), 1);
        string index = $$"""{"schemaVersion":2,"manifests":[{{string.Join(',', Enumerable.Repeat(descriptor, ManifestDocument.ReferencesMax + 1))}}]}""";
        using HttpResponseMessage response = await hub.PutManifestAsync(hub.NewRepository(), "v1", index, HubRig.OciIndex);
        Assert.Equal("MANIFEST_INVALID", await HubRig.CodeAsync(response));
    }

    [Fact]
    public async Task Document_WithAsManyReferencesAsAreTaken_IsStored()
    {
        // Different ones: the same digest ten thousand times would be one row.
        IEnumerable<string> descriptors = Enumerable.Range(0, ManifestDocument.ReferencesMax)
            .Select(i => HubRig.Descriptor("a/b", HubRig.DigestOf($"{i}"), 1));
        string index = $$"""{"schemaVersion":2,"manifests":[{{string.Join(',', descriptors)}}]}""";
        using HttpResponseMessage response = await hub.PutManifestAsync(hub.NewRepository(), "v1", index, HubRig.OciIndex);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Fact]
    public async Task Document_NestedDeeply_IsRefused()
    {
        string deep = string.Concat(Enumerable.Repeat("[", 100_000)) + string.Concat(Enumerable.Repeat("]", 100_000));
        using HttpResponseMessage response = await hub.PutManifestAsync(
            hub.NewRepository(), "v1", $$"""{"schemaVersion":2,"x":{{deep}} }""");
        Assert.Equal("MANIFEST_INVALID", await HubRig.CodeAsync(response));
    }

    [Fact]
    public async Task Indexes_InEachOther_AreTakenToALimit()
    {
        string name = hub.NewRepository();
        string document = HubRig.Index();
        for (int depth = 1; depth <= ManifestTable.IndexDepthMax; depth++)
        {
            using HttpResponseMessage response = await hub.PutManifestAsync(name, "nested", document, HubRig.OciIndex);
            Assert.Equal(HttpStatusCode.Created, response.StatusCode);
            document = HubRig.Index((HubRig.OciIndex, HubRig.DigestOf(document)));
        }
        using HttpResponseMessage tooDeep = await hub.PutManifestAsync(name, "nested", document, HubRig.OciIndex);
        Assert.Equal("MANIFEST_INVALID", await HubRig.CodeAsync(tooDeep));
    }

    [Fact]
    public async Task Message_OfAnError_DoesNotRepeatALongText()
    {
        string document = $$"""{"schemaVersion":2,"mediaType":"{{new string('x', 100_000)}}"}""";
        using HttpResponseMessage response = await hub.PutManifestAsync(hub.NewRepository(), "v1", document, null);
        Assert.True(Encoding.UTF8.GetByteCount(await response.Content.ReadAsStringAsync()) < 1000);
    }
}
