using Berth.Content;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;

namespace Berth.Distribution;

/// <summary>Someone who wants a blob and hears how it goes. Called from the download, never concurrently for one blob.</summary>
internal interface IDownloadListener
{
    /// <summary>All download slots are taken.</summary>
    void Waiting();

    /// <summary>Bytes are about to come; the tee to write them to as well, if they come from the beginning.</summary>
    BlobTee? Begin(bool fromStart);

    void Progress(long current, long total);

    void Retrying(int seconds);

    void Verifying();
}

/// <summary>Downloads blobs into the store: at most so many at once, each once even if several pulls want it.</summary>
internal sealed class BlobDownloader(IBlobStore store, RegistryContext context) : IDisposable
{
    private readonly SemaphoreSlim _slots = new(context.Options.ConcurrentDownloads);
    private readonly Lock _gate = new();
    private readonly Dictionary<Digest, SharedDownload> _running = []; // Guarded by _gate.

    /// <summary>Makes a blob be in the store; returns when it is whole and verified.</summary>
    public async Task DownloadAsync(
        Descriptor blob, RepositoryClient source, IDownloadListener listener, CancellationToken cancellationToken)
    {
        if (store.Contains(blob.Digest))
            return;
        (SharedDownload download, bool isLeader) = Join(blob, source, listener);
        try
        {
            await download.Task.WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (!isLeader && !cancellationToken.IsCancellationRequested
            && exception is RegistryException or OperationCanceledException)
        {
            // Another's download failed for his reasons, such as his credentials: try with ours.
            Leave(download, listener);
            await DownloadAsync(blob, source, listener, cancellationToken);
            return;
        }
        finally
        {
            Leave(download, listener);
        }
    }

    public void Dispose() => _slots.Dispose();

    private (SharedDownload Download, bool IsLeader) Join(Descriptor blob, RepositoryClient source, IDownloadListener listener)
    {
        lock (_gate)
        {
            if (_running.TryGetValue(blob.Digest, out SharedDownload? running) && running.TryJoin(listener))
                return (running, false);
            SharedDownload download = new(listener);
            _running[blob.Digest] = download;
            Task? previous = running?.Task;
            download.Task = Task.Run(() => RunAsync(blob, source, download, previous));
            return (download, true);
        }
    }

    private static void Leave(SharedDownload download, IDownloadListener listener) => download.Leave(listener);

    private async Task RunAsync(Descriptor blob, RepositoryClient source, SharedDownload download, Task? previous)
    {
        try
        {
            if (previous is not null)
                await previous.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_slots.Wait(0, CancellationToken.None))
            {
                download.Tell(listener => listener.Waiting());
                await _slots.WaitAsync(download.Cancelled);
            }
            try
            {
                // Another pull may have finished with it after this one had looked and before it could join.
                if (store.Contains(blob.Digest))
                    return;
                BlobTransfer transfer = new(store, context, blob, source, download);
                await transfer.RunAsync(download.Cancelled);
            }
            finally
            {
                _slots.Release();
            }
        }
        finally
        {
            lock (_gate)
            {
                if (_running.GetValueOrDefault(blob.Digest) == download)
                    _running.Remove(blob.Digest);
            }
            download.End();
        }
    }
}

#pragma warning disable CA1001 // Cancelled from any thread until the last; without a timer or wait handle it holds nothing.
/// <summary>One download with everybody who waits for it; given up when the last one leaves.</summary>
internal sealed class SharedDownload(IDownloadListener first)
{
    private readonly Lock _gate = new();
    private readonly List<IDownloadListener> _listeners = [first]; // Guarded by _gate.
    private readonly CancellationTokenSource _cancel = new();
    private bool _isEnded;                                          // Guarded by _gate.

    public Task Task { get; set; } = Task.CompletedTask;

    public CancellationToken Cancelled => _cancel.Token;

    public bool TryJoin(IDownloadListener listener)
    {
        lock (_gate)
        {
            if (_isEnded || _cancel.IsCancellationRequested)
                return false;
            _listeners.Add(listener);
            return true;
        }
    }

    public void Leave(IDownloadListener listener)
    {
        lock (_gate)
        {
            _listeners.Remove(listener);
            if (_listeners.Count > 0 || _isEnded || _cancel.IsCancellationRequested)
                return;
        }
        _cancel.Cancel();
    }

    public void Tell(Action<IDownloadListener> tell)
    {
        IDownloadListener[] all;
        lock (_gate)
            all = [.. _listeners];
        foreach (IDownloadListener listener in all)
            tell(listener);
    }

    /// <summary>Asks the listeners in turn; the first tee is it.</summary>
    public BlobTee? Begin(bool fromStart)
    {
        BlobTee? tee = null;
        Tell(listener => tee ??= listener.Begin(fromStart));
        return tee;
    }

    public void End()
    {
        lock (_gate)
            _isEnded = true;
    }
}
