using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using Berth.EndToEnd.Tests.Buildx.Protocol;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using PacketType = Berth.EndToEnd.Tests.Buildx.Protocol.Packet.Types.PacketType;

namespace Berth.EndToEnd.Tests.Buildx;

/// <summary>What a client of BuildKit answers to the engine during a build: its files, secrets and uploads, and where outputs go.</summary>
internal sealed class BuildxSession : IAsyncDisposable
{
    private static readonly string[] s_methods =
    [
        "/grpc.health.v1.Health/Check", "/moby.filesync.v1.FileSync/DiffCopy", "/moby.filesync.v1.FileSend/DiffCopy",
        "/moby.buildkit.secrets.v1.Secrets/GetSecret", "/moby.upload.v1.Upload/Pull",
    ];

    private readonly string _directory = Directory.CreateTempSubdirectory("berth-buildx-").FullName;
    private readonly WebApplication _server;
    private readonly List<IDisposable> _connections = [];

    public BuildxSession()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.ListenUnixSocket($"{_directory}/s", listen => listen.Protocols = HttpProtocols.Http2));
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    /// <summary>The session's name.</summary>
    public string Id { get; } = Guid.NewGuid().ToString("n");

    /// <summary>The client's directories by the names that builds have for them.</summary>
    public Dictionary<string, string> Directories { get; } = [];

    /// <summary>Its secrets.</summary>
    public Dictionary<string, string> Secrets { get; } = [];

    /// <summary>What is uploaded, by path.</summary>
    public Dictionary<string, byte[]> Uploads { get; } = [];

    /// <summary>An output that is a file is expected, not one that is a tree.</summary>
    public bool TakesOneFile { get; set; }

    /// <summary>Files of outputs: by path, or all under "" when it is one.</summary>
    public ConcurrentDictionary<string, byte[]> Taken { get; } = [];

    /// <summary>How often the engine asked for files of a directory.</summary>
    public ConcurrentBag<string> Asked { get; } = [];

    /// <summary>Opens it by <c>POST /session</c>.</summary>
    public async Task OpenAsync(string socket, CancellationToken cancellationToken)
    {
        await _server.StartAsync(cancellationToken);
        NetworkStream engine = await BuildxConnection.UpgradeAsync(
            socket, "/session",
            string.Concat(Headers().Select(header => $"{header.Key}: {header.Value}\r\n")), cancellationToken);
        NetworkStream own = await ConnectAsync();
        _connections.AddRange([engine, own]);
        _ = PipeAsync(engine, own);
        _ = PipeAsync(own, engine);
    }

    /// <summary>Opens it inside a call of <c>Control.Session</c>.</summary>
    public async Task OpenAsync(Control.ControlClient control, CancellationToken cancellationToken)
    {
        await _server.StartAsync(cancellationToken);
        Metadata headers = [];
        foreach ((string name, string value) in Headers())
            headers.Add(name.ToLowerInvariant(), value);
        AsyncDuplexStreamingCall<BytesMessage, BytesMessage> call = control.Session(headers, cancellationToken: CancellationToken.None);
        NetworkStream own = await ConnectAsync();
        _connections.AddRange([call, own]);
        _ = TunnelAsync(own, call.RequestStream);
        _ = Task.Run(async () =>
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
                await own.WriteAsync(call.ResponseStream.Current.Data.Memory, CancellationToken.None);
        }, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IDisposable connection in _connections)
            connection.Dispose();
        using CancellationTokenSource now = new(0);
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private IEnumerable<KeyValuePair<string, string>> Headers() =>
    [
        new("X-Docker-Expose-Session-Uuid", Id), new("X-Docker-Expose-Session-Name", ""),
        new("X-Docker-Expose-Session-Sharedkey", ""),
        .. s_methods.Select(method => KeyValuePair.Create("X-Docker-Expose-Session-Grpc-Method", method)),
    ];

    private async Task<NetworkStream> ConnectAsync()
    {
        Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await connection.ConnectAsync(new UnixDomainSocketEndPoint($"{_directory}/s"));
        return new NetworkStream(connection, ownsSocket: true);
    }

    private static async Task PipeAsync(Stream from, Stream to)
    {
        try
        {
            await from.CopyToAsync(to);
        }
        catch (Exception ended) when (ended is IOException or ObjectDisposedException)
        {
            // The session is over.
        }
        to.Close();
    }

    private static async Task TunnelAsync(Stream from, IClientStreamWriter<BytesMessage> to)
    {
        try
        {
            byte[] buffer = new byte[32 * 1024];
            int count;
            while ((count = await from.ReadAsync(buffer)) > 0)
                await to.WriteAsync(new BytesMessage { Data = ByteString.CopyFrom(buffer, 0, count) });
            await to.CompleteAsync();
        }
        catch (Exception ended) when (ended is IOException or ObjectDisposedException or RpcException or InvalidOperationException)
        {
            // The session is over.
        }
    }

    private async Task AnswerAsync(HttpContext http)
    {
        http.Response.ContentType = "application/grpc";
        int status = await AnswerAsync(http.Request.Path.Value!, http);
        if (!http.Response.HasStarted)
            await http.Response.StartAsync();
        http.Response.AppendTrailer("grpc-status", $"{status}");
    }

    private async Task<int> AnswerAsync(string path, HttpContext http)
    {
        switch (path)
        {
            case "/grpc.health.v1.Health/Check":
                await WriteAsync(http, new HealthCheckResponse { Status = 1 });
                return 0;
            case "/moby.filesync.v1.FileSync/DiffCopy":
                await SendTreeAsync(http);
                return 0;
            case "/moby.filesync.v1.FileSend/DiffCopy":
                await TakeAsync(http);
                return 0;
            case "/moby.buildkit.secrets.v1.Secrets/GetSecret":
                GetSecretRequest asked = (await ReadAsync(http, GetSecretRequest.Parser))!;
                if (!Secrets.TryGetValue(asked.ID, out string? secret))
                    return 5;
                await WriteAsync(http, new GetSecretResponse { Data = ByteString.CopyFromUtf8(secret) });
                return 0;
            case "/moby.upload.v1.Upload/Pull":
                foreach (byte[] piece in Uploads[http.Request.Headers["urlpath"].ToString()].Chunk(10_000))
                    await WriteAsync(http, new BytesMessage { Data = ByteString.CopyFrom(piece) });
                return 0;
            default:
                return 12;
        }
    }

    private async Task SendTreeAsync(HttpContext http)
    {
        string name = http.Request.Headers["dir-name"].ToString();
        string only = http.Request.Headers["followpaths"].ToString();
        Asked.Add(name);
        string root = Directories[name];
        string[] files = [.. Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(root, file)).Where(file => only.Length == 0 || file == only)
            .OrderBy(file => file.Replace('/', '\0'), StringComparer.Ordinal)];
        foreach (string file in files)
            await WriteAsync(http, new Packet { Stat = Describe(root, file) });
        await WriteAsync(http, new Packet());
        while (await ReadAsync(http, Packet.Parser) is { Type: PacketType.PacketReq } asked)
        {
            byte[] content = await File.ReadAllBytesAsync(Path.Combine(root, files[asked.ID]));
            foreach (byte[] piece in content.Chunk(32 * 1024))
                await WriteAsync(http, new Packet { Type = PacketType.PacketData, ID = asked.ID, Data = ByteString.CopyFrom(piece) });
            await WriteAsync(http, new Packet { Type = PacketType.PacketData, ID = asked.ID });
        }
        await WriteAsync(http, new Packet { Type = PacketType.PacketFin });
    }

    private static Stat Describe(string root, string file)
    {
        FileInfo info = new(Path.Combine(root, file));
        bool isDirectory = Directory.Exists(info.FullName);
        return new Stat
        {
            Path = file, Mode = isDirectory ? 0x800001EDu : 0x1A4u, Size = isDirectory ? 0 : info.Length,
            ModTime = (info.LastWriteTimeUtc - DateTime.UnixEpoch).Ticks * 100,
        };
    }

    private async Task TakeAsync(HttpContext http)
    {
        if (TakesOneFile)
        {
            using MemoryStream all = new();
            while (await ReadAsync(http, BytesMessage.Parser) is { } piece)
                piece.Data.WriteTo(all);
            Taken[""] = all.ToArray();
            return;
        }
        List<Stat> told = [];
        while (await ReadAsync(http, Packet.Parser) is { Stat: { } stat })
            told.Add(stat);
        for (int number = 0; number < told.Count; number++)
        {
            if ((told[number].Mode & 0x8F280000) != 0 || told[number].Linkname.Length > 0)
                continue;
            await WriteAsync(http, new Packet { Type = PacketType.PacketReq, ID = (uint)number });
            using MemoryStream content = new();
            while (await ReadAsync(http, Packet.Parser) is { Type: PacketType.PacketData, Data.Length: > 0 } piece)
                piece.Data.WriteTo(content);
            Taken[told[number].Path] = content.ToArray();
        }
        await WriteAsync(http, new Packet { Type = PacketType.PacketFin });
        while (await ReadAsync(http, Packet.Parser) is { Type: not PacketType.PacketFin })
        {
        }
    }

    private static async Task WriteAsync(HttpContext http, IMessage message)
    {
        byte[] frame = [0, 0, 0, 0, 0, .. message.ToByteArray()];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), frame.Length - 5);
        await http.Response.Body.WriteAsync(frame, http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }

    private static async Task<T?> ReadAsync<T>(HttpContext http, MessageParser<T> parser) where T : class, IMessage<T>
    {
        byte[] head = new byte[5];
        if (await http.Request.Body.ReadAtLeastAsync(head, 5, throwOnEndOfStream: false, http.RequestAborted) < 5)
            return null;
        byte[] message = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1))];
        await http.Request.Body.ReadExactlyAsync(message, http.RequestAborted);
        return parser.ParseFrom(message);
    }
}
