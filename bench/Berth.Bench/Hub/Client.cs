using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Bench.Hub;

/// <summary>Load on a server: wrk for requests in a second, a client of our own for uploads.</summary>
internal static class Client
{
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    private const int ChunkBytes = 5 * 1024 * 1024;

    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(2);
    private static readonly HttpClient s_client = new() { Timeout = TimeSpan.FromMinutes(5) };

    /// <summary>Requests in a second, by wrk with some connections.</summary>
    public static double Requests(Server server, string path, int connections) =>
        double.Parse(Wrk(server, path, connections, "Requests/sec:"), CultureInfo.InvariantCulture);

    /// <summary>MB in a second, also of answers that have not ended.</summary>
    public static double Transfer(Server server, string path, int connections)
    {
        string said = Wrk(server, path, connections, "Transfer/sec:");
        double unit = said[^2..] switch { "GB" => 1 << 30, "MB" => 1 << 20, _ => throw new InvalidOperationException($"{server.Name}: {said}") };
        return double.Parse(said[..^2], CultureInfo.InvariantCulture) * unit / 1e6;
    }

    private static string Wrk(Server server, string path, int connections, string figure)
    {
        string said = Command.Shell(
            $"wrk -t 2 -c {connections} -d 3s --timeout 30s -H 'Accept: {ManifestType}' {new Uri(server.Address, path)}");
        if (said.Contains("Non-2xx", StringComparison.Ordinal) || said.Contains("Socket errors", StringComparison.Ordinal))
            throw new InvalidOperationException($"{server.Name} {path}: {said}");
        return said.Split('\n').Single(line => line.StartsWith(figure, StringComparison.Ordinal))[figure.Length..].Trim();
    }

    /// <summary>Requests for headers in a second: wrk waits for the bodies that their lengths speak of.</summary>
    public static double Heads(Server server, string path, int connections)
    {
        byte[] request = Encoding.ASCII.GetBytes($"HEAD {path} HTTP/1.1\r\nHost: {server.Address.Authority}\r\nAccept: {ManifestType}\r\n\r\n");
        long before = Stopwatch.GetTimestamp();
        int[] counts = new int[connections];
        Thread[] threads = [.. Enumerable.Range(0, connections).Select(i => new Thread(() => counts[i] = Heads(server, request)))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        return counts.Sum() / Stopwatch.GetElapsedTime(before).TotalSeconds;
    }

    private static int Heads(Server server, byte[] request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(server.Address.Host, server.Address.Port);
        byte[] answer = new byte[4096];
        var time = Stopwatch.StartNew();
        int count = 0;
        for (; time.Elapsed < s_time; count++)
        {
            socket.Send(request);
            int read = 0;
            do
                read += socket.Receive(answer.AsSpan(read));
            while (!answer.AsSpan(0, read).EndsWith("\r\n\r\n"u8));
            if (!answer.AsSpan().StartsWith("HTTP/1.1 200"u8))
                throw new InvalidOperationException($"{server.Name}: {Encoding.ASCII.GetString(answer, 0, read)}");
        }
        return count;
    }

    /// <summary>Pushes one image whose only layer has a size; the digests of layer and configuration.</summary>
    public static (string Layer, string Manifest) Push(Server server, string repository, string tag, byte[] layer)
    {
        byte[] config = "{}"u8.ToArray();
        Upload(server, repository, config, isChunked: false);
        Upload(server, repository, layer, isChunked: false);
        string manifest =
            $$"""
            {"schemaVersion":2,"mediaType":"{{ManifestType}}",
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Digest(config)}}","size":{{config.Length}}},
            "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{Digest(layer)}}","size":{{layer.Length}}}]}
            """;
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(manifest)) { Headers = { ContentType = new MediaTypeHeaderValue(ManifestType) } };
        Send(HttpMethod.Put, new Uri(server.Address, $"/v2/{repository}/manifests/{tag}"), content, HttpStatusCode.Created);
        return (Digest(layer), manifest);
    }

    /// <summary>Uploads a blob in one request or in chunks: MB in a second.</summary>
    public static double Upload(Server server, string repository, byte[] blob, bool isChunked)
    {
        string digest = Digest(blob);
        long before = Stopwatch.GetTimestamp();
        Uri at = Send(HttpMethod.Post, new Uri(server.Address, $"/v2/{repository}/blobs/uploads/"), null, HttpStatusCode.Accepted)!;
        ByteArrayContent rest = new(blob);
        if (isChunked)
        {
            for (int offset = 0; offset < blob.Length; offset += ChunkBytes)
            {
                int count = Math.Min(ChunkBytes, blob.Length - offset);
                using var chunk = new ByteArrayContent(blob, offset, count);
                chunk.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
                chunk.Headers.TryAddWithoutValidation("Content-Range", $"{offset}-{offset + count - 1}");
                at = Send(HttpMethod.Patch, at, chunk, HttpStatusCode.Accepted)!;
            }
            rest = new ByteArrayContent([]);
        }
        string question = at.Query.Length > 0 ? "&" : "?";
        Send(HttpMethod.Put, new Uri($"{at}{question}digest={digest}"), rest, HttpStatusCode.Created);
        return blob.Length / 1e6 / Stopwatch.GetElapsedTime(before).TotalSeconds;
    }

    /// <summary>Milliseconds until an answer of 200 is read whole.</summary>
    public static double Time(Server server, string path)
    {
        long before = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server.Address, path));
        request.Headers.TryAddWithoutValidation("Accept", ManifestType);
        using HttpResponseMessage response = s_client.Send(request);
        response.Content.ReadAsByteArrayAsync().GetAwaiter().GetResult();
        return response.IsSuccessStatusCode
            ? Stopwatch.GetElapsedTime(before).TotalMilliseconds
            : throw new InvalidOperationException($"{server.Name} {path}: {response.StatusCode}");
    }

    public static string Digest(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";

    private static Uri? Send(HttpMethod method, Uri address, HttpContent? content, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(method, address) { Content = content };
        using HttpResponseMessage response = s_client.Send(request);
        if (response.StatusCode != expected)
            throw new InvalidOperationException($"{method} {address}: {response.StatusCode}: {response.Content.ReadAsStringAsync().Result}");
        return response.Headers.Location is { } location ? new Uri(address, location) : null;
    }
}
