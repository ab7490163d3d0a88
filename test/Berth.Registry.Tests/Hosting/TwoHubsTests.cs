using System.Net;
using System.Security.Cryptography;
using Berth.Oci;
using Berth.Registry.Hosting;
using Berth.Registry.Storage;
using Berth.Registry.Tests.Database;
using Berth.Registry.Tests.Storage;

namespace Berth.Registry.Tests.Hosting;

/// <summary>Two hubs on one PostgreSQL and one storage: whichever a client reaches, it finds the same.</summary>
public sealed class TwoHubsTests : IAsyncLifetime
{
    private const int ChunkBytes = 100_000;

    private readonly string _database = TestCluster.NewDatabase();
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-two-");
    private readonly List<Member> _hubs = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (Member hub in _hubs)
            await hub.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task Image_PushedToOne_IsPulledFromTheOther(bool isS3)
    {
        (Member one, Member other) = await StartAsync(isS3);
        foreach (string content in new[] { "first", "second" })
        {
            // The other has just answered for this tag, and must not answer the same when it has moved.
            string document = await one.PushImageAsync("test/app", "latest", content);
            Assert.Equal(document, await other.Client.GetStringAsync(Address("/v2/test/app/manifests/latest")));
            Assert.Equal(content, await other.Client.GetStringAsync(Address($"/v2/test/app/blobs/{HubRig.DigestOf(content)}")));
        }
        using HttpResponseMessage deleted = await other.SendAsync(HttpMethod.Delete, "/v2/test/app/manifests/latest");
        Assert.Equal(HttpStatusCode.Accepted, deleted.StatusCode);
        using HttpResponseMessage gone = await one.GetAsync("/v2/test/app/manifests/latest");
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task Upload_BegunOnOne_GoesOnAndEndsOnTheOther(bool isS3)
    {
        (Member one, Member other) = await StartAsync(isS3);
        byte[] blob = RandomNumberGenerator.GetBytes(ChunkBytes * 5);
        string location = await one.BeginUploadAsync("test/chunks");
        for (int offset = 0; offset < blob.Length; offset += ChunkBytes)
        {
            Member turn = offset / ChunkBytes % 2 == 0 ? other : one;
            using HttpResponseMessage sent = await turn.SendAsync(
                HttpMethod.Patch, location, new ByteArrayContent(blob, offset, ChunkBytes), ("Content-Range", $"{offset}-{offset + ChunkBytes - 1}"));
            Assert.Equal(HttpStatusCode.Accepted, sent.StatusCode);
            location = sent.Headers.Location!.ToString();
        }
        using HttpResponseMessage end = await one.SendAsync(HttpMethod.Put, $"{location}?digest={Digest.Of(blob)}");
        Assert.Equal(HttpStatusCode.Created, end.StatusCode);
        foreach (Member hub in _hubs)
            Assert.Equal(blob, await hub.Client.GetByteArrayAsync(Address($"/v2/test/chunks/blobs/{Digest.Of(blob)}")));
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task Pushes_ToBothAtOnce_WithCollections_AreAllThere(bool isS3)
    {
        (Member one, Member other) = await StartAsync(isS3);
        Task<string>[] pushes = [.. Enumerable.Range(0, 20).Select(i =>
            (i % 2 == 0 ? one : other).PushImageAsync($"test/many{i % 3}", $"t{i}", $"layer {i % 5}"))];
        Task[] collections = [.. _hubs.Select(hub => hub.Services.Collector.RunAsync(default))];
        string[] documents = await Task.WhenAll(pushes);
        await Task.WhenAll(collections);
        for (int i = 0; i < documents.Length; i++)
        {
            HubRig hub = i % 2 == 0 ? other : one;
            Assert.Equal(documents[i], await hub.Client.GetStringAsync(Address($"/v2/test/many{i % 3}/manifests/t{i}")));
            Assert.Equal($"layer {i % 5}", await hub.Client.GetStringAsync(
                Address($"/v2/test/many{i % 3}/blobs/{HubRig.DigestOf($"layer {i % 5}")}")));
        }
    }

    private static Uri Address(string path) => new(path, UriKind.Relative);

    private async Task<(Member One, Member Other)> StartAsync(bool isS3)
    {
        S3Options? bucket = isS3 ? TestS3.Options($"two-{Guid.NewGuid():N}/") : null;
        for (int i = 0; i < 2; i++)
        {
            var hub = new Member(_database, bucket, _directory.FullName);
            await hub.InitializeAsync();
            _hubs.Add(hub);
        }
        return (_hubs[0], _hubs[1]);
    }

    private sealed class Member(string database, S3Options? bucket, string files) : HubRig
    {
        public override HubOptions Options => base.Options with { S3 = bucket, DataDirectory = files };

        protected override string? NewDatabase() => database;
    }
}
