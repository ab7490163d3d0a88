using Berth.Content;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;

namespace Berth.Distribution;

/// <summary>One layer of a pull: its download, and its unpacking when all below it is unpacked.</summary>
internal sealed class LayerPull(Descriptor blob, DiffId diffId, ChainId? parent, ChainId chain, LayerPullServices services)
    : IDownloadListener
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _teed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BlobTee? _tee;    // Guarded by _gate.
    private bool _isTurn;     // Guarded by _gate.

    public ChainId Chain => chain;

    public Descriptor Blob => blob;

    public DiffId DiffId => diffId;

    private string Id => blob.Digest.Short;

    private TransferProgress Progress => services.Progress;

    public void Announce(bool exists) => Progress.Stage(exists ? TransferStage.AlreadyExists : TransferStage.PullingLayer, Id);

    public async Task DownloadAsync(CancellationToken cancellationToken)
    {
        await services.Downloader.DownloadAsync(blob, services.Source, this, cancellationToken);
        Progress.Stage(TransferStage.DownloadComplete, Id);
    }

    /// <summary>Unpacks the layer, from the running download if that begins from here on, else from the finished blob.</summary>
    public async Task ApplyAsync(Task download, CancellationToken cancellationToken)
    {
        lock (_gate)
            _isTurn = true;
        await Task.WhenAny(download, _teed.Task);
        bool isDone = _teed.Task.IsCompleted && await TryApplyTeeAsync(download, cancellationToken);
        await download;
        if (!isDone)
        {
            await using Stream stored = services.Store.OpenRead(blob.Digest);
            await ApplyAsync(stored, cancellationToken);
        }
        Progress.Stage(TransferStage.PullComplete, Id);
    }

    void IDownloadListener.Waiting() => Progress.Stage(TransferStage.Waiting, Id);

    BlobTee? IDownloadListener.Begin(bool fromStart)
    {
        lock (_gate)
        {
            if (!fromStart || !_isTurn)
                return null;
            _tee = new BlobTee();
        }
        _teed.TrySetResult();
        return _tee;
    }

    void IDownloadListener.Progress(long current, long total) => Progress.Bytes(TransferStage.Downloading, Id, current, total);

    void IDownloadListener.Retrying(int seconds) =>
        Progress.Stage(TransferStage.Retrying, Id, seconds == 1 ? "Retrying in 1 second" : $"Retrying in {seconds} seconds");

    void IDownloadListener.Verifying() => Progress.Stage(TransferStage.VerifyingChecksum, Id);

    /// <summary>False when the download had to begin again and the finished blob must be unpacked.</summary>
    private async Task<bool> TryApplyTeeAsync(Task download, CancellationToken cancellationToken)
    {
        BlobTee tee = _tee!;
        try
        {
            await using Stream reader = tee.Reader;
            await ApplyAsync(reader, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            tee.LeaveReader();
            // When the download failed, that is the reason, and unpacking only met its consequence.
            if (tee.IsAbandoned || download.IsFaulted)
                return false;
            await download;
            if (tee.IsAbandoned)
                return false;
            throw;
        }
        finally
        {
            tee.LeaveReader();
        }
    }

    private async Task ApplyAsync(Stream compressed, CancellationToken cancellationToken)
    {
        CountingStream counted = new(compressed, read => Progress.Bytes(TransferStage.Extracting, Id, read, blob.Size));
        await using Stream tar = await Decompression.OpenAsync(
            counted, services.Options.UncompressedLayerBytesMax, cancellationToken);
        await services.Sink.ApplyAsync(parent, diffId, tar, cancellationToken);
        if (!services.Sink.Contains(chain))
            throw FaultException.Internal($"unpack layer {diffId}: it was applied and is not there");
    }
}

/// <summary>What the layers of one pull share.</summary>
internal sealed record LayerPullServices(
    IBlobStore Store, ILayerSink Sink, BlobDownloader Downloader, RepositoryClient Source, RegistryOptions Options,
    TransferProgress Progress);
