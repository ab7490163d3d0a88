using System.Buffers.Text;

namespace Berth.Layers.Tar;

/// <summary>Walks the records of a PAX extended header: <c>"%d %s=%s\n"</c>, length, key, value.</summary>
/// <remarks>POSIX.1-2017 pax, "pax Extended Header". Values stay bytes: a path need not be UTF-8.</remarks>
internal ref struct PaxRecords(ReadOnlySpan<byte> header)
{
    private ReadOnlySpan<byte> _rest = header;

    /// <exception cref="InvalidDataException">The header is malformed.</exception>
    public bool TryRead(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        key = value = default;
        if (_rest.IsEmpty || !_rest.ContainsAnyExcept((byte)0))
            return false; // Some writers pad with NULs.
        if (!Utf8Parser.TryParse(_rest, out int length, out int digits) || length <= digits || length > _rest.Length)
            throw new InvalidDataException("PAX record length does not fit its header");

        ReadOnlySpan<byte> record = _rest[digits..length];
        int equals = record.IndexOf((byte)'=');
        if (equals < 2 || record is not [(byte)' ', .., (byte)'\n'])
            throw new InvalidDataException("PAX record is not '<length> <key>=<value>' and a newline");
        key = record[1..equals];
        value = record[(equals + 1)..^1];
        _rest = _rest[length..];
        return true;
    }
}
