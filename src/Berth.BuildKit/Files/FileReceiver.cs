using Berth.BuildKit.Protocol;
using Berth.Dockerfile.Ignore;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.BuildKit.Files;

/// <summary>
/// Makes the tree that a client tells of: takes packet after packet and says whose contents it wants. What comes is hostile; nothing
/// leaves the root, and nothing is written that was not asked for. Calls come one after the other.
/// </summary>
/// <remarks>fsutil, receive.go. Files are numbered in the order in which they are told.</remarks>
internal sealed class FileReceiver : IDisposable
{
    // The sender has room for 128 requests; each one open here costs a descriptor.
    private const int OpenMax = 64;
    private readonly FileDescriptor _root;
    private readonly FileTarget _target;
    private readonly KeptTree? _kept;
    private readonly IgnoreFile _ignore;
    private readonly ReceiveLimits _limits;
    private readonly PathOrder _order = new();
    private readonly Dictionary<string, ToldFile> _files = new(StringComparer.Ordinal);
    private readonly Queue<ToldFile> _wanted = new();
    private readonly Dictionary<uint, OpenFile> _open = [];
    private readonly List<(byte[] Path, byte[] Existing)> _links = [];
    private uint _number;
    private long _pathBytes;

    /// <param name="root">The directory to fill; stays the caller's.</param>
    /// <param name="ignore">What is not made.</param>
    /// <param name="limits">How much is taken.</param>
    /// <param name="isKept">What is in the directory came from the same client: what is still so is not asked for, the rest goes. Otherwise
    /// it must hold none of the files told.</param>
    public FileReceiver(FileDescriptor root, IgnoreFile ignore, ReceiveLimits limits, bool isKept = false)
    {
        (_root, _target, _ignore, _limits) = (root, new FileTarget(root), ignore, limits);
        _kept = isKept ? new KeptTree(_target) : null;
    }

    /// <summary>Bytes written so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes of the files that are made, whether they were sent or there before.</summary>
    public long TreeBytes { get; private set; }

    /// <summary>All files were told of.</summary>
    public bool IsTold { get; private set; }

    /// <summary>All files were told of, and all contents have arrived.</summary>
    public bool IsComplete => IsTold && _wanted.Count == 0 && _open.Count == 0;

    /// <summary>Takes a packet.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is not what can come now. Unavailable: the disk is full, or the client
    /// says that it failed.</exception>
    public void Accept(Packet packet)
    {
        switch (packet.Type)
        {
            case Packet.Types.PacketType.PacketStat:
                Tell(packet.Stat);
                break;
            case Packet.Types.PacketType.PacketData:
                Write(packet.Id, packet.Data.Span);
                break;
            case Packet.Types.PacketType.PacketErr:
                throw FaultException.Unavailable($"the client cannot send the files: {packet.Data.ToStringUtf8()}");
            case Packet.Types.PacketType.PacketFin when IsComplete:
                break;
            default:
                throw FaultException.Invalid($"the client sent a packet of type {(int)packet.Type} that is out of place");
        }
    }

    /// <summary>The number of the next file whose contents are wanted, whose data may come from now on; false: none at the moment.
    /// </summary>
    public bool TryAsk(out uint number)
    {
        number = 0;
        if (_open.Count >= OpenMax || !_wanted.TryDequeue(out ToldFile? file))
            return false;
        number = file.Number;
        _open.Add(number, new OpenFile(file, _target.Create(file.Path)));
        return true;
    }

    /// <summary>Makes what needs the tree to be complete: further names of files, then times and modes of directories.</summary>
    public void Finish()
    {
        if (_kept is not null)
        {
            using FileDescriptor own = FileCalls.Open(_root, ".\0"u8, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY);
            _kept.RemoveRest(own, []);
        }
        foreach ((byte[] path, byte[] existing) in _links)
            _target.MakeHardLink(path, existing);
        _target.FinishDirectories();
    }

    public void Dispose()
    {
        foreach (OpenFile file in _open.Values)
            file.Descriptor.Dispose();
        _target.Dispose();
    }

    private void Tell(Stat? stat)
    {
        if (IsTold)
            throw FaultException.Invalid("the client tells of a file after it said that there are no more");
        if (stat is null)
        {
            IsTold = true;
            return;
        }
        byte[] path = stat.Path.ToByteArray();
        int mode = GoFileMode.ToKernel(stat.Mode) ?? throw PathOrder.Refuse(path, $"mode {stat.Mode:x} is that of no file");
        _order.Take(path, (mode & FileCalls.S_IFMT) == FileCalls.S_IFDIR);
        _pathBytes += path.Length;
        if (_number >= _limits.EntriesMax || _pathBytes > _limits.PathBytesMax)
            throw FaultException.Invalid($"the client sends more than {_limits.EntriesMax} files, or too long paths: use .dockerignore");
        if (stat.Size < 0)
            throw PathOrder.Refuse(path, $"it has {stat.Size} bytes");
        Make(new ToldFile(_number++, path, mode, stat));
    }

    private void Make(ToldFile file)
    {
        string path = FileCalls.TextOf(file.Path);
        bool isIgnored = !_ignore.IsEmpty && _ignore.IsIgnored(path);
        switch (file.Mode & FileCalls.S_IFMT)
        {
            case FileCalls.S_IFDIR when !isIgnored || !_ignore.CanSkip(path):
                if (!Keeps(file))
                    _target.MakeDirectory(file.Path);
                _target.NoteDirectory(file.Path, file.Mode, file.Modified);
                break;
            case FileCalls.S_IFREG:
                MakeRegular(file, isIgnored);
                break;
            case FileCalls.S_IFLNK when !isIgnored && Keeps(file):
                break;
            case FileCalls.S_IFLNK when !isIgnored:
                _target.MakeSymbolicLink(file.Path, file.Stat.Linkname.ToByteArray(), file.Modified);
                break;
            case FileCalls.S_IFIFO when !isIgnored:
                _kept?.Clear(file.Path);
                _target.MakeFifo(file.Path, file.Mode, file.Modified);
                break;
            case FileCalls.S_IFBLK or FileCalls.S_IFCHR when !isIgnored:
                throw PathOrder.Refuse(file.Path, "devices have no business in a build context");
            default:
                // Sockets mean nothing without their process.
                break;
        }
    }

    private bool Keeps(ToldFile file) => _kept?.Keeps(
        file.Path, file.Mode, file.Stat.Size, file.Modified, file.Stat.Linkname.Span) ?? false;

    private void MakeRegular(ToldFile file, bool isIgnored)
    {
        byte[] link = file.Stat.Linkname.ToByteArray();
        ToldFile? first = null;
        if (link.Length > 0 && !_files.TryGetValue(FileTarget.Key(link), out first))
            throw PathOrder.Refuse(file.Path, $"it is linked to \"{FileCalls.TextOf(link)}\", which is no file told before");
        // A further name of a file whose first name is ignored is the first that is made.
        ToldFile content = first ?? file;
        if (first is null)
            _files.Add(FileTarget.Key(file.Path), file);
        if (isIgnored)
            return;
        if (content.MadeAs is { } made)
        {
            _kept?.Clear(file.Path);
            _links.Add((file.Path, made));
            return;
        }
        content.MadeAs = file.Path;
        Reserve(content);
        TreeBytes += content.Stat.Size;
        if (content == file && Keeps(file))
            return;
        if (content != file)
            _kept?.Clear(file.Path);
        if (content.Stat.Size == 0)
            _target.Close(_target.Create(file.Path), file.Path, content.Mode, content.Modified);
        else
            _wanted.Enqueue(content with { Path = file.Path });
    }

    private void Reserve(ToldFile file)
    {
        if (_limits.BytesMax is { } max && file.Stat.Size > max - Bytes)
            throw PathOrder.Refuse(file.Path, $"{file.Stat.Size} bytes are more than the limit of {max}");
    }

    private void Write(uint number, ReadOnlySpan<byte> data)
    {
        if (!_open.TryGetValue(number, out OpenFile? open))
            throw FaultException.Invalid($"the client sends contents that nobody asked for (file {number})");
        ToldFile file = open.File;
        if (data.Length == 0)
        {
            if (open.Written < file.Stat.Size)
                throw PathOrder.Refuse(file.Path, $"it ended after {open.Written} of {file.Stat.Size} bytes: it changed while it was sent");
            _open.Remove(number);
            _target.Close(open.Descriptor, file.Path, file.Mode, file.Modified);
            return;
        }
        open.Written += data.Length;
        if (open.Written > file.Stat.Size)
            throw PathOrder.Refuse(file.Path, $"it has more than {file.Stat.Size} bytes: it changed while it was sent");
        Bytes += data.Length;
        if (Bytes > _limits.BytesMax)
            throw PathOrder.Refuse(file.Path, $"the files have more than {_limits.BytesMax} bytes");
        FileTarget.Write(open.Descriptor, file.Path, data);
    }

    private sealed record ToldFile(uint Number, byte[] Path, int Mode, Stat Stat)
    {
        /// <summary>The first path that its contents are at; null until one is made.</summary>
        public byte[]? MadeAs { get; set; }

        public FileTime Modified { get; } = new(
            Math.DivRem(Stat.ModTime, 1_000_000_000, out long rest) - (rest < 0 ? 1 : 0), rest < 0 ? rest + 1_000_000_000 : rest);
    }

    private sealed class OpenFile(ToldFile file, FileDescriptor descriptor)
    {
        public ToldFile File => file;

        public FileDescriptor Descriptor => descriptor;

        public long Written { get; set; }
    }
}
