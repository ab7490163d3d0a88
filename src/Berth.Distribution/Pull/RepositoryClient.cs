using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;

namespace Berth.Distribution;

/// <summary>Reads one repository: manifests, small blobs, tags.</summary>
internal sealed class RepositoryClient(RegistrySession session, string path)
{
    private const int TagsMax = 100_000;
    private const int TagPagesMax = 1000;
    private const int TagsPerPage = 1000;

    private static readonly string[] s_manifestTypes =
    [
        MediaTypes.OciIndex, MediaTypes.OciManifest, MediaTypes.DockerManifestList, MediaTypes.DockerManifest,
        MediaTypes.DockerManifestSchema1Signed, MediaTypes.DockerManifestSchema1,
    ];

    public RegistrySession Session => session;

    public string Path => path;

    /// <summary>Fetches a manifest by tag or digest; verified against the digest where one is known.</summary>
    public Task<ManifestDocument> GetManifestAsync(string tagOrDigest, Digest? expected, CancellationToken cancellationToken) =>
        Retry.RunAsync(session.Context, async () =>
        {
            using HttpResponseMessage response = await session.SendAsync(
                () => ManifestRequest(HttpMethod.Get, tagOrDigest), cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
                throw await RegistryErrors.ReadAsync(response, cancellationToken);
            byte[] bytes = await ReadBodyAsync(response, OciJson.DocumentBytesMax, $"manifest {tagOrDigest}", cancellationToken);
            Digest digest = Verify(bytes, expected ?? HeaderDigest(response), $"manifest {tagOrDigest}");
            string mediaType = ManifestReader.Classify(bytes, response.Content.Headers.ContentType?.MediaType, digest);
            return new ManifestDocument(new Descriptor { MediaType = mediaType, Digest = digest, Size = bytes.Length }, bytes);
        }, cancellationToken);

    /// <summary>The descriptor of a manifest; null when there is none.</summary>
    public Task<Descriptor?> HeadManifestAsync(string tagOrDigest, CancellationToken cancellationToken) =>
        Retry.RunAsync(session.Context, async () =>
        {
            using HttpResponseMessage response = await session.SendAsync(
                () => ManifestRequest(HttpMethod.Head, tagOrDigest), cancellationToken);
            if (response.StatusCode == HttpStatusCode.NotFound)
                return null;
            if (response.StatusCode != HttpStatusCode.OK)
                throw await RegistryErrors.ReadAsync(response, cancellationToken);
            if (HeaderDigest(response) is not { } digest || response.Content.Headers.ContentLength is not { } size)
                throw new RegistryException(FaultKind.NotSupported, "the registry tells no digest in its answer to HEAD");
            return new Descriptor
            {
                MediaType = response.Content.Headers.ContentType?.MediaType ?? "", Digest = digest, Size = size,
            };
        }, cancellationToken);

    /// <summary>Stores a manifest under a tag or its digest, byte for byte.</summary>
    /// <exception cref="RegistryException">Refused, or the registry made other bytes of it.</exception>
    public Task PutManifestAsync(string tagOrDigest, ManifestDocument document, string what, CancellationToken cancellationToken) =>
        Retry.RunAsync(session.Context, async () =>
        {
            using HttpResponseMessage response = await session.SendAsync(() =>
            {
                ByteArrayContent content = new(document.Bytes.ToArray());
                content.Headers.ContentType = new MediaTypeHeaderValue(document.Descriptor.MediaType);
                return new HttpRequestMessage(HttpMethod.Put, session.Address($"{path}/manifests/{tagOrDigest}"))
                {
                    Content = content,
                };
            }, cancellationToken);
            if (response.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.Accepted))
                throw await RegistryErrors.ReadAsync(response, cancellationToken);
            if (HeaderDigest(response) is { } stored && stored != document.Descriptor.Digest)
                throw new RegistryException(
                    FaultKind.Unavailable, $"push {what}: the registry stored {stored} in place of {document.Descriptor.Digest}");
            return true;
        }, cancellationToken);

    /// <summary>Fetches a small blob into memory, verified.</summary>
    public Task<byte[]> GetSmallBlobAsync(Descriptor blob, string what, CancellationToken cancellationToken) =>
        Retry.RunAsync(session.Context, async () =>
        {
            if (blob.Size is < 0 or > OciJson.DocumentBytesMax)
                throw new RegistryException(
                    FaultKind.InvalidArgument,
                    $"read {what}: {blob.Size} bytes is more than the limit of {OciJson.DocumentBytesMax}");
            using HttpResponseMessage response = await session.SendAsync(
                () => new HttpRequestMessage(HttpMethod.Get, session.Address($"{path}/blobs/{blob.Digest}")), cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
                throw await RegistryErrors.ReadAsync(response, cancellationToken);
            byte[] bytes = await ReadBodyAsync(response, (int)blob.Size, what, cancellationToken);
            Verify(bytes, blob.Digest, what);
            return bytes;
        }, cancellationToken);

    /// <summary>Every tag, page by page.</summary>
    public async Task<IReadOnlyList<string>> ListTagsAsync(string after, int? count, CancellationToken cancellationToken)
    {
        List<string> tags = [];
        string[] parts =
        [
            .. count is null ? Array.Empty<string>() : [$"n={Math.Min(count.Value, TagsPerPage)}"],
            .. after.Length == 0 ? Array.Empty<string>() : [$"last={Uri.EscapeDataString(after)}"],
        ];
        string query = parts.Length > 0 ? "?" + string.Join('&', parts) : "";
        Uri? next = session.Address($"{path}/tags/list{query}");
        int enough = Math.Min(count ?? TagsMax, TagsMax);
        for (int page = 0; next is not null && page < TagPagesMax && tags.Count < enough; page++)
        {
            Uri address = next;
            (IReadOnlyList<string?> found, Uri? further) = await Retry.RunAsync(
                session.Context, () => TagPageAsync(address, cancellationToken), cancellationToken);
            tags.AddRange(found.OfType<string>());
            next = further is not null && further != address ? further : null;
        }
        // A registry may give more than it was asked for.
        return count < tags.Count ? tags[..count.Value] : tags;
    }

    private async Task<(IReadOnlyList<string?> Tags, Uri? Next)> TagPageAsync(Uri address, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await session.SendAsync(
            () => new HttpRequestMessage(HttpMethod.Get, address), cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
            throw await RegistryErrors.ReadAsync(response, cancellationToken);
        byte[] body = await ReadBodyAsync(response, OciJson.DocumentBytesMax, "tag list", cancellationToken);
        try
        {
            TagListJson? list = JsonSerializer.Deserialize(body, TagListJsonContext.Default.TagListJson);
            return (list?.Tags ?? [], NextPage(response, address));
        }
        catch (JsonException exception)
        {
            throw new RegistryException(FaultKind.Unavailable, $"read tag list of {path}: it is not JSON of that form", exception);
        }
    }

    // RFC 8288: </v2/x/tags/list?last=a&n=10>; rel="next". Another origin's page is not this registry's answer.
    private static Uri? NextPage(HttpResponseMessage response, Uri address)
    {
        if (!response.Headers.TryGetValues("Link", out IEnumerable<string>? links))
            return null;
        string link = links.First();
        int open = link.IndexOf('<', StringComparison.Ordinal), close = link.IndexOf('>', StringComparison.Ordinal);
        return open >= 0 && close > open && link.Contains("next", StringComparison.OrdinalIgnoreCase)
            && Uri.TryCreate(address, link[(open + 1)..close], out Uri? next)
            && next.Authority == address.Authority && next.Scheme == address.Scheme ? next : null;
    }

    private HttpRequestMessage ManifestRequest(HttpMethod method, string tagOrDigest)
    {
        HttpRequestMessage request = new(method, session.Address($"{path}/manifests/{tagOrDigest}"));
        foreach (string type in s_manifestTypes)
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        return request;
    }

    private async Task<byte[]> ReadBodyAsync(
        HttpResponseMessage response, int bytesMax, string what, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(session.Context.Options.IdleTimeout);
        Uri uri = response.RequestMessage!.RequestUri!;
        try
        {
            return await BoundedBody.ReadAsync(response.Content, bytesMax, what, limit.Token);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            throw RegistryException.Broken(HttpMethod.Get, uri, exception);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw RegistryException.TimedOut(HttpMethod.Get, uri, "time-out while reading the body");
        }
    }

    private static Digest? HeaderDigest(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? values)
            && Digest.TryParse(values.First(), out Digest digest) ? digest : null;

    private static Digest Verify(byte[] bytes, Digest? expected, string what)
    {
        Digest actual = expected is { Algorithm: "sha512" } ? Digest.FromSha512(SHA512.HashData(bytes)) : Digest.Of(bytes);
        return expected is null || expected == actual ? actual : throw new RegistryException(
            FaultKind.InvalidArgument, $"read {what}: the registry sent {actual} for {expected}");
    }
}

internal sealed record TagListJson
{
    [JsonPropertyName("tags")]
    public IReadOnlyList<string?>? Tags { get; init; }
}

[JsonSerializable(typeof(TagListJson))]
internal sealed partial class TagListJsonContext : JsonSerializerContext;
