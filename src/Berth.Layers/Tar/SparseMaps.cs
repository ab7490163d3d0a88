using System.Buffers.Text;

namespace Berth.Layers.Tar;

/// <summary>Reads the four ways in which GNU tar says where a sparse file has data.</summary>
/// <remarks>GNU tar manual, "Storing Sparse Files".</remarks>
internal static class SparseMaps
{
    /// <summary>The old form: stretches in the header and in blocks of 21 behind it.</summary>
    public static List<TarRegion> ReadOld(ByteSource source, TarHeader header, TarLimits limits)
    {
        List<TarRegion> regions = [];
        AddOld(header.SparseMap, regions);
        bool more = header.SparseMapGoesOn;
        Span<byte> block = stackalloc byte[TarHeader.BlockBytes];
        while (more)
        {
            if (!source.TryRead(block))
                throw new EndOfStreamException();
            AddOld(block[..504], regions);
            if (regions.Count > limits.SparseRegionsMax)
                throw new InvalidDataException($"sparse file has more than {limits.SparseRegionsMax} stretches");
            more = block[504] != 0;
        }
        return regions;
    }

    private static void AddOld(ReadOnlySpan<byte> map, List<TarRegion> regions)
    {
        for (; map.Length >= 24 && map[0] != 0; map = map[24..])
            regions.Add(new TarRegion(TarNumbers.Parse(map[..12], "sparse offset"), TarNumbers.Parse(map[12..24], "sparse length")));
    }

    /// <summary>Form 0.1: offsets and lengths in turn, separated by commas.</summary>
    public static List<TarRegion> ReadList(ReadOnlySpan<byte> text, TarLimits limits)
    {
        List<TarRegion> regions = [];
        while (!text.IsEmpty)
        {
            long offset = Next(ref text);
            regions.Add(new TarRegion(offset, Next(ref text)));
            if (regions.Count > limits.SparseRegionsMax)
                throw new InvalidDataException($"sparse file has more than {limits.SparseRegionsMax} stretches");
        }
        return regions;
    }

    private static long Next(ref ReadOnlySpan<byte> text)
    {
        if (!Utf8Parser.TryParse(text, out long value, out int used) || (used < text.Length && text[used] != ','))
            throw new InvalidDataException("sparse map is not a list of numbers");
        text = text[Math.Min(used + 1, text.Length)..];
        return value;
    }

    /// <summary>Form 1.0: decimal lines at the beginning of the data, padded to whole blocks.</summary>
    /// <returns>The stretches and how many bytes of the data the map took.</returns>
    public static (List<TarRegion> Regions, long Bytes) ReadLeading(ByteSource source, long dataBytes, TarLimits limits)
    {
        LineReader lines = new(source, dataBytes);
        long count = lines.Next();
        if (count < 0 || count > limits.SparseRegionsMax)
            throw new InvalidDataException($"sparse file has more than {limits.SparseRegionsMax} stretches");
        List<TarRegion> regions = [];
        for (long i = 0; i < count; i++)
        {
            long offset = lines.Next();
            regions.Add(new TarRegion(offset, lines.Next()));
        }
        return (regions, lines.BytesRead);
    }

    /// <summary>Holds a map to what a file can be: ascending, within its size, all data stored.</summary>
    public static List<TarRegion> Validate(List<TarRegion> regions, long size, long storedBytes)
    {
        long end = 0;
        long stored = 0;
        foreach (TarRegion region in regions)
        {
            if (region.Length < 0 || region.Offset < end || region.Offset > size || region.Length > size - region.Offset)
                throw new InvalidDataException("sparse map is out of order or goes beyond the file");
            end = region.Offset + region.Length;
            stored += region.Length;
        }
        return stored == storedBytes ? regions
            : throw new InvalidDataException($"sparse map tells of {stored} bytes where {storedBytes} are stored");
    }

    private sealed class LineReader(ByteSource source, long dataBytes)
    {
        private readonly byte[] _block = new byte[TarHeader.BlockBytes];
        private int _position = TarHeader.BlockBytes;

        public long BytesRead { get; private set; }

        public long Next()
        {
            long value = 0;
            for (int digits = 0; ; digits++)
            {
                byte next = NextByte();
                if (next == '\n' && digits > 0)
                    return value;
                if (next is < (byte)'0' or > (byte)'9' || digits >= 19)
                    throw new InvalidDataException("sparse map is not made of decimal lines");
                value = checked(value * 10 + (next - '0'));
            }
        }

        private byte NextByte()
        {
            if (_position == _block.Length)
            {
                if (BytesRead + _block.Length > dataBytes)
                    throw new InvalidDataException("sparse map goes beyond the entry's data");
                if (!source.TryRead(_block))
                    throw new EndOfStreamException();
                BytesRead += _block.Length;
                _position = 0;
            }
            return _block[_position++];
        }
    }
}
