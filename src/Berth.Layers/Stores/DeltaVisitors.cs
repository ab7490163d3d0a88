using System.Text;
using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Stores;

/// <summary>Writes a delta as a layer tar.</summary>
internal sealed class DeltaTarWriter(TarWriter writer) : IDeltaVisitor
{
    private readonly EntryArchiver _archiver = new(writer, new ArchiveOptions());

    public void Present(FileDescriptor parent, byte[] name, byte[] path, FileStatus status, FileStatus? below)
    {
        // In a layer such a name says that something is deleted: what a container made would become a hole in the image.
        if (name.AsSpan().StartsWith(OverlayNames.WhiteoutPrefix))
        {
            throw FaultException.Invalid(
                $"write layer: \"{FileCalls.TextOf(path)}\": a name that begins with .wh. cannot be in an image layer");
        }
        TreeLimits.Check(0, path);
        _archiver.Write(parent, name, path, status);
    }

    public void Deleted(byte[] path)
    {
        int name = path.AsSpan().LastIndexOf((byte)'/') + 1;
        _archiver.WriteMarker([.. path.AsSpan(0, name), .. OverlayNames.WhiteoutPrefix, .. path.AsSpan(name)]);
    }

    public void Opaque(byte[] path) => _archiver.WriteMarker([.. path, (byte)'/', .. OverlayNames.OpaqueMarker[..^1]]);
}

/// <summary>Lists a delta as docker diff does: a directory whose entries came or went is modified, its own times aside.</summary>
internal sealed class DeltaLister(LowerView lower) : IDeltaVisitor
{
    private readonly SortedDictionary<string, TreeChangeKind> _changes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _present = new(StringComparer.Ordinal);

    public IReadOnlyList<TreeChange> Changes => [.. _changes.Select(change => new TreeChange(change.Key, change.Value))];

    public void Present(FileDescriptor parent, byte[] name, byte[] path, FileStatus status, FileStatus? below)
    {
        string text = TextOf(path);
        _present.Add(text);
        if (below is { } old && status.IsDirectory && old.IsDirectory && status.Mode == old.Mode && status.Uid == old.Uid
            && status.Gid == old.Gid && status.Modified == old.Modified)
        {
            _changes.Remove(text); // It is only on the way to a change.
            return;
        }
        _changes[text] = below is null ? TreeChangeKind.Added : TreeChangeKind.Modified;
        if (below is null)
            MarkParent(text);
    }

    public void Deleted(byte[] path)
    {
        _changes[TextOf(path)] = TreeChangeKind.Deleted;
        MarkParent(TextOf(path));
    }

    public void Opaque(byte[] path)
    {
        foreach (byte[] name in lower.List([.. path, 0]))
        {
            byte[] hidden = [.. path, (byte)'/', .. name.AsSpan(0, name.Length - 1)];
            if (lower.Find([.. hidden, 0]) is not null)
                _changes[TextOf(hidden)] = TreeChangeKind.Deleted; // What the upper has itself is presented later.
        }
        _changes.TryAdd(TextOf(path), TreeChangeKind.Modified);
    }

    private void MarkParent(string path)
    {
        int slash = path.LastIndexOf('/');
        if (slash > 0)
            _changes.TryAdd(path[..slash], TreeChangeKind.Modified);
    }

    private static string TextOf(byte[] path) => "/" + Encoding.UTF8.GetString(path);
}
