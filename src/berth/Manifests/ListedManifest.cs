using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Text;
using Berth.Distribution;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Cli.Manifests;

/// <summary>One image's manifest with where it came from and what machine it is for: an entry of a manifest list.</summary>
/// <remarks>Its JSON is docker's own, which docker's client keeps in files and prints with <c>--verbose</c>.</remarks>
/// <param name="Reference">Where it is.</param>
/// <param name="Document">It, byte for byte.</param>
/// <param name="Platform">The machine it is for; null when nobody has said.</param>
internal sealed record ListedManifest(ImageReference Reference, ManifestDocument Document, ManifestPlatform? Platform)
{
    private bool IsOci => Document.Descriptor.MediaType == MediaTypes.OciManifest;

    /// <summary>The blobs that a registry must have before it takes the manifest: the configuration and the layers.</summary>
    public IReadOnlyList<Digest> Blobs()
    {
        using JsonDocument json = JsonDocument.Parse(Document.Bytes);
        return [.. json.RootElement.Items("layers").Prepend(json.RootElement.At("config"))
            .Select(static b => b.Text("digest")).Where(static d => d.Length > 0).Select(Digest.Parse)];
    }

    /// <summary>Docker's text of it on one line.</summary>
    public string ToJson()
    {
        JsonObject descriptor = new()
        {
            ["mediaType"] = Document.Descriptor.MediaType,
            ["digest"] = Document.Descriptor.Digest.ToString(),
            ["size"] = Document.Descriptor.Size,
        };
        if (Platform is not null)
            descriptor["platform"] = Platform.ToJson();
        // The manifest's own text goes in as it is: the order of its fields is its author's.
        string form = IsOci ? "OCIManifest" : "SchemaV2Manifest";
        return $"{{\"Ref\":{GoJson.Text(Reference.ToString())},\"Descriptor\":{GoJson.Text(descriptor)},"
            + $"\"Raw\":\"{Convert.ToBase64String(Document.Bytes.Span)}\",\"{form}\":"
            + GoJson.Compact(Encoding.UTF8.GetString(Document.Bytes.Span)) + "}";
    }

    /// <summary>Reads what docker's client or this one wrote; null when it is not that.</summary>
    public static ListedManifest? Parse(ReadOnlySpan<byte> text)
    {
        try
        {
            JsonNode? json = JsonNode.Parse(text);
            JsonNode? descriptor = json?["Descriptor"];
            if (descriptor is null || !ImageReference.TryParse((string?)json?["Ref"] ?? "", out ImageReference? reference, out _)
                || !Digest.TryParse((string?)descriptor["digest"] ?? "", out Digest digest)
                || Bytes(json!) is not { } bytes)
                return null;
            return new ListedManifest(
                reference,
                new ManifestDocument(new Descriptor
                {
                    MediaType = (string?)descriptor["mediaType"] ?? MediaTypes.DockerManifest, Digest = digest, Size = bytes.Length,
                }, bytes),
                descriptor["platform"] is { } platform ? ManifestPlatform.Read(platform) : null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    // Clients before 27 keep no raw bytes: the registries' own indentation gives them back.
    private static byte[]? Bytes(JsonNode json)
    {
        if ((string?)json["Raw"] is { Length: > 0 } raw)
            return Convert.FromBase64String(raw);
        if (json["SchemaV2Manifest"] is JsonObject docker)
            return Encoding.UTF8.GetBytes(JsonIndent.Apply(GoJson.Text(docker), indent: "   "));
        return json["OCIManifest"] is JsonObject oci ? Encoding.UTF8.GetBytes(JsonIndent.Apply(GoJson.Text(oci), indent: "  ")) : null;
    }
}
