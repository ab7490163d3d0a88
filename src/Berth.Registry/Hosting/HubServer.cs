using System.Net;
using System.Net.Sockets;
using Berth.Registry.Api;
using Berth.Registry.Hosting.Transport;
using Berth.Registry.Operation.Serving;
using Berth.Registry.Pages;
using Berth.Registry.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Berth.Registry.Hosting;

/// <summary>The HTTP server of a hub: sockets, limits, and every request to the part that answers it.</summary>
public sealed class HubServer : IAsyncDisposable
{
    private const int HeaderBytesMax = 32 * 1024;

    // The longest name beside the longest digest and a query of several pages' worth.
    private const int RequestLineBytesMax = 8 * 1024;

    // A piece of an answer, up to 1 MiB of a blob, may take a client so long: 3.5 kB/s, or a line that was away for a while. The server
    // does not count what is announced to it, so the rate itself says nothing to it.
    private static readonly TimeSpan s_pieceTime = TimeSpan.FromMinutes(5);

    // Who sends nothing for so long is told to come back; what has arrived of an upload is kept.
    private static readonly TimeSpan s_bodyTime = TimeSpan.FromMinutes(1);
    private const double BytesPerSecondMin = 240;

    private static readonly TimeSpan s_headersTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_stopTime = TimeSpan.FromSeconds(5);

    private readonly WebApplication _application;
    private readonly HubWork _work;

    private HubServer(WebApplication application, HubWork work) => (_application, _work) = (application, work);

    /// <summary>Where it listens, with the ports that were found free.</summary>
    public IReadOnlyList<Uri> Addresses =>
    [
        .. _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Select(text => new Uri(text)),
    ];

    /// <summary>Listens and serves.</summary>
    /// <exception cref="FaultException">Unavailable: an address cannot be listened on.</exception>
    public static async Task<HubServer> StartAsync(HubServices services, CancellationToken cancellationToken)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(services.Loggers);
        builder.Services.AddLogging();
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseSockets();
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(new BlockMemory());
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, services));
        WebApplication application = builder.Build();
        Map(application, services);
        try
        {
            await application.StartAsync(cancellationToken).ConfigureAwait(false);
            return new HubServer(application, new HubWork(services));
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw FaultException.Unavailable($"listen: {failure.Message}", failure);
        }
        catch
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops listening, gives running requests a little time, and closes what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(s_stopTime);
        await _application.StopAsync(patience.Token).ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
        await _work.DisposeAsync().ConfigureAwait(false);
    }

    private static void Map(WebApplication application, HubServices services)
    {
        services.Operation.Door.Map(application);
        // Names of repositories have slashes, which routes do not like: the protocol reads its paths by itself, before any routing.
        var protocol = new RegistryEndpoints(services);
        application.Use(next => context => protocol.Owns(context) ? protocol.HandleAsync(context) : next(context));
        application.UseRouting();
        HubApi.Map(application, services);
        HubPages.Map(application, services);
    }

    private static void Configure(KestrelServerOptions kestrel, HubServices services)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        kestrel.Limits.MaxRequestHeadersTotalSize = HeaderBytesMax;
        kestrel.Limits.MaxRequestLineSize = RequestLineBytesMax;
        kestrel.Limits.RequestHeadersTimeout = s_headersTime;
        kestrel.Limits.MinResponseDataRate = new MinDataRate(BytesPerSecondMin, s_pieceTime);
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(BytesPerSecondMin, s_bodyTime);
        // Layers have any size; all other bodies have limits of their own.
        kestrel.Limits.MaxRequestBodySize = null;
        foreach (IPEndPoint address in services.Options.Listen)
            kestrel.Listen(address, listen => Use(listen, services.Operation.Certificate));
    }

    private static void Use(ListenOptions listen, TlsCertificate? certificate)
    {
        if (certificate is not null)
            certificate.Use(listen);
        else
            DirectOutput.Use(listen);
    }
}
