using Berth.Content;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Oci.References;

namespace Berth.Distribution;

/// <summary>One push: layers, configuration, manifest, in this order, so that the registry never has a manifest without its
/// blobs.</summary>
internal sealed class ImagePush(
    IBlobStore store, ILayerBlobIndex index, RepositoryClient target, PushRequest request, ImageReference reference,
    SemaphoreSlim slots, TransferProgress progress)
{
    private readonly BlobUpload _upload = new(target);

    public async Task<PushResult> RunAsync(CancellationToken cancellationToken)
    {
        using IBlobLease lease = store.Lease();
        Manifest? original = request.Original is { IsIndex: false } kept ? ManifestReader.ReadManifest(kept) : null;
        if (original is not null && original.Layers.Count != request.Layers.Count)
            original = null;
        progress.Message($"The push refers to repository [{reference.Name}]");
        foreach (PushLayer layer in request.Layers)
            progress.Stage(TransferStage.Preparing, layer.DiffId.Digest.Short);

        Descriptor[] blobs = await PushLayersAsync(original, lease, cancellationToken);
        Descriptor config = await PushConfigAsync(original, cancellationToken);
        ManifestDocument document = original is not null && original.Config.Digest == config.Digest
            && original.Layers.Select(layer => layer.Digest).SequenceEqual(blobs.Select(blob => blob.Digest))
                ? request.Original! : Compose(original, config, blobs);
        await target.PutManifestAsync(
            reference.Tag ?? document.Descriptor.Digest.ToString(), document, reference.Familiar, cancellationToken);

        string shown = reference.Tag ?? document.Descriptor.Digest.ToString();
        // Two steps: of a line with an aux, Docker's clients show nothing.
        progress.Message($"{shown}: digest: {document.Descriptor.Digest} size: {document.Descriptor.Size}");
        progress.Report(new TransferEvent(TransferStage.Message, null, "")
        {
            Aux = new PushedManifest(shown, document.Descriptor.Digest, document.Descriptor.Size),
        });
        return new PushResult(reference.Tag, document);
    }

    private async Task<Descriptor[]> PushLayersAsync(Manifest? original, IBlobLease lease, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // The same layer twice in an image is sent once.
        Dictionary<DiffId, Task<Descriptor>> running = [];
        Task<Descriptor>[] all = [.. request.Layers.Select((layer, i) => running.TryGetValue(layer.DiffId, out Task<Descriptor>? same)
            ? same : running[layer.DiffId] = PushLayerAsync(layer, original?.Layers[i], lease, stop.Token))];
        try
        {
            await foreach (Task<Descriptor> one in Task.WhenEach(running.Values))
                await one;
            return await Task.WhenAll(all);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(all).ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task<Descriptor> PushLayerAsync(
        PushLayer layer, Descriptor? pulled, IBlobLease lease, CancellationToken cancellationToken)
    {
        string id = layer.DiffId.Digest.Short;
        if (!slots.Wait(0, CancellationToken.None))
        {
            progress.Stage(TransferStage.Waiting, id);
            await slots.WaitAsync(cancellationToken);
        }
        try
        {
            Descriptor? known = pulled ?? index.Find(layer.DiffId);
            if (known is not null)
            {
                lease.Add(known.Digest);
                if (await TryWithoutSendingAsync(layer, known, id, cancellationToken))
                    return known;
            }
            Descriptor? here = known is not null && store.Contains(known.Digest) ? known : null;
            Descriptor blob = here ?? await CompressAsync(layer, lease, cancellationToken);
            // Only a blob with another digest than the one that was looked for can be there already.
            if (blob.Digest != known?.Digest && await TryWithoutSendingAsync(layer, blob, id, cancellationToken))
                return blob;
            progress.Bytes(TransferStage.Pushing, id, 0, blob.Size);
            await _upload.UploadAsync(
                () => store.OpenRead(blob.Digest), blob.Size, blob.Digest,
                sent => progress.Bytes(TransferStage.Pushing, id, sent, blob.Size), cancellationToken);
            progress.Stage(TransferStage.Pushed, id);
            return blob;
        }
        finally
        {
            slots.Release();
        }
    }

    private async Task<bool> TryWithoutSendingAsync(
        PushLayer layer, Descriptor blob, string id, CancellationToken cancellationToken)
    {
        if (await _upload.ExistsAsync(blob.Digest, cancellationToken))
        {
            progress.Stage(TransferStage.AlreadyExists, id, "Layer already exists");
            return true;
        }
        foreach (ImageReference source in layer.MountCandidates)
        {
            if (source.Domain != reference.Domain || source.Path == reference.Path)
                continue;
            if (await _upload.TryMountAsync(blob.Digest, source.Path, cancellationToken))
            {
                progress.Stage(TransferStage.Mounted, id, $"Mounted from {source.Path}");
                return true;
            }
        }
        return false;
    }

    private async Task<Descriptor> CompressAsync(PushLayer layer, IBlobLease lease, CancellationToken cancellationToken)
    {
        Descriptor blob = await LayerCompressor.CompressAsync(store, layer, request.WriteLayerTar, cancellationToken);
        lease.Add(blob.Digest);
        index.Record(layer.DiffId, blob);
        return blob;
    }

    private async Task<Descriptor> PushConfigAsync(Manifest? original, CancellationToken cancellationToken)
    {
        Descriptor config = new()
        {
            MediaType = original?.Config.MediaType ?? MediaTypes.DockerConfig,
            Digest = Digest.Of(request.Config.Span),
            Size = request.Config.Length,
        };
        if (!await _upload.ExistsAsync(config.Digest, cancellationToken))
        {
            byte[] bytes = request.Config.ToArray();
            await _upload.UploadAsync(
                () => new MemoryStream(bytes, writable: false), bytes.Length, config.Digest, static _ => { }, cancellationToken);
        }
        return config;
    }

    private static ManifestDocument Compose(Manifest? original, Descriptor config, IReadOnlyList<Descriptor> blobs)
    {
        // Docker's manifests know no zstd that every reader knows.
        bool isOci = original?.Config.MediaType == MediaTypes.OciConfig
            || blobs.Any(blob => blob.MediaType is MediaTypes.OciLayerZstd or MediaTypes.DockerLayerZstd);
        string mediaType = isOci ? MediaTypes.OciManifest : MediaTypes.DockerManifest;
        Manifest manifest = new()
        {
            MediaType = mediaType,
            Config = config with { MediaType = isOci ? MediaTypes.OciConfig : MediaTypes.DockerConfig },
            Layers = [.. blobs.Select(blob => blob with { MediaType = LayerType(blob.MediaType, isOci) })],
        };
        byte[] bytes = OciJson.Write(manifest, OciJson.Manifest);
        return new ManifestDocument(new Descriptor { MediaType = mediaType, Digest = Digest.Of(bytes), Size = bytes.Length }, bytes);
    }

    private static string LayerType(string mediaType, bool isOci) => (mediaType, isOci) switch
    {
        (MediaTypes.DockerLayerGzip, true) => MediaTypes.OciLayerGzip,
        (MediaTypes.DockerLayerZstd, true) => MediaTypes.OciLayerZstd,
        (MediaTypes.DockerLayer, true) => MediaTypes.OciLayer,
        (MediaTypes.OciLayerGzip, false) => MediaTypes.DockerLayerGzip,
        (MediaTypes.OciLayer, false) => MediaTypes.DockerLayer,
        _ => mediaType,
    };
}
