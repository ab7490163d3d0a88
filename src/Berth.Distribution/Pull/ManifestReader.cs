using System.Text.Json;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;

namespace Berth.Distribution;

/// <summary>Finds out what a manifest's bytes are and refuses those that could be two things.</summary>
/// <remarks>CVE-2021-41190: content valid as both a manifest and an index means different images to different readers.</remarks>
internal static class ManifestReader
{
    /// <summary>More layers than overlayfs can stack are an attack.</summary>
    public const int LayersMax = 500;

    /// <summary>The media type of a document.</summary>
    /// <exception cref="RegistryException">Schema 1, ambiguous, or not what the registry says.</exception>
    public static string Classify(ReadOnlySpan<byte> bytes, string? contentType, Digest digest)
    {
        (HashSet<string> keys, string? inside) = Fields(bytes, digest);
        if (keys.Contains("fsLayers") || keys.Contains("signatures")
            || contentType is MediaTypes.DockerManifestSchema1 or MediaTypes.DockerManifestSchema1Signed)
        {
            throw new RegistryException(
                FaultKind.NotSupported,
                "Docker Image manifest version 2, schema 1 is not supported: push the image again with a current tool");
        }
        bool isIndex = keys.Contains("manifests");
        bool isManifest = keys.Contains("layers") || keys.Contains("config");
        if (isIndex == isManifest)
            throw Wrong(digest, isIndex ? "it is both a manifest and an index" : "it is neither a manifest nor an index");
        string? said = MediaTypes.IsIndex(contentType) || MediaTypes.IsManifest(contentType) ? contentType : null;
        if (said is not null && inside is not null && said != inside)
            throw Wrong(digest, $"the registry says {said}, the document says {RegistryErrors.Clip(inside)}");
        string type = inside ?? said ?? (isIndex ? MediaTypes.OciIndex : MediaTypes.OciManifest);
        if (isIndex ? !MediaTypes.IsIndex(type) : !MediaTypes.IsManifest(type))
            throw Wrong(digest, $"its media type {RegistryErrors.Clip(type)} does not fit its content");
        return type;
    }

    /// <summary>Reads and checks a manifest.</summary>
    public static Manifest ReadManifest(ManifestDocument document)
    {
        Manifest manifest = OciJson.Read(document.Bytes.Span, OciJson.Manifest, $"manifest {document.Descriptor.Digest}");
        if (manifest.Layers.Count > LayersMax)
            throw Wrong(document.Descriptor.Digest, $"{manifest.Layers.Count} layers are more than the limit of {LayersMax}");
        if (manifest.Config.MediaType is not (MediaTypes.OciConfig or MediaTypes.DockerConfig))
        {
            throw new RegistryException(
                FaultKind.NotSupported,
                $"unsupported media type {RegistryErrors.Clip(manifest.Config.MediaType)}: this is not a container image");
        }
        foreach (Descriptor layer in manifest.Layers)
        {
            if (layer.Size < 0)
                throw Wrong(document.Descriptor.Digest, $"layer {layer.Digest} has a negative size");
            if (!IsLayer(layer.MediaType))
                throw new RegistryException(
                    FaultKind.NotSupported,
                    $"unsupported media type {RegistryErrors.Clip(layer.MediaType)} of layer {layer.Digest}");
        }
        return manifest;
    }

    /// <summary>True for layers that the registry need not hold.</summary>
    public static bool IsForeign(string mediaType) =>
        mediaType.Contains(".foreign.", StringComparison.Ordinal) || mediaType.Contains(".nondistributable.", StringComparison.Ordinal);

    private static bool IsLayer(string mediaType) => mediaType is MediaTypes.OciLayer or MediaTypes.OciLayerGzip
        or MediaTypes.OciLayerZstd or MediaTypes.DockerLayer or MediaTypes.DockerLayerGzip or MediaTypes.DockerLayerZstd
        or MediaTypes.DockerForeignLayerGzip
            || mediaType.StartsWith("application/vnd.oci.image.layer.nondistributable.v1.tar", StringComparison.Ordinal);

    private static (HashSet<string> Keys, string? MediaType) Fields(ReadOnlySpan<byte> bytes, Digest digest)
    {
        try
        {
            HashSet<string> keys = new(StringComparer.Ordinal);
            string? mediaType = null;
            Utf8JsonReader reader = new(bytes, new JsonReaderOptions { MaxDepth = OciJson.DepthMax });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw Wrong(digest, "it is not a JSON object");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string key = reader.GetString()!;
                // Go's readers do not care about case, so neither may this question.
                if (!keys.Add(s_known.FirstOrDefault(known => known.Equals(key, StringComparison.OrdinalIgnoreCase)) ?? key))
                    throw Wrong(digest, $"it has two fields {RegistryErrors.Clip(key)}");
                reader.Read();
                if (key == "mediaType" && reader.TokenType == JsonTokenType.String)
                    mediaType = reader.GetString();
                reader.Skip();
            }
            return (keys, mediaType is { Length: > 0 } ? mediaType : null);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new RegistryException(FaultKind.InvalidArgument, $"read manifest {digest}: it is not JSON", exception);
        }
    }

    private static readonly string[] s_known = ["fsLayers", "signatures", "manifests", "layers", "config", "mediaType"];

    private static RegistryException Wrong(Digest digest, string why) =>
        new(FaultKind.InvalidArgument, $"read manifest {digest}: {why}");
}
