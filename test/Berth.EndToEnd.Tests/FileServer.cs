using System.Net;
using Microsoft.AspNetCore.Http;

namespace Berth.EndToEnd.Tests;

/// <summary>A small web server at the engine's bridge address, for what Dockerfiles download.</summary>
internal sealed class FileServer : IAsyncDisposable
{
    private readonly LocalServer _server;

    public FileServer(Dictionary<string, byte[]> files) =>
        _server = new LocalServer(IPAddress.Parse(EngineFixture.Gateway), async context =>
        {
            string path = context.Request.Path;
            if (files.TryGetValue(path, out byte[]? content))
            {
                context.Response.ContentType = path.EndsWith('/') ? "text/html" : "application/octet-stream";
                context.Response.ContentLength = content.Length;
                await context.Response.Body.WriteAsync(content, context.RequestAborted);
            }
            else
                context.Response.StatusCode = StatusCodes.Status404NotFound;
        });

    public string Address => $"http://{_server.Host}";

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
