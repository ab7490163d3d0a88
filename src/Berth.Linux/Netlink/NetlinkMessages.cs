using System.Buffers.Binary;
using System.Text;
using static Berth.Linux.NetlinkConstants;

namespace Berth.Linux;

/// <summary>Writes netlink messages one behind the other into one buffer, to be sent in one call.</summary>
/// <remarks>netlink(7). Numbers are in the machine's order unless the method says otherwise; attributes are padded to four bytes.</remarks>
public sealed class NetlinkMessages
{
    /// <summary>Size of <c>struct nlmsghdr</c>.</summary>
    public const int HeaderSize = 16;

    /// <summary>Size of <c>struct nlattr</c>.</summary>
    public const int AttributeHeaderSize = 4;

    private readonly Stack<int> _nested = new();
    private byte[] _buffer = new byte[2048];
    private int _length;
    private int _message = -1;

    /// <summary>How many messages there are.</summary>
    public int Count { get; private set; }

    /// <summary>All messages; each has its length, none its sequence number, which the socket gives.</summary>
    internal Span<byte> Finish()
    {
        EndMessage();
        return _buffer.AsSpan(0, _length);
    }

    /// <summary>Starts a message.</summary>
    public NetlinkMessages Begin(int type, int flags)
    {
        EndMessage();
        _message = _length;
        Count++;
        Span<byte> header = Take(HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], (ushort)type);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], (ushort)(flags | NLM_F_REQUEST));
        return this;
    }

    /// <summary>Appends bytes as they are: a family's own fixed header, whose size is a multiple of four.</summary>
    public NetlinkMessages Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Take(bytes.Length));
        return this;
    }

    /// <summary>Appends <c>struct ifinfomsg</c>.</summary>
    public NetlinkMessages LinkHeader(int index, int flags, int change)
    {
        Span<byte> header = Take(RouteSocket.LinkHeaderSize);
        BinaryPrimitives.WriteInt32LittleEndian(header[RouteSocket.LinkIndexOffset..], index);
        BinaryPrimitives.WriteInt32LittleEndian(header[RouteSocket.LinkFlagsOffset..], flags);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], change);
        return this;
    }

    /// <summary>Appends an attribute of bytes.</summary>
    public NetlinkMessages Attribute(int type, ReadOnlySpan<byte> value)
    {
        Span<byte> room = Take(AttributeHeaderSize + ((value.Length + 3) & ~3));
        BinaryPrimitives.WriteUInt16LittleEndian(room, (ushort)(AttributeHeaderSize + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(room[2..], (ushort)type);
        value.CopyTo(room[AttributeHeaderSize..]);
        return this;
    }

    /// <summary>Appends an attribute of text with its terminating zero.</summary>
    public NetlinkMessages Text(int type, string value) => Attribute(type, Encoding.UTF8.GetBytes(value + '\0'));

    /// <summary>Appends an attribute of 32 bits in the machine's order, as rtnetlink wants it.</summary>
    public NetlinkMessages Number(int type, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return Attribute(type, bytes);
    }

    /// <summary>Appends an attribute of 32 bits in network order, as nftables wants it.</summary>
    public NetlinkMessages NetworkNumber(int type, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return Attribute(type, bytes);
    }

    /// <summary>Opens an attribute that contains attributes.</summary>
    public NetlinkMessages Nest(int type)
    {
        _nested.Push(_length);
        BinaryPrimitives.WriteUInt16LittleEndian(Take(AttributeHeaderSize)[2..], (ushort)(type | NLA_F_NESTED));
        return this;
    }

    /// <summary>Closes the attribute opened last.</summary>
    public NetlinkMessages EndNest()
    {
        int start = _nested.Pop();
        int length = _length - start;
        if (length > ushort.MaxValue)
            throw new InvalidOperationException("a nested netlink attribute is longer than 65535 bytes");
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(start), (ushort)length);
        return this;
    }

    private void EndMessage()
    {
        if (_nested.Count != 0)
            throw new InvalidOperationException("a nested netlink attribute is still open");
        if (_message >= 0)
            BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_message), _length - _message);
        _message = -1;
    }

    private Span<byte> Take(int count)
    {
        if (_length + count > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + count));
        Span<byte> room = _buffer.AsSpan(_length, count);
        room.Clear();
        _length += count;
        return room;
    }
}
