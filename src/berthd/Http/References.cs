using System.Text.Json;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.References;

namespace Berth.Daemon.Http;

/// <summary>Image names and platforms as they stand in queries.</summary>
internal static class References
{
    /// <summary>A name and, in a parameter of its own, a tag or digest that replaces the name's.</summary>
    /// <exception cref="FaultException">InvalidArgument: not a reference.</exception>
    public static ImageReference Parse(string name, string? tagOrDigest)
    {
        ImageReference reference = ImageReference.Parse(name);
        if (string.IsNullOrEmpty(tagOrDigest))
            return reference;
        return Digest.TryParse(tagOrDigest, out Digest digest) ? reference.WithDigest(digest) : reference.WithTag(tagOrDigest);
    }

    /// <summary>A platform as <c>linux/arm64</c> or, since API 1.48, as JSON; null when missing.</summary>
    /// <exception cref="FaultException">InvalidArgument: neither.</exception>
    public static Platform? ParsePlatform(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        if (!text.StartsWith('{'))
            return Platform.Parse(text);
        try
        {
            Wire.ImagePlatform wire = JsonSerializer.Deserialize(text, Wire.ApiJson.Wire.ImagePlatform)
                ?? throw new JsonException("null");
            return new Platform
            {
                Os = wire.Os,
                Architecture = wire.Architecture,
                Variant = string.IsNullOrEmpty(wire.Variant) ? null : wire.Variant,
            };
        }
        catch (JsonException failure)
        {
            throw FaultException.Invalid($"failed to parse platform: {JsonFault.Text(failure)}", failure);
        }
    }
}
