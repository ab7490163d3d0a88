using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Registry.Tests.Cache;

/// <summary>A registry that answers as a test says, and writes down what it was asked and with which credentials.</summary>
internal sealed class FakeUpstream : IAsyncDisposable
{
    private readonly WebApplication _application;

    private FakeUpstream(WebApplication application) => _application = application;

    public Uri Address { get; private set; } = null!;

    /// <summary>Answers a request; true: it did, else the upstream has what was put into it.</summary>
    public Func<HttpContext, Task<bool>> Answer { get; set; } = _ => Task.FromResult(false);

    /// <summary>What is served, by path.</summary>
    public ConcurrentDictionary<string, (string Type, byte[] Body, string Digest)> Content { get; } = new();

    /// <summary>Method, path and Authorization of every request.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public static async Task<FakeUpstream> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication application = builder.Build();
        var upstream = new FakeUpstream(application);
        application.Run(upstream.HandleAsync);
        await application.StartAsync();
        upstream.Address = new Uri(application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return upstream;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        string path = context.Request.Path.Value!;
        Requests.Enqueue($"{context.Request.Method} {path} {context.Request.Headers.Authorization}".TrimEnd());
        if (await Answer(context))
            return;
        if (!Content.TryGetValue(path, out (string Type, byte[] Body, string Digest) found))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        context.Response.ContentType = found.Type;
        context.Response.Headers["Docker-Content-Digest"] = found.Digest;
        context.Response.Headers["RateLimit-Limit"] = "100;w=21600";
        context.Response.Headers["RateLimit-Remaining"] = "76;w=21600";
        context.Response.ContentLength = found.Body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(found.Body);
    }
}
