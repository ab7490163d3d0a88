using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Berth.Registry.Storage;
using Berth.Registry.Tests.Database;
using Berth.Registry.Tests.Storage;

namespace Berth.Hub.Tests.Robustness;

/// <summary>Two processes on one PostgreSQL and one storage, behind a balancer that sends each request to the other one: nothing sticks to
/// a process.</summary>
public sealed class TwoProcessesTests : IAsyncDisposable
{
    private const int HalfBytes = 300_000;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hubs-");
    private readonly List<HubProgram> _hubs = [];

    public async ValueTask DisposeAsync()
    {
        foreach (HubProgram hub in _hubs)
            await hub.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task UploadsAndTags_GoOnAtTheOther(bool inS3)
    {
        using HttpClient client = await StartAsync(inS3, "--anonymous-push");
        byte[] layer = RandomNumberGenerator.GetBytes(2 * HalfBytes);
        // Begun at one, halves sent to both, ended at the first: five requests.
        Uri location = await BeginAsync(client);
        location = await PatchAsync(client, location, layer.AsMemory(0, HalfBytes), 0);
        location = await PatchAsync(client, location, layer.AsMemory(HalfBytes), HalfBytes);
        using (HttpResponseMessage end = await client.PutAsync(With(location, $"digest={ImagePusher.Digest(layer)}"), null, Stop))
            Assert.Equal(HttpStatusCode.Created, end.StatusCode);
        for (int i = 0; i < 4; i++)
            Assert.Equal(layer, await client.GetByteArrayAsync(new Uri($"/v2/lab/app/blobs/{ImagePusher.Digest(layer)}", UriKind.Relative), Stop));
        // A tag that moves at one is moved at the other with the answer, whatever either had remembered.
        byte[] other = RandomNumberGenerator.GetBytes(1000);
        ImagePusher pusher = new(client, "lab/app");
        for (int i = 0; i < 20; i++)
        {
            byte[][] layers = i % 2 == 0 ? [layer] : [layer, other];
            Assert.Equal(HttpStatusCode.Created, await pusher.PushAsync("moving", layers));
            await pusher.RequireAsync("moving", layers);
            await pusher.RequireAsync("moving", layers);
        }
        using (HttpResponseMessage deleted = await pusher.SendAsync(HttpMethod.Delete, "manifests/moving"))
            Assert.Equal(HttpStatusCode.Accepted, deleted.StatusCode);
        for (int i = 0; i < 2; i++)
        {
            using HttpResponseMessage gone = await pusher.SendAsync(HttpMethod.Get, "manifests/moving");
            Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        }
    }

    [Theory(Timeout = 300_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnUpload_WhoseHubIsKilled_EndsAtTheOther(bool inS3)
    {
        using HttpClient both = await StartAsync(inS3, "--anonymous-push");
        byte[] layer = RandomNumberGenerator.GetBytes(2 * HalfBytes);
        Uri location;
        using (HttpClient first = new() { BaseAddress = _hubs[0].Address })
            location = await PatchAsync(first, await BeginAsync(first), layer.AsMemory(0, HalfBytes), 0);
        _hubs[0].Process.Kill();
        await _hubs[0].Process.WaitForExitAsync(Stop);
        using HttpClient second = new() { BaseAddress = _hubs[1].Address };
        location = new Uri(location.PathAndQuery, UriKind.Relative);
        using (HttpResponseMessage status = await second.GetAsync(location, Stop))
            Assert.Equal($"0-{HalfBytes - 1}", status.Headers.GetValues("Range").Single());
        location = await PatchAsync(second, location, layer.AsMemory(HalfBytes), HalfBytes);
        using (HttpResponseMessage end = await second.PutAsync(With(location, $"digest={ImagePusher.Digest(layer)}"), null, Stop))
            Assert.Equal(HttpStatusCode.Created, end.StatusCode);
        Assert.Equal(layer, await second.GetByteArrayAsync(new Uri($"/v2/lab/app/blobs/{ImagePusher.Digest(layer)}", UriKind.Relative), Stop));
    }

    [Theory(Timeout = 300_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PushesThroughBoth_WhileBothCollect_LeaveWholeImages(bool inS3)
    {
        using HttpClient client = await StartAsync(
            inS3, "--anonymous-push", "--unused-blob-time", "1s", "--collection-interval", "1s");
        byte[][] layers = [.. Enumerable.Range(0, 8).Select(i => RandomNumberGenerator.GetBytes(1 + (i * 10_000)))];
        await Task.WhenAll(Enumerable.Range(0, 3).Select(async worker =>
        {
            Random random = new(worker);
            ImagePusher pusher = new(client, $"lab/w{worker}");
            for (int i = 0; i < 40; i++)
            {
                byte[][] mine = [.. layers.Where(_ => random.Next(2) == 0)];
                HttpStatusCode pushed = await pusher.PushAsync("latest", mine);
                if (pushed == HttpStatusCode.Created)
                    await pusher.RequireAsync("latest", mine);
                else
                    // A layer was collected between the question for it and the manifest: refused, as the client would be told, and sent again.
                    Assert.Equal((HttpStatusCode.NotFound, "MANIFEST_BLOB_UNKNOWN"), (pushed, pusher.Refusal));
                if (random.Next(3) == 0)
                    (await pusher.SendAsync(HttpMethod.Delete, "manifests/latest")).Dispose();
                await Task.Delay(random.Next(60), Stop);
            }
        }));
    }

    [Fact(Timeout = 300_000)]
    public async Task Tokens_OfOne_CountAtTheOther()
    {
        string database = TestCluster.NewDatabase();
        using HttpClient client = await StartOnAsync(database, inS3: false);
        string data = Path.Join(_directory.FullName, "data");
        await HubTool.OnAsync(data, "correct horse\n", "user", "add", "alice", "--password-stdin", "--database", database);
        string basic = Convert.ToBase64String(Encoding.UTF8.GetBytes("alice:correct horse"));
        using HttpRequestMessage ask = new(HttpMethod.Get, "/auth/token?service=berth-hub&scope=repository:alice/app:pull,push")
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Basic", basic) },
        };
        using HttpResponseMessage answer = await client.SendAsync(ask, Stop);
        using JsonDocument document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Stop));
        client.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", document.RootElement.GetProperty("token").GetString());
        ImagePusher pusher = new(client, "alice/app");
        for (int i = 0; i < 4; i++)
        {
            byte[] layer = [(byte)i];
            Assert.Equal(HttpStatusCode.Created, await pusher.PushAsync("latest", layer));
            await pusher.RequireAsync("latest", layer);
        }
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Task<HttpClient> StartAsync(bool inS3, params string[] options) => StartOnAsync(TestCluster.NewDatabase(), inS3, options);

    private async Task<HttpClient> StartOnAsync(string database, bool inS3, params string[] options)
    {
        string[] storage = [];
        if (inS3)
        {
            S3Options s3 = TestS3.Options($"two-{Guid.NewGuid():N}/");
            string secret = Path.Join(_directory.FullName, "secret");
            await File.WriteAllTextAsync(secret, s3.SecretKey, Stop);
            storage = ["--s3-endpoint", s3.Endpoint.ToString(), "--s3-bucket", s3.Bucket, "--s3-prefix", s3.Prefix,
                "--s3-access-key", s3.AccessKey, "--s3-secret-key-file", secret,
                // The same for all processes on one database: the first makes it.
                "--secret-key-file", Path.Join(_directory.FullName, "secret.key")];
        }
        for (int i = 0; i < 2; i++)
        {
            // What is stored in files is shared as by a network file system; with S3 each has a directory of its own.
            DirectoryInfo own = inS3 ? _directory.CreateSubdirectory($"hub{i}") : _directory;
            _hubs.Add(await HubProgram.StartInAsync(own, ["--database", database, .. storage, .. options]));
        }
        return new HttpClient(new AlternatingHandler([.. _hubs.Select(hub => hub.Address)])) { BaseAddress = _hubs[0].Address };
    }

    private static async Task<Uri> BeginAsync(HttpClient client)
    {
        using HttpResponseMessage begun = await client.PostAsync(new Uri("/v2/lab/app/blobs/uploads/", UriKind.Relative), null, Stop);
        Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        return new Uri(client.BaseAddress!, begun.Headers.Location!);
    }

    private static async Task<Uri> PatchAsync(HttpClient client, Uri location, ReadOnlyMemory<byte> bytes, int start)
    {
        using ReadOnlyMemoryContent content = new(bytes);
        content.Headers.TryAddWithoutValidation("Content-Range", $"{start}-{start + bytes.Length - 1}");
        using HttpResponseMessage taken = await client.PatchAsync(location, content, Stop);
        Assert.Equal(HttpStatusCode.Accepted, taken.StatusCode);
        return new Uri(client.BaseAddress!, taken.Headers.Location!);
    }

    private static Uri With(Uri location, string query) =>
        new(location + (location.ToString().Contains('?') ? "&" : "?") + query, UriKind.RelativeOrAbsolute);
}
