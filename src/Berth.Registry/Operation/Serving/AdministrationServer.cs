using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Operation.Serving;

/// <summary>Serves metrics and health, and nothing else, on an address of its own: whoever reaches it can read counts and do
/// nothing.</summary>
public sealed class AdministrationServer : IAsyncDisposable
{
    private const int ConnectionsMax = 64;
    private readonly WebApplication _application;

    private AdministrationServer(WebApplication application) => _application = application;

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_application.Urls.First());

    /// <summary>Listens and serves.</summary>
    /// <exception cref="FaultException">Unavailable: the address cannot be used.</exception>
    public static async Task<AdministrationServer> StartAsync(
        IPEndPoint address, FrontDoor door, ILoggerFactory loggers, CancellationToken cancellationToken)
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
        application.Run(door.HandleAdministrationAsync);
        try
        {
            await application.StartAsync(cancellationToken);
            return new AdministrationServer(application);
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            await application.DisposeAsync();
            throw FaultException.Unavailable($"listen for metrics on {address}: {failure.Message}", failure);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _application.DisposeAsync();
}
