using Berth.Linux.Files;

namespace Berth.Builder.Files;

/// <summary>One file of a source tree as it was when the tree was read.</summary>
internal sealed class SourceNode
{
    /// <summary>Its name with NUL; empty for the root of what was selected.</summary>
    public required byte[] Name { get; init; }

    /// <summary>The path in the source's root, with slashes, without one at the start.</summary>
    public required string Path { get; init; }

    public required FileStatus Status { get; init; }

    /// <summary>A symbolic link's text with NUL.</summary>
    public byte[]? LinkTarget { get; init; }

    public IReadOnlyList<(byte[] Name, byte[] Value)> Attributes { get; init; } = [];

    /// <summary>A directory's entries, sorted by their bytes.</summary>
    public List<SourceNode> Children { get; } = [];

    /// <summary>sha256 of a regular file's content, once it was read.</summary>
    public byte[]? ContentHash { get; set; }
}
