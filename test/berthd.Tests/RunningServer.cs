using System.Net.Sockets;
using System.Text;
using Berth.Daemon.Hosting;
using Berth.Daemon.Http;
using Berth.Daemon.Options;
using Berth.Engine;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Daemon.Tests;

/// <summary>A server over a fake domain, on a socket of its own.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly string _directory;
    private ApiServer? _server;
    private DaemonServices? _services;

    private RunningServer() => _directory = Directory.CreateTempSubdirectory("berthd-").FullName;

    public FakeEngine Engine { get; } = new();

    public DaemonServices Services => _services!;

    public string Socket => Path.Combine(_directory, "b.sock");

    public static async Task<RunningServer> StartAsync(CancellationToken cancellationToken)
    {
        var running = new RunningServer();
        var options = new DaemonOptions
        {
            Engine = new EngineOptions { DataRoot = running._directory },
            Listen = [ListenAddress.Parse($"unix://{running.Socket}")],
            Group = "",
        };
        DaemonServices services = running._services = new DaemonServices(
            running.Engine.Services, TimeProvider.System, new ProgramIdentity("0.1.0", "abc", "", false), NullLogger.Instance,
            running._stopping.Token);
        running._server = await ApiServer.StartAsync(options, services, NullLoggerFactory.Instance, cancellationToken);
        return running;
    }

    /// <summary>Connects and sends text as it is.</summary>
    public async Task<NetworkStream> SendAsync(string request, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), cancellationToken);
        var stream = new NetworkStream(socket, ownsSocket: true);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(request), cancellationToken);
        return stream;
    }

    /// <summary>Sends one request, asks for the connection to be closed, and returns all of the answer.</summary>
    public async Task<string> AskAsync(
        string method, string path, CancellationToken cancellationToken, string? body = null, string headers = "")
    {
        await using NetworkStream stream = await SendAsync(
            $"{method} {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n{headers}"
            + (body is null ? "\r\n" : $"Content-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"),
            cancellationToken);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_server is not null)
            await _server.DisposeAsync();
        _stopping.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
