using Berth.Oci;
using Berth.Registry.Model;

namespace Berth.Registry.Operation.Import;

/// <summary>Reads the storage folder of distribution's registry (<c>docker-registry</c>, <c>registry:2</c>).</summary>
/// <remarks>
/// Below <c>docker/registry/v2</c>: <c>repositories/&lt;name&gt;/_manifests/tags/&lt;tag&gt;/current/link</c> and
/// <c>…/_manifests/revisions/&lt;alg&gt;/&lt;hex&gt;/link</c> hold digests; bytes are <c>blobs/&lt;alg&gt;/&lt;first
/// two&gt;/&lt;hex&gt;/data</c>. A blob that came under another digest than its sha256 has its bytes there too, and
/// <c>repositories/&lt;name&gt;/_layers/&lt;alg&gt;/&lt;hex&gt;/link</c> says which sha256 that is.
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
        // Not deeper: registries before 2.3 kept signatures, which are links too, below the manifest that they were of.
        IEnumerable<string> revisions = Directory.EnumerateDirectories(folder).SelectMany(Directory.EnumerateDirectories);
        foreach (string revision in revisions.Order(StringComparer.Ordinal))
        {
            // A deleted manifest leaves its folder without the link, or with an empty one.
            if (ReadLink(Path.Join(revision, "link")) is { } digest)
                yield return digest;
        }
    }

    /// <summary>Opens a blob's bytes; null when they are not there.</summary>
    /// <param name="name">A repository that has it.</param>
    /// <param name="digest">The digest by which manifests name it.</param>
    public FileStream? Open(RepositoryName name, Digest digest) =>
        OpenData(digest) ?? (StoredAs(name, digest) is { } stored && stored != digest ? OpenData(stored) : null);

    private FileStream? OpenData(Digest digest)
    {
        string path = Path.Join(_root, "blobs", digest.Algorithm, digest.Hex[..2], digest.Hex, "data");
        return File.Exists(path) ? File.OpenRead(path) : null;
    }

    private Digest? StoredAs(RepositoryName name, Digest digest) =>
        ReadLink(Path.Join(_root, "repositories", name.Value, "_layers", digest.Algorithm, digest.Hex, "link"));

    private static Digest? ReadLink(string path)
    {
        var file = new FileInfo(path);
        return file.Exists && file.Length is > 0 and <= LinkBytesMax && Digest.TryParse(File.ReadAllText(path).Trim(), out Digest digest)
            ? digest : null;
    }
}
