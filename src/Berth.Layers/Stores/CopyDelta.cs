using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Layers.Stores;

/// <summary>Compares a whole tree with the whole tree it was copied from, by metadata as docker's copying driver does.</summary>
internal sealed class CopyDelta(IDeltaVisitor visitor, CancellationToken cancellationToken)
{
    private static readonly int s_openFlags = FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW;
    private readonly Stack<Action> _pending = new();

    public void Visit(FileDescriptor upper, FileDescriptor? lower) => Below(upper, lower, [], depth: 0);

    private void Below(FileDescriptor upper, FileDescriptor? lower, byte[] prefix, int depth)
    {
        List<byte[]> above = FileCalls.ListNames(upper);
        List<byte[]> below = lower is null ? [] : FileCalls.ListNames(lower);
        int i = 0;
        foreach (byte[] name in above)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (; i < below.Count && below[i].AsSpan().SequenceCompareTo(name) < 0; i++)
                Delete(prefix, below[i]);
            bool both = i < below.Count && below[i].AsSpan().SequenceEqual(name);
            i += both ? 1 : 0;
            Compare(upper, both ? lower : null, name, [.. prefix, .. name.AsSpan(0, name.Length - 1)], depth + 1);
        }
        for (; i < below.Count; i++)
            Delete(prefix, below[i]);
    }

    private void Compare(FileDescriptor upper, FileDescriptor? lower, byte[] name, byte[] path, int depth)
    {
        if (FileCalls.TryStatus(upper, name, out FileStatus status) != 0)
            return;
        FileStatus? below = lower is not null && FileCalls.TryStatus(lower, name, out FileStatus there) == 0 ? there : null;
        bool changed = below is not { } old || IsChanged(upper, lower!, name, status, old);
        if (!status.IsDirectory)
        {
            if (changed)
                Tell(() => visitor.Present(upper, name, path, status, below));
            return;
        }
        TreeLimits.Check(depth, path);
        // A directory is told of when it or something in it differs: not before that is known.
        int above = _pending.Count;
        _pending.Push(() => visitor.Present(upper, name, path, status, below));
        if (changed)
            Flush();
        using FileDescriptor directory = FileCalls.Open(upper, name, s_openFlags);
        using FileDescriptor? lowerDirectory = below is { IsDirectory: true } ? FileCalls.Open(lower!, name, s_openFlags) : null;
        Below(directory, lowerDirectory, [.. path, (byte)'/'], depth);
        if (_pending.Count > above)
            _pending.Pop();
    }

    private void Delete(byte[] prefix, byte[] name) =>
        Tell(() => visitor.Deleted([.. prefix, .. name.AsSpan(0, name.Length - 1)]));

    private void Tell(Action tell)
    {
        Flush();
        tell();
    }

    private void Flush()
    {
        foreach (Action directory in _pending.Reverse())
            directory();
        _pending.Clear();
    }

    private static bool IsChanged(
        FileDescriptor upper, FileDescriptor lower, byte[] name, FileStatus status, FileStatus old)
    {
        if (status.Mode != old.Mode || status.Uid != old.Uid || status.Gid != old.Gid || status.Modified != old.Modified
            || status.RealMajor != old.RealMajor || status.RealMinor != old.RealMinor
            || (!status.IsDirectory && status.Size != old.Size))
            return true;
        if (status.IsSymbolicLink && !FileCalls.ReadLink(upper, name).AsSpan().SequenceEqual(FileCalls.ReadLink(lower, name)))
            return true;
        return !SameAttributes(upper, lower, name);
    }

    private static bool SameAttributes(FileDescriptor upper, FileDescriptor lower, byte[] name)
    {
        IReadOnlyList<byte[]> names = FileCalls.ListAttributes(upper, name);
        return names.Count == FileCalls.ListAttributes(lower, name).Count && names.All(key =>
            (FileCalls.GetAttribute(upper, name, key) ?? []).AsSpan()
                .SequenceEqual(FileCalls.GetAttribute(lower, name, key) ?? []));
    }
}
