using Berth.Faults;
using Berth.Oci;

namespace Berth.Layers;

/// <summary>
/// Keeps the trees of image layers by chain ID, each on top of its parent, and the writable layers of containers and build
/// steps on top of those. Safe for concurrent use; what a call has returned survives a crash.
/// </summary>
/// <remarks>The default driver stands on overlayfs; a plain-copy driver stands in where there is none. Both pass
/// <c>LayerStoreContract</c>.</remarks>
public interface ILayerStore
{
    /// <summary>The layer on top of a chain, or null when that chain is not here.</summary>
    Layer? Find(ChainId chain);

    /// <summary>Every chain that is here.</summary>
    IReadOnlyCollection<Layer> List();

    /// <summary>
    /// Unpacks an uncompressed layer tar on top of a parent. Returns at once with the layer that is here already. Two callers
    /// that apply the same chain share one unpacking.
    /// </summary>
    /// <exception cref="FaultException">InvalidArgument: the tar is malformed, climbs out of its root or has another diff ID;
    /// nothing is kept. NotFound: the parent is not here. Unavailable: the disk is full.</exception>
    Task<Layer> ApplyAsync(ChainId? parent, DiffId expected, Stream tar, CancellationToken cancellationToken);

    /// <summary>Makes an empty writable layer on top of a chain (null: on nothing).</summary>
    /// <param name="name">A container's or a step's ID.</param>
    /// <param name="parent">The chain.</param>
    /// <param name="bytesMax">What its own files may take on disk; null: no limit but the disk's.</param>
    /// <exception cref="FaultException">Conflict: the name is taken. NotFound: the chain is not here. NotSupported: a limit on a file
    /// system without project quotas.</exception>
    WritableLayer CreateWritable(string name, ChainId? parent, long? bytesMax = null);

    /// <summary>A writable layer made earlier, or null.</summary>
    WritableLayer? FindWritable(string name);

    /// <summary>Every writable layer.</summary>
    IReadOnlyCollection<WritableLayer> ListWritable();

    /// <summary>Removes a writable layer and all its files; false when there was none. It must not be mounted. The name is free at
    /// once; the files may go a little later.</summary>
    bool RemoveWritable(string name);

    /// <summary>
    /// Makes an image layer of what a writable layer changed, by moving it: the writable layer is gone afterwards. It must not be
    /// mounted. When the same chain exists already, that one is returned.
    /// </summary>
    /// <returns>The layer, whose diff ID is that of the tar that <see cref="WriteTarAsync(ChainId, Stream, CancellationToken)"/>
    /// writes for it.</returns>
    Task<Layer> CommitAsync(string writable, CancellationToken cancellationToken);

    /// <summary>As <see cref="CommitAsync"/> but leaves the writable layer as it is (docker commit): its files are copied.</summary>
    /// <param name="writable">Its name.</param>
    /// <param name="tidy">Gets the directory of the copy before it becomes a layer, to take out what does not belong in one.</param>
    /// <param name="cancellationToken">Ends it; nothing is left.</param>
    Task<Layer> CommitCopyAsync(string writable, Action<string>? tidy, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a layer as an uncompressed tar. Deterministic, and for layers made here always the bytes of its diff ID. A pulled
    /// layer's exact bytes are in the blob store instead; use this for it only where that blob is gone.
    /// </summary>
    Task WriteTarAsync(ChainId chain, Stream destination, CancellationToken cancellationToken);

    /// <summary>Writes what a writable layer changed as a layer tar.</summary>
    Task WriteChangesTarAsync(string writable, Stream destination, CancellationToken cancellationToken);

    /// <summary>What a writable layer changed against its parents, sorted by path: docker diff.</summary>
    IReadOnlyList<TreeChange> Changes(string writable);

    /// <summary>Bytes on disk of a writable layer's own files.</summary>
    long SizeOf(WritableLayer layer);

    /// <summary>Removes a layer. Whoever calls has made sure that no image, container or layer stands on it.</summary>
    /// <exception cref="FaultException">Conflict: a layer or writable layer stands on it.</exception>
    bool Remove(ChainId chain);
}

/// <summary>An image layer that is unpacked here.</summary>
/// <param name="Chain">The chain it is the top of.</param>
/// <param name="Parent">The chain below; null for a first layer.</param>
/// <param name="DiffId">The digest of its tar.</param>
/// <param name="Size">Bytes of its regular files.</param>
/// <param name="Directories">The directories of the whole chain for overlayfs' lowerdir, topmost first.</param>
public sealed record Layer(ChainId Chain, ChainId? Parent, DiffId DiffId, long Size, IReadOnlyList<string> Directories);

/// <summary>The changeable top of a container's or a build step's tree.</summary>
/// <param name="Name">The ID it was made under.</param>
/// <param name="Parent">The chain it stands on; null for nothing.</param>
/// <param name="LowerDirectories">overlayfs' lowerdir, topmost first; empty on nothing.</param>
/// <param name="UpperDirectory">overlayfs' upperdir.</param>
/// <param name="WorkDirectory">overlayfs' workdir.</param>
/// <param name="MountPoint">An empty directory to mount the whole on.</param>
/// <param name="IsPlainDirectory">True for the plain-copy driver: <paramref name="UpperDirectory"/> holds the whole tree, nothing is
/// to be mounted as overlay.</param>
public sealed record WritableLayer(
    string Name, ChainId? Parent, IReadOnlyList<string> LowerDirectories, string UpperDirectory, string WorkDirectory,
    string MountPoint, bool IsPlainDirectory)
{
    /// <summary>The file system's project that limits it; null: it has no limit.</summary>
    public uint? Project { get; init; }
}

/// <summary>One path that differs from the image.</summary>
/// <param name="Path">Absolute within the container.</param>
/// <param name="Kind">What happened to it.</param>
public readonly record struct TreeChange(string Path, TreeChangeKind Kind);

/// <summary>What happened to a path; the numbers are those of the Engine API.</summary>
public enum TreeChangeKind
{
    /// <summary>Its content or attributes differ.</summary>
    Modified = 0,

    /// <summary>It was not in the image.</summary>
    Added = 1,

    /// <summary>It is no longer there.</summary>
    Deleted = 2,
}
