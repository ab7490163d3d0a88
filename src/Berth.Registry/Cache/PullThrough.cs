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
    private readonly ConcurrentDictionary<(string Repository, string Digest), Lazy<Task>> _fetches = new();

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

    /// <summary>What the upstreams list.</summary>
    internal UpstreamLists Lists { get; }

    /// <summary>The upstream of a repository; null: it is this hub's own.</summary>
    public Upstream? UpstreamOf(RepositoryName repository)
    {
        foreach (Upstream upstream in _upstreams)
        {
            string prefix = upstream.Options.Prefix;
            if (repository.Value.Length > prefix.Length + 1 && repository.Value[prefix.Length] == '/'
                && repository.Value.StartsWith(prefix, StringComparison.Ordinal))
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
        string? here = (await FindAsync(call, reference).ConfigureAwait(false))?.Digest;
        bool isDigest = reference.Contains(':', StringComparison.Ordinal);
        if (here is not null && (isDigest || IsFresh(call.Repository, reference, upstream)))
            return;
        try
        {
            Digest digest = isDigest ? Digest.Parse(reference) : await ResolveAsync(call, upstream, reference).ConfigureAwait(false);
            if (here != digest.ToString())
                await KeepAsync(call, upstream, digest, isDigest ? null : reference).ConfigureAwait(false);
            if (!isDigest)
                Remember(call.Repository, reference);
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.Unavailable && here is not null)
        {
            // It was the right one when the upstream was last there, which is more than nothing.
        }
    }

    /// <summary>Brings a blob here.</summary>
    /// <exception cref="RegistryException">BLOB_UNKNOWN: the upstream does not have it.</exception>
    /// <exception cref="FaultException">Unavailable: the upstream is away.</exception>
    internal async Task FetchAsync(RegistryCall call, Upstream upstream, Digest digest)
    {
        (string, string) key = (call.Repository.Value, digest.ToString());
        var mine = new Lazy<Task>(() => FetchOnceAsync(call, upstream, digest));
        Lazy<Task> running = _fetches.GetOrAdd(key, mine);
        if (running != mine)
        {
            // Somebody is fetching it. If he goes away in the midst, the next round is ours.
            await running.Value.WaitAsync(call.Aborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            call.Aborted.ThrowIfCancellationRequested();
            if (!running.Value.IsCompletedSuccessfully)
                await FetchOnceAsync(call, upstream, digest).ConfigureAwait(false);
            return;
        }
        try
        {
            await running.Value.ConfigureAwait(false);
        }
        finally
        {
            _fetches.TryRemove(new(key, mine));
        }
    }

    private static async Task FetchOnceAsync(RegistryCall call, Upstream upstream, Digest digest)
    {
        using HttpResponseMessage response = await upstream.AskAsync(
            HttpMethod.Get, upstream.NameOf(call.Repository), $"blobs/{digest}", [], call.Aborted).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
            throw new RegistryException(RegistryCode.BLOB_UNKNOWN, "blob unknown to registry");
        await using UploadSession session = await UploadSession.BeginAsync(call, digest.Algorithm).ConfigureAwait(false);
        try
        {
            await using Stream body = await response.Content.ReadAsStreamAsync(call.Aborted).ConfigureAwait(false);
            await session.TakeAsync(PipeReader.Create(body), response.Content.Headers.ContentLength, digest).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw upstream.Away("it broke off", TimeSpan.Zero, exception);
        }
        catch (RegistryException error) when (error.Code == RegistryCode.DIGEST_INVALID)
        {
            throw upstream.Away($"what it sends as {digest} is something else", TimeSpan.Zero, error);
        }
    }

    private static async Task<Digest> ResolveAsync(RegistryCall call, Upstream upstream, string tag)
    {
        // HEAD costs nothing of a pull limit, and most of the time the tag has not moved.
        using HttpResponseMessage response = await upstream.AskAsync(
            HttpMethod.Head, upstream.NameOf(call.Repository), $"manifests/{tag}", s_types, call.Aborted).ConfigureAwait(false);
        RefuseMissing(response, upstream);
        if (response.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? values)
            && Digest.TryParse(values.First(), out Digest digest))
            return digest;
        throw upstream.Away("it does not say the digest of a tag", TimeSpan.Zero);
    }

    private async Task KeepAsync(RegistryCall call, Upstream upstream, Digest digest, string? tag)
    {
        bool isHere = await FindAsync(call, digest.ToString()).ConfigureAwait(false) is not null;
        (ManifestDocument Manifest, byte[] Document)? fetched = isHere
            ? null
            : await FetchManifestAsync(call, upstream, digest).ConfigureAwait(false);
        await call.Services.Database.WriteAsync(
            async (transaction, token) =>
            {
                RepositoryRow repository = await RepositoryTable.FindOrCreateAsync(
                    transaction, call.Repository, upstream.Options.Visibility, call.Now, token).ConfigureAwait(false);
                if (fetched is { } found)
                    await ManifestTable.AddFetchedAsync(transaction, repository, digest, found.Manifest, found.Document, call.Now, token)
                        .ConfigureAwait(false);
                if (tag is not null)
                    await TagTable.SetAsync(
                        transaction, repository, tag, digest, Caller.Anonymous, call.Now, TagMoveReason.Import, token)
                        .ConfigureAwait(false);
                return true;
            }, call.Aborted).ConfigureAwait(false);
    }

    private static async Task<(ManifestDocument Manifest, byte[] Document)> FetchManifestAsync(
        RegistryCall call, Upstream upstream, Digest digest)
    {
        using HttpResponseMessage response = await upstream.AskAsync(
            HttpMethod.Get, upstream.NameOf(call.Repository), $"manifests/{digest}", s_types, call.Aborted).ConfigureAwait(false);
        RefuseMissing(response, upstream);
        byte[] document = await upstream.ReadAsync(response, ManifestDocument.BytesMax, call.Aborted).ConfigureAwait(false);
        Digest actual = digest.Algorithm == "sha512" ? Digest.FromSha512(SHA512.HashData(document)) : Digest.Of(document);
        if (actual != digest)
            throw upstream.Away($"what it sends as {digest} is {actual}", TimeSpan.Zero);
        try
        {
            return (ManifestDocument.Parse(document, response.Content.Headers.ContentType?.MediaType), document);
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.InvalidArgument)
        {
            throw upstream.Away(fault.Message, TimeSpan.Zero, fault);
        }
    }

    private static void RefuseMissing(HttpResponseMessage response, Upstream upstream)
    {
        if (response.IsSuccessStatusCode)
            return;
        // Registries answer alike for what is not there and for what we may not see.
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            throw new RegistryException(RegistryCode.MANIFEST_UNKNOWN, "manifest unknown");
        throw upstream.Away($"it answers with {(int)response.StatusCode}", TimeSpan.Zero);
    }

    private static Task<(long RepositoryId, string Digest)?> FindAsync(RegistryCall call, string reference) =>
        call.Services.Database.ReadAsync(
            (transaction, token) => ManifestTable.FindIdAsync(transaction, call.Repository, reference, token), call.Aborted);

    private bool IsFresh(RepositoryName repository, string tag, Upstream upstream) =>
        _checked.TryGetValue((repository.Value, tag), out DateTimeOffset at) && _time.GetUtcNow() - at < upstream.Options.TagTime;

    private void Remember(RepositoryName repository, string tag)
    {
        if (_checked.Count >= TagsRememberedMax)
            _checked.Clear();
        _checked[(repository.Value, tag)] = _time.GetUtcNow();
    }
}
