using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>A registry on loopback to pull from: repositories <c>r0</c>, <c>r1</c>, … each with an image of layers of its own.</summary>
internal sealed class MemoryRegistry : IAsyncDisposable
{
    private const int PieceBytes = 64 * 1024;
    private const string Manifest = "application/vnd.oci.image.manifest.v1+json";
    private readonly LocalServer _server;
    private readonly Dictionary<string, (string Type, byte[] Content)> _answers = new(StringComparer.Ordinal);

    public MemoryRegistry(int repositories, int layers = 2, int layerBytes = 1024 * 1024)
    {
        Random random = new(4711);
        for (int i = 0; i < repositories; i++)
            Add($"r{i}", [.. Enumerable.Range(0, layers).Select(layer => Layer($"file{i}-{layer}", random, layerBytes))]);
        _server = new LocalServer(IPAddress.Loopback, AnswerAsync);
    }

    /// <summary>Name and port, as they stand in a reference.</summary>
    public string Host => _server.Host;

    /// <summary>Answers a path with other bytes than the true ones.</summary>
    public void Lie(Func<string, bool> path)
    {
        foreach (string key in _answers.Keys.Where(path).ToArray())
        {
            byte[] content = [.. _answers[key].Content];
            content[content.Length / 2] ^= 1;
            _answers[key] = (_answers[key].Type, content);
        }
    }

    /// <summary>Adds an image.</summary>
    public void Add(string repository, IReadOnlyList<byte[]> tars)
    {
        byte[][] zipped = [.. tars.Select(Zip)];
        string diffs = string.Join(',', tars.Select(tar => $"\"{DigestOf(tar)}\""));
        byte[] config = Encoding.UTF8.GetBytes(
            $$$"""{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":[{{{diffs}}}]}}""");
        string layers = string.Join(',', zipped.Select(layer => Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)));
        byte[] manifest = Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{Manifest}}",
             "config":{{Descriptor("application/vnd.oci.image.config.v1+json", config)}},"layers":[{{layers}}]}
            """);
        _answers[$"/v2/{repository}/manifests/latest"] = (Manifest, manifest);
        _answers[$"/v2/{repository}/manifests/{DigestOf(manifest)}"] = (Manifest, manifest);
        foreach (byte[] blob in zipped.Append(config))
            _answers[$"/v2/{repository}/blobs/{DigestOf(blob)}"] = ("application/octet-stream", blob);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string Descriptor(string type, byte[] content) =>
        $$"""{"mediaType":"{{type}}","digest":"{{DigestOf(content)}}","size":{{content.Length}}}""";

    private static string DigestOf(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>A layer of one file with such bytes as do not get smaller.</summary>
    public static byte[] Layer(string name, Random random, int bytes)
    {
        byte[] content = new byte[bytes];
        random.NextBytes(content);
        MemoryStream tar = new();
        using (TarWriter writer = new(tar, leaveOpen: true))
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
        return tar.ToArray();
    }

    private static byte[] Zip(byte[] tar)
    {
        MemoryStream zipped = new();
        using (GZipStream gzip = new(zipped, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(tar);
        return zipped.ToArray();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        string path = context.Request.Path;
        if (path is "/v2/" or "/v2")
            response.ContentLength = 0;
        else if (_answers.TryGetValue(path, out (string Type, byte[] Content) answer))
        {
            response.ContentType = answer.Type;
            response.ContentLength = answer.Content.Length;
            if (answer.Type == Manifest)
                response.Headers["Docker-Content-Digest"] = DigestOf(answer.Content);
            for (int at = 0; !HttpMethods.IsHead(context.Request.Method) && at < answer.Content.Length; at += PieceBytes)
                await response.Body.WriteAsync(
                    answer.Content.AsMemory(at, Math.Min(PieceBytes, answer.Content.Length - at)), context.RequestAborted);
        }
        else
            response.StatusCode = StatusCodes.Status404NotFound;
    }
}
