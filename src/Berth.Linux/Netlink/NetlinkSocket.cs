using System.Buffers.Binary;
using System.Runtime.InteropServices;
using static Berth.Linux.NetlinkConstants;

namespace Berth.Linux;

/// <summary>A conversation with one netlink family, in the network namespace of the thread that opened it.</summary>
/// <remarks>netlink(7). The kernel works while a message is being sent and has answered when the call returns. One conversation at
/// a time: calls exclude each other.</remarks>
public sealed unsafe partial class NetlinkSocket : IDisposable
{
    private const int AF_NETLINK = 16;
    private const int SOCK_RAW = 3;
    private const int SOCK_CLOEXEC = 0x80000;
    private readonly Lock _gate = new();
    private readonly FileDescriptor _socket;
    private readonly byte[] _answer = new byte[65536];  // Guarded by _gate.
    private uint _sequence;  // Guarded by _gate.

    private NetlinkSocket(FileDescriptor socket) => _socket = socket;

    /// <summary>What is done with each message of a dump: its type and what follows its header.</summary>
    public delegate void MessageVisitor(int type, ReadOnlySpan<byte> body);

    /// <summary>Opens a conversation.</summary>
    /// <param name="protocol"><see cref="NETLINK_ROUTE"/> or <see cref="NETLINK_NETFILTER"/>.</param>
    /// <exception cref="LinuxException">EMFILE. EPROTONOSUPPORT: the kernel has no such family.</exception>
    public static NetlinkSocket Open(int protocol)
    {
        int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
        return descriptor < 0
            ? throw LinuxException.FromLastError("socket", $"netlink {protocol}")
            : new NetlinkSocket(new FileDescriptor(descriptor));
    }

    /// <summary>Sends messages that each ask for an acknowledgement and waits for all of them.</summary>
    /// <param name="messages">The messages; each has <see cref="NLM_F_ACK"/>.</param>
    /// <param name="what">Names the object in the exception.</param>
    /// <exception cref="LinuxException">The first refusal; messages after the refused one were still tried.</exception>
    public void Execute(NetlinkMessages messages, string what)
    {
        lock (_gate)
        {
            (uint first, _) = Send(messages, what);
            int waiting = messages.Count;
            int refused = 0;
            while (waiting > 0)
            {
                ReadOnlySpan<byte> rest = Receive(what);
                while (TryNext(ref rest, out int type, out uint sequence, out ReadOnlySpan<byte> body))
                {
                    if (type != NLMSG_ERROR || sequence - first >= (uint)messages.Count)
                        continue;
                    waiting--;
                    if (refused == 0)
                        refused = -BinaryPrimitives.ReadInt32LittleEndian(body);
                }
            }
            if (refused != 0)
                throw new LinuxException("netlink", what, refused);
        }
    }

    /// <summary>
    /// Sends a transaction, of which only the last message but one (the last before the end marker) asks for an acknowledgement.
    /// </summary>
    /// <exception cref="LinuxException">The first refusal; then nothing of the transaction was done.</exception>
    public void ExecuteBatch(NetlinkMessages messages, string what)
    {
        lock (_gate)
        {
            (uint first, uint last) = Send(messages, what);
            int refused = 0;
            while (true)
            {
                ReadOnlySpan<byte> rest = Receive(what);
                while (TryNext(ref rest, out int type, out uint sequence, out ReadOnlySpan<byte> body))
                {
                    if (type != NLMSG_ERROR || sequence - first >= (uint)messages.Count)
                        continue;
                    int error = -BinaryPrimitives.ReadInt32LittleEndian(body);
                    refused = refused == 0 ? error : refused;
                    // The begin marker answers alone when the transaction as a whole was refused.
                    if (sequence != last - 1 && sequence != first)
                        continue;
                    if (refused != 0)
                        throw new LinuxException("netlink", what, refused);
                    return;
                }
            }
        }
    }

    /// <summary>Sends one request and shows its answers: all of a dump, or the one of a single request.</summary>
    /// <exception cref="LinuxException">The kernel refused, ENOENT or ENODEV: no such object.</exception>
    public void Query(NetlinkMessages request, string what, bool isDump, MessageVisitor visit)
    {
        lock (_gate)
        {
            (uint first, _) = Send(request, what);
            while (true)
            {
                ReadOnlySpan<byte> rest = Receive(what);
                while (TryNext(ref rest, out int type, out uint sequence, out ReadOnlySpan<byte> body))
                {
                    if (sequence != first)
                        continue;
                    if (type == NLMSG_DONE)
                        return;
                    if (type == NLMSG_ERROR)
                    {
                        int error = -BinaryPrimitives.ReadInt32LittleEndian(body);
                        throw new LinuxException("netlink", what, error);
                    }
                    visit(type, body);
                    if (!isDump)
                        return;
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static bool TryNext(
        ref ReadOnlySpan<byte> rest, out int type, out uint sequence, out ReadOnlySpan<byte> body)
    {
        type = 0;
        sequence = 0;
        body = default;
        if (rest.Length < NetlinkMessages.HeaderSize)
            return false;
        int length = BinaryPrimitives.ReadInt32LittleEndian(rest);
        if (length < NetlinkMessages.HeaderSize || length > rest.Length)
            return false;
        type = BinaryPrimitives.ReadUInt16LittleEndian(rest[4..]);
        sequence = BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]);
        body = rest[NetlinkMessages.HeaderSize..length];
        rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        return true;
    }

    private (uint First, uint Last) Send(NetlinkMessages messages, string what)
    {
        Span<byte> bytes = messages.Finish();
        uint first = _sequence + 1;
        for (int offset = 0; offset < bytes.Length;)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(offset + 8)..], ++_sequence);
            offset += (BinaryPrimitives.ReadInt32LittleEndian(bytes[offset..]) + 3) & ~3;
        }
        nint sent;
        fixed (byte* start = bytes)
        {
            do
                sent = send(_socket, start, bytes.Length, 0);
            while (sent < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        }
        return sent < 0 ? throw LinuxException.FromLastError("send", what) : (first, _sequence);
    }

    private ReadOnlySpan<byte> Receive(string what)
    {
        nint received;
        fixed (byte* start = _answer)
        {
            do
                received = recv(_socket, start, _answer.Length, 0);
            while (received < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        }
        return received < 0
            ? throw LinuxException.FromLastError("recv", what)
            : _answer.AsSpan(0, (int)received);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(FileDescriptor socket, byte* bytes, nint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(FileDescriptor socket, byte* bytes, nint count, int flags);
}
