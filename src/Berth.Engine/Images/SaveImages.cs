using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Oci.References;

namespace Berth.Engine;

internal sealed partial class ImageService
{
    private const int FileMode = 0x1A4;

    public Task<IArchive> SaveAsync(IReadOnlyList<string> names, Platform? platform, CancellationToken cancellationToken)
    {
        if (names.Count == 0)
            throw FaultException.Invalid("save: name at least one image");
        Dictionary<Digest, List<ImageReference>> wanted = [];
        foreach (string name in names)
        {
            ImageReference? reference = ImageReference.TryParse(name, out ImageReference? parsed, out _) ? parsed : null;
            List<(ImageReference Reference, Digest Image)> all = reference is { Tag: null, Digest: null }
                ? [.. images.TagsOf(reference.Name)] : [];
            if (all.Count == 0 || IsId(name, images.Find(name)))
            {
                ImageRecord image = images.Find(name);
                List<ImageReference> known = wanted.TryGetValue(image.Id, out List<ImageReference>? list) ? list : wanted[image.Id] = [];
                if (reference?.Tag is not null)
                    known.Add(reference);
                continue;
            }
            foreach ((ImageReference tagged, Digest id) in all)
                (wanted.TryGetValue(id, out List<ImageReference>? list) ? list : wanted[id] = []).Add(tagged);
        }
        IDisposable[] holds = [.. wanted.Keys.Select(images.Hold)];
        // One for each image, by its ID: the archive may have it under several names.
        foreach (Digest id in wanted.Keys)
            parts.Events.Publish("image", "save", id.ToString(), new Dictionary<string, string> { ["name"] = id.ToString() });
        return Task.FromResult<IArchive>(new OwnedArchive(null, (stream, stop) => WriteArchive(wanted, stream, stop), holds));
    }

    // Docker's manifest.json over an OCI layout: both name the same blobs. What was pulled or loaded is written as it came, manifest and
    // compressed layers; what was made here has uncompressed layers.
    private void WriteArchive(Dictionary<Digest, List<ImageReference>> wanted, Stream destination, CancellationToken stop)
    {
        TarWriter writer = new(destination);
        HashSet<Digest> written = [];
        List<SavedImage> saved = [];
        List<Descriptor> manifests = [];
        // Only very old readers look at it: repository, tag, top layer.
        SortedDictionary<string, SortedDictionary<string, string>> repositories = new(StringComparer.Ordinal);
        foreach ((Digest id, List<ImageReference> names) in wanted)
        {
            byte[] configBytes = images.ReadBlob(id);
            WriteBlob(writer, id, configBytes, written);
            (string type, byte[] manifest, IReadOnlyList<Descriptor> layers) = Original(id) is { } original
                ? WriteOriginal(writer, original, written, stop) : WriteMade(writer, id, configBytes.Length, written, stop);
            WriteBlob(writer, Digest.Of(manifest), manifest, written);
            foreach (ImageReference? name in names.Count > 0 ? names : [null!])
                manifests.Add(new Descriptor
                {
                    MediaType = type, Digest = Digest.Of(manifest), Size = manifest.Length,
                    Annotations = name is null ? null : new Dictionary<string, string>
                    {
                        ["io.containerd.image.name"] = name.ToString(), ["org.opencontainers.image.ref.name"] = name.Tag ?? "",
                    },
                });
            if (layers.Count > 0)
                NoteRepositories(repositories, names, layers[^1].Digest);
            saved.Add(new SavedImage(BlobPath(id), names.Count > 0 ? [.. names.Select(name => name.Familiar)] : null,
                [.. layers.Select(layer => BlobPath(layer.Digest))]));
        }
        WriteFile(writer, "index.json",
            OciJson.Write(new ImageIndex { MediaType = MediaTypes.OciIndex, Manifests = manifests }, OciJson.ImageIndex));
        WriteFile(writer, "manifest.json", JsonSerializer.SerializeToUtf8Bytes(saved, SavedJson.Default.ListSavedImage));
        if (repositories.Count > 0)
            WriteFile(writer, "repositories",
                [.. JsonSerializer.SerializeToUtf8Bytes(repositories, SavedJson.Default.Repositories), (byte)'\n']);
        WriteFile(writer, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"u8);
        writer.Finish();
    }

    // Null when the image was made here, or not all of what it came with is here any more.
    private ImageRecord? Original(Digest id) => images.TryGet(id) is { Manifest: { } manifest, Layers: { Count: > 0 } layers } image
        && parts.Blobs.Contains(manifest.Digest) && layers.All(layer => parts.Blobs.Contains(layer.Digest)) ? image : null;

    private (string Type, byte[] Manifest, IReadOnlyList<Descriptor> Layers) WriteOriginal(
        TarWriter writer, ImageRecord image, HashSet<Digest> written, CancellationToken stop)
    {
        foreach (Descriptor layer in image.Layers.Where(layer => written.Add(layer.Digest)))
        {
            stop.ThrowIfCancellationRequested();
            using Stream blob = parts.Blobs.OpenRead(layer.Digest);
            writer.Write(new TarEntry
            {
                Type = TarEntryType.RegularFile, Path = Encoding.UTF8.GetBytes(BlobPath(layer.Digest)), Mode = FileMode, Size = blob.Length,
            }, blob);
        }
        return (image.Manifest!.MediaType, images.ReadBlob(image.Manifest.Digest), image.Layers);
    }

    private (string Type, byte[] Manifest, IReadOnlyList<Descriptor> Layers) WriteMade(
        TarWriter writer, Digest id, long configSize, HashSet<Digest> written, CancellationToken stop)
    {
        ImageConfig config = images.Config(id);
        List<Descriptor> layers = [];
        foreach ((Digest diff, ChainId chain) in config.RootFs.DiffIds.Zip(ImageTable.Chains(config)))
            layers.Add(WriteLayer(writer, new DiffId(diff), chain, written, stop));
        byte[] manifest = OciJson.Write(new Manifest
        {
            MediaType = MediaTypes.OciManifest,
            Config = new Descriptor { MediaType = MediaTypes.OciConfig, Digest = id, Size = configSize },
            Layers = layers,
        }, OciJson.Manifest);
        return (MediaTypes.OciManifest, manifest, layers);
    }

    private static void NoteRepositories(
        SortedDictionary<string, SortedDictionary<string, string>> repositories, List<ImageReference> names, Digest top)
    {
        foreach (ImageReference name in names.Where(name => name.Tag is not null))
        {
            string repository = name.Familiar[..^(name.Tag!.Length + 1)];
            if (!repositories.TryGetValue(repository, out SortedDictionary<string, string>? tags))
                repositories[repository] = tags = new(StringComparer.Ordinal);
            tags[name.Tag] = top.Hex;
        }
    }

    private Descriptor WriteLayer(TarWriter writer, DiffId diff, ChainId chain, HashSet<Digest> written, CancellationToken stop)
    {
        // The tar's length must be known before its bytes: counted first, then written.
        string temporary = Path.Combine(parts.Options.DataRoot, "content", $".save-{RandomIds.Next()}");
        using FileStream file = new(temporary, System.IO.FileMode.CreateNew, FileAccess.ReadWrite,
            FileShare.None, 128 * 1024, FileOptions.DeleteOnClose);
        // This thread is the archive's own.
        WriteExactAsync(diff, chain, file, stop).GetAwaiter().GetResult();
        file.Position = 0;
        Descriptor descriptor = new() { MediaType = MediaTypes.OciLayer, Digest =
            Digest.FromSha256(System.Security.Cryptography.SHA256.HashData(file)), Size = file.Length };
        if (descriptor.Digest != diff.Digest)
            throw FaultException.Internal($"save layer {diff}: its files have changed since it was unpacked");
        if (written.Add(descriptor.Digest))
        {
            file.Position = 0;
            writer.Write(new TarEntry { Type = TarEntryType.RegularFile, Path =
                Encoding.UTF8.GetBytes(BlobPath(descriptor.Digest)), Mode = FileMode, Size = file.Length }, file);
        }
        return descriptor;
    }

    // A pulled layer's own bytes are in its blob; what was made here is written again the same.
    private async Task WriteExactAsync(DiffId diff, ChainId chain, Stream destination, CancellationToken stop)
    {
        if (layerBlobs.Find(diff) is { } blob && parts.Blobs.Contains(blob.Digest))
        {
            await using Stream compressed = parts.Blobs.OpenRead(blob.Digest);
            await using Stream plain = await Decompression.OpenAsync(compressed, stop);
            await plain.CopyToAsync(destination, stop);
        }
        else
            await parts.Layers.WriteTarAsync(chain, destination, stop);
    }

    private static void WriteBlob(TarWriter writer, Digest digest, ReadOnlySpan<byte> bytes, HashSet<Digest> written)
    {
        if (written.Add(digest))
            WriteFile(writer, BlobPath(digest), bytes);
    }

    private static void WriteFile(TarWriter writer, string path, ReadOnlySpan<byte> bytes) => writer.Write(
        new TarEntry { Type = TarEntryType.RegularFile, Path = Encoding.UTF8.GetBytes(path), Mode = FileMode, Size = bytes.Length }, bytes);

    private static string BlobPath(Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";
}

/// <summary>An entry of Docker's <c>manifest.json</c>.</summary>
internal sealed record SavedImage(string Config, IReadOnlyList<string>? RepoTags, IReadOnlyList<string> Layers);

[JsonSerializable(typeof(List<SavedImage>))]
[JsonSerializable(typeof(SortedDictionary<string, SortedDictionary<string, string>>), TypeInfoPropertyName = "Repositories")]
internal sealed partial class SavedJson : JsonSerializerContext;
