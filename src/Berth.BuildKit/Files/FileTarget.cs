using Berth.Faults;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.BuildKit.Files;

/// <summary>Makes files below a directory. Every path is resolved by the kernel beneath it, and no link on the way is followed.</summary>
internal sealed class FileTarget(FileDescriptor root) : IDisposable
{
    private const ulong Beneath = FileCalls.RESOLVE_BENEATH | FileCalls.RESOLVE_NO_SYMLINKS;
    private readonly List<(byte[] Path, int Mode, FileTime Modified)> _directories = [];
    private FileDescriptor? _parent;
    private byte[] _parentPath = [];

    /// <summary>Makes a regular file, open for writing; nobody else may read it before <see cref="Close"/>.</summary>
    public FileDescriptor Create(byte[] path)
    {
        (FileDescriptor parent, byte[] name) = Place(path);
        int error = FileCalls.TryOpen(parent, name, FileCalls.O_WRONLY | FileCalls.O_CREAT | FileCalls.O_EXCL | FileCalls.O_NOFOLLOW,
            0x180, Beneath, out FileDescriptor file);
        if (error == 0)
            return file;
        file.Dispose();
        throw Refusal(error, path);
    }

    /// <summary>Writes at the file's position.</summary>
    public static void Write(FileDescriptor file, byte[] path, ReadOnlySpan<byte> data) => Check(FileCalls.TryWrite(file, data), path);

    /// <summary>Gives a written file its mode and time, and closes it.</summary>
    public void Close(FileDescriptor file, byte[] path, int mode, FileTime modified)
    {
        using (file)
        {
            Check(FileCalls.TrySetMode(file, mode & 0xFFF), path);
            Check(FileCalls.TrySetTimes(file, modified, modified), path);
        }
    }

    public void MakeDirectory(byte[] path)
    {
        (FileDescriptor parent, byte[] name) = Place(path);
        Check(FileCalls.TryMakeDirectory(parent, name, 0x1C0), path);
    }

    /// <summary>Remembers what <see cref="FinishDirectories"/> sets.</summary>
    public void NoteDirectory(byte[] path, int mode, FileTime modified) => _directories.Add((path, mode & 0xFFF, modified));

    /// <summary>What is at a path; null for nothing.</summary>
    public FileStatus? Status(byte[] path)
    {
        (FileDescriptor parent, byte[] name) = Place(path);
        return FileCalls.TryStatus(parent, name, out FileStatus status) == 0 ? status : null;
    }

    /// <summary>The text of a symbolic link.</summary>
    public byte[] ReadLink(byte[] path)
    {
        (FileDescriptor parent, byte[] name) = Place(path);
        return FileCalls.ReadLink(parent, name);
    }

    /// <summary>Removes what is at a path, with all beneath it.</summary>
    public void Remove(byte[] path)
    {
        (FileDescriptor parent, byte[] name) = Place(path);
        TreeRemover.Remove(parent, name);
    }

    /// <summary>A path as a key: bytes one to one, since names need not be UTF-8.</summary>
    public static string Key(byte[] path) => System.Text.Encoding.Latin1.GetString(path);

    public void MakeSymbolicLink(byte[] path, byte[] target, FileTime modified)
    {
        if (target.Length is 0 or > 4095 || target.Contains((byte)0))
            throw PathOrder.Refuse(path, "the symbolic link's text cannot be one");
        (FileDescriptor parent, byte[] name) = Place(path);
        Check(FileCalls.TrySymbolicLink([.. target, 0], parent, name), path);
        Check(FileCalls.TrySetTimes(parent, name, modified, modified), path);
    }

    public void MakeFifo(byte[] path, int mode, FileTime modified)
    {
        (FileDescriptor parent, byte[] name) = Place(path);
        Check(FileCalls.TryMakeNode(parent, name, FileCalls.S_IFIFO | 0x180, 0, 0), path);
        Check(FileCalls.TrySetMode(parent, name, mode & 0xFFF), path);
        Check(FileCalls.TrySetTimes(parent, name, modified, modified), path);
    }

    /// <summary>Gives a file that was made here another name.</summary>
    public void MakeHardLink(byte[] path, byte[] existing)
    {
        int slash = existing.AsSpan().LastIndexOf((byte)'/');
        using FileDescriptor from = Open(existing.AsSpan(0, Math.Max(slash, 0)), existing);
        (FileDescriptor parent, byte[] name) = Place(path);
        Check(FileCalls.TryLink(from, [.. existing.AsSpan(slash + 1), 0], parent, name), path);
    }

    /// <summary>Modes and times of directories, which making files in them needs or changes.</summary>
    public void FinishDirectories()
    {
        for (int i = _directories.Count - 1; i >= 0; i--)
        {
            (byte[] path, int mode, FileTime modified) = _directories[i];
            using FileDescriptor directory = Open(path, path);
            Check(FileCalls.TrySetMode(directory, mode), path);
            Check(FileCalls.TrySetTimes(directory, modified, modified), path);
        }
    }

    public void Dispose() => _parent?.Dispose();

    // Files come directory by directory: the last one's descriptor usually serves the next.
    private (FileDescriptor Parent, byte[] Name) Place(byte[] path)
    {
        int slash = path.AsSpan().LastIndexOf((byte)'/');
        byte[] name = [.. path.AsSpan(slash + 1), 0];
        if (slash < 0)
            return (root, name);
        ReadOnlySpan<byte> directory = path.AsSpan(0, slash);
        if (_parent is null || !directory.SequenceEqual(_parentPath))
        {
            _parent?.Dispose();
            _parent = null;
            _parent = Open(directory, path);
            _parentPath = directory.ToArray();
        }
        return (_parent, name);
    }

    private FileDescriptor Open(ReadOnlySpan<byte> directory, byte[] path)
    {
        byte[] name = directory.IsEmpty ? ".\0"u8.ToArray() : [.. directory, 0];
        int error = FileCalls.TryOpen(root, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY, 0, Beneath, out FileDescriptor opened);
        if (error == 0)
            return opened;
        opened.Dispose();
        throw Refusal(error, path);
    }

    private static void Check(int error, byte[] path)
    {
        if (error != 0)
            throw Refusal(error, path);
    }

    private static FaultException Refusal(int error, byte[] path)
    {
        string name = FileCalls.TextOf(path);
        LinuxException cause = new("write", name, error);
        return error switch
        {
            Errno.ENOSPC or Errno.EDQUOT =>
                FaultException.Unavailable($"receive \"{name}\": no space left on device: free some space and try again", cause),
            Errno.EEXIST or Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP or Errno.EXDEV or Errno.EINVAL or Errno.EMLINK
                or Errno.ENAMETOOLONG or Errno.EFBIG => FaultException.Invalid($"receive {cause.Message}", cause),
            _ => FaultException.Internal($"receive {cause.Message}", cause),
        };
    }
}
