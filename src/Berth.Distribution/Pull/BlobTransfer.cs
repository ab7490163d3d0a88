using System.Net;
using System.Net.Http.Headers;
using Berth.Content;
using Berth.Faults;
using Berth.Oci.Images;

namespace Berth.Distribution;

/// <summary>Brings one blob into the store, going on where a broken connection or an earlier process stopped.</summary>
internal sealed class BlobTransfer(
    IBlobStore store, RegistryContext context, Descriptor blob, RepositoryClient source, SharedDownload listeners)
{
    private const int BufferBytes = 256 * 1024;

    // A connection that brings this much before it breaks is not counted as a failed attempt.
    private const long ProgressBytesMin = 1024 * 1024;

    private BlobTee? _tee;
    private bool _hasBegun;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!await TryFetchAsync(cancellationToken))
                _ = await TryFetchAsync(cancellationToken);
            _tee?.Complete(null);
        }
        catch (Exception exception)
        {
            _tee?.Complete(exception is IOException ? exception : new IOException(exception.Message, exception));
            throw;
        }
    }

    /// <summary>False when the blob was put together from several attempts and is wrong, so that one fresh try is due.</summary>
    private async Task<bool> TryFetchAsync(CancellationToken cancellationToken)
    {
        await using IBlobIngest ingest = store.Resume(blob.Digest);
        bool isPatched = ingest.Written > 0;
        for (int failures = 0; ;)
        {
            long before = ingest.Written;
            try
            {
                if (await ReceiveAsync(ingest, cancellationToken))
                    break;
            }
            catch (RegistryException exception) when (exception.IsTransient)
            {
                isPatched = true;
                failures = ingest.Written - before >= ProgressBytesMin ? 1 : failures + 1;
                if (failures >= context.Options.Attempts)
                    throw;
                listeners.Tell(listener => listener.Retrying((int)context.Options.RetryDelay.TotalSeconds * failures));
                await Retry.WaitAsync(context, failures, exception.RetryAfter, cancellationToken);
            }
        }
        listeners.Tell(listener => listener.Verifying());
        try
        {
            await ingest.CommitAsync(blob.Digest, cancellationToken);
            return true;
        }
        catch (FaultException exception) when (exception.Kind == FaultKind.InvalidArgument && isPatched)
        {
            _tee?.Abandon();
            return false;
        }
    }

    /// <summary>One request; true when the blob is complete.</summary>
    private async Task<bool> ReceiveAsync(IBlobIngest ingest, CancellationToken cancellationToken)
    {
        if (ingest.Written > blob.Size)
            await RestartAsync(ingest, cancellationToken);
        if (ingest.Written == blob.Size)
            return true;
        using HttpResponseMessage response = await source.Session.SendAsync(() => Request(ingest.Written), cancellationToken);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            await RestartAsync(ingest, cancellationToken);
            return false;
        }
        if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent))
            throw await RegistryErrors.ReadAsync(response, cancellationToken);
        long start = response.StatusCode == HttpStatusCode.PartialContent
            ? response.Content.Headers.ContentRange?.From ?? -1 : 0;
        if (start != ingest.Written)
        {
            await RestartAsync(ingest, cancellationToken);
            if (start != 0)
                throw new RegistryException(
                    FaultKind.Unavailable,
                    $"download {blob.Digest}: the registry sent another range than asked for") { IsTransient = true };
        }
        if (response.Content.Headers.ContentLength is { } length && length != blob.Size - ingest.Written)
            throw Lie(ingest.Written + length);
        Begin(ingest.Written == 0);
        await CopyAsync(response, ingest, cancellationToken);
        return true;
    }

    private async Task CopyAsync(HttpResponseMessage response, IBlobIngest ingest, CancellationToken cancellationToken)
    {
        Uri uri = response.RequestMessage!.RequestUri!;
        using CancellationTokenSource idle = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        byte[] buffer = new byte[BufferBytes];
        await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
        while (true)
        {
            int read;
            try
            {
                idle.CancelAfter(context.Options.IdleTimeout);
                read = await body.ReadAsync(buffer, idle.Token);
                idle.CancelAfter(Timeout.InfiniteTimeSpan);
            }
            catch (Exception exception) when (exception is IOException or HttpRequestException)
            {
                throw RegistryException.Broken(HttpMethod.Get, uri, exception);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw RegistryException.TimedOut(HttpMethod.Get, uri, "time-out: the transfer stood still");
            }
            if (read == 0)
                break;
            if (ingest.Written + read > blob.Size)
                throw Lie(ingest.Written + read);
            await ingest.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            if (_tee is not null)
                await _tee.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            long written = ingest.Written;
            listeners.Tell(listener => listener.Progress(written, blob.Size));
        }
        if (ingest.Written < blob.Size)
            throw new RegistryException(
                FaultKind.Unavailable,
                $"{RegistryException.Attempt(HttpMethod.Get, uri)}: unexpected EOF") { IsTransient = true };
    }

    private HttpRequestMessage Request(long from)
    {
        bool isElsewhere = ManifestReader.IsForeign(blob.MediaType) && blob.Urls is { Count: > 0 }
            && context.Options.AllowForeignLayers;
        Uri address = isElsewhere && Uri.TryCreate(blob.Urls![0], UriKind.Absolute, out Uri? elsewhere) && elsewhere.Scheme == "https"
            ? elsewhere : source.Session.Address($"{source.Path}/blobs/{blob.Digest}");
        HttpRequestMessage request = new(HttpMethod.Get, address);
        if (from > 0)
            request.Headers.Range = new RangeHeaderValue(from, null);
        return request;
    }

    private void Begin(bool fromStart)
    {
        if (!_hasBegun)
            _tee = listeners.Begin(fromStart);
        _hasBegun = true;
    }

    private async Task RestartAsync(IBlobIngest ingest, CancellationToken cancellationToken)
    {
        if (ingest.Written > 0)
            _tee?.Abandon();
        await ingest.RestartAsync(cancellationToken);
    }

    private RegistryException Lie(long actual) => new(
        FaultKind.InvalidArgument, $"download {blob.Digest}: the registry sends {actual} bytes where the manifest says {blob.Size}");
}
