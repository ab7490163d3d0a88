using System.Buffers.Binary;
using System.Text;
using static Berth.Linux.NetlinkConstants;

namespace Berth.Linux;

/// <summary>Walks the attributes of a message that the kernel sent.</summary>
public ref struct NetlinkAttributes(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The attribute's type without its flags, after <see cref="MoveNext"/>.</summary>
    public int Type { get; private set; }

    /// <summary>The attribute's bytes, after <see cref="MoveNext"/>.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>The value as 32 bits in the machine's order; 0 when it is shorter.</summary>
    public readonly int Number => Value.Length >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(Value) : 0;

    /// <summary>The value as 32 bits in network order; 0 when it is shorter.</summary>
    public readonly int NetworkNumber => Value.Length >= 4 ? BinaryPrimitives.ReadInt32BigEndian(Value) : 0;

    /// <summary>The value as text without its terminating zero.</summary>
    public readonly string Text => Encoding.UTF8.GetString(Value.TrimEnd((byte)0));

    /// <summary>The first attribute of a type; empty when there is none.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> bytes, int type)
    {
        NetlinkAttributes attributes = new(bytes);
        while (attributes.MoveNext())
        {
            if (attributes.Type == type)
                return attributes.Value;
        }
        return default;
    }

    /// <summary>Goes to the next attribute; false at the end and before anything that does not fit.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < NetlinkMessages.AttributeHeaderSize)
            return false;
        int length = BinaryPrimitives.ReadUInt16LittleEndian(_rest);
        if (length < NetlinkMessages.AttributeHeaderSize || length > _rest.Length)
            return false;
        // The two highest bits say nested and network order.
        Type = BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]) & ~(NLA_F_NESTED | (NLA_F_NESTED >> 1));
        Value = _rest[NetlinkMessages.AttributeHeaderSize..length];
        _rest = _rest[Math.Min((length + 3) & ~3, _rest.Length)..];
        return true;
    }
}
