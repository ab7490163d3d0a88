using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Berth.Faults;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Oci.References;

namespace Berth.Engine;

internal sealed partial class ImageService
{
    private const int LayersMax = 512;

    public async Task LoadAsync(Stream tar, Platform? platform, IProgress<ProgressMessage> progress, CancellationToken cancellationToken)
    {
        using IDisposable arrival = collector.Arrive();
        string scratch = Path.Combine(parts.Options.DataRoot, "content", $".load-{RandomIds.Next()}");
        try
        {
            Directory.CreateDirectory(scratch);
            using FileDescriptor root = FileCalls.OpenDirectory(scratch);
            await using (Stream plain = await Decompression.OpenAsync(tar, cancellationToken))
                await TreeExtractor.ExtractAsync(plain, root, new ExtractOptions { Whiteouts = WhiteoutMode.Literal,
                    KeepOwners = false, AllowDevices = false }, cancellationToken);
            IReadOnlyList<SavedImage> saved = ReadManifest(root);
            IReadOnlyDictionary<Digest, LoadedManifest> manifests = ReadManifests(root);
            foreach (SavedImage image in saved)
                await LoadOneAsync(root, image, manifests, platform, progress, cancellationToken);
        }
        catch (IOException refused) when (DiskFull.IsRefusal(refused))
        {
            throw DiskFull.Explain("load", parts.Options.DataRoot, refused);
        }
        finally
        {
            if (Directory.Exists(scratch))
                TreeRemover.Remove(scratch);
        }
    }

    private async Task LoadOneAsync(
        FileDescriptor root, SavedImage saved, IReadOnlyDictionary<Digest, LoadedManifest> manifests, Platform? platform,
        IProgress<ProgressMessage> progress, CancellationToken cancellationToken)
    {
        byte[] bytes = ReadDocument(root, saved.Config) ?? throw FaultException.Invalid($"load: {saved.Config} is missing in the archive");
        ImageConfig config = OciJson.Read(bytes, OciJson.ImageConfig, saved.Config);
        if (platform is not null && !platform.Accepts(config.Platform))
            throw FaultException.NotFound($"load: the image is for {config.Platform}, not for {platform}");
        if (saved.Layers.Count != config.RootFs.DiffIds.Count || saved.Layers.Count > LayersMax)
            throw FaultException.Invalid(
                $"load: invalid manifest, layers length mismatch: expected {config.RootFs.DiffIds.Count}, got {saved.Layers.Count}");
        List<ImageReference> names = [.. (saved.RepoTags ?? []).Select(ImageReference.Parse)];
        ChainId? parent = null;
        foreach ((string path, Digest diff) in saved.Layers.Zip(config.RootFs.DiffIds))
        {
            ChainId chain = ChainId.Extend(parent, new DiffId(diff));
            if (parts.Layers.Find(chain) is null)
            {
                using FileDescriptor file =
                    OpenMember(root, path) ?? throw FaultException.Invalid($"load: {path} is missing in the archive");
                progress.Report(new ProgressMessage { Id = diff.Short, Status = "Loading layer" });
                await using FileStream stream =
                    new(new Microsoft.Win32.SafeHandles.SafeFileHandle(file.DangerousGetHandle(), ownsHandle: false), FileAccess.Read);
                await using Stream plain = await Decompression.OpenAsync(stream, cancellationToken);
                await parts.Layers.ApplyAsync(parent, new DiffId(diff), plain, cancellationToken);
                stream.Position = 0;
                await KeepBlobAsync(new DiffId(diff), stream, cancellationToken);
            }
            parent = chain;
        }
        // The ID is the digest of the bytes, whatever the archive calls them.
        Digest id = Digest.Of(bytes);
        await StoreBytesAsync(id, bytes, config, default, names, cancellationToken, manifests.GetValueOrDefault(id));
        Publish("load", id.ToString(), id.ToString());
        foreach (ImageReference name in names)
            progress.Report(new ProgressMessage { Stream = $"Loaded image: {name.WithDefaultTag().Familiar}\n" });
        if (names.Count == 0)
            progress.Report(new ProgressMessage { Stream = $"Loaded image ID: {id}\n" });
    }

    // The layer as it came is kept, so that it is pushed and saved byte for byte.
    private async Task KeepBlobAsync(DiffId diff, FileStream layer, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[128 * 1024];
        await using Content.IBlobIngest ingest = parts.Blobs.Begin();
        string type = MediaTypes.OciLayer;
        while (await layer.ReadAsync(buffer, cancellationToken) is > 0 and int count)
        {
            if (ingest.Written == 0)
                type = buffer is [0x1F, 0x8B, ..] ? MediaTypes.OciLayerGzip : buffer is [0x28, 0xB5, 0x2F, 0xFD, ..]
                    ? MediaTypes.OciLayerZstd : type;
            await ingest.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }
        Digest digest = await ingest.CommitAsync(cancellationToken);
        layerBlobs.Record(diff, new Descriptor { MediaType = type, Digest = digest, Size = layer.Length });
    }

    private static IReadOnlyList<SavedImage> ReadManifest(FileDescriptor root)
    {
        if (ReadDocument(root, "manifest.json") is not { } bytes)
            return ReadLayout(root);
        try
        {
            return JsonSerializer.Deserialize(bytes, SavedJson.Default.ListSavedImage) is { Count: > 0 } all
                && all.All(image => image is { Config: not null, Layers: not null }) ? all
                : throw FaultException.Invalid("load: manifest.json names no image");
        }
        catch (JsonException exception)
        {
            throw FaultException.Invalid($"load: manifest.json: {exception.Message}", exception);
        }
    }

    private static List<SavedImage> ReadLayout(FileDescriptor root)
    {
        byte[] bytes = ReadDocument(root, "index.json") ?? throw FaultException.Invalid(
            "load: neither manifest.json nor index.json is in the archive");
        List<SavedImage> all = [];
        foreach (Descriptor entry in OciJson.Read(bytes, OciJson.ImageIndex, "index.json").Manifests)
        {
            Descriptor manifestEntry = MediaTypes.IsIndex(entry.MediaType) ? PickPlatform(root, entry) : entry;
            byte[] content = ReadVerified(root, manifestEntry.Digest);
            Manifest manifest = OciJson.Read(content, OciJson.Manifest, "manifest");
            string? name = entry.Annotations?.GetValueOrDefault(
                "io.containerd.image.name") ?? entry.Annotations?.GetValueOrDefault("org.opencontainers.image.ref.name");
            bool isName = name is not null && ImageReference.TryParse(name, out _, out _) && name.Contains(':', StringComparison.Ordinal);
            all.Add(new SavedImage(
                BlobPath(manifest.Config.Digest), isName ? [name!] : null, [.. manifest.Layers.Select(layer => BlobPath(layer.Digest))]));
        }
        return all;
    }

    // The manifests of the archive's layout by their configurations. What of it is missing or is no image's is passed over: Docker's own
    // manifest.json is enough to load an image.
    private static Dictionary<Digest, LoadedManifest> ReadManifests(FileDescriptor root)
    {
        Dictionary<Digest, LoadedManifest> all = [];
        foreach (Descriptor entry in TryRead(root, "index.json", OciJson.ImageIndex)?.Value.Manifests ?? [])
        {
            if (!MediaTypes.IsIndex(entry.MediaType) && TryRead(root, BlobPath(entry.Digest), OciJson.Manifest) is { } manifest
                && Digest.Of(manifest.Bytes) == entry.Digest)
            {
                all.TryAdd(manifest.Value.Config.Digest,
                    new LoadedManifest(entry with { Annotations = null }, manifest.Bytes, manifest.Value.Layers));
            }
        }
        return all;
    }

    private static (byte[] Bytes, T Value)? TryRead<T>(FileDescriptor root, string path, JsonTypeInfo<T> type)
    {
        try
        {
            return ReadDocument(root, path) is { } bytes ? (bytes, OciJson.Read(bytes, type, path)) : null;
        }
        catch (FaultException)
        {
            return null;
        }
    }

    private static Descriptor PickPlatform(FileDescriptor root, Descriptor entry) =>
        OciJson.Read(ReadVerified(root, entry.Digest), OciJson.ImageIndex, "index").Manifests
            .FirstOrDefault(manifest => manifest.Platform is null || Platform.Host.Accepts(manifest.Platform))
        ?? throw FaultException.NotFound($"load: the archive has no image for {Platform.Host}");

    private static byte[] ReadVerified(FileDescriptor root, Digest digest)
    {
        byte[] bytes = ReadDocument(root, BlobPath(digest)) ?? throw FaultException.Invalid($"load: {digest} is missing in the archive");
        return Digest.Of(bytes) == digest ? bytes : throw FaultException.Invalid($"load: {digest}: the content has another digest");
    }

    private static byte[]? ReadDocument(FileDescriptor root, string path)
    {
        using FileDescriptor? file = OpenMember(root, path);
        if (file is null)
            return null;
        long size = FileCalls.Status(file).Size;
        if (size > OciJson.DocumentBytesMax)
            throw FaultException.Invalid($"load: {path}: {size} bytes is more than the limit of {OciJson.DocumentBytesMax}");
        byte[] bytes = new byte[size];
        int length = 0;
        while (length < bytes.Length && FileCalls.Read(file, bytes.AsSpan(length)) is > 0 and int count)
            length += count;
        return bytes[..length];
    }

    // Links are followed within the archive alone (old archives link equal layers); only regular files are read.
    private static FileDescriptor? OpenMember(FileDescriptor root, string path)
    {
        if (path.Length == 0 || path.Contains('\0'))
            throw FaultException.Invalid("load: the archive names an empty path");
        int error = FileCalls.TryOpen(root, Encoding.UTF8.GetBytes(path + "\0"), FileCalls.O_RDONLY | FileCalls.O_NONBLOCK, 0,
            FileCalls.RESOLVE_BENEATH | FileCalls.RESOLVE_NO_MAGICLINKS, out FileDescriptor file);
        if (error == 0 && FileCalls.Status(file).IsRegular)
            return file;
        file.Dispose();
        return error is 0 or Errno.ENOENT or Errno.ENOTDIR ? null
            : throw FaultException.Invalid($"load: {path}: {new LinuxException("openat2", path, error).Message}");
    }
}

/// <summary>A manifest as an archive holds it.</summary>
/// <param name="Descriptor">What names it.</param>
/// <param name="Bytes">Its bytes.</param>
/// <param name="Layers">Its layers, from the bottom up.</param>
internal sealed record LoadedManifest(Descriptor Descriptor, byte[] Bytes, IReadOnlyList<Descriptor> Layers);
