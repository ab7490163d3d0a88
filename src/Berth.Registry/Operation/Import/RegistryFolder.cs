using Berth.Oci;
using Berth.Registry.Model;

namespace Berth.Registry.Operation.Import;

/// <summary>Reads the storage folder of distribution's registry (<c>docker-registry</c>, <c>registry:2</c>).</summary>
/// <remarks>
/// Below <c>docker/registry/v2</c>: <c>repositories/&lt;name&gt;/_manifests/tags/&lt;tag&gt;/current/link</c> and
/// <c>…/_manifests/revisions/&lt;alg&gt;/&lt;hex&gt;/link</c> hold digests; bytes are <c>blobs/&lt;alg&gt;/&lt;first
/// two&gt;/&lt;hex&gt;/data</c>.
/// </remarks>
internal sealed class RegistryFolder
{
    private const int LinkBytesMax = 256;
    private readonly string _root;

    private readonly Action<string> _skip;

    /// <param name="path">The folder, or the one that holds <c>docker/registry/v2</c>.</param>
    /// <param name="skip">Is told what cannot be taken, and why.</param>
    /// <exception cref="FaultException">NotFound: there is no such folder.</exception>
    public RegistryFolder(string path, Action<string> skip)
    {
        _skip = skip;
        string[] candidates = [path, Path.Join(path, "docker", "registry", "v2")];
        _root = candidates.FirstOrDefault(candidate => Directory.Exists(Path.Join(candidate, "repositories")))
            ?? throw FaultException.NotFound(
                $"import {path}: it is not a registry's storage folder: there is no docker/registry/v2/repositories in it");
    }

    /// <summary>Every repository whose name is one here.</summary>
    public IEnumerable<RepositoryName> Repositories()
    {
        string top = Path.Join(_root, "repositories");
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (string manifests in Directory.EnumerateDirectories(top, "_manifests", options).Order(StringComparer.Ordinal))
        {
            string path = Path.GetRelativePath(top, Path.GetDirectoryName(manifests)!);
            if (RepositoryName.TryParse(path, out RepositoryName name))
                yield return name;
            else
                _skip($"{path}: it is no name of a repository");
        }
    }

    /// <summary>The tags of a repository and what they name.</summary>
    public IEnumerable<(string Tag, Digest Digest)> Tags(RepositoryName name)
    {
        string folder = Path.Join(_root, "repositories", name.Value, "_manifests", "tags");
        if (!Directory.Exists(folder))
            yield break;
        foreach (string tag in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
        {
            string text = Path.GetFileName(tag);
            if (!TagName.IsValid(text))
                _skip($"{name}:{text}: it is no name of a tag");
            else if (ReadLink(Path.Join(tag, "current", "link")) is { } digest)
                yield return (text, digest);
            else
                _skip($"{name}:{text}: it does not say which manifest it names");
        }
    }

    /// <summary>All manifests of a repository, tagged or not.</summary>
    public IEnumerable<Digest> Revisions(RepositoryName name)
    {
        string folder = Path.Join(_root, "repositories", name.Value, "_manifests", "revisions");
        if (!Directory.Exists(folder))
            yield break;
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (string link in Directory.EnumerateFiles(folder, "link", options).Order(StringComparer.Ordinal))
        {
            // A deleted manifest leaves its folder without the link, or with an empty one.
            if (ReadLink(link) is { } digest)
                yield return digest;
        }
    }

    /// <summary>Opens a blob's bytes; null when they are not there.</summary>
    public FileStream? Open(Digest digest)
    {
        string hex = digest.Hex;
        string path = Path.Join(_root, "blobs", digest.Algorithm, hex[..2], hex, "data");
        return File.Exists(path) ? File.OpenRead(path) : null;
    }

    private static Digest? ReadLink(string path)
    {
        var file = new FileInfo(path);
        return file.Exists && file.Length is > 0 and <= LinkBytesMax && Digest.TryParse(File.ReadAllText(path).Trim(), out Digest digest)
            ? digest : null;
    }
}
