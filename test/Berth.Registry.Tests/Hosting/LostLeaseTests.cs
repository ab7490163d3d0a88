using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Oci;
using Berth.Registry.Hosting;
using Berth.Registry.Storage;
using Berth.Registry.Tests.Database;
using Berth.Registry.Tests.Storage;

namespace Berth.Registry.Tests.Hosting;

/// <summary>
/// Two hubs whose clocks do not agree, so that an upload's lease at one has run out for the other: whoever loses it neither changes nor
/// removes what the other acknowledges.
/// </summary>
public sealed class LostLeaseTests : IAsyncLifetime
{
    private const string Content = "what the second writer sends";

    private readonly string _database = TestCluster.NewDatabase();
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-lease-");
    private readonly List<Member> _hubs = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (Member hub in _hubs)
            await hub.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData(Content), InlineData("something else of the first")]
    public async Task FirstThatEnds_AfterTheSecondsBlob_TakesNothingOfIt_InS3(string first)
    {
        (Member one, Member other) = await StartAsync(isS3: true);
        string location = await one.BeginUploadAsync("test/app");
        Digest digest = HubRig.DigestOf(Content);
        using Socket slow = await BeginAsync(one, "PUT", $"{location}?digest={digest}", first);
        using (HttpResponseMessage end = await other.SendAsync(
            HttpMethod.Put, $"{location}?digest={digest}", new StringContent(Content)))
            Assert.Equal(HttpStatusCode.Created, end.StatusCode);
        Assert.DoesNotContain("HTTP/1.1 201", await EndAsync(slow), StringComparison.Ordinal);
        await RequireAsync(digest);
        // Neither a collection nor a sweep finds it to be anybody's but the second's.
        await one.Services.Collector.RunAsync(default);
        await RequireAsync(digest);
    }

    [Theory]
    [InlineData(Content, "201"), InlineData("something else of the first", "400")]
    public async Task SecondThatComes_WhileTheFirstHasTheFile_Waits(string first, string answer)
    {
        (Member one, Member other) = await StartAsync(isS3: false);
        string location = await one.BeginUploadAsync("test/app");
        Digest digest = HubRig.DigestOf(Content);
        using Socket slow = await BeginAsync(one, "PUT", $"{location}?digest={digest}", first);
        using (HttpResponseMessage end = await other.SendAsync(
            HttpMethod.Put, $"{location}?digest={digest}", new StringContent(Content)))
            Assert.Equal(HttpStatusCode.Conflict, end.StatusCode);
        string said = await EndAsync(slow);
        // It lost its lease to the one that was told to wait, so it may be refused; what it is told is so.
        if (said.StartsWith("HTTP/1.1 201", StringComparison.Ordinal))
            await RequireAsync(digest);
        else
            Assert.True(said.Contains(answer, StringComparison.Ordinal) || said.Contains("404", StringComparison.Ordinal), said);
        using HttpResponseMessage again = await other.SendAsync(
            HttpMethod.Post, $"/v2/test/app/blobs/uploads/?digest={digest}", new StringContent(Content));
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
        await RequireAsync(digest);
    }

    [Fact]
    public async Task FirstThatIsBrokenOff_AfterTheSecondsPiece_WritesNotOverIt_InS3()
    {
        (Member one, Member other) = await StartAsync(isS3: true);
        string location = await one.BeginUploadAsync("test/app");
        using (Socket slow = await BeginAsync(one, "PATCH", location, new string('x', Content.Length)))
        {
            using (HttpResponseMessage piece = await other.SendAsync(HttpMethod.Patch, location, new StringContent(Content)))
                Assert.Equal(HttpStatusCode.Accepted, piece.StatusCode);
            await EndAsync(slow);
        }
        Digest digest = HubRig.DigestOf(Content);
        using HttpResponseMessage end = await other.SendAsync(HttpMethod.Put, $"{location}?digest={digest}");
        Assert.Equal(HttpStatusCode.Created, end.StatusCode);
        await RequireAsync(digest);
    }

    private async Task RequireAsync(Digest digest)
    {
        foreach (Member hub in _hubs)
            Assert.Equal(Content, await hub.Client.GetStringAsync(new Uri($"/v2/test/app/blobs/{digest}", UriKind.Relative)));
    }

    // All of a body but its end; returns when the hub has the upload's lease and, where it writes files, what was sent.
    private static async Task<Socket> BeginAsync(Member hub, string method, string target, string body)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, hub.Server.Addresses[0].Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"{method} {target} HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n"));
        while (await hub.Services.Database.ReadAsync(
            (transaction, token) => transaction.NumberAsync($"select count(*) from uploads where writer is not null", token), default) == 0)
            await Task.Delay(10);
        if (hub.Options.S3 is not null)
        {
            // Time for the body that was sent with the head to be read; if it is not, the test asks for less.
            await Task.Delay(100);
            return socket;
        }
        // The lease comes before the file: who comes between the two is not told to wait.
        var file = new FileInfo(Path.Join(hub.Options.DataDirectory, "uploads", target.Split('?')[0].Split('/')[^1]));
        for (long start = Environment.TickCount64; file.Length != body.Length; file.Refresh())
        {
            Assert.True(Environment.TickCount64 - start < 60_000, $"the hub has {file.Length} bytes of {body.Length}");
            await Task.Delay(10);
        }
        return socket;
    }

    private static async Task<string> EndAsync(Socket socket)
    {
        await socket.SendAsync("0\r\n\r\n"u8.ToArray());
        byte[] buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer));
    }

    private async Task<(Member One, Member Other)> StartAsync(bool isS3)
    {
        S3Options? bucket = isS3 ? TestS3.Options($"lease-{Guid.NewGuid():N}/") : null;
        for (int i = 0; i < 2; i++)
        {
            var hub = new Member(_database, bucket, _directory.FullName);
            await hub.InitializeAsync();
            _hubs.Add(hub);
        }
        _hubs[1].Time.Advance(TimeSpan.FromMinutes(3));
        return (_hubs[0], _hubs[1]);
    }

    private sealed class Member(string database, S3Options? bucket, string files) : HubRig
    {
        public override HubOptions Options => base.Options with { S3 = bucket, DataDirectory = files };

        protected override string? NewDatabase() => database;
    }
}
