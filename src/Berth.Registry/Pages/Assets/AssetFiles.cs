using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Pages.Assets;

/// <summary>The style sheet, the script and the icon: in the program itself, each under an address that changes with its
/// content.</summary>
internal static class AssetFiles
{
    /// <summary>Beneath which they lie.</summary>
    public const string Folder = "/assets/";

    private const int HashCharacters = 12;

    private static readonly Dictionary<string, Asset> s_files = new[]
    {
        Load("hub.css", "text/css; charset=utf-8"),
        Load("hub.js", "text/javascript; charset=utf-8"),
        Load("icon.svg", "image/svg+xml"),
    }.ToDictionary(asset => asset.Name, StringComparer.Ordinal);

    /// <summary>The address of a file, with the hash of its content.</summary>
    public static string Address(string name) => s_files[name].Address;

    /// <summary>True when a request asks for one of them.</summary>
    public static bool IsAskedFor(HttpRequest request) => (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && request.Path.Value is { } path && path.StartsWith(Folder, StringComparison.Ordinal)
        && s_files.ContainsKey(path[Folder.Length..]);

    /// <summary>Answers with a file; 404 for a name that is none.</summary>
    public static async Task ServeAsync(HttpContext context)
    {
        string name = (string?)context.Request.RouteValues["name"] ?? "";
        if (!s_files.TryGetValue(name, out Asset? asset))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        IHeaderDictionary headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.Vary = "Accept-Encoding";
        headers.ETag = asset.Tag;
        // Asked for by the hash, it never changes; asked for by the bare name, it is asked for again.
        headers.CacheControl = context.Request.Query["v"] == asset.Hash ? "public, max-age=31536000, immutable" : "no-cache";
        if (context.Request.Headers.IfNoneMatch == asset.Tag)
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        context.Response.ContentType = asset.MediaType;
        byte[] body = asset.Plain;
        if (context.Request.Headers.AcceptEncoding.ToString().Contains("br", StringComparison.Ordinal))
        {
            headers.ContentEncoding = "br";
            body = asset.Brotli.Value;
        }
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static Asset Load(string name, string mediaType)
    {
        using Stream stream = typeof(AssetFiles).Assembly.GetManifestResourceStream("Berth.Registry.Pages.Assets." + name)
            ?? throw new System.Diagnostics.UnreachableException($"{name} is not in the program");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        string hash = Convert.ToHexStringLower(SHA256.HashData(bytes))[..HashCharacters];
        return new Asset(name, mediaType, bytes, hash, new Lazy<byte[]>(() => Compress(bytes)));
    }

    private static byte[] Compress(byte[] bytes)
    {
        using MemoryStream compressed = new();
        using (BrotliStream brotli = new(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
            brotli.Write(bytes);
        return compressed.ToArray();
    }

    private sealed record Asset(string Name, string MediaType, byte[] Plain, string Hash, Lazy<byte[]> Brotli)
    {
        public string Address => $"{Folder}{Name}?v={Hash}";

        public string Tag => $"\"{Hash}\"";
    }
}
