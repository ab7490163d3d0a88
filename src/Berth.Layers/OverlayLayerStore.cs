using Berth.Layers.Stores;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers;

/// <summary>Layers as overlayfs wants them: each has only what it changes, with whiteouts in overlayfs' own form.</summary>
/// <remarks>Mount without <c>redirect_dir</c> and <c>metacopy</c>: renamed directories and files changed only in their attributes
/// are then copied whole, as an image layer needs them.</remarks>
/// <param name="root">The store's directory, on a file system that overlayfs takes as upper.</param>
public sealed class OverlayLayerStore(string root) : LayerStore(root)
{
    private protected override WhiteoutMode Whiteouts => WhiteoutMode.Overlay;

    private protected override bool IsPlain => false;

    private protected override IReadOnlyList<string> Stack(string tree, Layer? parent) => [tree, .. parent?.Directories ?? []];

    // The merged root has the topmost directory's owner, mode and times.
    private protected override void Prepare(string tree, Layer? parent, CancellationToken cancellationToken)
    {
        if (parent is not null)
            TreeCopier.CopyDirectoryMetadata(parent.Directories[0], tree);
    }

    private protected override void Visit(
        string tree, Layer? parent, IDeltaVisitor visitor, CancellationToken cancellationToken)
    {
        using LowerView lower = new(parent?.Directories ?? []);
        using FileDescriptor upper = FileCalls.OpenDirectory(tree);
        new OverlayDelta(lower, visitor, cancellationToken).Visit(upper);
    }

    // What the kernel noted about the files' origin is true only where they were written.
    private protected override void Strip(string tree)
    {
        using FileDescriptor directory = FileCalls.OpenDirectory(tree);
        Strip(directory, ".\0"u8);
        StripBelow(directory, depth: 0);
    }

    private static void StripBelow(FileDescriptor directory, int depth)
    {
        foreach (byte[] name in FileCalls.ListNames(directory))
        {
            Strip(directory, name);
            if (FileCalls.Status(directory, name).IsDirectory)
            {
                TreeLimits.Check(depth + 1, name);
                using FileDescriptor child = FileCalls.Open(
                    directory, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW);
                StripBelow(child, depth + 1);
            }
        }
    }

    private static void Strip(FileDescriptor directory, ReadOnlySpan<byte> name)
    {
        foreach (byte[] key in FileCalls.ListAttributes(directory, name))
        {
            if (OverlayNames.IsOverlayAttribute(key) && !key.AsSpan().SequenceEqual(OverlayNames.Opaque))
                FileCalls.TryRemoveAttribute(directory, name, key);
        }
    }
}
