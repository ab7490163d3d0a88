using System.Text;
using System.Text.Json;
using Berth.Oci;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Attacks;

/// <summary>A hundred thousand referrers of one manifest (attack F13).</summary>
public sealed class ReferrerFloodTests(EmbeddedHub hub) : IClassFixture<EmbeddedHub>
{
    private const int Count = 100_000;
    private const int AnswerBytesMax = 4 * 1024 * 1024;

    [Fact]
    public async Task Referrers_AHundredThousand_ComeInAnswersOfBoundedSize()
    {
        string name = hub.NewRepository();
        await hub.PushBlobAsync(name, "{}");
        Digest subject = HubRig.DigestOf("subject");
        await FillAsync(name, subject);
        HashSet<string> seen = [];
        string? next = $"/v2/{name}/referrers/{subject}?n=1000000";
        while (next is not null)
        {
            using HttpResponseMessage response = await hub.GetAsync(next);
            byte[] body = await response.Content.ReadAsByteArrayAsync();
            Assert.InRange(body.Length, 1, AnswerBytesMax);
            using JsonDocument page = JsonDocument.Parse(body);
            foreach (JsonElement manifest in page.RootElement.GetProperty("manifests").EnumerateArray())
                seen.Add(manifest.GetProperty("digest").GetString()!);
            next = HubRig.Header(response, "Link") is { } link ? link[1..link.IndexOf('>', StringComparison.Ordinal)] : null;
        }
        Assert.Equal(Count, seen.Count);
    }

    [Fact]
    public async Task Referrers_WithLargeAnnotations_ComeInAnswersOfBoundedSize()
    {
        string name = hub.NewRepository();
        Digest empty = await hub.PushBlobAsync(name, "{}");
        Digest subject = HubRig.DigestOf("subject of large ones");
        for (int i = 0; i < 3; i++)
        {
            string artifact = HubRig.Artifact("a/b", empty, subject, $$"""{"x{{i}}":"{{new string('x', 1_500_000)}}"}""");
            using HttpResponseMessage put = await hub.PutManifestAsync(name, HubRig.DigestOf(artifact).ToString(), artifact);
            Assert.True(put.IsSuccessStatusCode);
        }
        using HttpResponseMessage response = await hub.GetAsync($"/v2/{name}/referrers/{subject}");
        Assert.InRange((await response.Content.ReadAsByteArrayAsync()).Length, 1_500_000, AnswerBytesMax);
        Assert.NotNull(HubRig.Header(response, "Link"));
    }

    // A hundred thousand requests would be a test of patience: the rows are what the requests would have made.
    private Task<bool> FillAsync(string name, Digest subject) => hub.Services.Database.WriteAsync(
        async (transaction, token) =>
        {
            long? repository = await transaction.NumberAsync($"select id from repositories where name = {name}", token);
            byte[] document = Encoding.UTF8.GetBytes("{}");
            for (int i = 0; i < Count; i++)
            {
                string annotations = $$"""{"n":"{{i}}"}""";
                await transaction.ExecuteAsync(
                    $"""
                    insert into manifests(repository_id, digest, media_type, artifact_type, subject_digest, bytes, document, annotations,
                        created_at)
                    values ({repository}, {HubRig.DigestOf($"{i}")}, {HubRig.OciManifest}, {"a/b"}, {subject}, {2}, {document},
                        {annotations}, {0})
                    """, token);
            }
            return true;
        }, default);
}
