using Berth.Dockerfile.Ignore;

namespace Berth.Builder.Files;

/// <summary>A tree that files are selected from: the context, a stage or an image. What it tells of them decides the keys of steps;
/// the files themselves are only needed when a step is not in the cache.</summary>
internal interface ISourceTree : IDisposable
{
    /// <summary>The paths that a pattern matches, sorted by their bytes; links are not entered.</summary>
    List<string> Match(PathPattern pattern);

    /// <summary>Reads what a path names, with all beneath it; null when it is not there. A link at its end is followed.</summary>
    /// <param name="path">Relative to the root.</param>
    /// <param name="exclude">Patterns left out, relative to the path when it is a directory.</param>
    SourceNode? Read(string path, IgnoreFile exclude);

    /// <summary>Makes every regular file among the nodes and beneath them know its content's hash.</summary>
    void HashContents(IEnumerable<SourceNode> nodes, CancellationToken cancellationToken);

    /// <summary>A regular file's content.</summary>
    Stream OpenRead(SourceNode file);

    /// <summary>A text file; null when there is none at the path.</summary>
    /// <exception cref="Faults.FaultException">InvalidArgument: it has more bytes than the limit.</exception>
    string? ReadText(string path, int bytesMax);

    /// <summary>The same tree with its files on disk.</summary>
    ValueTask<SourceTree> FilesAsync();
}
