using Berth.Content;
using Berth.Distribution;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Oci;
using Berth.Oci.Images;
using System.Collections.Concurrent;

namespace Berth.Engine;

/// <summary>Removes layers and blobs that nothing needs: no image, no container, no build, nothing on its way in.</summary>
internal sealed class ImageCollector(EngineParts parts, ImageTable images, LayerBlobs layerBlobs)
{
    private readonly Lock _gate = new();
    private int _arrivals;     // Guarded by _gate.
    private bool _isWanted;    // Guarded by _gate.
    private bool _areBlobsWanted; // Guarded by _gate.

    /// <summary>The chains that the build cache holds; set by the build service.</summary>
    public Func<IReadOnlySet<ChainId>> HeldByBuilds { get; set; } = () => new HashSet<ChainId>();

    /// <summary>Keeps layers and blobs from being removed while something that will need them is being made.</summary>
    public IDisposable Arrive()
    {
        lock (_gate)
            _arrivals++;
        return new Release(() =>
        {
            bool layers;
            bool blobs;
            lock (_gate)
            {
                if (--_arrivals > 0)
                    return;
                (layers, _isWanted) = (_isWanted, false);
                (blobs, _areBlobsWanted) = (_areBlobsWanted, false);
            }
            if (layers)
                parts.Background.Run("collect layers", () =>
                {
                    CollectLayers();
                    return Task.CompletedTask;
                });
            if (blobs)
                CollectBlobs();
        });
    }

    /// <summary>Removes layers without users; returns what went. Put off while something arrives.</summary>
    public IReadOnlyList<Layer> CollectLayers()
    {
        lock (_gate)
        {
            if (_arrivals > 0)
            {
                _isWanted = true;
                return [];
            }
            HashSet<ChainId> live = LiveChains();
            List<Layer> removed = [];
            bool isProgressing = true;
            while (isProgressing)
            {
                Layer[] free = [.. parts.Layers.List().Where(layer => !live.Contains(layer.Chain))];
                HashSet<ChainId> parents = [.. free.Where(layer => layer.Parent is not null).Select(layer => layer.Parent!.Value)];
                isProgressing = false;
                foreach (Layer top in free.Where(layer => !parents.Contains(layer.Chain)))
                {
                    if (TryRemove(top))
                    {
                        removed.Add(top);
                        isProgressing = true;
                    }
                }
            }
            return removed;
        }
    }

    /// <summary>Removes layers without users; returns those that only an image had which is gone, from the top down. What is put off
    /// because something arrives counts, for nothing has it any more; what others put off before and goes now does not.</summary>
    public IReadOnlyList<ChainId> CollectLayersOf(ImageConfig gone)
    {
        ChainId[] own = [.. ImageTable.Chains(gone)];
        lock (_gate)
        {
            if (_arrivals == 0)
                return [.. CollectLayers().Select(layer => layer.Chain).Where(own.Contains)];
            _isWanted = true;
            HashSet<ChainId> live = LiveChains();
            return [.. own.AsEnumerable().Reverse().Where(chain => !live.Contains(chain) && parts.Layers.Find(chain) is not null)];
        }
    }

    /// <summary>Removes blobs without users, in the background. Put off while something arrives.</summary>
    public void CollectBlobs() => parts.Background.Run("collect blobs", async () =>
    {
        lock (_gate)
        {
            _areBlobsWanted |= _arrivals > 0;
            if (_areBlobsWanted)
                return;
        }
        await parts.Blobs.CollectAsync(KeptBlobs, parts.Closing.Token);
    });

    // Called while commits wait. Whatever began to arrive since keeps all that is here: its records are written last.
    private IReadOnlySet<Digest> KeptBlobs()
    {
        lock (_gate)
        {
            if (_arrivals == 0)
                return LiveBlobs();
            _areBlobsWanted = true;
            return parts.Blobs.List().ToHashSet();
        }
    }

    private HashSet<ChainId> LiveChains()
    {
        HashSet<ChainId> live = [.. HeldByBuilds()];
        foreach (ImageRecord image in images.All)
            live.UnionWith(ImageTable.Chains(images.Config(image.Id)));
        foreach (Container container in parts.Containers.All)
            if (container.Record.Parent is { } chain)
                live.Add(chain);
        foreach (WritableLayer writable in parts.Layers.ListWritable())
            if (writable.Parent is { } parent)
                live.Add(parent);
        // A layer below a live one is live.
        foreach (Layer layer in parts.Layers.List().Where(layer => live.Contains(layer.Chain)).ToArray())
            for (ChainId? below = layer.Parent; below is { } chain && live.Add(chain);)
                below = parts.Layers.Find(chain)?.Parent;
        return live;
    }

    private HashSet<Digest> LiveBlobs()
    {
        HashSet<Digest> live = [];
        foreach (ImageRecord image in images.All)
        {
            live.Add(image.Id);
            live.UnionWith(image.Others);
            live.UnionWith(image.Layers.Select(layer => layer.Digest));
            if (image.Manifest is { } manifest)
                live.Add(manifest.Digest);
        }
        // A layer may outlive its image, for a container, a build or the next pull, and only its blob has its exact bytes.
        foreach (Layer layer in parts.Layers.List())
            if (layerBlobs.Find(layer.DiffId) is { } blob)
                live.Add(blob.Digest);
        return live;
    }

    private bool TryRemove(Layer layer)
    {
        try
        {
            return parts.Layers.Remove(layer.Chain);
        }
        catch (FaultException fault) when (fault.Kind == FaultKind.Conflict)
        {
            return false;
        }
    }
}

/// <summary>Remembers the compressed blob of each layer, on disk.</summary>
internal sealed class LayerBlobs(StateDatabase state) : ILayerBlobIndex
{
    private readonly ConcurrentDictionary<DiffId, Descriptor> _blobs = [];

    /// <summary>Takes in what an earlier engine left; forgets blobs that are gone.</summary>
    public void Load(IBlobStore store)
    {
        List<Change> gone = [];
        foreach ((string id, Descriptor blob) in state.ReadAll(Kinds.LayerBlob, StateJson.Default.Descriptor))
        {
            if (store.Contains(blob.Digest))
                _blobs[new DiffId(Digest.Parse(id))] = blob;
            else
                gone.Add(Change.Delete(Kinds.LayerBlob, id));
        }
        if (gone.Count > 0)
            state.Apply(gone);
    }

    public Descriptor? Find(DiffId layer) => _blobs.GetValueOrDefault(layer);

    public void Record(DiffId layer, Descriptor blob)
    {
        if (_blobs.TryGetValue(layer, out Descriptor? known) && known.Digest == blob.Digest && known.MediaType == blob.MediaType)
            return;
        state.Put(Kinds.LayerBlob, layer.ToString(), blob, StateJson.Default.Descriptor);
        _blobs[layer] = blob;
    }
}

/// <summary>Unpacks layers of a pull into the layer store.</summary>
internal sealed class LayerSink(ILayerStore layers) : ILayerSink
{
    public bool Contains(ChainId chain) => layers.Find(chain) is not null;

    public Task ApplyAsync(ChainId? parent, DiffId expected, Stream uncompressedTar, CancellationToken cancellationToken) =>
        layers.ApplyAsync(parent, expected, uncompressedTar, cancellationToken);
}
