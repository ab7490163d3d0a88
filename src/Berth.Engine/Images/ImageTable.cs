using System.Collections.Concurrent;
using Berth.Content;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Oci.References;

namespace Berth.Engine;

/// <summary>All images by ID and their names (tags and repository digests, as full references).</summary>
internal sealed class ImageTable(StateDatabase state, IBlobStore blobs, ILayerStore layers, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Digest, ImageRecord> _images = [];                          // Guarded by _gate.
    private readonly SortedDictionary<string, NameRecord> _names = new(StringComparer.Ordinal); // Guarded by _gate.
    private readonly Dictionary<Digest, int> _holds = [];                                   // Guarded by _gate.
    private readonly ConcurrentDictionary<Digest, ImageConfig> _configs = [];

    public IReadOnlyList<ImageRecord> All
    {
        get
        {
            lock (_gate)
                return [.. _images.Values];
        }
    }

    /// <summary>Takes in what an earlier engine left. Names of images whose configuration is gone are left out.</summary>
    public void Load()
    {
        foreach ((string _, ImageRecord image) in state.ReadAll(Kinds.Image, StateJson.Default.ImageRecord))
            if (blobs.Contains(image.Id))
                _images[image.Id] = image;
        foreach ((string name, NameRecord record) in state.ReadAll(Kinds.Name, StateJson.Default.NameRecord))
            if (_images.ContainsKey(record.Image))
                _names[name] = record;
    }

    /// <summary>The image of a name, ID or unique prefix; null when there is none.</summary>
    /// <exception cref="FaultException">InvalidArgument: the prefix fits several.</exception>
    public ImageRecord? TryFind(string text)
    {
        string hex = text.StartsWith("sha256:", StringComparison.Ordinal) ? text[7..] : text;
        lock (_gate)
        {
            if (hex.Length == 64 && Digest.TryParse("sha256:" + hex, out Digest id) && _images.TryGetValue(id, out ImageRecord? exact))
                return exact;
            if (ImageReference.TryParse(text, out ImageReference? reference, out _) && FindNamed(reference) is { } named)
                return named;
            if (hex.Length is > 0 and < 64 && hex.All(char.IsAsciiHexDigitLower))
            {
                ImageRecord[] matches = [.. _images.Values.Where(i => i.Id.Hex.StartsWith(hex, StringComparison.Ordinal)).Take(2)];
                return matches.Length <= 1 ? matches.FirstOrDefault()
                    : throw FaultException.Invalid($"Multiple IDs found with provided prefix: {text}");
            }
            return null;
        }
    }

    /// <exception cref="FaultException">NotFound, with Docker's text.</exception>
    public ImageRecord Find(string text) => TryFind(text) ?? throw NoSuch(text);

    /// <summary>As <see cref="Find"/>, where a text that no image can have is the caller's mistake.</summary>
    /// <exception cref="FaultException">NotFound. InvalidArgument: neither a reference nor an ID.</exception>
    public ImageRecord FindByReference(string text)
    {
        if (TryFind(text) is { } found)
            return found;
        string hex = text.StartsWith("sha256:", StringComparison.Ordinal) ? text[7..] : text;
        bool isId = hex.Length is > 0 and <= 64 && hex.All(char.IsAsciiHexDigitLower);
        throw isId || ImageReference.TryParse(text, out _, out string? problem) ? NoSuch(text) : FaultException.Invalid(problem);
    }

    /// <summary>The fault of an unknown image.</summary>
    public static FaultException NoSuch(string text)
    {
        string name = ImageReference.TryParse(text, out ImageReference? reference, out _) ? reference.WithDefaultTag().Familiar
            : text.Length > 300 ? text[..300] + "…" : text;
        return FaultException.NotFound($"No such image: {name}");
    }

    /// <summary>An image by its ID; null when it is gone.</summary>
    public ImageRecord? TryGet(Digest id)
    {
        lock (_gate)
            return _images.GetValueOrDefault(id);
    }

    /// <summary>What a full reference names; null: nothing.</summary>
    public ImageRecord? TryGet(ImageReference reference)
    {
        lock (_gate)
            return FindNamed(reference);
    }

    /// <summary>The configuration of an image.</summary>
    public ImageConfig Config(Digest id) =>
        _configs.GetOrAdd(id, digest => OciJson.Read(ReadBlob(digest), OciJson.ImageConfig, $"image {digest.Short}"));

    /// <summary>A small blob, whole.</summary>
    public byte[] ReadBlob(Digest digest)
    {
        using Stream stream = blobs.OpenRead(digest);
        if (stream.Length > OciJson.DocumentBytesMax)
            throw FaultException.Invalid($"read {digest}: {stream.Length} bytes is more than the limit of {OciJson.DocumentBytesMax}");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>All names of an image, as full references in order.</summary>
    public IReadOnlyList<ImageReference> NamesOf(Digest id)
    {
        lock (_gate)
            return [.. _names.Where(pair => pair.Value.Image == id).Select(pair => ImageReference.Parse(pair.Key))];
    }

    /// <summary>All tags of a repository.</summary>
    public IReadOnlyList<(ImageReference Reference, Digest Image)> TagsOf(string repository)
    {
        lock (_gate)
            return [.. _names.Select(pair => (Reference: ImageReference.Parse(pair.Key), pair.Value.Image))
                .Where(pair => pair.Reference.Name == repository && pair.Reference.Tag is not null)];
    }

    /// <summary>Records an image with names that now mean it, together.</summary>
    public void Store(ImageRecord image, IReadOnlyList<ImageReference> names)
    {
        DateTimeOffset now = time.GetUtcNow();
        lock (_gate)
        {
            ImageRecord merged = _images.TryGetValue(image.Id, out ImageRecord? known) ? Merge(known, image) : image;
            if (names.Count > 0)
                merged = merged with { LastTagTime = now };
            NameRecord named = new(image.Id, now);
            state.Apply([Change.Put(Kinds.Image, image.Id.ToString(), merged, StateJson.Default.ImageRecord),
                .. names.Select(name => Change.Put(Kinds.Name, name.ToString(), named, StateJson.Default.NameRecord))]);
            _images[image.Id] = merged;
            foreach (ImageReference name in names)
                _names[name.ToString()] = named;
        }
    }

    /// <summary>Removes names.</summary>
    public void Untag(IReadOnlyList<ImageReference> names)
    {
        lock (_gate)
        {
            state.Apply([.. names.Select(name => Change.Delete(Kinds.Name, name.ToString()))]);
            foreach (ImageReference name in names)
                _names.Remove(name.ToString());
        }
    }

    /// <summary>Removes an image that has no hold, with its names; false when somebody holds it.</summary>
    public bool TryDelete(Digest id)
    {
        lock (_gate)
        {
            if (_holds.ContainsKey(id))
                return false;
            string[] names = [.. _names.Where(pair => pair.Value.Image == id).Select(pair => pair.Key)];
            state.Apply([Change.Delete(Kinds.Image, id.ToString()), .. names.Select(name => Change.Delete(Kinds.Name, name))]);
            foreach (string name in names)
                _names.Remove(name);
            _images.Remove(id);
        }
        _configs.TryRemove(id, out _);
        return true;
    }

    /// <summary>Keeps an image until the result is disposed.</summary>
    /// <exception cref="FaultException">NotFound: it is gone.</exception>
    public IDisposable Hold(Digest id)
    {
        lock (_gate)
        {
            if (!_images.ContainsKey(id))
                throw FaultException.NotFound($"No such image: {id}");
            _holds[id] = _holds.GetValueOrDefault(id) + 1;
        }
        return new Release(() =>
        {
            lock (_gate)
            {
                if (--_holds[id] == 0)
                    _holds.Remove(id);
            }
        });
    }

    /// <summary>Every chain that an image's layers stand on, the partial ones included.</summary>
    public static IEnumerable<ChainId> Chains(ImageConfig config)
    {
        ChainId? chain = null;
        foreach (Digest diff in config.RootFs.DiffIds)
        {
            chain = ChainId.Extend(chain, new DiffId(diff));
            yield return chain.Value;
        }
    }

    /// <summary>Bytes of an image's layers.</summary>
    public long SizeOf(ImageConfig config) => Chains(config).Sum(chain => layers.Find(chain)?.Size ?? 0);

    private ImageRecord? FindNamed(ImageReference reference)
    {
        ImageReference wanted = reference.WithDefaultTag();
        if (wanted.Digest is { } digest)
        {
            // A reference with tag and digest means the digest.
            return _names.TryGetValue($"{wanted.Name}@{digest}", out NameRecord? pinned) ? _images.GetValueOrDefault(pinned.Image)
                : _images.TryGetValue(digest, out ImageRecord? byId) && _names.Any(
                    n => n.Value.Image == digest && n.Key.StartsWith(wanted.Name + ":", StringComparison.Ordinal)) ? byId : null;
        }
        return _names.TryGetValue(wanted.ToString(), out NameRecord? named) ? _images.GetValueOrDefault(named.Image) : null;
    }

    private static ImageRecord Merge(ImageRecord known, ImageRecord added) => added with
    {
        Arrived = known.Arrived,
        LastTagTime = known.LastTagTime,
        Parent = added.Parent.IsEmpty ? known.Parent : added.Parent,
        Manifest = added.Manifest ?? known.Manifest,
        Layers = added.Layers.Count > 0 ? added.Layers : known.Layers,
        Others = [.. known.Others.Concat(added.Others).Distinct()],
    };
}

/// <summary>Runs an action once when disposed.</summary>
internal sealed class Release(Action action) : IDisposable
{
    private Action? _action = action;

    public void Dispose() => Interlocked.Exchange(ref _action, null)?.Invoke();
}
