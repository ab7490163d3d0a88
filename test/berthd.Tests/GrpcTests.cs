using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Berth.Daemon.Grpc;

namespace Berth.Daemon.Tests;

/// <summary>The doors of BuildKit's Control service; what goes on behind them is tested where it is.</summary>
public sealed class GrpcTests : IAsyncLifetime
{
    private const string Health = "/grpc.health.v1.Health/Check";
    private RunningServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(Cancel);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_OverHttp2_IsAnswered(bool upgrade)
    {
        using HttpClient client = Client(upgrade);
        using HttpResponseMessage answer = await CallAsync(client, Health, [0, 0, 0, 0, 0]);
        Assert.Equal("0", Trailer(answer, "grpc-status"));
        Assert.Equal([0, 0, 0, 0, 2, 8, 1], await answer.Content.ReadAsByteArrayAsync(Cancel));
        // Again on the same connection.
        using HttpResponseMessage refused = await CallAsync(client, "/moby.buildkit.v1.Control/Ünknown", [0, 0, 0, 0, 0]);
        Assert.Equal("12", Trailer(refused, "grpc-status"));
        Assert.StartsWith("unknown method %C3%9Cnknown for service", Trailer(refused, "grpc-message"));
    }

    [Theory]
    [InlineData("", "no upgrade proto in request")]
    [InlineData("Upgrade: tcp\r\n", "upgrade to tcp is not supported: use h2c")]
    public async Task Grpc_NotAsItMustBe_IsRefused(string headers, string message)
    {
        string answer = await _server.AskAsync("POST", "/grpc", Cancel, headers: headers);
        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains(message, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grpc_OfSomethingElse_EndsAtOnce()
    {
        await using NetworkStream stream = await UpgradeAsync();
        await stream.WriteAsync("GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n"u8.ToArray(), Cancel);
        await EndsAsync(stream);
        Assert.Contains("200 OK", await _server.AskAsync("GET", "/_ping", Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Socket_RestOverHttp2_IsToldWhereToGo()
    {
        using HttpClient client = Client(upgrade: false);
        using HttpResponseMessage answer = await client.GetAsync("http://d/_ping", Cancel);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
        Assert.Equal("HTTP/2 is for gRPC here: use HTTP/1.1 for the Engine API\n", await answer.Content.ReadAsStringAsync(Cancel));
    }

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")]
    [InlineData("PRI * HTTP/1.1\r\nHost: d\r\n\r\n")]
    [InlineData("PR")]
    public async Task Socket_AlmostHttp2_IsHttp1(string text)
    {
        await using NetworkStream stream = await _server.SendAsync(text, Cancel);
        stream.Socket.Shutdown(SocketShutdown.Send);
        await EndsAsync(stream);
        Assert.Contains("200 OK", await _server.AskAsync("GET", "/_ping", Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Socket_RequestThatComesByteByByte_IsAnswered()
    {
        await using NetworkStream stream = await _server.SendAsync("P", Cancel);
        foreach (char one in "OST /containers/x/start HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
        {
            await stream.WriteAsync(new[] { (byte)one }, Cancel);
            await Task.Yield();
        }
        using StreamReader reader = new(stream);
        Assert.StartsWith("HTTP/1.1 ", await reader.ReadToEndAsync(Cancel));
    }

    [Fact]
    public async Task Socket_PrefaceThatComesInPieces_IsHttp2()
    {
        await using NetworkStream stream = await _server.SendAsync("PRI * HT", Cancel);
        await Task.Delay(50, Cancel);
        await stream.WriteAsync("TP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"u8.ToArray(), Cancel);
        byte[] head = new byte[9];
        await stream.ReadExactlyAsync(head, Cancel);
        // The other side's settings come first.
        Assert.Equal(4, head[3]);
    }

    [Fact]
    public async Task Connections_ThatGoAway_LeaveTheServerAsItWas()
    {
        for (int i = 0; i < 20; i++)
        {
            using HttpClient client = Client(i % 2 == 0);
            using CancellationTokenSource stop = new();
            // A build that nobody drives.
            Task<HttpResponseMessage> solving = client.SendAsync(
                Request("/moby.buildkit.v1.Control/Solve", [0, 0, 0, 0, 4, 0x0a, 2, (byte)'r', (byte)('a' + i)]), stop.Token);
            await CallAsync(client, Health, [0, 0, 0, 0, 0]);
            if (i % 3 == 0)
                await stop.CancelAsync();
            client.Dispose();
            await ((Task)solving).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
        using HttpClient last = Client(upgrade: true);
        using HttpResponseMessage answer = await CallAsync(last, Health, [0, 0, 0, 0, 0]);
        Assert.Equal("0", Trailer(answer, "grpc-status"));
    }

    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("100% ä\n", "100%25 %C3%A4%0A")]
    public void Message_OfAnyText_IsAHeader(string text, string header) => Assert.Equal(header, GrpcRequests.Encode(text));

    private static async Task EndsAsync(NetworkStream stream)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        byte[] buffer = new byte[4096];
        while (await stream.ReadAsync(buffer, patience.Token) > 0)
        {
        }
    }

    private static HttpRequestMessage Request(string path, byte[] body) => new(HttpMethod.Post, "http://d" + path)
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
    };

    private static Task<HttpResponseMessage> CallAsync(HttpClient client, string path, byte[] body) =>
        client.SendAsync(Request(path, body), Cancel);

    private static string Trailer(HttpResponseMessage answer, string name) => string.Concat(answer.TrailingHeaders.GetValues(name));

    private HttpClient Client(bool upgrade) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) => upgrade ? await UpgradeAsync() : await _server.SendAsync("", cancellationToken),
    })
    {
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private async Task<NetworkStream> UpgradeAsync()
    {
        NetworkStream stream = await _server.SendAsync(
            "POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", Cancel);
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, Cancel);
            head.Append((char)one[0]);
        }
        Assert.StartsWith("HTTP/1.1 101 UPGRADED\r\n", head.ToString());
        return stream;
    }
}
