using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;

namespace Berth.Layers.Trees;

/// <summary>Puts an archive's entries below a root, each by descriptors and without following a link at its end.</summary>
/// <remarks>Runs on a thread whose umask is 0: modes arrive as they are given.</remarks>
internal sealed class EntryWriter : IDisposable
{
    private const int SetIdBits = 0xC00;
    private readonly FileDescriptor _root;
    private readonly ExtractOptions _options;
    private readonly DirectoryCache _directories;
    private readonly Whiteouts _whiteouts;
    private readonly List<(EntryPath Path, FileTime Modified)> _directoryTimes = [];
    private readonly bool _ownsAsRoot;

    public EntryWriter(FileDescriptor root, ExtractOptions options)
    {
        (_root, _options) = (root, options);
        _ownsAsRoot = Environment.IsPrivilegedProcess && options.View is null;
        _directories = new DirectoryCache(root);
        _whiteouts = new Whiteouts(options.Whiteouts, _directories);
    }

    /// <summary>Bytes of regular files written so far.</summary>
    public long Bytes { get; private set; }

    /// <exception cref="LinuxException">The kernel's refusal.</exception>
    /// <exception cref="InvalidDataException">The entry is refused.</exception>
    public void Write(TarEntry entry, TarReader reader)
    {
        CheckAttributes(entry);
        EntryPath path = EntryPath.Clean(entry.Path);
        if (path.IsRoot)
        {
            if (entry.Type != TarEntryType.Directory)
                throw new InvalidDataException("the root is a directory");
            ApplyToDirectory(path, entry, _root, ".\0"u8);
            return;
        }
        if (_whiteouts.TryTake(path))
            return;
        DirectoryCache.Entry parent = _directories.Open(path.Parent);
        switch (entry.Type)
        {
            case TarEntryType.Directory:
                WriteDirectory(path, entry, parent);
                break;
            case TarEntryType.RegularFile:
                WriteFile(path, entry, reader, parent);
                break;
            default:
                WriteOther(path, entry, parent);
                break;
        }
        _whiteouts.Unpacked(path);
    }

    /// <summary>Sets the directories' times, which writing into them has changed.</summary>
    public void Finish()
    {
        foreach ((EntryPath path, FileTime modified) in _directoryTimes)
        {
            // A later entry or whiteout may have replaced it.
            if (_directories.TryOpenExisting(path.Parent, out FileDescriptor parent) == 0)
            {
                ReadOnlySpan<byte> name = path.IsRoot ? ".\0"u8 : path.Name;
                if (FileCalls.TryStatus(parent, name, out FileStatus status) == 0 && status.IsDirectory)
                    FileCalls.TrySetTimes(parent, name, modified, modified);
            }
            parent.Dispose();
        }
    }

    public void Dispose() => _directories.Dispose();

    private void WriteDirectory(EntryPath path, TarEntry entry, DirectoryCache.Entry parent)
    {
        int error = FileCalls.TryMakeDirectory(parent.Directory, path.Name, entry.Mode);
        if (error == Errno.EEXIST)
        {
            FileStatus there = FileCalls.Status(parent.Directory, path.Name);
            if (!there.IsDirectory)
            {
                Replace(path, there, parent.Directory, byDirectory: true);
                parent = _directories.Open(path.Parent);
                Check(FileCalls.TryMakeDirectory(parent.Directory, path.Name, entry.Mode), "mkdirat", path);
                if (there.IsOverlayWhiteout && _options.Whiteouts == WhiteoutMode.Overlay)
                    Whiteouts.MakeOpaque(parent.Directory, path.Name);
            }
        }
        else
        {
            Check(error, "mkdirat", path);
        }
        ApplyToDirectory(path, entry, parent.Directory, path.Name);
    }

    private void ApplyToDirectory(EntryPath path, TarEntry entry, FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        using FileDescriptor directory = FileCalls.Open(
            parent, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW);
        SetOwner(directory, entry, path, always: true);
        Check(FileCalls.TrySetMode(directory, entry.Mode), "fchmod", path);
        SetAttributes(directory, entry, path);
        _directoryTimes.Add((path, entry.Modified));
        if ((entry.Mode & SetIdBits) != 0)
            _directories.Clear(); // What is remembered of its set-group bit.
    }

    private void WriteFile(EntryPath path, TarEntry entry, TarReader reader, DirectoryCache.Entry parent)
    {
        int flags = FileCalls.O_WRONLY | FileCalls.O_CREAT | FileCalls.O_EXCL | FileCalls.O_NOFOLLOW;
        int error = FileCalls.TryOpen(parent.Directory, path.Name, flags, entry.Mode & 0x1FF, 0, out FileDescriptor file);
        if (error == Errno.EEXIST)
        {
            Replace(path, FileCalls.Status(parent.Directory, path.Name), parent.Directory, byDirectory: false);
            parent = _directories.Open(path.Parent);
            error = FileCalls.TryOpen(parent.Directory, path.Name, flags, entry.Mode & 0x1FF, 0, out file);
        }
        using (file)
        {
            Check(error, "openat2", path);
            WriteData(path, entry, reader, file);
            SetOwner(file, entry, path, always: parent.SetsGroup);
            if ((entry.Mode & ~0x1FF) != 0)
                Check(FileCalls.TrySetMode(file, entry.Mode), "fchmod", path);
            SetAttributes(file, entry, path);
            Check(FileCalls.TrySetTimes(file, entry.Modified, entry.Modified), "utimensat", path);
        }
    }

    private void WriteData(EntryPath path, TarEntry entry, TarReader reader, FileDescriptor file)
    {
        bool sparse = entry.Regions is not null;
        while (reader.TryReadData(out long offset, out ReadOnlySpan<byte> data))
        {
            Bytes += data.Length;
            if (Bytes > _options.WrittenBytesMax)
                throw new InvalidDataException($"the files have more than {_options.WrittenBytesMax} bytes");
            int error = sparse ? FileCalls.TryWriteAt(file, data, offset) : FileCalls.TryWrite(file, data);
            Check(error, "write", path);
        }
        if (sparse)
            Check(FileCalls.TrySetLength(file, entry.Size), "ftruncate", path);
    }

    private void WriteOther(EntryPath path, TarEntry entry, DirectoryCache.Entry parent)
    {
        // Only the machine's root makes devices: whoever is root in a namespace of his own has the image without them.
        if (entry.Type is TarEntryType.CharacterDevice or TarEntryType.BlockDevice && _options.AllowDevices && !UserNamespace.IsInitial)
            return;
        int error = TryMake(path, entry, parent.Directory);
        if (error == Errno.EEXIST)
        {
            Replace(path, FileCalls.Status(parent.Directory, path.Name), parent.Directory, byDirectory: false);
            parent = _directories.Open(path.Parent);
            error = TryMake(path, entry, parent.Directory);
        }
        Check(error, "make", path);
        if (entry.Type == TarEntryType.HardLink)
            return;
        (uint uid, uint gid) = Owner(entry);
        if (_options.KeepOwners && (uid != 0 || gid != 0 || !_ownsAsRoot || parent.SetsGroup))
            CheckOwner(FileCalls.TrySetOwner(parent.Directory, path.Name, uid, gid), "fchownat", path, uid, gid);
        if (entry.Type != TarEntryType.SymbolicLink && (entry.Mode & ~0x1FF) != 0)
            Check(FileCalls.TrySetMode(parent.Directory, path.Name, entry.Mode), "fchmodat", path);
        foreach (TarAttribute attribute in entry.Attributes)
        {
            if (OverlayNames.IsImageAttribute(attribute.Name))
                CheckAttribute(FileCalls.TrySetAttribute(
                    parent.Directory, path.Name, [.. attribute.Name, 0], attribute.Value), attribute, path);
        }
        Check(FileCalls.TrySetTimes(parent.Directory, path.Name, entry.Modified, entry.Modified), "utimensat", path);
    }

    private int TryMake(EntryPath path, TarEntry entry, FileDescriptor parent)
    {
        switch (entry.Type)
        {
            case TarEntryType.SymbolicLink:
                return entry.LinkTarget.Length == 0
                    ? throw new InvalidDataException("the symbolic link points nowhere")
                    : FileCalls.TrySymbolicLink([.. entry.LinkTarget, 0], parent, path.Name);
            case TarEntryType.HardLink:
                return TryLink(path, entry, parent);
            case TarEntryType.Fifo:
                return FileCalls.TryMakeNode(parent, path.Name, FileCalls.S_IFIFO | entry.Mode, 0, 0);
            default:
                if (!_options.AllowDevices)
                    throw new InvalidDataException("device nodes are not allowed here");
                if (_options.Whiteouts == WhiteoutMode.Overlay && entry is { DeviceMajor: 0, DeviceMinor: 0 })
                    throw new InvalidDataException("device 0:0 is overlayfs' whiteout and not allowed in an archive");
                int type = entry.Type == TarEntryType.BlockDevice ? FileCalls.S_IFBLK : FileCalls.S_IFCHR;
                return FileCalls.TryMakeNode(parent, path.Name, type | entry.Mode, entry.DeviceMajor, entry.DeviceMinor);
        }
    }

    private int TryLink(EntryPath path, TarEntry entry, FileDescriptor parent)
    {
        EntryPath target = EntryPath.Clean(entry.LinkTarget);
        if (target.IsRoot)
            throw new InvalidDataException("the hard link points to the root");
        if (target.Whole.SequenceEqual(path.Whole))
            throw new InvalidDataException("the hard link points to itself");
        // Own descriptors instead of the cache's: opening the target's directory must not close the other one.
        int error = _directories.TryOpenExisting(target.Parent, out FileDescriptor directory);
        using (directory)
        {
            if (error == 0 && FileCalls.TryStatus(directory, target.Name, out FileStatus status) is var missing)
            {
                if (missing == 0 && status.IsOverlayWhiteout && _options.Whiteouts == WhiteoutMode.Overlay)
                    throw new InvalidDataException("the hard link points to a whiteout");
                error = missing != 0 ? missing : FileCalls.TryLink(directory, target.Name, parent, path.Name);
            }
        }
        return error is Errno.ENOENT or Errno.ENOTDIR
            ? throw new InvalidDataException($"the hard link's target \"{entry.LinkTargetText}\" is not in this archive's tree")
            : error;
    }

    private void Replace(EntryPath path, FileStatus there, FileDescriptor parent, bool byDirectory)
    {
        if (_options.NoOverwriteDirNonDir && there.IsDirectory != byDirectory)
        {
            throw new FaultException(FaultKind.InvalidArgument, byDirectory
                ? $"cannot overwrite non-directory \"{path}\" with directory \"{path}\""
                : $"cannot overwrite directory \"{path}\" with non-directory \"{path}\"");
        }
        TreeRemover.Remove(parent, path.Name);
        _directories.Clear();
    }

    private void SetOwner(FileDescriptor file, TarEntry entry, EntryPath path, bool always)
    {
        (uint uid, uint gid) = Owner(entry);
        if (_options.KeepOwners && (always || uid != 0 || gid != 0 || !_ownsAsRoot))
            CheckOwner(FileCalls.TrySetOwner(file, uid, gid), "fchown", path, uid, gid);
    }

    private (uint Uid, uint Gid) Owner(TarEntry entry)
    {
        (uint uid, uint gid) = _options.MapOwner is { } map ? map(entry.Uid, entry.Gid) : (entry.Uid, entry.Gid);
        return _options.View is { } view ? view.Outside(uid, gid) : (uid, gid);
    }

    private byte[] ValueOf(TarAttribute attribute) =>
        _options.View is { } view && attribute.Name.AsSpan().SequenceEqual(FileCapabilities.Name)
            ? FileCapabilities.For(attribute.Value, view.RootUser) : attribute.Value;

    private void SetAttributes(FileDescriptor file, TarEntry entry, EntryPath path)
    {
        foreach (TarAttribute attribute in entry.Attributes)
        {
            if (OverlayNames.IsImageAttribute(attribute.Name))
                CheckAttribute(FileCalls.TrySetAttribute(file, [.. attribute.Name, 0], ValueOf(attribute)), attribute, path);
        }
    }

    // A file system without the user's attributes or access lists (tmpfs before 6.6) loses them; file capabilities must not be lost.
    private static void CheckAttribute(int error, TarAttribute attribute, EntryPath path)
    {
        if (error == Errno.EOPNOTSUPP && !attribute.Name.AsSpan().SequenceEqual("security.capability"u8))
            return;
        if (error == Errno.EPERM && attribute.Name.AsSpan().StartsWith("user."u8))
            return; // Links and special files have none of the user's attributes.
        Check(error, "setxattr", path);
    }

    private static void CheckAttributes(TarEntry entry)
    {
        foreach (TarAttribute attribute in entry.Attributes)
        {
            if (OverlayNames.IsOverlayAttribute(attribute.Name))
                throw new InvalidDataException($"attribute {FileCalls.TextOf(attribute.Name)} would steer overlayfs");
        }
    }

    private static void CheckOwner(int error, string call, EntryPath path, uint uid, uint gid)
    {
        if (error == Errno.EINVAL && !UserNamespace.IsInitial)
            throw new InvalidDataException($"{path} belongs to {uid}:{gid}, and the engine's user has no such IDs: give it more in "
                + "/etc/subuid and /etc/subgid (usermod --add-subuids, --add-subgids), and start the engine anew");
        Check(error, call, path);
    }

    private static void Check(int error, string call, EntryPath path)
    {
        if (error != 0)
            throw new LinuxException(call, path.ToString(), error);
    }
}
