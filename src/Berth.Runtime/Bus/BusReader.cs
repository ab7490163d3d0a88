using System.Buffers.Binary;
using System.Text;
using Berth.Faults;

namespace Berth.Runtime.Bus;

/// <summary>Reads values that were marshalled in little-endian order. What does not fit is refused, never read past.</summary>
/// <remarks>D-Bus specification, "Marshaling".</remarks>
internal ref struct BusReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Where the next value begins, before its alignment.</summary>
    public int Position { get; private set; }

    /// <summary>Everything was read.</summary>
    public readonly bool IsAtEnd => Position >= _bytes.Length;

    /// <summary>Goes to the next multiple.</summary>
    public void Align(int alignment) => Take((alignment - (Position % alignment)) % alignment);

    /// <summary>A number of that many bytes.</summary>
    public ulong Number(int size)
    {
        Align(size);
        Span<byte> all = stackalloc byte[8];
        all.Clear();
        Take(size).CopyTo(all);
        return BinaryPrimitives.ReadUInt64LittleEndian(all);
    }

    /// <summary>A string or an object path.</summary>
    public string Text() => Encoding.UTF8.GetString(Counted((uint)Number(4)));

    /// <summary>A signature.</summary>
    public string Signature() => Encoding.ASCII.GetString(Counted((uint)Number(1)));

    private ReadOnlySpan<byte> Counted(uint length)
    {
        ReadOnlySpan<byte> text = Take(length);
        return Take(1u)[0] == 0 ? text : throw FaultException.Invalid("D-Bus message: a string has no end");
    }

    /// <summary>Any one value.</summary>
    /// <param name="signature">One whole type.</param>
    /// <param name="depth">How deep it is nested.</param>
    /// <exception cref="FaultException">InvalidArgument: the bytes are no such value.</exception>
    public BusValue Value(ReadOnlySpan<char> signature, int depth = 0)
    {
        if (signature.IsEmpty || depth > BusSignature.DepthMax)
            throw FaultException.Invalid("D-Bus message: a value is nested too deep");
        switch (signature[0])
        {
            case 's' or 'o':
                return new BusText(signature[..1].ToString(), Text());
            case 'g':
                return new BusText("g", Signature());
            case 'v':
                string inner = Signature();
                return BusSignature.LengthOfFirst(inner) == inner.Length ? new BusVariant(Value(inner, depth + 1))
                    : throw FaultException.Invalid("D-Bus message: a variant holds other than one value");
            case 'a':
                return ReadArray(signature[1..BusSignature.LengthOfFirst(signature)], depth);
            case '(' or '{':
                return new BusTuple(Fields(signature[1..(BusSignature.LengthOfFirst(signature) - 1)], depth));
            default:
                return new BusNumber(signature[..1].ToString(), Number(BusSignature.SizeOf(signature[0])));
        }
    }

    /// <summary>All values of a body.</summary>
    /// <exception cref="FaultException">InvalidArgument: the bytes are no such values.</exception>
    public List<BusValue> Values(ReadOnlySpan<char> signature)
    {
        List<BusValue> values = [];
        while (!signature.IsEmpty)
        {
            int length = BusSignature.LengthOfFirst(signature);
            values.Add(Value(signature[..length]));
            signature = signature[length..];
        }
        return values;
    }

    private List<BusValue> Fields(ReadOnlySpan<char> signature, int depth)
    {
        Align(8);
        List<BusValue> fields = [];
        while (!signature.IsEmpty)
        {
            int length = BusSignature.LengthOfFirst(signature);
            fields.Add(Value(signature[..length], depth + 1));
            signature = signature[length..];
        }
        return fields;
    }

    private BusArray ReadArray(ReadOnlySpan<char> element, int depth)
    {
        uint length = (uint)Number(4);
        Align(BusSignature.AlignmentOf(element[0]));
        if (length > _bytes.Length - Position)
            throw CutShort();
        int end = Position + (int)length;
        List<BusValue> items = [];
        while (Position < end)
            items.Add(Value(element, depth + 1));
        return Position == end ? new BusArray(element.ToString(), items) : throw CutShort();
    }

    private ReadOnlySpan<byte> Take(int count) => Take((uint)count);

    private ReadOnlySpan<byte> Take(uint count)
    {
        if (count > _bytes.Length - Position)
            throw CutShort();
        ReadOnlySpan<byte> taken = _bytes.Slice(Position, (int)count);
        Position += (int)count;
        return taken;
    }

    private static FaultException CutShort() => FaultException.Invalid("D-Bus message: it is cut short");
}
