namespace Berth.Layers.Tar;

/// <summary>One block of 512 bytes with the fields of a header.</summary>
/// <remarks>POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".</remarks>
internal readonly ref struct TarHeader(ReadOnlySpan<byte> block)
{
    public const int BlockBytes = 512;
    private readonly ReadOnlySpan<byte> _block = block;

    public ReadOnlySpan<byte> Name => Text(_block[..100]);

    public long Mode => TarNumbers.Parse(_block[100..108], "mode");

    public long Uid => TarNumbers.Parse(_block[108..116], "uid");

    public long Gid => TarNumbers.Parse(_block[116..124], "gid");

    public long Size => TarNumbers.Parse(_block[124..136], "size");

    public long Modified => TarNumbers.Parse(_block[136..148], "mtime");

    public byte Type => _block[156];

    public ReadOnlySpan<byte> LinkName => Text(_block[157..257]);

    public ReadOnlySpan<byte> UserName => HasUstarFields ? Text(_block[265..297]) : default;

    public ReadOnlySpan<byte> GroupName => HasUstarFields ? Text(_block[297..329]) : default;

    public long DeviceMajor => HasUstarFields ? TarNumbers.Parse(_block[329..337], "device major") : 0;

    public long DeviceMinor => HasUstarFields ? TarNumbers.Parse(_block[337..345], "device minor") : 0;

    /// <summary>The part of the path before <see cref="Name"/>; GNU's dialect keeps other things there.</summary>
    public ReadOnlySpan<byte> Prefix => !IsUstar ? default
        : Text(_block[508..512].SequenceEqual("tar\0"u8) ? _block[345..476] : _block[345..500]);

    /// <summary>Old GNU sparse: four stretches of 24 bytes.</summary>
    public ReadOnlySpan<byte> SparseMap => _block[386..482];

    public bool SparseMapGoesOn => _block[482] != 0;

    public long SparseRealSize => TarNumbers.Parse(_block[483..495], "real size");

    private bool IsUstar => _block[257..263].SequenceEqual("ustar\0"u8);

    private bool HasUstarFields => _block[257..262].SequenceEqual("ustar"u8);

    /// <summary>True when the block's sum is right, with bytes unsigned as written today or signed as some once did.</summary>
    public bool HasRightChecksum()
    {
        long unsigned = 0;
        long signed = 0;
        for (int i = 0; i < BlockBytes; i++)
        {
            byte next = i is >= 148 and < 156 ? (byte)' ' : _block[i];
            unsigned += next;
            signed += (sbyte)next;
        }
        long stated = TarNumbers.Parse(_block[148..156], "checksum");
        return stated == unsigned || stated == signed;
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return end < 0 ? field : field[..end];
    }
}
