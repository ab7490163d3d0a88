using System.Net.Sockets;
using System.Text;

namespace Berth.Daemon.Tests;

public sealed class ServerTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(Cancel);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    public async Task Ping_Headers_SayWhatClientsLookFor(string method)
    {
        string answer = await _server.AskAsync(method, "/_ping", Cancel);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer);
        foreach (string header in new[]
        {
            "Api-Version: 1.50", "Builder-Version: 2", "Ostype: linux", "Docker-Experimental: false",
            "Cache-Control: no-cache, no-store, must-revalidate", "Pragma: no-cache", "Server: Berth/0.1.0 (linux)",
        })
            Assert.Contains($"\r\n{header}\r\n", answer);
        Assert.EndsWith(method == "GET" ? "\r\n\r\nOK" : "\r\n\r\n", answer);
    }

    [Theory]
    [InlineData("GET", "/nothing", 404, "page not found")]
    [InlineData("GET", "/v1.41/nothing", 404, "page not found")]
    [InlineData("PATCH", "/version", 404, "page not found")]
    [InlineData("GET", "/v1.99/version", 400, "client version 1.99 is too new. Maximum supported API version is 1.50")]
    [InlineData("GET", "/containers/x/json", 404, "No such container: x")]
    [InlineData("DELETE", "/containers/x", 409, "cannot remove container \\\"x\\\": container is running")]
    [InlineData("POST", "/containers/x/kill", 500, "a mistake of ours")]
    [InlineData("POST", "/containers/x/resize?h=x&w=1", 400, "invalid resize height \\\"x\\\"")]
    [InlineData("GET", "/containers/x/logs", 400, "Bad parameters: you must choose at least one stream")]
    [InlineData("GET", "/containers/json?filters=%7B%22a%22%3A%5B%22b%22%5D%7D", 400, "invalid filter 'a'")]
    [InlineData("GET", "/events?since=10&until=5", 400, "`since` time (10) cannot be after `until` time (5)")]
    [InlineData("POST", "/containers/create", 400, "config cannot be empty in order to create a container")]
    [InlineData("POST", "/plugins/pull", 501, "plugins are not supported by this engine")]
    [InlineData(
        "GET", "/v1.40/services", 503,
        "This node is not a swarm manager. Use \\\"docker swarm init\\\" or \\\"docker swarm join\\\" to connect this node to swarm "
        + "and try again.")]
    public async Task Failure_IsJsonWithDockersWords(string method, string path, int status, string message)
    {
        string answer = await _server.AskAsync(method, path, Cancel);
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.Contains("Content-Type: application/json\r\n", answer);
        Assert.EndsWith($"\r\n\r\n{{\"message\":\"{message}\"}}\n", answer);
    }

    [Theory]
    [InlineData("{", 400, "invalid JSON: ")]
    [InlineData("""{"Image":"x"} {"Image":"y"}""", 400, "unexpected content after JSON")]
    [InlineData("""{"Image":5}""", 400, "invalid JSON: Image is of the wrong type (line 1, byte 11)")]
    [InlineData("[]", 400, "invalid JSON: the document is of the wrong type (line 1, byte 2)")]
    public async Task Body_NotTheJson_Is400(string body, int status, string message)
    {
        string answer = await _server.AskAsync("POST", "/containers/create", Cancel, body);
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.Contains($"{{\"message\":\"{message}", answer);
    }

    [Fact]
    public async Task Body_OtherContentType_Is400()
    {
        await using NetworkStream stream = await _server.SendAsync(
            "POST /containers/create HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
            Cancel);
        using var reader = new StreamReader(stream);
        Assert.Contains("unsupported Content-Type header (text/plain): must be 'application/json'", await reader.ReadToEndAsync(Cancel));
    }

    [Fact]
    public async Task Body_LargerThanTheLimit_Is413()
    {
        string answer = await _server.AskAsync(
            "POST", "/containers/create", Cancel, $$"""{"Image":"{{new string('x', 9 * 1024 * 1024)}}"}""");
        Assert.StartsWith("HTTP/1.1 413 ", answer);
    }

    [Fact]
    public async Task Create_WhatTheCommandLineSends_ReachesTheDomain()
    {
        string answer = await _server.AskAsync(
            "POST", "/v1.50/containers/create?name=web", Cancel,
            """
            {"Hostname":"","User":"","AttachStdout":true,"ExposedPorts":{"80/tcp":{}},"Tty":false,"Env":["A=b"],"Cmd":["true"],
             "Image":"busybox","Volumes":{},"Entrypoint":null,"HostConfig":{"Binds":null,"NetworkMode":"default",
             "PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},"RestartPolicy":{"Name":"no","MaximumRetryCount":0},
             "ConsoleSize":[24,80],"MemorySwappiness":-1,"Memory":6291456,"KernelMemory":1},
             "NetworkingConfig":{"EndpointsConfig":{"default":null}}}
            """);
        Assert.StartsWith("HTTP/1.1 201 ", answer);
        Assert.Contains("\"Warnings\":[\"Your kernel does not support kernel memory limit. Limitation discarded.\"]", answer);
        Engine.CreateContainer created = _server.Engine.FakeContainers.Created!;
        Assert.Equal(("web", "busybox", 6291456L), (created.Name, created.Config.Image, created.Host.Resources.Memory));
        Assert.Null(created.Host.Resources.MemorySwappiness);
        Assert.Equal("8080", created.Host.PortBindings!["80/tcp"][0].HostPort);
        Assert.Equal((24, 80), created.Host.ConsoleSize);
        Assert.Contains("default", created.Networks.Keys);
    }

    [Fact]
    public async Task Start_RunsAlready_Is304WithoutBody()
    {
        Assert.StartsWith("HTTP/1.1 204 ", await _server.AskAsync("POST", "/containers/stopped/start", Cancel));
        string answer = await _server.AskAsync("POST", "/containers/running/start", Cancel);
        Assert.StartsWith("HTTP/1.1 304 ", answer);
        Assert.EndsWith("\r\n\r\n", answer);
    }

    [Fact]
    public async Task ArchiveStat_Header_IsBase64OfJsonWithGoBits()
    {
        string answer = await _server.AskAsync("HEAD", "/containers/x/archive?path=/etc", Cancel);
        string line = answer.Split("\r\n").Single(header => header.StartsWith("X-Docker-Container-Path-Stat: ", StringComparison.Ordinal));
        Assert.Equal(
            """{"name":"etc","size":4096,"mode":2147484141,"mtime":"1970-01-01T00:00:00Z","linkTarget":""}""",
            Encoding.UTF8.GetString(Convert.FromBase64String(line.Split(": ")[1])));
    }

    [Fact]
    public async Task Wait_Headers_AreSentBeforeTheEnd()
    {
        await using NetworkStream stream = await _server.SendAsync(
            "POST /v1.50/containers/x/wait?condition=next-exit HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n", Cancel);
        using var reader = new StreamReader(stream);
        Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync(Cancel));
        _server.Engine.FakeContainers.Ended.SetResult(new Engine.WaitOutcome(7, null));
        Assert.Contains("{\"StatusCode\":7}\n", await reader.ReadToEndAsync(Cancel));
    }

    [Fact]
    public async Task Events_FirstLine_ArrivesWhileTheStreamGoesOn()
    {
        await using NetworkStream stream = await _server.SendAsync("GET /events HTTP/1.1\r\nHost: d\r\n\r\n", Cancel);
        using var reader = new StreamReader(stream);
        string? line;
        while ((line = await reader.ReadLineAsync(Cancel)) is not null && !line.StartsWith('{'))
        {
        }
        Assert.Contains("\"Type\":\"container\",\"Action\":\"start\"", line);
        Assert.Contains("\"timeNano\":5000000000", line);
    }

    [Fact]
    public async Task Build_FailureAfterTheFirstLine_IsALineWithTheExitCode()
    {
        string answer = await _server.AskAsync("POST", "/build?version=1", Cancel, new string('x', 300_000));
        Assert.StartsWith("HTTP/1.1 200 ", answer);
        Assert.Contains("{\"stream\":\"Step 1/2 : context has 300000 bytes\\n\"}\r\n", answer);
        Assert.Contains("\"errorDetail\":{\"code\":3,\"message\":\"The command '/bin/sh -c false' returned", answer);
    }

    [Fact]
    public async Task Build_FailureBeforeTheFirstLine_HasAStatus() =>
        Assert.StartsWith("HTTP/1.1 400 ", await _server.AskAsync("POST", "/build?target=unknown", Cancel, "x"));

    [Fact]
    public async Task Body_GivenUpInTheMiddle_IsReadToItsEnd()
    {
        const int Rest = 20_000_000;
        await using NetworkStream stream = await _server.SendAsync(
            $"POST /build?target=full HTTP/1.1\r\nHost: d\r\nContent-Length: {10 + Rest}\r\n\r\n0123456789", Cancel);
        using var reader = new StreamReader(stream);
        Assert.Equal("HTTP/1.1 503 Service Unavailable", await reader.ReadLineAsync(Cancel));
        await stream.WriteAsync(new byte[Rest], Cancel);
        await stream.WriteAsync("GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"u8.ToArray(), Cancel);
        string rest = await reader.ReadToEndAsync(Cancel);
        Assert.Contains("no space left on device", rest);
        Assert.EndsWith("OK", rest);
    }

    [Fact]
    public async Task Header_InManyPieces_IsOneRequest()
    {
        await using NetworkStream stream = await _server.SendAsync("", Cancel);
        foreach (char letter in "GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
            await stream.WriteAsync(new[] { (byte)letter }, Cancel);
        using var reader = new StreamReader(stream);
        Assert.EndsWith("OK", await reader.ReadToEndAsync(Cancel));
    }

    [Fact]
    public async Task SecondDaemon_OnALivingSocket_IsRefused()
    {
        var fault = Assert.Throws<FaultException>(() => Hosting.UnixSocket.Listen(_server.Socket, group: null));
        Assert.Equal($"can't create unix socket {_server.Socket}: another daemon is listening on it", fault.Message);
        Assert.EndsWith("OK", await _server.AskAsync("GET", "/_ping", Cancel));
    }

    [Fact]
    public void Socket_OfADeadDaemon_IsTakenOver()
    {
        string path = _server.Socket + ".dead";
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            dead.Bind(new UnixDomainSocketEndPoint(path));
        if (!File.Exists(path))
            File.WriteAllText(path, "");
        using Socket socket = Hosting.UnixSocket.Listen(path, group: null);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(path));
    }
}
