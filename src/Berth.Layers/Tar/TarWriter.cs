using System.Buffers.Text;
using System.Text;
using Berth.Linux.Files;

namespace Berth.Layers.Tar;

/// <summary>Writes an uncompressed tar: ustar headers, PAX ones before them only where ustar cannot say it.</summary>
/// <remarks>
/// Synchronous, for one thread at a time, deterministic: the same entries make the same bytes. Write each entry by
/// <see cref="Write(TarEntry)"/>, then as many bytes as its size by <see cref="WriteData"/>; at last <see cref="Finish"/>. The
/// stream stays the caller's. Sparse maps are not written: holes become zeros.
/// </remarks>
public sealed class TarWriter(Stream stream)
{
    private const int BufferBytes = 256 * 1024;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private int _used;
    private long _missing;
    private long _padding;

    /// <summary>Begins an entry.</summary>
    /// <exception cref="InvalidOperationException">The entry before has not got all its bytes.</exception>
    public void Write(TarEntry entry)
    {
        if (_missing != 0)
            throw new InvalidOperationException($"{_missing} bytes of the tar entry before are missing");
        Pad();
        Span<byte> header = stackalloc byte[TarHeader.BlockBytes];
        header.Clear();
        MemoryStream? pax = FillHeader(header, entry);
        if (pax is not null)
            WritePax(pax.GetBuffer().AsSpan(0, (int)pax.Length));
        Seal(header);
        Append(header);
        _missing = entry.Type == TarEntryType.RegularFile ? entry.Size : 0;
        _padding = -_missing & (TarHeader.BlockBytes - 1);
    }

    /// <summary>Writes an entry and its data from memory.</summary>
    public void Write(TarEntry entry, ReadOnlySpan<byte> data)
    {
        Write(entry with { Size = data.Length });
        WriteData(data);
    }

    /// <summary>Writes an entry and as many bytes as its size says from a stream.</summary>
    /// <exception cref="EndOfStreamException">The stream has fewer.</exception>
    public void Write(TarEntry entry, Stream data)
    {
        Write(entry);
        while (_missing > 0)
        {
            Span<byte> space = DataSpace();
            int count = data.Read(space);
            if (count == 0)
                throw new EndOfStreamException($"{entry.PathText} is {_missing} bytes shorter than its size");
            DataWritten(count);
        }
    }

    /// <summary>Writes bytes of the current entry's data.</summary>
    /// <exception cref="InvalidOperationException">They are more than the entry's size.</exception>
    public void WriteData(ReadOnlySpan<byte> data)
    {
        if (data.Length > _missing)
            throw new InvalidOperationException($"{data.Length - _missing} bytes more than the tar entry's size");
        _missing -= data.Length;
        Append(data);
    }

    /// <summary>Where the next bytes of data may be put without copying; <see cref="DataWritten"/> takes them.</summary>
    internal Span<byte> DataSpace()
    {
        if (_used == _buffer.Length)
            Flush();
        return _buffer.AsSpan(_used, (int)Math.Min(_buffer.Length - _used, _missing));
    }

    /// <summary>Takes bytes put into <see cref="DataSpace"/>.</summary>
    internal void DataWritten(int count)
    {
        _used += count;
        _missing -= count;
    }

    /// <summary>Ends the archive with its two zero blocks and flushes everything to the stream.</summary>
    public void Finish()
    {
        if (_missing != 0)
            throw new InvalidOperationException($"{_missing} bytes of the last tar entry are missing");
        Pad();
        Append(stackalloc byte[2 * TarHeader.BlockBytes]);
        Flush();
    }

    private void Pad()
    {
        Span<byte> zeros = stackalloc byte[TarHeader.BlockBytes];
        zeros.Clear();
        Append(zeros[..(int)_padding]);
        _padding = 0;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _buffer.Length - _used)
            Flush();
        if (bytes.Length > _buffer.Length)
        {
            stream.Write(bytes);
            return;
        }
        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
    }

    private void Flush()
    {
        stream.Write(_buffer, 0, _used);
        _used = 0;
    }

    // Returns the PAX records for what did not fit; null when all did.
    private static MemoryStream? FillHeader(Span<byte> header, TarEntry entry)
    {
        MemoryStream? pax = null;
        if (!TryPutPath(header, entry.Path))
            AddRecord(ref pax, "path", entry.Path);
        if (!TryPut(header[157..257], entry.LinkTarget))
            AddRecord(ref pax, "linkpath", entry.LinkTarget);
        PutNumber(header[108..116], entry.Uid, "uid", ref pax);
        PutNumber(header[116..124], entry.Gid, "gid", ref pax);
        PutNumber(header[124..136], entry.Type == TarEntryType.RegularFile ? entry.Size : 0, "size", ref pax);
        PutTime(header[136..148], entry.Modified, ref pax);
        TarNumbers.TryFormatOctal(header[100..108], entry.Mode & 0xFFF);
        header[156] = (byte)entry.Type;
        "ustar\0"u8.CopyTo(header[257..]);
        "00"u8.CopyTo(header[263..]);
        PutName(header[265..297], entry.UserName, "uname", ref pax);
        PutName(header[297..329], entry.GroupName, "gname", ref pax);
        if (!TarNumbers.TryFormatOctal(header[329..337], entry.DeviceMajor)
            || !TarNumbers.TryFormatOctal(header[337..345], entry.DeviceMinor))
            throw new InvalidOperationException($"device {entry.DeviceMajor}:{entry.DeviceMinor} does not fit a tar header");
        foreach (TarAttribute attribute in entry.Attributes)
            AddRecord(ref pax, "SCHILY.xattr." + Encoding.Latin1.GetString(attribute.Name), attribute.Value);
        return pax;
    }

    private static bool TryPutPath(Span<byte> header, byte[] path)
    {
        if (TryPut(header[..100], path))
            return true;
        // ustar: a prefix of 155 bytes and a name of 100, split at a slash.
        int from = Math.Max(1, path.Length - 101);
        for (int slash = from; slash < path.Length - 1 && slash <= 155; slash++)
        {
            if (path[slash] == '/')
                return TryPut(header[345..500], path.AsSpan(0, slash)) && TryPut(header[..100], path.AsSpan(slash + 1));
        }
        path.AsSpan(0, 100).CopyTo(header);
        return false;
    }

    private static bool TryPut(Span<byte> field, ReadOnlySpan<byte> text)
    {
        text[..Math.Min(text.Length, field.Length)].CopyTo(field);
        return text.Length <= field.Length;
    }

    private static void PutName(Span<byte> field, string text, string key, ref MemoryStream? pax)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length < field.Length)
            TryPut(field, bytes);
        else
            AddRecord(ref pax, key, bytes);
    }

    private static void PutNumber(Span<byte> field, long value, string key, ref MemoryStream? pax)
    {
        if (TarNumbers.TryFormatOctal(field, value))
            return;
        TarNumbers.TryFormatOctal(field, 0);
        AddRecord(ref pax, key, Encoding.ASCII.GetBytes(value.ToString()));
    }

    private static void PutTime(Span<byte> field, FileTime time, ref MemoryStream? pax)
    {
        bool fits = TarNumbers.TryFormatOctal(field, time.Seconds);
        if (!fits)
            TarNumbers.TryFormatOctal(field, 0);
        if (fits && time.Nanoseconds == 0)
            return;
        (long seconds, long rest) = time.Seconds < 0 && time.Nanoseconds != 0
            ? (time.Seconds + 1, 1_000_000_000 - time.Nanoseconds) : (time.Seconds, time.Nanoseconds);
        string sign = time.Seconds < 0 && seconds == 0 ? "-" : "";
        string text = rest == 0 ? $"{seconds}" : $"{sign}{seconds}.{rest:d9}".TrimEnd('0');
        AddRecord(ref pax, "mtime", Encoding.ASCII.GetBytes(text));
    }

    private static void AddRecord(ref MemoryStream? pax, string key, ReadOnlySpan<byte> value)
    {
        pax ??= new MemoryStream();
        // The length counts its own digits.
        int rest = 1 + key.Length + 1 + value.Length + 1;
        int length = rest + 1;
        while (length != rest + length.ToString().Length)
            length = rest + length.ToString().Length;
        pax.Write(Encoding.Latin1.GetBytes($"{length} {key}="));
        pax.Write(value);
        pax.WriteByte((byte)'\n');
    }

    // A fixed name and no times: extended headers are the same for the same entry.
    private void WritePax(ReadOnlySpan<byte> records)
    {
        Span<byte> header = stackalloc byte[TarHeader.BlockBytes];
        header.Clear();
        "PaxHeaders.0"u8.CopyTo(header);
        TarNumbers.TryFormatOctal(header[100..108], 0x1A4);
        TarNumbers.TryFormatOctal(header[108..116], 0);
        TarNumbers.TryFormatOctal(header[116..124], 0);
        TarNumbers.TryFormatOctal(header[124..136], records.Length);
        TarNumbers.TryFormatOctal(header[136..148], 0);
        header[156] = (byte)'x';
        "ustar\0"u8.CopyTo(header[257..]);
        "00"u8.CopyTo(header[263..]);
        Seal(header);
        Append(header);
        Append(records);
        _padding = -records.Length & (TarHeader.BlockBytes - 1);
        Pad();
    }

    private static void Seal(Span<byte> header)
    {
        header[148..156].Fill((byte)' ');
        int sum = 0;
        foreach (byte next in header)
            sum += next;
        TarNumbers.TryFormatOctal(header[148..155], sum);
    }
}
