using System.Net;
using System.Net.Sockets;
using Berth.Daemon.Http;
using Berth.Daemon.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Berth.Daemon.Hosting;

/// <summary>Serves <c>/metrics</c>, and nothing else, on an address of its own: whoever reaches it can read counts
/// and do nothing.</summary>
internal sealed class MetricsServer : IAsyncDisposable
{
    private const int ConnectionsMax = 64;
    private readonly WebApplication _application;

    private MetricsServer(WebApplication application) => _application = application;

    /// <summary>Where it listens.</summary>
    public string Address => _application.Urls.First();

    /// <summary>Listens and serves.</summary>
    /// <exception cref="FaultException">Unavailable: the address cannot be used.</exception>
    public static async Task<MetricsServer> StartAsync(
        IPEndPoint address, DaemonServices services, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.Services.AddLogging();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(address, listen => listen.Protocols = HttpProtocols.Http1);
        });
        WebApplication application = builder.Build();
        application.Run(http => AnswerAsync(http, services));
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            await application.DisposeAsync();
            throw FaultException.Unavailable($"listen for metrics on {address}: {failure.Message}", failure);
        }
        return new MetricsServer(application);
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static Task AnswerAsync(HttpContext http, DaemonServices services)
    {
        if (http.Request.Path != "/metrics" || !(HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method)))
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        http.Response.ContentType = MetricsText.ContentType;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask
            : http.Response.WriteAsync(
                MetricsText.Write(services.Engine.System.Info(), services.Program, services.Requests), http.RequestAborted);
    }
}
