using Berth.Builder.Files;
using Berth.Dockerfile.Ignore;
using Berth.Layers.Trees;
using Berth.Linux.Files;

namespace Berth.Builder;

/// <summary>The files a build may read, and what of them is ignored: a directory, or a small archive that is only unpacked when a
/// step needs its files.</summary>
/// <remarks>Whoever made it disposes it after the build; only then is the directory removed, if one was made for the build.</remarks>
public sealed partial class BuildContext : IDisposable
{
    private readonly ContextIndex? _index;
    private readonly Lazy<Task<string>> _directory;
    private readonly bool _owned;
    private Action? _giveBack;

    private BuildContext(string directory, IgnoreFile ignore, bool owned) =>
        (_directory, Ignore, _owned) = (new Lazy<Task<string>>(Task.FromResult(directory)), ignore, owned);

    private BuildContext(ContextIndex index, string directory, IgnoreFile ignore)
    {
        (_index, Ignore, _owned) = (index, ignore, true);
        _directory = new Lazy<Task<string>>(() => Task.Run(() => UnpackAsync(index, directory)));
    }

    /// <summary>Paths that COPY and ADD do not see.</summary>
    public IgnoreFile Ignore { get; }

    /// <summary>The Dockerfile, where it came apart from the files; null: it is among them.</summary>
    public string? DockerfileText { get; private init; }

    /// <summary>Uses a directory that is there; it is left as it is.</summary>
    public static BuildContext OfDirectory(string directory, IgnoreFile ignore) =>
        new(Path.GetFullPath(directory), ignore, owned: false);

    /// <summary>The absolute path of the root on disk; unpacks it when that was not done yet.</summary>
    /// <exception cref="Faults.FaultException">Unavailable: the disk is full.</exception>
    public Task<string> DirectoryAsync() => _directory.Value;

    /// <summary>It is kept: disposing it only gives it back, which the next build waits for.</summary>
    public bool IsKept => _giveBack is not null;

    /// <summary>Removes the directory when it was made for this build.</summary>
    public void Dispose()
    {
        _giveBack?.Invoke();
        if (_index is not null)
            Interlocked.Add(ref s_heldBytes, -_index.Tar.Length);
        if (_owned && _directory.IsValueCreated && _directory.Value.IsCompletedSuccessfully)
            TreeRemover.Remove(_directory.Value.Result);
    }

    /// <summary>The tree as COPY and ADD see it.</summary>
    internal ISourceTree Open() => Open(Ignore);

    /// <summary>A text file of it, ignored or not; null when it is not there.</summary>
    internal string? ReadText(string path, int bytesMax)
    {
        using ISourceTree tree = Open(IgnoreFile.Empty);
        return tree.ReadText(path, bytesMax);
    }

    private ISourceTree Open(IgnoreFile ignore) => _index is null
        ? new SourceTree(FileCalls.OpenDirectory(_directory.Value.Result), ignore)
        : new ContextTree(
            _index, ignore, async () => new SourceTree(FileCalls.OpenDirectory(await DirectoryAsync().ConfigureAwait(false)), ignore));
}
