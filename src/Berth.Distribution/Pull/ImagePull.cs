using Berth.Content;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Oci.References;

namespace Berth.Distribution;

/// <summary>One pull from one endpoint: reference, index, manifest, configuration, layers.</summary>
internal sealed class ImagePull(
    IBlobStore store, ILayerSink sink, ILayerBlobIndex index, BlobDownloader downloader, RepositoryClient source, PullRequest request,
    ImageReference reference, TransferProgress progress)
{
    private const int IndexDepthMax = 3;

    private RegistryOptions Options => source.Session.Context.Options;

    /// <summary>Finds the image for the platform; reads no layer.</summary>
    public async Task<(ManifestDocument Target, ManifestDocument? Index, ManifestDocument Manifest)> FindAsync(
        CancellationToken cancellationToken)
    {
        string tagOrDigest = reference.Digest?.ToString() ?? reference.Tag!;
        ManifestDocument target = await source.GetManifestAsync(tagOrDigest, reference.Digest, cancellationToken);
        ManifestDocument found = target;
        for (int depth = 0; found.IsIndex; depth++)
        {
            if (depth >= IndexDepthMax)
                throw new RegistryException(
                    FaultKind.InvalidArgument, $"read index {found.Descriptor.Digest}: indexes are nested too deeply");
            ImageIndex index = OciJson.Read(found.Bytes.Span, OciJson.ImageIndex, $"index {found.Descriptor.Digest}");
            Platform wanted = request.Platform ?? Platform.Host;
            Descriptor chosen = PlatformChoice.Choose(index, wanted) ?? throw new RegistryException(
                FaultKind.NotFound, $"no matching manifest for {wanted} in the manifest list entries");
            found = await source.GetManifestAsync(chosen.Digest.ToString(), chosen.Digest, cancellationToken);
            if (found.Descriptor.Size != chosen.Size)
                throw new RegistryException(
                    FaultKind.InvalidArgument,
                    $"read manifest {chosen.Digest}: its size is {found.Descriptor.Size}, not {chosen.Size} as the index says");
        }
        return (target, target.IsIndex ? target : null, found);
    }

    /// <summary>Reads and checks the configuration of a manifest.</summary>
    public async Task<(Manifest Manifest, ImageConfig Config, byte[] Bytes)> ReadConfigAsync(
        ManifestDocument document, CancellationToken cancellationToken)
    {
        Manifest manifest = ManifestReader.ReadManifest(document);
        byte[] bytes = await source.GetSmallBlobAsync(manifest.Config, $"image configuration {manifest.Config.Digest}", cancellationToken);
        ImageConfig config = OciJson.Read(bytes, OciJson.ImageConfig, $"image configuration {manifest.Config.Digest}");
        if (config.Os is not ("linux" or ""))
            throw new RegistryException(
                FaultKind.NotSupported,
                $"image operating system \"{RegistryErrors.Clip(config.Os)}\" cannot be used on this platform: "
                + "operating system is not supported");
        if (config.RootFs.DiffIds.Count != manifest.Layers.Count)
            throw new RegistryException(
                FaultKind.InvalidArgument,
                $"read image configuration {manifest.Config.Digest}: "
                + $"it has {config.RootFs.DiffIds.Count} diff IDs for {manifest.Layers.Count} layers");
        if (request.Platform is { } wanted && config.Architecture.Length > 0
            && (wanted.Os, wanted.Architecture) != (config.Os, config.Architecture))
        {
            throw new RegistryException(
                FaultKind.NotFound, $"image with reference {reference.Familiar} was found but does not match the specified platform: "
                    + $"wanted {wanted}, actual: {RegistryErrors.Clip(config.Platform.ToString())}");
        }
        return (manifest, config, bytes);
    }

    public async Task<PullResult> RunAsync(CancellationToken cancellationToken)
    {
        IBlobLease lease = store.Lease();
        try
        {
            return await RunAsync(lease, cancellationToken);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private async Task<PullResult> RunAsync(IBlobLease lease, CancellationToken cancellationToken)
    {
        (ManifestDocument target, ManifestDocument? list, ManifestDocument document) = await FindAsync(cancellationToken);
        progress.Message($"Pulling from {reference.Path}", reference.Tag ?? reference.Digest!.Value.ToString());
        (Manifest manifest, ImageConfig config, byte[] configBytes) = await ReadConfigAsync(document, cancellationToken);
        RefuseForeign(manifest);
        foreach (Digest digest in manifest.Layers.Select(layer => layer.Digest)
            .Concat([target.Descriptor.Digest, document.Descriptor.Digest, manifest.Config.Digest]))
            lease.Add(digest);

        bool isNewer = request.CurrentImageId != manifest.Config.Digest
            || (config.RootFs.Chain is { } chain && !sink.Contains(chain));
        List<LayerPull> layers = Plan(manifest, config);
        if (isNewer)
            await PullLayersAsync(layers, cancellationToken);
        await FetchMissingAsync(layers, cancellationToken);
        foreach (ManifestDocument kept in new[] { target, document })
            await KeepAsync(kept.Descriptor.Digest, kept.Bytes, cancellationToken);
        await KeepAsync(manifest.Config.Digest, configBytes, cancellationToken);

        progress.Message($"Digest: {target.Descriptor.Digest}");
        progress.Message(isNewer
            ? $"Status: Downloaded newer image for {reference.Familiar}" : $"Status: Image is up to date for {reference.Familiar}");
        return new PullResult(lease)
        {
            Reference = reference,
            Target = target.Descriptor,
            Manifest = document,
            Index = list,
            ImageId = manifest.Config.Digest,
            Config = config,
            Layers = manifest.Layers,
            IsNewer = isNewer,
        };
    }

    private async Task PullLayersAsync(List<LayerPull> layers, CancellationToken cancellationToken)
    {
        int present = 0;
        for (int i = layers.Count; i > 0 && present == 0; i--)
            present = sink.Contains(layers[i - 1].Chain) ? i : 0;
        for (int i = 0; i < layers.Count; i++)
            layers[i].Announce(exists: i < present);

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] downloads = [.. layers.Skip(present).Select(layer => Task.Run(() => layer.DownloadAsync(stop.Token), stop.Token))];
        Task failure = FirstFailureAsync(downloads);
        try
        {
            for (int i = present; i < layers.Count; i++)
            {
                Task apply = layers[i].ApplyAsync(downloads[i - present], stop.Token);
                // A later layer that cannot be had ends the pull at once, not when its turn comes.
                if (await Task.WhenAny(apply, failure) == failure && failure.IsFaulted)
                {
                    await stop.CancelAsync();
                    await apply.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    await failure;
                }
                await apply;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(downloads).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await failure.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A layer may be unpacked while its blob is not here: an engine ended between the two, or it was built on this machine. Only its
    // blob has a foreign layer's exact bytes, for save and push.
    private async Task FetchMissingAsync(List<LayerPull> layers, CancellationToken cancellationToken)
    {
        foreach (LayerPull layer in layers)
        {
            bool isHere = store.Contains(layer.Blob.Digest)
                || (index.Find(layer.DiffId) is { } other && store.Contains(other.Digest));
            if (!isHere)
                await layer.DownloadAsync(cancellationToken);
        }
        foreach (LayerPull layer in layers.Where(layer => store.Contains(layer.Blob.Digest)))
            index.Record(layer.DiffId, layer.Blob);
    }

    private static async Task FirstFailureAsync(Task[] downloads)
    {
        await foreach (Task download in Task.WhenEach(downloads))
            await download;
    }

    private List<LayerPull> Plan(Manifest manifest, ImageConfig config)
    {
        LayerPullServices services = new(store, sink, downloader, source, Options, progress);
        List<LayerPull> layers = [];
        ChainId? parent = null;
        foreach ((Descriptor blob, Digest diff) in manifest.Layers.Zip(config.RootFs.DiffIds))
        {
            ChainId chain = ChainId.Extend(parent, new DiffId(diff));
            layers.Add(new LayerPull(blob, new DiffId(diff), parent, chain, services));
            parent = chain;
        }
        return layers;
    }

    private void RefuseForeign(Manifest manifest)
    {
        if (!Options.AllowForeignLayers && manifest.Layers.FirstOrDefault(layer => ManifestReader.IsForeign(layer.MediaType)) is { } layer)
            throw new RegistryException(
                FaultKind.NotSupported,
                $"layer {layer.Digest} is foreign: it would be fetched from another host than the registry, which is not allowed here");
    }

    private async Task KeepAsync(Digest digest, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (store.Contains(digest))
            return;
        await using IBlobIngest ingest = store.Begin();
        await ingest.WriteAsync(bytes, cancellationToken);
        await ingest.CommitAsync(digest, cancellationToken);
    }
}
