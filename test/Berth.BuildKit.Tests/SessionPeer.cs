using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Berth.BuildKit.Tests;

/// <summary>A client of a build that answers as a test tells it to: a gRPC server over HTTP/2, as docker is one during a build.</summary>
internal sealed class SessionPeer : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-peer-").FullName;
    private readonly WebApplication _server;

    private SessionPeer()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.ListenUnixSocket(Socket, listen => listen.Protocols = HttpProtocols.Http2);
        });
        _server = builder.Build();
        _server.Run(AnswerAsync);
        On("/grpc.health.v1.Health/Check", async call => await call.WriteAsync(new Protocol.HealthCheckResponse { Status = 1 }));
    }

    public string Socket => $"{_directory}/peer";

    /// <summary>What is answered, by method.</summary>
    public ConcurrentDictionary<string, Func<PeerCall, Task>> Answers { get; } = new();

    /// <summary>The offer a client with these answers makes.</summary>
    public Sessions.SessionOffer Offer(string id = "s") => new(id, Answers.Keys.ToHashSet());

    public static async Task<SessionPeer> StartAsync()
    {
        SessionPeer peer = new();
        await peer._server.StartAsync();
        return peer;
    }

    public SessionPeer On(string method, Func<PeerCall, Task> answer)
    {
        Answers[method] = answer;
        return this;
    }

    /// <summary>The connection as the daemon has it.</summary>
    public async Task<Stream> ConnectAsync()
    {
        System.Net.Sockets.Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
        return new NetworkStream(socket, ownsSocket: true);
    }

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource now = new(0);
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task AnswerAsync(HttpContext http)
    {
        http.Response.ContentType = "application/grpc";
        PeerCall call = new(http);
        if (Answers.TryGetValue(http.Request.Path, out Func<PeerCall, Task>? answer))
            await answer(call);
        else
            call.Fail(12, "unimplemented");
        if (!http.Response.HasStarted)
            await http.Response.StartAsync();
        http.Response.AppendTrailer("grpc-status", $"{call.Status}");
        http.Response.AppendTrailer("grpc-message", call.Message);
    }
}

/// <summary>One call that a peer answers.</summary>
internal sealed class PeerCall(HttpContext http)
{
    public int Status { get; private set; }

    public string Message { get; private set; } = "";

    public string Header(string name) => http.Request.Headers[name].ToString();

    public void Fail(int status, string message) => (Status, Message) = (status, message);

    public void Abort() => http.Abort();

    public async Task WriteAsync(IMessage message) => await WriteAsync(message.ToByteArray());

    public async Task WriteAsync(byte[] message, int? lengthSaid = null)
    {
        byte[] frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), lengthSaid ?? message.Length);
        message.CopyTo(frame, 5);
        await http.Response.Body.WriteAsync(frame, http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }

    /// <summary>The next message; null when there is none.</summary>
    public async Task<T?> ReadAsync<T>(MessageParser<T> parser) where T : class, IMessage<T>
    {
        byte[] head = new byte[5];
        if (await http.Request.Body.ReadAtLeastAsync(head, 5, throwOnEndOfStream: false, http.RequestAborted) < 5)
            return null;
        byte[] message = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1))];
        await http.Request.Body.ReadExactlyAsync(message, http.RequestAborted);
        return parser.ParseFrom(message);
    }
}
