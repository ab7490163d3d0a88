using System.Diagnostics.CodeAnalysis;
using Berth.Faults;

namespace Berth.Oci.References;

/// <summary>The full name of an image: registry, repository and a tag or a digest or both.</summary>
/// <remarks>
/// The grammar is that of the distribution project's reference package. A name without a registry is Docker Hub's
/// (<c>docker.io</c>), one without a namespace there is in <c>library/</c>; a missing tag stays missing here
/// (<see cref="WithDefaultTag"/> adds <c>latest</c>).
/// </remarks>
public sealed record ImageReference
{
    /// <summary>Docker Hub's name in references.</summary>
    public const string DefaultDomain = "docker.io";

    /// <summary>The longest repository name, with its registry.</summary>
    public const int NameLengthMax = 255;

    /// <summary>The longest tag.</summary>
    public const int TagLengthMax = 128;

    private ImageReference(string domain, string path, string? tag, Digest? digest) =>
        (Domain, Path, Tag, Digest) = (domain, path, tag, digest);

    /// <summary>The registry's host and, if given, port: <c>docker.io</c>, <c>localhost:5000</c>.</summary>
    public string Domain { get; }

    /// <summary>The repository at the registry: <c>library/debian</c>.</summary>
    public string Path { get; }

    /// <summary>The tag, if one was given.</summary>
    public string? Tag { get; }

    /// <summary>The digest, if one was given.</summary>
    public Digest? Digest { get; }

    /// <summary><c>domain/path</c>.</summary>
    public string Name => $"{Domain}/{Path}";

    /// <summary>The name as people write it: without <c>docker.io/</c> and <c>library/</c>.</summary>
    public string FamiliarName => Domain != DefaultDomain ? Name
        : Path.StartsWith("library/", StringComparison.Ordinal) && !Path.AsSpan(8).Contains('/') ? Path[8..] : Path;

    /// <summary>The whole reference as people write it.</summary>
    public string Familiar => FamiliarName + Suffix;

    private string Suffix => (Tag is null ? "" : ":" + Tag) + (Digest is { } digest ? "@" + digest : "");

    /// <summary>This reference with <c>latest</c> where neither tag nor digest was given.</summary>
    public ImageReference WithDefaultTag() => Tag is null && Digest is null ? WithTag("latest") : this;

    /// <summary>The same repository under a tag and no digest.</summary>
    /// <exception cref="FaultException">InvalidArgument: not a tag.</exception>
    public ImageReference WithTag(string tag) => IsTag(tag)
        ? new ImageReference(Domain, Path, tag, null)
        : throw FaultException.Invalid("invalid tag format");

    /// <summary>The same repository under a digest and no tag.</summary>
    public ImageReference WithDigest(Digest digest) => new(Domain, Path, null, digest);

    /// <summary>Reads a reference as a person writes it.</summary>
    /// <exception cref="FaultException">InvalidArgument, with Docker's text: <c>invalid reference format</c> and why.</exception>
    public static ImageReference Parse(string text) =>
        TryParse(text, out ImageReference? reference, out string? problem) ? reference : throw FaultException.Invalid(problem);

    /// <summary>Reads a reference; false with Docker's text for the problem.</summary>
    public static bool TryParse(
        string text, [NotNullWhen(true)] out ImageReference? reference, [NotNullWhen(false)] out string? problem)
    {
        reference = null;
        problem = "invalid reference format";
        if (text.Length == 0 || text.Length > NameLengthMax + TagLengthMax + 140)
            return false;
        if (text.Length == 64 && text.All(char.IsAsciiHexDigitLower))
        {
            problem = $"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings";
            return false;
        }

        // As Docker does it: the first colon after the registry ends the name, and its case is looked at before all else.
        (_, string named) = SplitDomain(text);
        string repository = named.Split(':')[0];
        if (repository.Any(char.IsAsciiLetterUpper))
        {
            problem = $"invalid reference format: repository name ({repository}) must be lowercase";
            return false;
        }

        string rest = text;
        Digest? digest = null;
        int at = rest.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
        {
            if (!Oci.Digest.TryParse(rest[(at + 1)..], out Digest parsed))
                return false;
            digest = parsed;
            rest = rest[..at];
        }

        string? tag = null;
        int colon = rest.LastIndexOf(':');
        if (colon > rest.LastIndexOf('/'))
        {
            tag = rest[(colon + 1)..];
            if (!IsTag(tag))
                return false;
            rest = rest[..colon];
        }

        (string domain, string path) = SplitDomain(rest);
        if (!IsDomain(domain) || !IsPath(path))
            return false;
        if (domain.Length + 1 + path.Length > NameLengthMax)
        {
            problem = $"repository name must not be more than {NameLengthMax} characters";
            return false;
        }
        reference = new ImageReference(domain, path, tag, digest);
        problem = null;
        return true;
    }

    /// <summary>The canonical text, with the registry.</summary>
    public override string ToString() => Name + Suffix;

    /// <summary>True for <c>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}</c>.</summary>
    public static bool IsTag(string text) =>
        text.Length is > 0 and <= TagLengthMax && (char.IsAsciiLetterOrDigit(text[0]) || text[0] == '_')
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    // The first part is a registry when it could not be a repository's first part: it has a dot, a port, an upper-case
    // letter, or is localhost.
    private static (string Domain, string Path) SplitDomain(string name)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0)
        {
            string first = name[..slash];
            if (first == "localhost" || first.AsSpan().IndexOfAny('.', ':') >= 0 || first.Any(char.IsAsciiLetterUpper))
            {
                string path = name[(slash + 1)..];
                if (first is "index.docker.io" or "registry-1.docker.io")
                    first = DefaultDomain;
                return (first, first == DefaultDomain && !path.Contains('/') ? "library/" + path : path);
            }
        }
        return (DefaultDomain, slash >= 0 ? name : "library/" + name);
    }

    private static bool IsDomain(string domain)
    {
        string host = domain;
        int colon = domain.LastIndexOf(':');
        if (colon > domain.LastIndexOf(']'))
        {
            string port = domain[(colon + 1)..];
            if (port.Length is 0 or > 5 || !port.All(char.IsAsciiDigit))
                return false;
            host = domain[..colon];
        }
        if (host.StartsWith('[') && host.EndsWith(']'))
            return host.Length > 2 && host[1..^1].All(c => char.IsAsciiHexDigit(c) || c == ':');
        return host.Length > 0 && host.Split('.').All(part => part.Length > 0 && part[0] != '-' && part[^1] != '-'
            && part.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'));
    }

    // path-component := [a-z0-9]+ ((. | _ | __ | -+) [a-z0-9]+)*
    private static bool IsPath(string path) => path.Length > 0 && path.Split('/').All(IsComponent);

    private static bool IsComponent(string part)
    {
        if (part.Length == 0 || !IsAlphanumeric(part[0]) || !IsAlphanumeric(part[^1]))
            return false;
        for (int i = 0; i < part.Length; i++)
        {
            if (IsAlphanumeric(part[i]))
                continue;
            int start = i;
            while (i + 1 < part.Length && !IsAlphanumeric(part[i + 1]))
                i++;
            ReadOnlySpan<char> separator = part.AsSpan(start, i - start + 1);
            if (separator is not ("." or "_" or "__") && separator.ContainsAnyExcept('-'))
                return false;
        }
        return true;
    }

    private static bool IsAlphanumeric(char c) => char.IsAsciiDigit(c) || char.IsAsciiLetterLower(c);
}
