using System.Text.Json;
using System.Text.Unicode;
using Berth.Oci;

namespace Berth.Registry.Protocol;

/// <summary>What the hub needs to know of a manifest or an index: what it refers to and what it is.</summary>
/// <remarks>OCI image-spec 1.1 manifest.md and image-index.md; Docker's image manifest version 2, schema 2, and manifest list.</remarks>
public sealed record ManifestDocument
{
    /// <summary>The largest document that is taken.</summary>
    public const int BytesMax = 4 * 1024 * 1024;

    /// <summary>
    /// The most that one document may refer to: the largest known images have some 130 layers, indexes some 100 platforms.
    /// </summary>
    public const int ReferencesMax = 10_000;

    /// <summary>The deepest JSON.</summary>
    public const int JsonDepthMax = 32;

    internal const string OciManifest = "application/vnd.oci.image.manifest.v1+json";
    internal const string OciIndex = "application/vnd.oci.image.index.v1+json";
    internal const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    internal const string DockerList = "application/vnd.docker.distribution.manifest.list.v2+json";

    /// <summary>The type under which it is served.</summary>
    public required string MediaType { get; init; }

    /// <summary>What it is made of.</summary>
    public required IReadOnlyList<ManifestReference> References { get; init; }

    /// <summary>The configuration of an image; empty for an index.</summary>
    public Digest Config { get; init; }

    /// <summary>What kind of artifact it is: its own <c>artifactType</c>, else the type of its configuration.</summary>
    public string? ArtifactType { get; init; }

    /// <summary>What it was attached to; empty: nothing.</summary>
    public Digest Subject { get; init; }

    /// <summary>Its annotations as JSON; null: none.</summary>
    public string? Annotations { get; init; }

    /// <summary>True for a list of manifests.</summary>
    public bool IsIndex => MediaType is OciIndex or DockerList;

    /// <summary>Reads a document.</summary>
    /// <param name="bytes">The document.</param>
    /// <param name="contentType">What the client says it is; null: it does not.</param>
    /// <exception cref="FaultException">InvalidArgument: it is not a manifest, for the reason told.</exception>
    public static ManifestDocument Parse(ReadOnlyMemory<byte> bytes, string? contentType)
    {
        if (bytes.Length > BytesMax)
            throw Refuse($"it has more than {BytesMax} bytes");
        if (!Utf8.IsValid(bytes.Span))
            throw Refuse("it is not UTF-8");
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = JsonDepthMax });
            return Read(document.RootElement, contentType);
        }
        catch (JsonException exception)
        {
            throw FaultException.Invalid($"read manifest: {exception.Message}", exception);
        }
        catch (InvalidOperationException exception)
        {
            // Half of a surrogate pair, written as an escape: text that is JSON and no text.
            throw FaultException.Invalid("read manifest: a text in it is not Unicode", exception);
        }
    }

    private static ManifestDocument Read(JsonElement root, string? contentType)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Refuse("it is not an object");
        RefuseDuplicates(root);
        if (!root.TryGetProperty("schemaVersion", out JsonElement version) || version.ValueKind != JsonValueKind.Number
            || !version.TryGetInt32(out int number) || number != 2)
            throw Refuse("schemaVersion must be 2");
        string mediaType = ReadMediaType(root, contentType);
        bool isIndex = mediaType is OciIndex or DockerList;
        // A document that can be read as both means one thing to who checks it and another to who runs it (CVE-2021-41190).
        if (isIndex
            ? root.TryGetProperty("layers", out _) || root.TryGetProperty("config", out _)
            : root.TryGetProperty("manifests", out _))
            throw Refuse("it is both a manifest and an index");
        List<ManifestReference> references = [];
        string? configType = null;
        if (isIndex)
            AddAll(root, "manifests", ManifestReferenceKind.Manifest, references);
        else
            configType = ReadManifest(root, references);
        return new ManifestDocument
        {
            MediaType = mediaType,
            References = references,
            Config = isIndex ? default : references[0].Digest,
            ArtifactType = OptionalText(root, "artifactType") is { Length: > 0 } own ? own : configType,
            Subject = root.TryGetProperty("subject", out JsonElement subject) && subject.ValueKind != JsonValueKind.Null
                ? ReadDescriptor(subject, "subject", out _).Digest
                : default,
            Annotations = ReadAnnotations(root),
        };
    }

    private static string? ReadManifest(JsonElement root, List<ManifestReference> references)
    {
        if (!root.TryGetProperty("config", out JsonElement config))
            throw Refuse("config is missing");
        (Digest digest, long bytes) = ReadDescriptor(config, "config", out string? configType);
        references.Add(new ManifestReference(digest, ManifestReferenceKind.Config, bytes, MayBeElsewhere: false));
        AddAll(root, "layers", ManifestReferenceKind.Layer, references);
        return configType;
    }

    private static string ReadMediaType(JsonElement root, string? contentType)
    {
        string? own = OptionalText(root, "mediaType");
        string? said = contentType?.Split(';', 2)[0].Trim();
        if (said is "" or "application/json" or "application/octet-stream")
            said = null;
        if (own is { Length: > 0 } && said is not null && own != said)
            throw Refuse($"its mediaType is {Clip(own)}, the request's Content-Type {Clip(said)}");
        string mediaType = said ?? (own is { Length: > 0 } ? own : root.TryGetProperty("manifests", out _) ? OciIndex : OciManifest);
        return mediaType is OciManifest or OciIndex or DockerManifest or DockerList
            ? mediaType
            : throw Refuse($"{Clip(mediaType)} is not a type of manifest that is stored here");
    }

    private static void AddAll(JsonElement root, string name, ManifestReferenceKind kind, List<ManifestReference> references)
    {
        if (!root.TryGetProperty(name, out JsonElement list) || list.ValueKind == JsonValueKind.Null && kind == ManifestReferenceKind.Layer)
        {
            // Docker's build tools leave out an empty list of layers.
            if (kind == ManifestReferenceKind.Layer)
                return;
            throw Refuse($"{name} is missing");
        }
        if (list.ValueKind != JsonValueKind.Array)
            throw Refuse($"{name} is not a list");
        if (list.GetArrayLength() > ReferencesMax)
            throw Refuse($"{name} has more than {ReferencesMax} entries");
        foreach (JsonElement entry in list.EnumerateArray())
        {
            (Digest digest, long bytes) = ReadDescriptor(entry, name, out string? mediaType);
            // Layers that may not be passed on are fetched from where their URLs say.
            bool elsewhere = kind == ManifestReferenceKind.Layer && mediaType is not null
                && (mediaType.Contains("nondistributable", StringComparison.Ordinal)
                    || mediaType.Contains(".foreign.", StringComparison.Ordinal));
            references.Add(new ManifestReference(digest, kind, bytes, elsewhere));
        }
    }

    private static (Digest Digest, long Bytes) ReadDescriptor(JsonElement element, string where, out string? mediaType)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw Refuse($"{where}: not a descriptor");
        mediaType = OptionalText(element, "mediaType");
        if (!Digest.TryParse(OptionalText(element, "digest"), out Digest digest))
            throw Refuse($"{where}: not a digest");
        if (!element.TryGetProperty("size", out JsonElement size) || size.ValueKind != JsonValueKind.Number
            || !size.TryGetInt64(out long bytes) || bytes < 0)
            throw Refuse($"{where}: size is not a number of bytes");
        return (digest, bytes);
    }

    private static string? ReadAnnotations(JsonElement root)
    {
        if (!root.TryGetProperty("annotations", out JsonElement annotations) || annotations.ValueKind == JsonValueKind.Null)
            return null;
        if (annotations.ValueKind != JsonValueKind.Object)
            throw Refuse("annotations are not an object");
        foreach (JsonProperty annotation in annotations.EnumerateObject())
        {
            if (annotation.Value.ValueKind != JsonValueKind.String)
                throw Refuse("an annotation is not a text");
        }
        return annotations.GetRawText();
    }

    private static string? OptionalText(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Refuse($"{name} is not a text");
    }

    private static void RefuseDuplicates(JsonElement root)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonProperty property in root.EnumerateObject())
        {
            string name = property.Name;
            if (!seen.Add(name))
                throw Refuse($"{Clip(name)} stands there twice");
        }
    }

    private static FaultException Refuse(string why) => FaultException.Invalid($"read manifest: {why}");

    private static string Clip(string text) => text.Length > 100 ? text[..100] + "…" : text;
}
