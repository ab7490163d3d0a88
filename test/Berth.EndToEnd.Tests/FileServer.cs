using System.Net;
using System.Net.Sockets;

namespace Berth.EndToEnd.Tests;

/// <summary>A small web server at the engine's bridge address, for what Dockerfiles download.</summary>
internal sealed class FileServer : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Dictionary<string, byte[]> _files;
    private readonly Task _serving;

    public FileServer(Dictionary<string, byte[]> files)
    {
        _files = files;
        using (TcpListener probe = new(IPAddress.Parse(EngineFixture.Gateway), 0))
        {
            probe.Start();
            Address = $"http://{EngineFixture.Gateway}:{((IPEndPoint)probe.LocalEndpoint).Port}";
        }
        _listener.Prefixes.Add(Address + "/");
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Address { get; }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _listener.Close();
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception stopped) when (stopped is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
            if (_files.TryGetValue(context.Request.Url!.AbsolutePath, out byte[]? content))
            {
                context.Response.ContentType = context.Request.Url.AbsolutePath.EndsWith('/') ? "text/html" : "application/octet-stream";
                context.Response.ContentLength64 = content.Length;
                await context.Response.OutputStream.WriteAsync(content);
            }
            else
                context.Response.StatusCode = 404;
            context.Response.Close();
        }
    }
}
