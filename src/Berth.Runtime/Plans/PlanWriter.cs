using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Berth.Faults;
using Berth.Stage;

namespace Berth.Runtime.Plans;

/// <summary>Lays a plan out in memory: the head, then texts and arrays, each at an offset from the head.</summary>
internal sealed class PlanWriter
{
    // Arguments and environment are bounded by the kernel anyway (ARG_MAX); this bounds everything together.
    private const int BytesMax = 16 << 20;

    private readonly ArrayBufferWriter<byte> _bytes = new(8192);

    /// <summary>The head, written over the start at the end.</summary>
    public PlanHeader Header;

    /// <summary>Starts after the head.</summary>
    public PlanWriter() => _bytes.Write(new byte[Marshal.SizeOf<PlanHeader>()]);

    /// <summary>Writes a text with its zero byte; 0 for null.</summary>
    /// <exception cref="FaultException">InvalidArgument: it contains a zero byte.</exception>
    public uint Text(string? text)
    {
        if (text is null)
            return 0;
        if (text.Contains('\0'))
            throw FaultException.Invalid($"a zero byte in \"{text.Replace("\0", "\\0")}\"");
        uint offset = (uint)_bytes.WrittenCount;
        _bytes.Write(Encoding.UTF8.GetBytes(text));
        _bytes.Write<byte>([0]);
        return offset;
    }

    /// <summary>Writes texts and an array of their offsets.</summary>
    public uint Texts(IReadOnlyList<string> texts)
    {
        uint[] offsets = [.. texts.Select(Text)];
        return Array<uint>(offsets);
    }

    /// <summary>Writes texts and a zero-ended array of 8-byte offsets, which the stage turns into pointers.</summary>
    public uint Pointers(IReadOnlyList<string> texts)
    {
        ulong[] offsets = [.. texts.Select(text => (ulong)Text(text)), 0];
        return Array<ulong>(offsets);
    }

    /// <summary>Writes an array at an aligned offset.</summary>
    public uint Array<T>(ReadOnlySpan<T> items) where T : unmanaged
    {
        while (_bytes.WrittenCount % 8 != 0)
            _bytes.Write<byte>([0]);
        uint offset = (uint)_bytes.WrittenCount;
        _bytes.Write(MemoryMarshal.AsBytes(items));
        return offset;
    }

    /// <summary>The finished plan.</summary>
    public byte[] ToBytes()
    {
        if (_bytes.WrittenCount > BytesMax)
            throw FaultException.Invalid("the container's configuration is larger than 16 MiB");
        Header.Magic = PlanHeader.Version;
        Header.Size = (uint)_bytes.WrittenCount;
        byte[] bytes = _bytes.WrittenSpan.ToArray();
        MemoryMarshal.Write(bytes, in Header);
        return bytes;
    }
}
