using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Berth.Hub.Tests.Robustness;

/// <summary>Pushes, deletes and checks images of a configuration and some layers, as plain requests.</summary>
internal sealed class ImagePusher(HttpClient client, string repository)
{
    private static readonly byte[] s_config = "{}"u8.ToArray();

    /// <summary>The code of the manifest that was refused last.</summary>
    public string Refusal { get; private set; } = "";

    /// <summary>Pushes an image; the status of the first request that was refused, or 201.</summary>
    public async Task<HttpStatusCode> PushAsync(string tag, params byte[][] layers)
    {
        Refusal = "";
        foreach (byte[] blob in layers.Prepend(s_config))
        {
            using HttpResponseMessage known = await SendAsync(HttpMethod.Head, $"blobs/{Digest(blob)}");
            if (known.StatusCode == HttpStatusCode.OK)
                continue;
            using HttpResponseMessage sent = await SendAsync(HttpMethod.Post, $"blobs/uploads/?digest={Digest(blob)}", blob);
            if (sent.StatusCode != HttpStatusCode.Created)
                return sent.StatusCode;
        }
        using HttpResponseMessage put = await SendAsync(HttpMethod.Put, $"manifests/{tag}", Encoding.UTF8.GetBytes(Manifest(layers)));
        if (put.StatusCode != HttpStatusCode.Created)
            Refusal = Regex.Match(await put.Content.ReadAsStringAsync(), "[A-Z]+(_[A-Z]+)+").Value;
        return put.StatusCode;
    }

    /// <summary>Demands that a tag names an image of these layers and that all its bytes are there.</summary>
    public async Task RequireAsync(string tag, params byte[][] layers)
    {
        Assert.Equal(Manifest(layers), await client.GetStringAsync(new Uri($"/v2/{repository}/manifests/{tag}", UriKind.Relative)));
        foreach (byte[] blob in layers.Prepend(s_config))
            Assert.Equal(blob, await client.GetByteArrayAsync(new Uri($"/v2/{repository}/blobs/{Digest(blob)}", UriKind.Relative)));
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string what, byte[]? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri($"/v2/{repository}/{what}", UriKind.Relative));
        if (body is not null)
            request.Content = new ByteArrayContent(body);
        return await client.SendAsync(request);
    }

    public static string Manifest(params byte[][] layers) =>
        $$"""
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
        "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Digest(s_config)}}","size":{{s_config.Length}}},
        "layers":[{{string.Join(',', layers.Select(layer =>
            $$"""{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{Digest(layer)}}","size":{{layer.Length}}}"""))}}]}
        """;

    public static string Digest(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";
}
