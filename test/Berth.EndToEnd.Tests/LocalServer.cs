using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Berth.EndToEnd.Tests;

/// <summary>A web server of a test's own at one address of this machine, on a port that the kernel gives it; it serves until it is
/// disposed of, and then cuts what still runs.</summary>
internal sealed class LocalServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    public LocalServer(IPAddress address, RequestDelegate answer)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(address, 0);
            kestrel.Limits.MinResponseDataRate = null; // An engine that is stopped for a while still gets the rest.
        });
        _application = builder.Build();
        _application.Run(async context =>
        {
            try
            {
                await answer(context);
            }
            catch (Exception gone) when (gone is IOException or OperationCanceledException)
            {
                // Whoever asked was killed, or the test is over.
                context.Abort();
            }
        });
        _application.Start();
        Host = new Uri(_application.Urls.Single()).Authority;
    }

    /// <summary>Address and port, as in <c>127.0.0.1:31234</c>.</summary>
    public string Host { get; }

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }
}
