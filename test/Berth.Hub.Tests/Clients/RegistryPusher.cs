using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Berth.Hub.Tests.Clients;

/// <summary>Pushes to a registry what no client makes by itself, request by request.</summary>
internal sealed class RegistryPusher(HttpClient client)
{
    public const string ImageType = "application/vnd.oci.image.manifest.v1+json";
    public const string IndexType = "application/vnd.oci.image.index.v1+json";
    private const string LayerType = "application/vnd.oci.image.layer.v1.tar";
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";

    /// <summary>Uploads a blob under a digest of its own choice; its descriptor.</summary>
    public async Task<JsonObject> BlobAsync(string repository, byte[] content, string algorithm = "sha256", string type = LayerType)
    {
        using HttpResponseMessage begun = await client.PostAsync(Relative($"/v2/{repository}/blobs/uploads/"), null);
        Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        string digest = algorithm + ":" + Convert.ToHexStringLower(algorithm == "sha512" ? SHA512.HashData(content) : SHA256.HashData(content));
        string place = begun.Headers.Location!.ToString();
        using HttpResponseMessage sent = await client.PutAsync(
            new Uri($"{place}{(place.Contains('?') ? '&' : '?')}digest={digest}", UriKind.RelativeOrAbsolute), new ByteArrayContent(content));
        Assert.Equal(HttpStatusCode.Created, sent.StatusCode);
        return Descriptor(type, digest, content.Length);
    }

    /// <summary>Begins an upload that nobody ends.</summary>
    public async Task LeaveAsync(string repository, byte[] content)
    {
        using HttpResponseMessage begun = await client.PostAsync(Relative($"/v2/{repository}/blobs/uploads/"), null);
        using var piece = new ByteArrayContent(content);
        piece.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        piece.Headers.TryAddWithoutValidation("Content-Range", $"0-{content.Length - 1}");
        using HttpResponseMessage sent = await client.PatchAsync(begun.Headers.Location, piece);
        Assert.Equal(HttpStatusCode.Accepted, sent.StatusCode);
    }

    /// <summary>An image of one layer that no other has; its descriptor. Without a tag it is there by its digest.</summary>
    public async Task<JsonObject> ImageAsync(string repository, string? tag, JsonObject? subject = null, bool saysType = true, string algorithm = "sha256")
    {
        var manifest = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["config"] = await BlobAsync(
                repository, """{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"""u8.ToArray(), type: ConfigType),
            ["layers"] = new JsonArray(await BlobAsync(repository, RandomNumberGenerator.GetBytes(300), algorithm)),
        };
        if (saysType)
            manifest["mediaType"] = ImageType;
        if (subject is not null)
            manifest["subject"] = subject.DeepClone();
        return await ManifestAsync(repository, tag, manifest, ImageType);
    }

    /// <summary>An index of what is there; its descriptor.</summary>
    public Task<JsonObject> IndexAsync(string repository, string? tag, params JsonObject[] children) => ManifestAsync(
        repository, tag, new JsonObject
        {
            ["schemaVersion"] = 2, ["mediaType"] = IndexType, ["manifests"] = new JsonArray([.. children.Select(child => child.DeepClone())]),
        }, IndexType);

    private async Task<JsonObject> ManifestAsync(string repository, string? tag, JsonObject manifest, string type)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(manifest.ToJsonString());
        string digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
        using var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        using HttpResponseMessage put = await client.PutAsync(Relative($"/v2/{repository}/manifests/{tag ?? digest}"), content);
        Assert.True(put.StatusCode == HttpStatusCode.Created, await put.Content.ReadAsStringAsync());
        return Descriptor(type, digest, bytes.Length);
    }

    private static JsonObject Descriptor(string type, string digest, long bytes) =>
        new() { ["mediaType"] = type, ["digest"] = digest, ["size"] = bytes };

    private static Uri Relative(string path) => new(path, UriKind.Relative);
}
