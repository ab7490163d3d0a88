using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace Berth.Daemon.Tests;

public sealed class HijackTests : IAsyncLifetime
{
    private const string AttachQuery = "/containers/x/attach?stream=1&stdin=1&stdout=1&stderr=1";
    private RunningServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(Cancel);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(true, "1.50", "application/vnd.docker.raw-stream")]
    [InlineData(false, "1.50", "application/vnd.docker.multiplexed-stream")]
    [InlineData(false, "1.41", "application/vnd.docker.raw-stream")]
    public async Task Attach_Upgrade_Answers101WithTheTypeOfTheVersion(bool terminal, string version, string type)
    {
        _server.Engine.FakeContainers.Attachment = new FakeAttachment(terminal);
        await using NetworkStream stream = await AttachAsync($"/v{version}{AttachQuery}", upgrade: true);
        string head = await ReadHeadAsync(stream);
        Assert.StartsWith("HTTP/1.1 101 UPGRADED\r\n", head);
        Assert.Contains($"Content-Type: {type}\r\n", head);
        Assert.Contains("Connection: Upgrade\r\nUpgrade: tcp\r\n", head);
    }

    [Theory]
    [InlineData("1.50", WebSocketMessageType.Binary)]
    [InlineData("1.24", WebSocketMessageType.Text)]
    public async Task AttachWebSocket_MessagesGoBothWays(string version, WebSocketMessageType type)
    {
        _server.Engine.FakeContainers.Attachment = new FakeAttachment(isTerminal: false);
        using SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (_, stop) =>
            {
                Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(_server.Socket), stop);
                return new NetworkStream(connection, ownsSocket: true);
            },
        };
        using HttpMessageInvoker invoker = new(handler);
        using ClientWebSocket client = new();
        await client.ConnectAsync(
            new Uri($"ws://docker/v{version}/containers/x/attach/ws?stream=1&stdin=1&stdout=1&stderr=1"), invoker, Cancel);
        byte[] buffer = new byte[1024];
        foreach (string said in new[] { "hello", "again" })
        {
            await client.SendAsync(Encoding.ASCII.GetBytes(said), WebSocketMessageType.Binary, true, Cancel);
            WebSocketReceiveResult echoed = await client.ReceiveAsync(buffer, Cancel);
            Assert.Equal((type, said), (echoed.MessageType, Encoding.ASCII.GetString(buffer, 0, echoed.Count)));
        }
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);
        while (!_server.Engine.FakeContainers.Attachment.InputClosed)
            await Task.Delay(5, Cancel);
    }

    [Fact]
    public async Task AttachWebSocket_OutputEnds_ClosesNormally()
    {
        _server.Engine.FakeContainers.Attachment = new FakeAttachment(isTerminal: false, talkBytes: 100_000);
        await using NetworkStream stream = await _server.SendAsync(
            "GET /containers/x/attach/ws?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", Cancel);
        string head = await ReadHeadAsync(stream);
        Assert.StartsWith("HTTP/1.1 101 Switching Protocols\r\n", head);
        // RFC 6455, 1.3: the sample nonce and its answer.
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", head, StringComparison.Ordinal);
        using WebSocket socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions());
        long bytes = 0;
        byte[] buffer = new byte[64 * 1024];
        WebSocketReceiveResult received;
        while ((received = await socket.ReceiveAsync(buffer, Cancel)).MessageType != WebSocketMessageType.Close)
            bytes += received.Count;
        Assert.Equal((100_000, WebSocketCloseStatus.NormalClosure), (bytes, socket.CloseStatus));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);
    }

    [Fact]
    public async Task AttachWebSocket_NoHandshake_IsRefused() => Assert.Contains("400 Bad Request",
        await _server.AskAsync("GET", "/containers/x/attach/ws?stream=1", Cancel), StringComparison.Ordinal);

    [Fact]
    public async Task Attach_WithoutUpgrade_Answers200AndTheSameStream()
    {
        _server.Engine.FakeContainers.Attachment = new FakeAttachment(isTerminal: true);
        await using NetworkStream stream = await AttachAsync(AttachQuery, upgrade: false);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await ReadHeadAsync(stream));
        await stream.WriteAsync("hello"u8.ToArray(), Cancel);
        stream.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal("hellobye\n", await ReadAllAsync(stream));
    }

    [Fact]
    public async Task Attach_HalfClose_EndsInputOnlyAndLosesNothing()
    {
        _server.Engine.FakeContainers.Attachment = new FakeAttachment(isTerminal: false);
        await using NetworkStream stream = await AttachAsync(AttachQuery, upgrade: true);
        await ReadHeadAsync(stream);
        byte[] sent = new byte[5_000_000];
        Random.Shared.NextBytes(sent);
        Task writing = Task.Run(
            async () =>
            {
                await stream.WriteAsync(sent, Cancel);
                stream.Socket.Shutdown(SocketShutdown.Send);
            },
            Cancel);
        (byte[] output, byte[] errors) = await ReadFramesAsync(stream);
        await writing;
        Assert.True(sent.AsSpan().SequenceEqual(output));
        Assert.Equal("bye\n", Encoding.ASCII.GetString(errors));
        Assert.True(_server.Engine.FakeContainers.Attachment.InputClosed);
    }

    [Fact]
    public async Task Attach_InputInTheSameSegmentAsTheHead_IsNotLost()
    {
        _server.Engine.FakeContainers.Attachment = new FakeAttachment(isTerminal: true);
        await using NetworkStream stream = await _server.SendAsync(
            $"POST {AttachQuery} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\nearly", Cancel);
        stream.Socket.Shutdown(SocketShutdown.Send);
        await ReadHeadAsync(stream);
        Assert.Equal("earlybye\n", await ReadAllAsync(stream));
    }

    [Fact]
    public async Task Upgrade_WithABody_IsAccepted()
    {
        // What every client sends to POST /exec/{id}/start. The head goes out before the process starts: a failure is in the stream.
        await using NetworkStream stream = await _server.SendAsync(
            "POST /exec/x/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n"
            + "Content-Length: 16\r\n\r\n{\"Detach\":false}", Cancel);
        Assert.StartsWith("HTTP/1.1 101 ", await ReadHeadAsync(stream));
        (byte[] output, _) = await ReadFramesAsync(stream);
        Assert.Equal("OCI runtime exec failed: no such program\r\n", Encoding.UTF8.GetString(output));
    }

    [Fact]
    public async Task Attach_UnknownContainer_FailsAsJsonAndTheConnectionServesOn()
    {
        await using NetworkStream stream = await AttachAsync(AttachQuery, upgrade: true);
        string head = await ReadHeadAsync(stream);
        Assert.StartsWith("HTTP/1.1 404 ", head);
        byte[] body = new byte[int.Parse(head.Split("Content-Length: ")[1].Split('\r')[0])];
        await stream.ReadExactlyAsync(body, Cancel);
        Assert.Equal("{\"message\":\"No such container: x\"}\n", Encoding.UTF8.GetString(body));
        await stream.WriteAsync("GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n"u8.ToArray(), Cancel);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await ReadHeadAsync(stream));
    }

    [Fact]
    public async Task Attach_ManyAtOnce_AllEndWhole()
    {
        for (int round = 0; round < 50; round++)
        {
            _server.Engine.FakeContainers.Attachment = new FakeAttachment(isTerminal: true);
            await using NetworkStream stream = await AttachAsync(AttachQuery, upgrade: true);
            stream.Socket.Shutdown(SocketShutdown.Send);
            await ReadHeadAsync(stream);
            Assert.Equal("bye\n", await ReadAllAsync(stream));
        }
    }

    [Fact]
    public async Task Attach_FastOutput_IsNotHeldBackByFrames()
    {
        const long Bytes = 1L << 30;
        _server.Engine.FakeContainers.Attachment = new FakeAttachment(isTerminal: false, talkBytes: Bytes);
        await using NetworkStream stream = await AttachAsync(
            "/containers/x/attach?stream=1&stdout=1&stderr=1", upgrade: true);
        await ReadHeadAsync(stream);
        byte[] buffer = new byte[1 << 20];
        // The aim is 500; a machine under load must not fail the build, a storm of flushes must: it is there in each stretch, what others
        // take of the processors is not.
        const long Stretch = Bytes / 32;
        var clock = Stopwatch.StartNew();
        long total = 0, begin = 0;
        double megabytes = 0;
        for (int count; (count = await stream.ReadAsync(buffer, Cancel)) > 0;)
        {
            total += count;
            if (total - begin < Stretch)
                continue;
            megabytes = Math.Max(megabytes, (total - begin) / 1e6 / clock.Elapsed.TotalSeconds);
            begin = total;
            clock.Restart();
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{megabytes:F0} MB/s");
        Assert.True(total > Bytes);
        Assert.True(megabytes > 100, $"{megabytes:F0} MB/s");
    }

    private Task<NetworkStream> AttachAsync(string path, bool upgrade) => _server.SendAsync(
        $"POST {path} HTTP/1.1\r\nHost: d\r\n" + (upgrade ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : "")
        + "Content-Length: 0\r\n\r\n", Cancel);

    private static async Task<string> ReadHeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, Cancel);
            head.Append((char)one[0]);
        }
        return head.ToString();
    }

    private static async Task<string> ReadAllAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        return await reader.ReadToEndAsync(Cancel);
    }

    private static async Task<(byte[] Output, byte[] Errors)> ReadFramesAsync(NetworkStream stream)
    {
        using var output = new MemoryStream();
        using var errors = new MemoryStream();
        byte[] header = new byte[8];
        while (await stream.ReadAtLeastAsync(header, 8, throwOnEndOfStream: false, Cancel) == 8)
        {
            byte[] piece = new byte[BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4))];
            await stream.ReadExactlyAsync(piece, Cancel);
            (header[0] == 1 ? output : errors).Write(piece);
        }
        return (output.ToArray(), errors.ToArray());
    }
}
