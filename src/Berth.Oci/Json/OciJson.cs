using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Berth.Faults;
using Berth.Oci.Images;

namespace Berth.Oci.Json;

/// <summary>Reads and writes the documents of the image specification.</summary>
public static class OciJson
{
    /// <summary>The largest document that is accepted from a stranger: 4 MiB, the limit that registries keep.</summary>
    public const int DocumentBytesMax = 4 * 1024 * 1024;

    /// <summary>How deep a stranger's document may be nested.</summary>
    public const int DepthMax = 32;

    private static readonly OciJsonContext s_context = new(new JsonSerializerOptions(OciJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = DepthMax,
    });

    /// <summary>Manifests.</summary>
    public static JsonTypeInfo<Manifest> Manifest => s_context.Manifest;

    /// <summary>Indexes.</summary>
    public static JsonTypeInfo<ImageIndex> ImageIndex => s_context.ImageIndex;

    /// <summary>Image configurations.</summary>
    public static JsonTypeInfo<ImageConfig> ImageConfig => s_context.ImageConfig;

    /// <summary>Reads a stranger's document.</summary>
    /// <param name="bytes">The whole document.</param>
    /// <param name="type">Its type, one of this class's properties.</param>
    /// <param name="what">What it is, for the message: <c>manifest sha256:…</c>.</param>
    /// <exception cref="FaultException">InvalidArgument: too large, not JSON, wrong types or a required field missing.</exception>
    public static T Read<T>(ReadOnlySpan<byte> bytes, JsonTypeInfo<T> type, string what)
    {
        if (bytes.Length > DocumentBytesMax)
            throw FaultException.Invalid($"read {what}: {bytes.Length} bytes is more than the limit of {DocumentBytesMax}");
        try
        {
            T document = JsonSerializer.Deserialize(bytes, type)
                ?? throw FaultException.Invalid($"read {what}: the document is null");
            return HasNullEntry(document)
                ? throw FaultException.Invalid($"read {what}: a list or map in it has an entry that is null") : document;
        }
        catch (JsonException exception)
        {
            throw FaultException.Invalid($"read {what}: {exception.Message}", exception);
        }
    }

    // The serializer checks what properties may be null, not what lists hold.
    private static bool HasNullEntry<T>(T document) => document switch
    {
        Manifest manifest => HasNull(manifest.Layers) || HasNull(manifest.Annotations)
            || manifest.Layers.Append(manifest.Config).Append(manifest.Subject).OfType<Descriptor>().Any(HasNullEntry),
        ImageIndex index => HasNull(index.Manifests) || HasNull(index.Annotations) || index.Manifests.Any(HasNullEntry),
        ImageConfig config => HasNull(config.History) || (config.Config is { } run && HasNullEntry(run)),
        _ => false,
    };

    private static bool HasNullEntry(Descriptor descriptor) =>
        HasNull(descriptor.Urls) || HasNull(descriptor.Annotations) || HasNull(descriptor.Platform?.OsFeatures);

    private static bool HasNullEntry(ExecutionConfig run) =>
        HasNull(run.Env) || HasNull(run.Entrypoint) || HasNull(run.Cmd) || HasNull(run.OnBuild) || HasNull(run.Shell)
        || HasNull(run.Healthcheck?.Test) || HasNull(run.Labels);

    private static bool HasNull<TItem>(IReadOnlyList<TItem>? list) => list is not null && list.Any(item => item is null);

    private static bool HasNull(IReadOnlyDictionary<string, string>? map) => map is not null && map.Any(entry => entry.Value is null);

    /// <summary>Writes a document of our own, compactly; its digest is that of these bytes.</summary>
    public static byte[] Write<T>(T document, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(document, type);
}

/// <summary>The generated readers and writers; use <see cref="OciJson"/>.</summary>
[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false,
    Converters = [typeof(DigestConverter)])]
[JsonSerializable(typeof(Manifest))]
[JsonSerializable(typeof(ImageIndex))]
[JsonSerializable(typeof(ImageConfig))]
internal sealed partial class OciJsonContext : JsonSerializerContext;
