using System.Text.Json.Serialization;
using Berth.Faults;

namespace Berth.Oci.Images;

/// <summary>The machine an image is for, as <c>os/architecture[/variant]</c> in Go's names.</summary>
/// <remarks>OCI image-spec 1.1, image-index.md "platform".</remarks>
public sealed record Platform
{
    /// <summary><c>amd64</c>, <c>arm64</c>, …</summary>
    [JsonPropertyName("architecture")]
    public required string Architecture { get; init; }

    /// <summary><c>linux</c>, <c>windows</c>, …</summary>
    [JsonPropertyName("os")]
    public required string Os { get; init; }

    /// <summary>Windows' build number.</summary>
    [JsonPropertyName("os.version")]
    public string? OsVersion { get; init; }

    /// <summary>Features the system must have.</summary>
    [JsonPropertyName("os.features")]
    public IReadOnlyList<string>? OsFeatures { get; init; }

    /// <summary>The processor's variant, such as <c>v8</c>.</summary>
    [JsonPropertyName("variant")]
    public string? Variant { get; init; }

    /// <summary>The machine this program runs on.</summary>
    public static Platform Host { get; } = new()
    {
        Os = "linux",
        Architecture = System.Runtime.InteropServices.RuntimeInformation.OSArchitecture switch
        {
            System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
            System.Runtime.InteropServices.Architecture.Arm => "arm",
            _ => "amd64",
        },
    };

    /// <summary>Reads <c>os/arch[/variant]</c>, <c>os</c> or <c>arch</c>, with Docker's spellings (x86_64, aarch64) made Go's.</summary>
    /// <exception cref="FaultException">InvalidArgument: not of that form.</exception>
    public static Platform Parse(string text)
    {
        string[] parts = text.ToLowerInvariant().Split('/');
        if (parts.Length > 3
            || parts.Any(part => part.Length == 0 || !part.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.')))
            throw FaultException.Invalid($"\"{text}\": unknown operating system or architecture: invalid argument");
        if (parts.Length == 1)
            return parts[0] is "linux" or "windows" or "darwin" or "freebsd"
                ? Host with { Os = parts[0] }
                : Normal("linux", parts[0], null);
        return Normal(parts[0], parts[1], parts.Length == 3 ? parts[2] : null);
    }

    /// <summary>True when an image for <paramref name="image"/> runs on this machine as asked: same system and
    /// architecture, and the variant equal or not asked for.</summary>
    public bool Accepts(Platform image) =>
        Os == image.Os && Architecture == image.Architecture && (Variant is null || image.Variant is null || Variant == image.Variant);

    /// <summary><c>os/architecture[/variant]</c>.</summary>
    public override string ToString() => Variant is null ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";

    private static Platform Normal(string os, string architecture, string? variant) => architecture switch
    {
        "x86_64" or "x86-64" => new Platform { Os = os, Architecture = "amd64", Variant = variant },
        "aarch64" or "arm64" => new Platform { Os = os, Architecture = "arm64", Variant = variant == "v8" ? null : variant },
        "armhf" => new Platform { Os = os, Architecture = "arm", Variant = "v7" },
        "armel" => new Platform { Os = os, Architecture = "arm", Variant = "v6" },
        "i386" => new Platform { Os = os, Architecture = "386", Variant = variant },
        _ => new Platform { Os = os, Architecture = architecture, Variant = variant },
    };
}
