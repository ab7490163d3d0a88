using System.Text;
using System.Text.Json.Nodes;
using Berth.Cli.Parsing;
using Berth.Cli.Text;
using Berth.Distribution;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Cli.Manifests;

/// <summary>Writes a manifest list of its entries, byte for byte as docker's client does, so that both push the same digest.</summary>
internal static class ManifestListText
{
    /// <exception cref="CommandException">An entry is at another registry than the list.</exception>
    public static string Of(ImageReference list, IReadOnlyList<ListedManifest> entries)
    {
        if (entries.FirstOrDefault(e => e.Reference.Domain != list.Domain) is { } stranger)
        {
            throw new CommandException("cannot use source images from a different registry than the target image: "
                + $"{stranger.Reference.Domain} != {list.Domain}");
        }
        return Write(entries.Select(static e => (e.Document.Descriptor.MediaType, e.Document.Descriptor.Size,
            e.Document.Descriptor.Digest.ToString(), e.Platform)).ToList());
    }

    /// <summary>The list with its digest.</summary>
    public static ManifestDocument Document(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        string mediaType = (string)JsonNode.Parse(bytes)!["mediaType"]!;
        return new ManifestDocument(new Descriptor { MediaType = mediaType, Digest = Digest.Of(bytes), Size = bytes.Length }, bytes);
    }

    /// <summary>A list that came from a registry, laid out the same way.</summary>
    public static string Of(ManifestDocument index) => Write(Entries(index).Select(static e => (
        (string?)e["mediaType"] ?? "", (long?)e["size"] ?? 0, (string?)e["digest"] ?? "",
        (ManifestPlatform?)ManifestPlatform.Read(e["platform"]))).ToList());

    /// <summary>The descriptors of an index.</summary>
    public static IEnumerable<JsonObject> Entries(ManifestDocument index) =>
        JsonNode.Parse(index.Bytes.Span)?["manifests"] is JsonArray list ? list.OfType<JsonObject>() : [];

    private static string Write(List<(string MediaType, long Size, string Digest, ManifestPlatform? Platform)> entries)
    {
        JsonObject list = new()
        {
            ["schemaVersion"] = 2,
            // Docker's rule: the first image decides which kind of list it is.
            ["mediaType"] = entries.Count > 0 && entries[0].MediaType == MediaTypes.OciManifest
                ? MediaTypes.OciIndex : MediaTypes.DockerManifestList,
            ["manifests"] = new JsonArray([.. entries.Select(static e => (JsonNode)new JsonObject
            {
                ["mediaType"] = e.MediaType,
                ["size"] = e.Size,
                ["digest"] = e.Digest,
                ["platform"] = (e.Platform ?? new ManifestPlatform("", "")).ToJson(),
            })]),
        };
        return JsonIndent.Apply(GoJson.Text(list), indent: "   ");
    }
}
