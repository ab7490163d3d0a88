using System.Threading.Channels;
using Berth.BuildKit.Protocol;
using Berth.BuildKit.Sessions;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Google.Protobuf;
using Grpc.Core;

namespace Berth.BuildKit.Files;

/// <summary>Sends a tree to a client: tells of every file, then sends the contents that are asked for.</summary>
/// <remarks>fsutil, send.go.</remarks>
internal sealed class SendTree(FileDescriptor root, IClientStreamWriter<Packet> packets, Action<long> report)
{
    private const int DataBytes = 32 * 1024;
    private const int DepthMax = 400;
    private readonly Dictionary<uint, byte[]> _regular = [];
    private readonly Dictionary<(ulong Device, ulong Inode), byte[]> _firstNames = [];
    private readonly Channel<Packet> _answers = Channel.CreateUnbounded<Packet>();
    private RpcException? _ended;
    private uint _number;
    private long _bytes;

    /// <summary>Sends it, and returns when the client has all it asked for.</summary>
    /// <exception cref="FaultException">Unavailable: the client is gone or cannot take the files.</exception>
    public static async Task RunAsync(
        ClientSession session, FileDescriptor root, Action<long> report, CancellationToken cancellationToken)
    {
        if (!session.Offers(SessionMethods.TakeTree))
            throw FaultException.Invalid("session: the client takes no files: is there a dest for the output?");
        AsyncDuplexStreamingCall<Packet, Packet> call = session.Calls.AsyncDuplexStreamingCall(
            SessionMethods.TakeTree, null, new CallOptions(cancellationToken: cancellationToken));
        SendTree sending = new(root, call.RequestStream, report);
        Task reading = sending.ReadAsync(call.ResponseStream, cancellationToken);
        try
        {
            // The root of several layers cannot be read itself, only what is opened beneath it.
            using FileDescriptor own = FileCalls.Open(root, ".\0"u8, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY);
            await sending.TellAsync(own, [], 0, cancellationToken).ConfigureAwait(false);
            await call.RequestStream.WriteAsync(
                new Packet { Type = Packet.Types.PacketType.PacketStat }, cancellationToken).ConfigureAwait(false);
            await sending.AnswerAsync(cancellationToken).ConfigureAwait(false);
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(false);
        }
        catch (RpcException refused)
        {
            await reading.ConfigureAwait(false);
            throw ClientSession.Explain(sending._ended ?? refused, "take files", cancellationToken);
        }
        finally
        {
            call.Dispose();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Requests wait until all is told; there is at most one for each file.
    private async Task ReadAsync(IAsyncStreamReader<Packet> requests, CancellationToken cancellationToken)
    {
        try
        {
            while (await requests.MoveNext(cancellationToken).ConfigureAwait(false))
                _answers.Writer.TryWrite(requests.Current);
        }
        catch (RpcException refused)
        {
            _ended = refused;
        }
        _answers.Writer.TryComplete(_ended);
    }

    private async Task TellAsync(FileDescriptor directory, byte[] path, int depth, CancellationToken cancellationToken)
    {
        if (depth > DepthMax)
            throw FaultException.Invalid($"{FileCalls.TextOf(path)}: directories deeper than {DepthMax} levels");
        foreach (byte[] name in FileCalls.ListNames(directory))
        {
            if (FileCalls.TryStatus(directory, name, out FileStatus status) != 0 || status.Type == FileCalls.S_IFSOCK
                || status.IsOverlayWhiteout)
                continue;
            byte[] child = [.. path, .. path.Length > 0 ? "/"u8 : [], .. name.AsSpan(0, name.Length - 1)];
            Packet told = new() { Type = Packet.Types.PacketType.PacketStat, Stat = Describe(directory, name, child, status) };
            if (status.IsRegular)
                _regular.Add(_number, child);
            _number++;
            await packets.WriteAsync(told, cancellationToken).ConfigureAwait(false);
            if (!status.IsDirectory)
                continue;
            using FileDescriptor entered = FileCalls.Open(
                directory, name, FileCalls.O_RDONLY | FileCalls.O_DIRECTORY | FileCalls.O_NOFOLLOW);
            await TellAsync(entered, child, depth + 1, cancellationToken).ConfigureAwait(false);
        }
    }

    private Stat Describe(FileDescriptor directory, byte[] name, byte[] path, FileStatus status)
    {
        Stat stat = new()
        {
            Path = ByteString.CopyFrom(path), Mode = GoFileMode.FromKernel(status), Uid = status.Uid, Gid = status.Gid,
            Size = status.IsRegular ? status.Size : 0, ModTime = (status.Modified.Seconds * 1_000_000_000) + status.Modified.Nanoseconds,
            DevMajor = status.RealMajor, DevMinor = status.RealMinor,
        };
        if (status.IsSymbolicLink)
            stat.Linkname = ByteString.CopyFrom(FileCalls.ReadLink(directory, name));
        else if (status.IsRegular && status.Links > 1 && !_firstNames.TryAdd((status.Device, status.Inode), path))
            (stat.Linkname, stat.Size) = (ByteString.CopyFrom(_firstNames[(status.Device, status.Inode)]), 0);
        return stat;
    }

    private async Task AnswerAsync(CancellationToken cancellationToken)
    {
        await foreach (Packet asked in _answers.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            switch (asked.Type)
            {
                case Packet.Types.PacketType.PacketReq:
                    await SendFileAsync(asked.Id, cancellationToken).ConfigureAwait(false);
                    break;
                case Packet.Types.PacketType.PacketFin:
                    await packets.WriteAsync(
                        new Packet { Type = Packet.Types.PacketType.PacketFin }, cancellationToken).ConfigureAwait(false);
                    return;
                case Packet.Types.PacketType.PacketErr:
                    throw FaultException.Unavailable($"the client cannot take the files: {asked.Data.ToStringUtf8()}");
                default:
                    throw FaultException.Invalid($"the client sent a packet of type {(int)asked.Type} that is out of place");
            }
        }
        throw FaultException.Unavailable("the client stopped taking files in the middle");
    }

    private async Task SendFileAsync(uint number, CancellationToken cancellationToken)
    {
        if (!_regular.Remove(number, out byte[]? path))
            throw FaultException.Invalid($"the client asks for file {number}, which is none or was sent before");
        int error = FileCalls.TryOpen(root, [.. path, 0], FileCalls.O_RDONLY | FileCalls.O_NOFOLLOW | FileCalls.O_NONBLOCK, 0,
            FileCalls.RESOLVE_BENEATH | FileCalls.RESOLVE_NO_SYMLINKS, out FileDescriptor file);
        using (file)
        {
            if (error != 0)
                throw new LinuxException("openat2", FileCalls.TextOf(path), error);
            byte[] buffer = new byte[DataBytes];
            int count;
            do
            {
                count = FileCalls.Read(file, buffer);
                // The last packet of a file is an empty one.
                await packets.WriteAsync(
                    new Packet { Type = Packet.Types.PacketType.PacketData, Id = number, Data = ByteString.CopyFrom(buffer, 0, count) },
                    cancellationToken).ConfigureAwait(false);
                _bytes += count;
            }
            while (count > 0);
            report(_bytes);
        }
    }
}
