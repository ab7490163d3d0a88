using Berth.Oci;
using Berth.Oci.References;

namespace Berth.Cli.Text;

/// <summary>Image names in the forms that the API and people use.</summary>
internal static class ImageName
{
    /// <summary>As people write it, with <c>latest</c> where nothing was said.</summary>
    public static string Familiar(string text) =>
        ImageReference.TryParse(text, out ImageReference? reference, out _) ? reference.WithDefaultTag().Familiar : text;

    /// <summary>Repository in full and tag, as commit, tag and import send them; empty tag for a digest or none.</summary>
    /// <exception cref="Faults.FaultException">Not a reference.</exception>
    public static (string Repository, string Tag) Split(string text)
    {
        ImageReference reference = ImageReference.Parse(text);
        return (reference.Name, reference.Tag ?? "");
    }

    /// <summary>True for an image's ID: 64 hexadecimal digits, with or without their algorithm.</summary>
    public static bool IsId(string text) => (text.Length == 64 && text.All(char.IsAsciiHexDigitLower)) || Digest.TryParse(text, out _);
}
