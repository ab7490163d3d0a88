using Berth.Dockerfile.Ignore;

namespace Berth.Builder;

/// <summary>The files a build may read: a directory that was unpacked safely, and what of it is ignored.</summary>
/// <remarks>Whoever made it disposes it after the build; only then is the directory removed, if it was made for the build.</remarks>
public sealed partial class BuildContext : IDisposable
{
    private readonly bool _owned;

    private BuildContext(string directory, IgnoreFile ignore, bool owned) => (Directory, Ignore, _owned) = (directory, ignore, owned);

    /// <summary>The absolute path of the root.</summary>
    public string Directory { get; }

    /// <summary>Paths that COPY and ADD do not see.</summary>
    public IgnoreFile Ignore { get; }

    /// <summary>Uses a directory that is there; it is left as it is.</summary>
    public static BuildContext OfDirectory(string directory, IgnoreFile ignore) =>
        new(Path.GetFullPath(directory), ignore, owned: false);

    /// <summary>Removes the directory when it was made for this build.</summary>
    public void Dispose()
    {
        if (_owned)
            Layers.Trees.TreeRemover.Remove(Directory);
    }
}
