using Berth.Content;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Oci.References;

namespace Berth.Engine;

internal sealed partial class ImageService
{
    public Task<Stream> OpenRemoteAsync(string url, CancellationToken cancellationToken) =>
        Builder.RemoteArchives.OpenAsync(url, cancellationToken);

    public async Task<Digest> ImportAsync(ImportRequest request, Stream tar, CancellationToken cancellationToken)
    {
        using IDisposable arrival = collector.Arrive();
        ExecutionConfig execution = ChangeInstructions.Apply(new ExecutionConfig(), request.Changes);
        Layer layer = await TakeInAsync(tar, cancellationToken);
        Platform platform = request.Platform ?? Platform.Host;
        DateTimeOffset now = parts.Time.GetUtcNow();
        ImageConfig config = new()
        {
            Created = now,
            Architecture = platform.Architecture,
            Variant = platform.Variant,
            Os = platform.Os,
            Config = execution,
            RootFs = new RootFs { DiffIds = [layer.DiffId.Digest] },
            History = [new HistoryEntry { Created = now, Comment = request.Message is { Length: > 0 } message
                ? message : $"Imported from {Builder.RemoteArchives.Shown(request.Source)}" }],
        };
        Digest id = await StoreConfigAsync(
            config, default, request.Reference is null ? [] : [request.Reference.WithDefaultTag()], cancellationToken);
        Publish("import", id.ToString(), id.ToString());
        return id;
    }

    /// <summary>Stores an image that was made here: its configuration, then its record.</summary>
    internal async Task<Digest> StoreConfigAsync(
        ImageConfig config, Digest parent, IReadOnlyList<ImageReference> names, CancellationToken cancellationToken)
    {
        byte[] bytes = OciJson.Write(config, OciJson.ImageConfig);
        Digest id = Digest.Of(bytes);
        await StoreBytesAsync(id, bytes, config, parent, names, cancellationToken);
        return id;
    }

    /// <summary>As <see cref="StoreConfigAsync"/> with the configuration's own bytes.</summary>
    internal async Task StoreBytesAsync(
        Digest id, ReadOnlyMemory<byte> bytes, ImageConfig config, Digest parent,
            IReadOnlyList<ImageReference> names, CancellationToken cancellationToken, LoadedManifest? manifest = null)
    {
        using IBlobLease lease = parts.Blobs.Lease();
        await KeepAsync(id, bytes);
        // It can be given on as it is only when its layers are, verified, what the image's layers came from.
        if (manifest is not null && manifest.Layers.Select(layer => layer.Digest).SequenceEqual(
            config.RootFs.DiffIds.Select(diff => layerBlobs.Find(new DiffId(diff))?.Digest ?? default)))
            await KeepAsync(manifest.Descriptor.Digest, manifest.Bytes);
        else
            manifest = null;
        async Task KeepAsync(Digest digest, ReadOnlyMemory<byte> content)
        {
            lease.Add(digest);
            if (parts.Blobs.Contains(digest))
                return;
            await using IBlobIngest ingest = parts.Blobs.Begin();
            await ingest.WriteAsync(content, cancellationToken);
            await ingest.CommitAsync(digest, cancellationToken);
        }
        images.Store(new ImageRecord
        {
            Id = id, Chain = config.RootFs.Chain?.Digest ?? default, Parent = parent, Arrived = parts.Time.GetUtcNow(),
            Manifest = manifest?.Descriptor, Layers = manifest?.Layers ?? [],
        }, [.. names.Select(name => name.WithDefaultTag())]);
        foreach (ImageReference name in names)
            Publish("tag", id.ToString(), name.WithDefaultTag().Familiar);
    }

    // The tar is put into a blob first: the layer store wants to know the diff ID that it verifies.
    private async Task<Layer> TakeInAsync(Stream tar, CancellationToken cancellationToken)
    {
        using IBlobLease lease = parts.Blobs.Lease();
        await using Stream plain = await Decompression.OpenAsync(tar, cancellationToken);
        Digest digest;
        await using (IBlobIngest ingest = parts.Blobs.Begin())
        {
            byte[] buffer = new byte[128 * 1024];
            while (await plain.ReadAsync(buffer, cancellationToken) is > 0 and int count)
                await ingest.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            digest = await ingest.CommitAsync(cancellationToken);
            lease.Add(digest);
        }
        // The tar stays: it is what push and save send, byte for byte.
        await using Stream blob = parts.Blobs.OpenRead(digest);
        long size = blob.Length;
        Layer layer = await parts.Layers.ApplyAsync(null, new DiffId(digest), blob, cancellationToken);
        layerBlobs.Record(layer.DiffId, new Descriptor { MediaType = MediaTypes.OciLayer, Digest = digest, Size = size });
        return layer;
    }
}
