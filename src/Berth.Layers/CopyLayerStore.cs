using Berth.Layers.Stores;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers;

/// <summary>Layers as whole trees, each a copy of its parent with the changes made: where there is no overlayfs.</summary>
/// <remarks>Costs the space of every layer's whole tree, less where the file system shares extents (btrfs, xfs).</remarks>
/// <param name="root">The store's directory.</param>
public sealed class CopyLayerStore(string root) : LayerStore(root)
{
    private protected override WhiteoutMode Whiteouts => WhiteoutMode.Delete;

    private protected override bool IsPlain => true;

    private protected override IReadOnlyList<string> Stack(string tree, Layer? parent) => [tree];

    private protected override void Prepare(string tree, Layer? parent, CancellationToken cancellationToken)
    {
        if (parent is not null)
            TreeCopier.CopyInto(parent.Directories[0], tree, cancellationToken);
    }

    private protected override void Visit(
        string tree, Layer? parent, IDeltaVisitor visitor, CancellationToken cancellationToken)
    {
        using FileDescriptor upper = FileCalls.OpenDirectory(tree);
        using FileDescriptor? lower = parent is null ? null : FileCalls.OpenDirectory(parent.Directories[0]);
        new CopyDelta(visitor, cancellationToken).Visit(upper, lower);
    }

    private protected override void Strip(string tree) { }
}
