using System.Buffers.Binary;
using System.Text;

namespace Berth.Runtime.Bus;

/// <summary>Writes values in little-endian order, each at a multiple of its alignment.</summary>
/// <remarks>D-Bus specification, "Marshaling".</remarks>
internal sealed class BusWriter
{
    private byte[] _bytes = new byte[256];

    /// <summary>Where an array's length stands, and where its elements begin.</summary>
    public readonly record struct ArrayMark(int LengthAt, int Start);

    /// <summary>How many bytes were written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written.</summary>
    public byte[] ToArray() => _bytes[..Length];

    /// <summary>Zeros up to the next multiple.</summary>
    public void Align(int alignment) => Take((alignment - (Length % alignment)) % alignment).Clear();

    /// <summary>The low bytes of a number.</summary>
    public void Number(ulong bits, int size)
    {
        Align(size);
        Span<byte> all = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(all, bits);
        all[..size].CopyTo(Take(size));
    }

    /// <summary>A string: its length, its bytes, a zero.</summary>
    public void Text(string text)
    {
        int count = Encoding.UTF8.GetByteCount(text);
        Number((uint)count, 4);
        Encoding.UTF8.GetBytes(text, Take(count));
        Take(1).Clear();
    }

    /// <summary>A signature: its length in one byte, its letters, a zero.</summary>
    public void Signature(string signature)
    {
        Take(1)[0] = checked((byte)signature.Length);
        Encoding.ASCII.GetBytes(signature, Take(signature.Length));
        Take(1).Clear();
    }

    /// <summary>Bytes as they are.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Begins an array.</summary>
    /// <param name="alignment">Of its elements: the gap before the first does not count to its length.</param>
    public ArrayMark BeginArray(int alignment)
    {
        Number(0, 4);
        int lengthAt = Length - 4;
        Align(alignment);
        return new ArrayMark(lengthAt, Length);
    }

    /// <summary>Ends an array.</summary>
    public void EndArray(ArrayMark mark) =>
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(mark.LengthAt), (uint)(Length - mark.Start));

    private Span<byte> Take(int count)
    {
        if (Length + count > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + count));
        Span<byte> taken = _bytes.AsSpan(Length, count);
        Length += count;
        return taken;
    }
}
