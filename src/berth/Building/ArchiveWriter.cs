using System.Text;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Cli.Building;

/// <summary>One file of an archive.</summary>
internal sealed record ArchiveEntry(string Name, char Type, int Mode, DateTimeOffset Modified)
{
    public const char File = '0', Link = '2', Directory = '5';

    public long Size { get; init; }

    public string LinkTarget { get; init; } = "";

    public int Uid { get; init; }

    public int Gid { get; init; }
}

/// <summary>Writes a tar archive: ustar headers, with a PAX header in front where ustar has no room.</summary>
/// <remarks>POSIX.1-2017 pax. The same files in the same order give the same bytes.</remarks>
internal sealed class ArchiveWriter(Stream output)
{
    private const int BlockSize = 512;
    private static readonly byte[] s_zeros = new byte[2 * BlockSize];
    private byte[]? _buffer;

    /// <summary>Writes an entry without content, or with content that is in memory.</summary>
    public async Task WriteAsync(ArchiveEntry entry, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await HeaderAsync(entry, cancellationToken);
        await output.WriteAsync(content, cancellationToken);
        await PadAsync(entry.Size, cancellationToken);
    }

    /// <summary>Writes a file: as many bytes as its entry says.</summary>
    /// <exception cref="IOException">It cannot be read, or has fewer bytes.</exception>
    public async Task WriteAsync(ArchiveEntry entry, FileDescriptor file, CancellationToken cancellationToken)
    {
        await HeaderAsync(entry, cancellationToken);
        _buffer ??= new byte[64 * 1024];
        long left = entry.Size;
        while (left > 0)
        {
            // In this thread: a thread of the pool would be woken for every file of a tree.
            int count = FileCalls.Read(file, _buffer.AsSpan(0, (int)Math.Min(left, _buffer.Length)));
            if (count == 0)
                throw new IOException($"read {entry.Name}: it became shorter while it was sent");
            await output.WriteAsync(_buffer.AsMemory(0, count), cancellationToken);
            left -= count;
        }
        await PadAsync(entry.Size, cancellationToken);
    }

    public async Task FinishAsync(CancellationToken cancellationToken) => await output.WriteAsync(s_zeros, cancellationToken);

    private async Task HeaderAsync(ArchiveEntry entry, CancellationToken cancellationToken)
    {
        byte[] name = Encoding.UTF8.GetBytes(entry.Name);
        byte[] link = Encoding.UTF8.GetBytes(entry.LinkTarget);
        List<byte> extended = [];
        if (name.Length > 100 || !Ascii.IsValid(entry.Name))
            extended.AddRange(Record("path", entry.Name));
        if (link.Length > 100 || !Ascii.IsValid(entry.LinkTarget))
            extended.AddRange(Record("linkpath", entry.LinkTarget));
        if (entry.Size > 0x1FFFFFFFF)
            extended.AddRange(Record("size", entry.Size.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        if (extended.Count > 0)
        {
            byte[] body = [.. extended];
            await output.WriteAsync(Block("PaxHeaders.0/x"u8, ""u8, 'x', 0x1A4, body.Length, entry.Modified, 0, 0), cancellationToken);
            await output.WriteAsync(body, cancellationToken);
            await PadAsync(body.Length, cancellationToken);
        }
        byte[] block = Block(
            name.AsSpan(0, Math.Min(100, name.Length)), link.AsSpan(0, Math.Min(100, link.Length)), entry.Type, entry.Mode,
            entry.Size > 0x1FFFFFFFF ? 0 : entry.Size, entry.Modified, entry.Uid, entry.Gid);
        await output.WriteAsync(block, cancellationToken);
    }

    private async Task PadAsync(long size, CancellationToken cancellationToken)
    {
        int rest = (int)(size % BlockSize);
        if (rest > 0)
            await output.WriteAsync(s_zeros.AsMemory(0, BlockSize - rest), cancellationToken);
    }

    private static byte[] Block(
        ReadOnlySpan<byte> name, ReadOnlySpan<byte> link, char type, int mode, long size, DateTimeOffset modified, int uid, int gid)
    {
        byte[] block = new byte[BlockSize];
        name.CopyTo(block);
        Octal(block.AsSpan(100, 8), mode);
        Octal(block.AsSpan(108, 8), uid);
        Octal(block.AsSpan(116, 8), gid);
        Octal(block.AsSpan(124, 12), size);
        Octal(block.AsSpan(136, 12), Math.Max(0, modified.ToUnixTimeSeconds()));
        block.AsSpan(148, 8).Fill((byte)' ');
        block[156] = (byte)type;
        link.CopyTo(block.AsSpan(157));
        "ustar\0"u8.CopyTo(block.AsSpan(257));
        "00"u8.CopyTo(block.AsSpan(263));
        int sum = 0;
        foreach (byte b in block)
            sum += b;
        Octal(block.AsSpan(148, 7), sum);
        block[155] = (byte)' ';
        return block;
    }

    private static void Octal(Span<byte> field, long value)
    {
        for (int i = field.Length - 2; i >= 0; i--)
        {
            field[i] = (byte)('0' + (value & 7));
            value >>= 3;
        }
        field[^1] = 0;
    }

    // The length counts itself, so it is tried until it fits.
    private static byte[] Record(string key, string value)
    {
        byte[] rest = Encoding.UTF8.GetBytes($" {key}={value}\n");
        int length = rest.Length + 1;
        while (length != rest.Length + Digits(length))
            length = rest.Length + Digits(length);
        return [.. Encoding.ASCII.GetBytes(length.ToString(System.Globalization.CultureInfo.InvariantCulture)), .. rest];
    }

    private static int Digits(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture).Length;
}
