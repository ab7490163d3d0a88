using System.Text;
using Berth.Cli.Parsing;
using Berth.Oci.References;

namespace Berth.Cli.Manifests;

/// <summary>Manifest lists in the making: <c>manifests/LIST/MANIFEST</c> under the configuration's directory, shared with docker's client.
/// </summary>
internal sealed class ManifestStore(string configDirectory)
{
    private const long FileBytesMax = 16 * 1024 * 1024;

    public bool Has(ImageReference list) => Directory.Exists(DirectoryOf(list));

    /// <summary>The entries of a list, in the order of their files' names; null when there is no such list.</summary>
    /// <exception cref="CommandException">An entry is broken.</exception>
    public IReadOnlyList<ListedManifest>? All(ImageReference list) => Has(list)
        ? [.. Directory.GetFiles(DirectoryOf(list)).Where(static f => !f.EndsWith(".new", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(Read)]
        : null;

    /// <summary>One entry, or null.</summary>
    /// <exception cref="CommandException">It is broken.</exception>
    public ListedManifest? Find(ImageReference list, ImageReference manifest)
    {
        string path = PathOf(list, manifest);
        return File.Exists(path) ? Read(path) : null;
    }

    /// <summary>Keeps an entry, in place of one of the same name.</summary>
    public void Save(ImageReference list, ImageReference manifest, ListedManifest entry)
    {
        Directory.CreateDirectory(DirectoryOf(list));
        string path = PathOf(list, manifest);
        File.WriteAllText(path + ".new", entry.ToJson());
        File.Move(path + ".new", path, overwrite: true);
    }

    public void Remove(ImageReference list) => Directory.Delete(DirectoryOf(list), recursive: true);

    private static ListedManifest Read(string path)
    {
        if (new FileInfo(path).Length > FileBytesMax)
            throw new CommandException($"read {path}: it is larger than {FileBytesMax} bytes");
        return ListedManifest.Parse(File.ReadAllBytes(path)) ?? throw new CommandException(
            $"read {path}: not an entry of a manifest list: remove it, and add its image again with 'berth manifest create --amend'");
    }

    private string DirectoryOf(ImageReference list) => Path.Combine(configDirectory, "manifests", FileName(list));

    private string PathOf(ImageReference list, ImageReference manifest) => Path.Combine(DirectoryOf(list), FileName(manifest));

    // Docker's spelling. A reference begins with a host, so that neither . nor .. can come of it.
    private static string FileName(ImageReference reference) =>
        new StringBuilder(reference.ToString()).Replace(':', '-').Replace('/', '_').ToString();
}
