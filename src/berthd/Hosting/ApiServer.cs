using System.Net.Sockets;
using Berth.BuildKit.Control;
using Berth.BuildKit.History;
using Berth.Daemon.Grpc;
using Berth.Daemon.Http;
using Berth.Daemon.Options;
using Berth.Daemon.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Hosting;

/// <summary>The HTTP server: sockets, limits, and every request to the dispatcher.</summary>
internal sealed partial class ApiServer : IAsyncDisposable
{
    // Every connection costs descriptors and buffers; beyond this, a further one takes the room of one that asks nothing.
    private const int ConnectionsMax = 4096;

    private const int HeaderBytesMax = 64 * 1024;
    private const int HeadersMax = 128;

    // Half of what one piece of attached output can be stays in the pipe while the other half is made.
    private const int OutputBufferBytes = 1024 * 1024;

    // A client that has not sent its headers by then is not going to.
    private static readonly TimeSpan s_headersTime = TimeSpan.FromSeconds(15);

    // Libraries keep connections for later; this is how long an idle one is kept for them.
    private static readonly TimeSpan s_idleTime = TimeSpan.FromMinutes(5);

    // A client of HTTP/2 that does not answer this is gone, and its builds with it.
    private static readonly TimeSpan s_pingDelay = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_stopTime = TimeSpan.FromSeconds(5);

    private readonly WebApplication _application;
    private readonly IdleMemory _idle;

    private readonly Lazy<ControlServer> _control;

    private ApiServer(WebApplication application, IdleMemory idle, Lazy<ControlServer> control) =>
        (_application, _idle, _control) = (application, idle, control);

    /// <summary>Listens and serves.</summary>
    /// <exception cref="FaultException">As <see cref="UnixSocket.Listen"/>.</exception>
    public static async Task<ApiServer> StartAsync(
        DaemonOptions options, DaemonServices services, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.Services.AddLogging();
        builder.WebHost.UseKestrelCore();
        if (options.Tls is not null)
            builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.Configure<SocketTransportOptions>(transport => ConfigureTransport(transport, options));
        builder.Services.AddSingleton<IConnectionListenerFactory>(services.Http2);
        builder.WebHost.ConfigureKestrel(kestrel => ConfigureKestrel(kestrel, options, services.Http2));
        WebApplication application = builder.Build();
        var idle = new IdleMemory();
        var dispatcher = new ApiDispatcher(services, idle);
        // Most engines are never asked for it, and it takes half a megabyte of an idle one's memory.
        Lazy<ControlServer> control = new(() =>
            new ControlServer(new EngineBuildControl(services.Engine, services.Program), services.Sessions,
                new HistoryOptions(Path.Combine(options.Engine.DataRoot, "build-history"), text => Log.History(services.Log, text)),
                services.Clock));
        GrpcRequests calls = new(services, control, idle);
        TlsGuard? guard = options.Tls is { } tls ? new TlsGuard(tls) : null;
        // Only connections whose first request has passed the guard go on by HTTP/2, and those of a unix socket, which need none.
        application.Run(http => HttpProtocol.IsHttp2(http.Request.Protocol) ? calls.HandleAsync(http)
            : guard?.Refuses(http) is true ? TlsGuard.RefuseAsync(http)
            : dispatcher.HandleAsync(http));
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            await application.DisposeAsync();
            throw FaultException.Unavailable($"listen: {failure.Message}", failure);
        }
        catch
        {
            await application.DisposeAsync();
            throw;
        }
        // What starting took is given back too.
        idle.Touch();
        return new ApiServer(application, idle, control);
    }

    /// <summary>Stops listening, gives running requests a little time, and closes what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(s_stopTime);
        await _application.StopAsync(patience.Token);
        await _application.DisposeAsync();
        if (_control.IsValueCreated)
            _control.Value.Dispose();
        _idle.Dispose();
    }

    private static void ConfigureTransport(SocketTransportOptions transport, DaemonOptions options)
    {
        int? group = FindGroup(options.Group);
        transport.MaxWriteBufferSize = OutputBufferBytes;
        transport.CreateBoundListenSocket = endPoint => endPoint is UnixDomainSocketEndPoint unix
            ? UnixSocket.Listen(unix.ToString(), group)
            : SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
    }

    private static void ConfigureKestrel(KestrelServerOptions kestrel, DaemonOptions options, HandedConnections http2)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        kestrel.RequestHeaderEncodingSelector = ConnectionHeaderEncoding.Select;
        ConnectionTable connections = new(ConnectionsMax);
        kestrel.Limits.MaxRequestHeadersTotalSize = HeaderBytesMax;
        kestrel.Limits.MaxRequestLineSize = HeaderBytesMax;
        kestrel.Limits.MaxRequestHeaderCount = HeadersMax;
        kestrel.Limits.RequestHeadersTimeout = s_headersTime;
        kestrel.Limits.KeepAliveTimeout = s_idleTime;
        // Bodies are contexts and archives of any size from clients of any speed; bodies that are JSON have limits of their own.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        // Followed logs and events wait for their readers.
        kestrel.Limits.MinResponseDataRate = null;
        foreach (ListenAddress address in options.Listen)
        {
            if (address.Handed is not null)
                foreach (int descriptor in HandedSockets.Find(address, Environment.GetEnvironmentVariable, options.Tls is not null))
                    kestrel.ListenHandle((ulong)descriptor, listen =>
                    {
                        bool isTls = !HandedSockets.IsUnix(descriptor, address);
                        if (isTls)
                            listen.UseHttps(options.Tls!.ToHttps());
                        Serve(listen, connections, http2, isTls);
                    });
            else if (address.Path is { } path)
                kestrel.ListenUnixSocket(path, listen => Serve(listen, connections, http2, isTls: false));
            else
                kestrel.Listen(address.Tcp!, listen =>
                {
                    listen.UseHttps(options.Tls!.ToHttps());
                    Serve(listen, connections, http2, isTls: true);
                });
        }
        kestrel.Limits.Http2.KeepAlivePingDelay = s_pingDelay;
        kestrel.Listen(http2.Address, listen => listen.Protocols = HttpProtocols.Http2);
    }

    private static void Serve(ListenOptions listen, ConnectionTable connections, HandedConnections http2, bool isTls)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => async connection =>
        {
            using ConnectionTable.Entry? entry = connections.TryAdd(connection);
            if (entry is null)
                return;
            connection.Features.Set<IConnectionUse>(entry);
            await using var hijackable = new HijackableConnection(connection, mayBeHttp2: !isTls);
            await next(hijackable);
            if (!hijackable.IsHttp2)
                return;
            entry.Begin();
            await http2.ServeAsync(connection.Transport, hijackable.AbortTransport);
        });
    }

    private static int? FindGroup(string? name)
    {
        if (!Environment.IsPrivilegedProcess)
            return null;
        if (name is { Length: > 0 })
            return FileOwner.FindGroup(name) ?? throw FaultException.Invalid($"group {name} does not exist");
        return name is "" ? null : FileOwner.FindGroup("docker") ?? FileOwner.FindGroup("berth");
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 5012, Level = LogLevel.Warning, Message = "{Cause}")]
        public static partial void History(ILogger logger, string cause);
    }
}
