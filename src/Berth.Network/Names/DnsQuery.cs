using System.Buffers.Binary;
using System.Text;

namespace Berth.Network;

/// <summary>One question, as a client sent it. Containers send these bytes: everything is bounded, nothing is believed.</summary>
/// <param name="Bytes">The header and the one question; what follows (EDNS options) is not kept.</param>
/// <param name="Name">The name without the last dot; bytes that are not letters, digits, <c>-_.</c> appear as in a C escape.</param>
/// <param name="Type">Such as 1 for A.</param>
/// <param name="Class">1 for Internet.</param>
/// <remarks>RFC 1035 section 4.1.</remarks>
internal sealed record DnsQuery(byte[] Bytes, string Name, int Type, int Class)
{
    public const int HeaderSize = 12;
    public const int TypeA = 1;
    public const int TypePtr = 12;
    public const int TypeAaaa = 28;
    public const int ClassInternet = 1;
    public const int CodeServerFailure = 2;
    private const int NameBytesMax = 255;
    private const int LabelBytesMax = 63;
    private const int AnswerBytesMax = 512;
    private const int TtlSeconds = 600;

    /// <summary>Reads a datagram; false when it is no standard query with exactly one question.</summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out DnsQuery query)
    {
        query = null!;
        if (message.Length < HeaderSize)
            return false;
        // A response, another operation than a standard query, or not one question.
        if ((message[2] & 0xF8) != 0 || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1)
            return false;
        StringBuilder name = new();
        int at = HeaderSize;
        while (true)
        {
            if (at >= message.Length)
                return false;
            int length = message[at++];
            if (length == 0)
                break;
            // A question's name has nothing before it to point to: compression is refused with everything too long.
            if (length > LabelBytesMax || at + length >= message.Length || at + length - HeaderSize > NameBytesMax)
                return false;
            if (name.Length > 0)
                name.Append('.');
            AppendLabel(name, message.Slice(at, length));
            at += length;
        }
        if (at + 4 > message.Length)
            return false;
        int type = BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
        int questionClass = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 2)..]);
        query = new DnsQuery(message[..(at + 4)].ToArray(), name.ToString(), type, questionClass);
        return true;
    }

    /// <summary>The address that a reverse name (<c>2.0.18.172.in-addr.arpa</c>, or 32 hexadecimal digits and <c>ip6.arpa</c>) asks for;
    /// null: it is none.</summary>
    /// <remarks>RFC 1035 section 3.5, RFC 3596 section 2.5.</remarks>
    public InternetAddress? ReverseAddress()
    {
        const string Suffix = ".in-addr.arpa", SuffixIPv6 = ".ip6.arpa";
        if (Name.EndsWith(SuffixIPv6, StringComparison.OrdinalIgnoreCase))
            return ReverseAddressIPv6(Name.AsSpan(0, Name.Length - SuffixIPv6.Length));
        if (!Name.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase))
            return null;
        string[] parts = Name[..^Suffix.Length].Split('.');
        Array.Reverse(parts);
        return parts.Length == 4 && InternetAddress.TryParse(string.Join('.', parts), out InternetAddress address) ? address : null;
    }

    private static InternetAddress? ReverseAddressIPv6(ReadOnlySpan<char> digits)
    {
        const int Digits = 32;
        if (digits.Length != (2 * Digits) - 1)
            return null;
        UInt128 value = 0;
        for (int at = digits.Length - 1; at >= 0; at--)
        {
            bool isDot = at % 2 == 1;
            if (isDot ? digits[at] != '.' : !char.IsAsciiHexDigit(digits[at]))
                return null;
            if (!isDot)
                value = (value << 4) | (uint)Convert.ToInt32(digits[at].ToString(), 16);
        }
        return new InternetAddress(value, IsIPv6: true);
    }

    /// <summary>An answer without records: success with none of that type, or a refusal code.</summary>
    public byte[] AnswerEmpty(int code = 0) => Answer([], code);

    /// <summary>An answer with addresses, as many as fit; the truncation bit says when not all did.</summary>
    public byte[] AnswerAddresses(IReadOnlyList<InternetAddress> addresses) =>
        Answer([.. addresses.Select(address => address.ToBytes())], code: 0);

    /// <summary>An answer with a name.</summary>
    public byte[] AnswerName(string name)
    {
        List<byte> encoded = [];
        foreach (string label in name.Split('.'))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(label);
            if (bytes.Length is 0 or > LabelBytesMax)
                return AnswerEmpty();
            encoded.Add((byte)bytes.Length);
            encoded.AddRange(bytes);
        }
        encoded.Add(0);
        return encoded.Count > NameBytesMax ? AnswerEmpty() : Answer([[.. encoded]], code: 0);
    }

    private byte[] Answer(IReadOnlyList<byte[]> records, int code)
    {
        List<byte> answer = [.. Bytes];
        int count = 0;
        foreach (byte[] record in records)
        {
            // Name (a pointer to the question's), type, class, time to live, length.
            if (answer.Count + 12 + record.Length > AnswerBytesMax)
                break;
            answer.AddRange([0xC0, HeaderSize, 0, (byte)Type, 0, ClassInternet]);
            answer.AddRange([0, 0, TtlSeconds >> 8, TtlSeconds & 255, 0, (byte)record.Length]);
            answer.AddRange(record);
            count++;
        }
        byte[] bytes = [.. answer];
        const int Response = 0x80, Authoritative = 4, Truncated = 2, RecursionDesired = 1;
        bytes[2] = (byte)(Response | Authoritative | (bytes[2] & RecursionDesired) | (count < records.Count ? Truncated : 0));
        bytes[3] = (byte)(0x80 | code);  // Recursion is available.
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), (ushort)count);
        bytes.AsSpan(8, 4).Clear();
        return bytes;
    }

    private static void AppendLabel(StringBuilder name, ReadOnlySpan<byte> label)
    {
        foreach (byte value in label)
        {
            if (char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'_')
                name.Append((char)value);
            else
                name.Append('\\').Append(value.ToString("d3"));
        }
    }
}
