using System.Collections.Concurrent;
using System.IO.Compression;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Distribution.Tests;

/// <summary>A registry on loopback that serves what it was given and misbehaves as a test tells it to.</summary>
internal sealed class FakeRegistry : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeRegistry(WebApplication app) => _app = app;

    public ConcurrentDictionary<string, byte[]> Blobs { get; } = new();

    public ConcurrentDictionary<string, (string Type, byte[] Bytes)> Manifests { get; } = new();

    public ConcurrentQueue<string> Requests { get; } = new();

    public ConcurrentQueue<string> Authorizations { get; } = new();

    /// <summary>Sees each request first; true when it answered.</summary>
    public Func<HttpContext, Task<bool>> Misbehave { get; set; } = _ => Task.FromResult(false);

    public string Host { get; private set; } = "";

    public static async Task<FakeRegistry> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        FakeRegistry registry = new(app);
        app.Run(registry.HandleAsync);
        await app.StartAsync();
        registry.Host = app.Urls.Single()["http://".Length..];
        return registry;
    }

    public Descriptor AddBlob(byte[] bytes, string mediaType)
    {
        Descriptor blob = new() { MediaType = mediaType, Digest = Digest.Of(bytes), Size = bytes.Length };
        Blobs[blob.Digest.ToString()] = bytes;
        return blob;
    }

    public Descriptor AddManifest(string tag, string mediaType, byte[] bytes)
    {
        Digest digest = Digest.Of(bytes);
        Manifests[tag] = Manifests[digest.ToString()] = (mediaType, bytes);
        return new Descriptor { MediaType = mediaType, Digest = digest, Size = bytes.Length };
    }

    /// <summary>Adds an image of random layers, gzip-compressed; returns its manifest's descriptor.</summary>
    public Descriptor AddImage(string tag, int layers, int bytes, string architecture = "amd64", int seed = 1)
    {
        System.Random random = new(seed);
        List<Digest> diffs = [];
        List<Descriptor> blobs = [];
        for (int i = 0; i < layers; i++)
        {
            byte[] tar = new byte[bytes];
            random.NextBytes(tar);
            diffs.Add(Digest.Of(tar));
            blobs.Add(AddBlob(Gzip(tar), MediaTypes.OciLayerGzip));
        }
        ImageConfig config = new() { Os = "linux", Architecture = architecture, RootFs = new RootFs { DiffIds = diffs } };
        return AddImage(tag, config, blobs);
    }

    public Descriptor AddImage(string tag, ImageConfig config, IReadOnlyList<Descriptor> layers) => AddManifest(
        tag, MediaTypes.OciManifest, OciJson.Write(
            new Manifest
            {
                MediaType = MediaTypes.OciManifest,
                Config = AddBlob(OciJson.Write(config, OciJson.ImageConfig), MediaTypes.OciConfig),
                Layers = layers,
            },
            OciJson.Manifest));

    public static byte[] Gzip(byte[] bytes)
    {
        using MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return compressed.ToArray();
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        string path = context.Request.Path;
        Requests.Enqueue($"{context.Request.Method} {path}");
        if (context.Request.Headers.Authorization.ToString() is { Length: > 0 } authorization)
            Authorizations.Enqueue(authorization);
        if (await Misbehave(context))
            return;
        string last = path[(path.LastIndexOf('/') + 1)..];
        if (path == "/v2/")
            context.Response.StatusCode = 200;
        else if (path.Contains("/manifests/") && Manifests.TryGetValue(last, out (string Type, byte[] Bytes) manifest))
            await WriteAsync(context, manifest.Type, manifest.Bytes);
        else if (path.Contains("/blobs/") && Blobs.TryGetValue(last, out byte[]? blob))
            await WriteAsync(context, "application/octet-stream", blob);
        else
            await ErrorAsync(context, 404, path.Contains("/manifests/") ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN", path.Contains("/manifests/") ? "manifest unknown" : "blob unknown");
    }

    public static async Task ErrorAsync(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsync($$"""{"errors":[{"code":"{{code}}","message":"{{message}}"}]}""");
    }

    public static async Task WriteAsync(HttpContext context, string type, byte[] bytes)
    {
        int from = 0;
        string range = context.Request.Headers.Range.ToString();
        if (range.StartsWith("bytes=", StringComparison.Ordinal))
        {
            from = int.Parse(range["bytes=".Length..^1]);
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {from}-{bytes.Length - 1}/{bytes.Length}";
        }
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length - from;
        if (context.Request.Method != "HEAD")
            await context.Response.Body.WriteAsync(bytes.AsMemory(from));
    }
}
