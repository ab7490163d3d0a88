using Berth.Builder.Files;
using Berth.Linux.Files;

namespace Berth.Builder.Solving;

/// <summary>One thing that a COPY or ADD puts somewhere.</summary>
/// <param name="Name">The file's name at the destination.</param>
/// <param name="Node">What was read from the tree; null for content in memory or a download.</param>
internal sealed record CopySource(string Name, SourceNode? Node)
{
    /// <summary>Content in memory: a heredoc.</summary>
    public byte[]? Content { get; init; }

    /// <summary>A downloaded file.</summary>
    public Download? Download { get; init; }

    /// <summary>An archive to be unpacked.</summary>
    public bool Unpack { get; init; }

    /// <summary>With --parents: the directories to keep, relative.</summary>
    public string Parents { get; init; } = "";

    public bool IsDirectory => Node?.Status.IsDirectory ?? false;
}

/// <summary>A file fetched from a URL.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Hash">Its sha256.</param>
/// <param name="Modified">What the server says.</param>
internal sealed record Download(string Path, Oci.Digest Hash, FileTime? Modified);
