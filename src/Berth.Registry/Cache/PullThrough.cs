using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using Berth.Oci;
using Berth.Registry.Database;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Protocol;
using Berth.Registry.Protocol.Uploads;
using Berth.Registry.Repositories;

namespace Berth.Registry.Cache;

/// <summary>Repositories that are another registry's: what is asked for is fetched, checked, kept and passed on.</summary>
/// <remarks>
/// Digest first: a tag is only resolved to a digest, and what is kept under a digest has it. So an upstream that lies, or whose tag
/// moves in the
/// midst of a pull, can at most make a pull fail. What is here is passed on while the upstream is away or limits us.
/// </remarks>
public sealed class PullThrough : IDisposable
{
    private const int TagsRememberedMax = 100_000;

    private static readonly TimeSpan s_connectTime = TimeSpan.FromSeconds(10);
    private static readonly string[] s_types =
        [ManifestDocument.OciIndex, ManifestDocument.OciManifest, ManifestDocument.DockerList, ManifestDocument.DockerManifest];

    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        // A redirect to where the bytes are is followed without the credentials.
        AllowAutoRedirect = true, MaxAutomaticRedirections = 5, ConnectTimeout = s_connectTime,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        UseCookies = false,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly Upstream[] _upstreams;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<(string Repository, string Tag), DateTimeOffset> _checked = new();
    private readonly SharedWork<(string Repository, string Digest)> _blobs = new();
    private readonly SharedWork<(string Repository, string Reference)> _manifests = new();

    /// <summary>A cache of some registries.</summary>
    public PullThrough(IEnumerable<UpstreamOptions> upstreams, TimeProvider time)
    {
        _time = time;
        Lists = new UpstreamLists(time);
        // The longest prefix first: it is the one that is meant.
        IEnumerable<UpstreamOptions> ordered = upstreams.OrderByDescending(upstream => upstream.Prefix.Length);
        _upstreams = [.. ordered.Select(options => new Upstream(options, _client, time))];
    }

    /// <summary>What is known about the upstreams now.</summary>
    public IReadOnlyList<UpstreamState> States => [.. _upstreams.Select(upstream => upstream.State)];

    /// <summary>How many requests wait for something of an upstream that is kept.</summary>
    internal int Waiting => _blobs.Waiting + _manifests.Waiting;

    /// <summary>What the upstreams list.</summary>
    internal UpstreamLists Lists { get; }

    /// <summary>The upstream of a repository; null: it is this hub's own.</summary>
    public Upstream? UpstreamOf(RepositoryName repository)
    {
        foreach (Upstream upstream in _upstreams)
        {
            if (upstream.Options.Has(repository))
                return upstream;
        }
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    /// <summary>Brings a manifest here, or finds out that the one that is here is still the right one.</summary>
    /// <exception cref="RegistryException">MANIFEST_UNKNOWN: the upstream does not have it.</exception>
    /// <exception cref="FaultException">Unavailable: the upstream is away, and nothing is here.</exception>
    internal async Task RefreshAsync(RegistryCall call, Upstream upstream, string reference)
    {
        if (!await IsCurrentAsync(call, upstream, reference).ConfigureAwait(false))
            await _manifests.JoinAsync(
                (call.Repository.Value, reference), token => RefreshOnceAsync(call.Share(token), upstream, reference), call.Aborted)
                .ConfigureAwait(false);
    }

    /// <summary>Brings a blob here.</summary>
    /// <exception cref="RegistryException">BLOB_UNKNOWN: the upstream does not have it.</exception>
    /// <exception cref="FaultException">Unavailable: the upstream is away.</exception>
    internal Task FetchAsync(RegistryCall call, Upstream upstream, Digest digest) => _blobs.JoinAsync(
        (call.Repository.Value, digest.ToString()), token => FetchOnceAsync(call.Share(token), upstream, digest), call.Aborted);

    /// <summary>How large a blob is that is not here, which stays there; null: the upstream does not say it.</summary>
    /// <exception cref="RegistryException">BLOB_UNKNOWN: the upstream does not have it.</exception>
    /// <exception cref="FaultException">Unavailable: the upstream is away.</exception>
    internal static async Task<long?> MeasureAsync(RegistryCall call, Upstream upstream, Digest digest)
    {
        // Where HEAD is not offered, or not by the place that it redirects to, the headers of a GET say the same; its body is not read.
        foreach (HttpMethod method in new[] { HttpMethod.Head, HttpMethod.Get })
        {
            using HttpResponseMessage response = await upstream.AskAsync(
                method, upstream.NameOf(call.Repository), $"blobs/{digest}", [], call.Aborted).ConfigureAwait(false);
            if (response.IsSuccessStatusCode && response.Content.Headers.ContentLength is { } bytes)
                return bytes;
            if (!response.IsSuccessStatusCode && (method == HttpMethod.Get || response.StatusCode == HttpStatusCode.NotFound))
                throw UnknownBlob();
        }
        return null;
    }

    private async Task<bool> IsCurrentAsync(RegistryCall call, Upstream upstream, string reference) =>
        await FindAsync(call, reference).ConfigureAwait(false) is not null
        && (IsDigest(reference) || IsFresh(call.Repository, reference, upstream));

    private async Task RefreshOnceAsync(RegistryCall call, Upstream upstream, string reference)
    {
        // Who came a moment too late for the others' round finds here what they brought.
        if (await IsCurrentAsync(call, upstream, reference).ConfigureAwait(false))
            return;
        string? here = (await FindAsync(call, reference).ConfigureAwait(false))?.Digest;
        try
        {
            if (IsDigest(reference))
            {
                await KeepAsync(call, upstream, Digest.Parse(reference), null, null).ConfigureAwait(false);
                return;
            }
            (Digest digest, FetchedManifest? fetched) = await ResolveAsync(call, upstream, reference).ConfigureAwait(false);
            if (here != digest.ToString())
                await KeepAsync(call, upstream, digest, reference, fetched).ConfigureAwait(false);
            Remember(call.Repository, reference);
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.Unavailable && here is not null)
        {
            // It was the right one when the upstream was last there, which is more than nothing.
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.Conflict && here is not null)
        {
            // A rule of this hub freezes the tag: it stays what it was, wherever the upstream's moves.
            Remember(call.Repository, reference);
        }
    }

    private static async Task FetchOnceAsync(RegistryCall call, Upstream upstream, Digest digest)
    {
        using HttpResponseMessage response = await upstream.AskAsync(
            HttpMethod.Get, upstream.NameOf(call.Repository), $"blobs/{digest}", [], call.Aborted).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
            throw UnknownBlob();
        await using UploadSession session = await UploadSession.BeginAsync(call, digest.Algorithm).ConfigureAwait(false);
        try
        {
            await using Stream body = await response.Content.ReadAsStreamAsync(call.Aborted).ConfigureAwait(false);
            await session.TakeAsync(PipeReader.Create(body), response.Content.Headers.ContentLength, digest).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw upstream.Failed("it broke off", exception);
        }
        catch (RegistryException error) when (error.Code == RegistryCode.DIGEST_INVALID)
        {
            throw upstream.Failed($"what it sends as {digest} is something else", error);
        }
    }

    private static async Task<(Digest Digest, FetchedManifest? Manifest)> ResolveAsync(RegistryCall call, Upstream upstream, string tag)
    {
        // HEAD costs nothing of a pull limit, and most of the time the tag has not moved.
        using (HttpResponseMessage response = await upstream.AskAsync(
            HttpMethod.Head, upstream.NameOf(call.Repository), $"manifests/{tag}", s_types, call.Aborted).ConfigureAwait(false))
        {
            // distribution-spec 1.1 has the header as a MAY, and some do not offer HEAD: then the digest is that of the document.
            if (!IsHeadRefused(response))
            {
                RefuseMissing(response, upstream);
                if (DigestOf(response) is { } digest)
                    return (digest, null);
            }
        }
        FetchedManifest fetched = await FetchManifestAsync(call, upstream, tag).ConfigureAwait(false);
        return (fetched.Digest, fetched);
    }

    private static bool IsHeadRefused(HttpResponseMessage response) => response.StatusCode
        is HttpStatusCode.BadRequest or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented;

    private static Digest? DigestOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? values)
            && Digest.TryParse(values.First(), out Digest digest)
            ? digest
            : null;

    private static async Task KeepAsync(
        RegistryCall call, Upstream upstream, Digest digest, string? tag, FetchedManifest? fetched)
    {
        bool isHere = await FindAsync(call, digest.ToString()).ConfigureAwait(false) is not null;
        if (!isHere)
            fetched ??= await FetchManifestAsync(call, upstream, digest.ToString()).ConfigureAwait(false);
        await call.Services.Database.WriteAsync(
            async (transaction, token) =>
            {
                RepositoryRow repository = await RepositoryTable.FindOrCreateAsync(
                    transaction, call.Repository, upstream.Options.Visibility, call.Now, token).ConfigureAwait(false);
                await CachedRepositories.MarkAsync(transaction, repository, upstream.Options.Prefix, token).ConfigureAwait(false);
                if (fetched is not null)
                    await ManifestTable.AddFetchedAsync(
                        transaction, repository, digest, fetched.Manifest, fetched.Document, call.Now, token).ConfigureAwait(false);
                if (tag is not null)
                    await TagTable.SetAsync(
                        transaction, repository, tag, digest, Caller.Anonymous, call.Now, TagMoveReason.Import, token)
                        .ConfigureAwait(false);
                return true;
            }, call.Aborted).ConfigureAwait(false);
    }

    // By a digest the document must have it; by a tag it must have the one that the upstream says, if it says one.
    private static async Task<FetchedManifest> FetchManifestAsync(RegistryCall call, Upstream upstream, string reference)
    {
        using HttpResponseMessage response = await upstream.AskAsync(
            HttpMethod.Get, upstream.NameOf(call.Repository), $"manifests/{reference}", s_types, call.Aborted).ConfigureAwait(false);
        RefuseMissing(response, upstream);
        byte[] document;
        try
        {
            document = await upstream.ReadAsync(response, ManifestDocument.BytesMax, call.Aborted).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw upstream.Failed("it broke off", exception);
        }
        Digest? expected = IsDigest(reference) ? Digest.Parse(reference) : DigestOf(response);
        Digest actual = expected?.Algorithm == "sha512" ? Digest.FromSha512(SHA512.HashData(document)) : Digest.Of(document);
        if (expected is { } right && actual != right)
            throw upstream.Failed($"what it sends as {right} is {actual}");
        try
        {
            string? type = response.Content.Headers.ContentType?.MediaType;
            return new FetchedManifest(actual, ManifestDocument.Parse(document, type), document);
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.InvalidArgument)
        {
            throw upstream.Failed(fault.Message, fault);
        }
    }

    private static RegistryException UnknownBlob() => new(RegistryCode.BLOB_UNKNOWN, "blob unknown to registry");

    private static void RefuseMissing(HttpResponseMessage response, Upstream upstream)
    {
        if (response.IsSuccessStatusCode)
            return;
        // Registries answer alike for what is not there and for what we may not see.
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            throw new RegistryException(RegistryCode.MANIFEST_UNKNOWN, "manifest unknown");
        throw upstream.Failed($"it answers with {(int)response.StatusCode}");
    }

    private static Task<(long RepositoryId, string Digest)?> FindAsync(RegistryCall call, string reference) =>
        call.Services.Database.ReadAsync(
            (transaction, token) => ManifestTable.FindIdAsync(transaction, call.Repository, reference, token), call.Aborted);

    private static bool IsDigest(string reference) => reference.Contains(':', StringComparison.Ordinal);

    private bool IsFresh(RepositoryName repository, string tag, Upstream upstream) =>
        _checked.TryGetValue((repository.Value, tag), out DateTimeOffset at) && _time.GetUtcNow() - at < upstream.Options.TagTime;

    private void Remember(RepositoryName repository, string tag)
    {
        if (_checked.Count >= TagsRememberedMax)
            _checked.Clear();
        _checked[(repository.Value, tag)] = _time.GetUtcNow();
    }
}
