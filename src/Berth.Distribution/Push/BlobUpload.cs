using System.Net;
using System.Net.Http.Headers;
using Berth.Faults;
using Berth.Oci;

namespace Berth.Distribution;

/// <summary>Puts blobs into a repository: looks first, mounts if it can, uploads otherwise, and goes on after a break.</summary>
/// <remarks>OCI distribution-spec 1.1, "Pushing blobs".</remarks>
internal sealed class BlobUpload(RepositoryClient target)
{
    // Below this a blob goes in the closing request, which saves one round trip.
    private const long SingleRequestBytesMax = 64 * 1024;

    private readonly RegistrySession _session = target.Session;

    public Task<bool> ExistsAsync(Digest digest, CancellationToken cancellationToken) =>
        Retry.RunAsync(_session.Context, async () =>
        {
            using HttpResponseMessage response = await _session.SendAsync(
                () => new HttpRequestMessage(HttpMethod.Head, BlobAddress(digest)), cancellationToken);
            if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound)
                return response.StatusCode == HttpStatusCode.OK;
            throw await RegistryErrors.ReadAsync(response, cancellationToken);
        }, cancellationToken);

    /// <summary>Asks the registry to take the blob from another of its repositories; false when it would rather be sent it.</summary>
    public async Task<bool> TryMountAsync(Digest digest, string fromRepository, CancellationToken cancellationToken)
    {
        Uri address = _session.Address(
            $"{target.Path}/blobs/uploads/?mount={Uri.EscapeDataString(digest.ToString())}&from={Uri.EscapeDataString(fromRepository)}");
        using HttpResponseMessage response = await _session.SendAsync(() => Post(address), cancellationToken);
        if (response.StatusCode == HttpStatusCode.Created)
            return true;
        if (response.StatusCode == HttpStatusCode.Accepted && LocationOf(response) is { } started)
            await AbandonAsync(started, cancellationToken);
        return false;
    }

    /// <summary>Uploads a blob; repeated with what is missing when the connection breaks.</summary>
    public async Task UploadAsync(
        Func<Stream> open, long size, Digest digest, Action<long> sent, CancellationToken cancellationToken)
    {
        Uri? location = null;
        for (int failures = 0; ;)
        {
            try
            {
                long offset = 0;
                if (location is { } begun)
                    (location, offset) = await StatusAsync(begun, size, cancellationToken);
                location ??= await StartAsync(cancellationToken);
                await using Stream blob = open();
                if (size - offset > SingleRequestBytesMax)
                {
                    location = await PatchAsync(location, blob, offset, size, sent, cancellationToken);
                    offset = size;
                }
                await FinishAsync(location, blob, offset, size, digest, cancellationToken);
                sent(size);
                return;
            }
            catch (RegistryException exception) when (exception.IsTransient)
            {
                if (++failures >= _session.Context.Options.Attempts)
                    throw;
                await Retry.WaitAsync(_session.Context, failures, exception.RetryAfter, cancellationToken);
            }
        }
    }

    private async Task<Uri> StartAsync(CancellationToken cancellationToken)
    {
        Uri address = _session.Address($"{target.Path}/blobs/uploads/");
        using HttpResponseMessage response = await _session.SendAsync(() => Post(address), cancellationToken);
        if (response.StatusCode != HttpStatusCode.Accepted)
            throw await RegistryErrors.ReadAsync(response, cancellationToken);
        return LocationOf(response) ?? throw NoLocation();
    }

    private async Task<Uri> PatchAsync(
        Uri location, Stream blob, long offset, long size, Action<long> sent, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await _session.SendAsync(() =>
        {
            UploadContent content = new(blob, offset, size - offset, _session.Context.Options.IdleTimeout, sent);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            content.Headers.TryAddWithoutValidation("Content-Range", $"{offset}-{size - 1}");
            return new HttpRequestMessage(HttpMethod.Patch, location) { Content = content };
        }, cancellationToken);
        if (response.StatusCode is not (HttpStatusCode.Accepted or HttpStatusCode.NoContent or HttpStatusCode.Created))
            throw await RegistryErrors.ReadAsync(response, cancellationToken);
        return LocationOf(response) ?? location;
    }

    private async Task FinishAsync(
        Uri location, Stream blob, long offset, long size, Digest digest, CancellationToken cancellationToken)
    {
        string separator = location.Query.Length > 0 ? "&" : "?";
        Uri address = new($"{location.AbsoluteUri}{separator}digest={Uri.EscapeDataString(digest.ToString())}");
        using HttpResponseMessage response = await _session.SendAsync(() =>
        {
            UploadContent content = new(blob, offset, size - offset, _session.Context.Options.IdleTimeout, static _ => { });
            content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            return new HttpRequestMessage(HttpMethod.Put, address) { Content = content };
        }, cancellationToken);
        if (response.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.NoContent or HttpStatusCode.OK))
            throw await RegistryErrors.ReadAsync(response, cancellationToken);
    }

    /// <summary>How much of an upload arrived; no location when it is to begin anew.</summary>
    private async Task<(Uri? Location, long Offset)> StatusAsync(Uri location, long size, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await _session.SendAsync(
            () => new HttpRequestMessage(HttpMethod.Get, location), cancellationToken);
        if (response.StatusCode != HttpStatusCode.NoContent || !response.Headers.TryGetValues("Range", out IEnumerable<string>? ranges))
            return (null, 0);
        string range = ranges.First();
        int dash = range.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0 || !long.TryParse(range.AsSpan(dash + 1), out long last) || last < 0 || last >= size)
            return (null, 0);
        // "0-0" is what distribution says both for nothing and for one byte.
        return last == 0 ? (null, 0) : (LocationOf(response) ?? location, last + 1);
    }

    private async Task AbandonAsync(Uri location, CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage response = await _session.SendAsync(
                () => new HttpRequestMessage(HttpMethod.Delete, location), cancellationToken);
        }
        catch (RegistryException)
        {
            // A courtesy: registries clean up uploads by themselves.
        }
    }

    private Uri BlobAddress(Digest digest) => _session.Address($"{target.Path}/blobs/{digest}");

    private static HttpRequestMessage Post(Uri address) => new(HttpMethod.Post, address) { Content = new ByteArrayContent([]) };

    private Uri? LocationOf(HttpResponseMessage response)
    {
        if (response.Headers.Location is not { } location
            || !Uri.TryCreate(response.RequestMessage!.RequestUri!, location, out Uri? target) || target.UserInfo.Length > 0)
            return null;
        if (target.Scheme != "https" && target.Scheme != _session.Base.Scheme)
            throw new RegistryException(FaultKind.Unavailable, $"the registry wants the upload sent to {target.Scheme} in place of https");
        return target;
    }

    private static RegistryException NoLocation() =>
        new(FaultKind.Unavailable, "the registry began an upload without saying where to send it");
}
