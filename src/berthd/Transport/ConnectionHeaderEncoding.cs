using System.Text;

namespace Berth.Daemon.Transport;

/// <summary>
/// Reads the value of a <c>Connection</c> header so that Kestrel does not find <c>Upgrade</c> in it. Kestrel answers 400 to a
/// request with an upgrade and a body, which is what every client sends to <c>POST /exec/{id}/start</c>, and it decides that
/// before any of our code runs; the decoding of header values is the one place in front of it that is ours.
/// </summary>
/// <remarks>Endpoints recognise an upgrade by the <c>Upgrade</c> header, which stays.</remarks>
internal sealed class ConnectionHeaderEncoding : Encoding
{
    private static readonly ConnectionHeaderEncoding s_instance = new();

    /// <summary>For <c>KestrelServerOptions.RequestHeaderEncodingSelector</c>.</summary>
    public static Encoding? Select(string headerName) =>
        headerName.Equals("Connection", StringComparison.OrdinalIgnoreCase) ? s_instance : null;

    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetCharCount(byte[] bytes, int index, int count) => count;

    public override int GetMaxByteCount(int charCount) => charCount;

    public override int GetMaxCharCount(int byteCount) => byteCount;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        int count = Latin1.GetChars(bytes, byteIndex, byteCount, chars, charIndex);
        Span<char> value = chars.AsSpan(charIndex, count);
        // The token becomes one that nobody knows, of the same length; keep-alive and close are left alone.
        for (int at; (at = ((ReadOnlySpan<char>)value).IndexOf("upgrade", StringComparison.OrdinalIgnoreCase)) >= 0;)
            value[at] = 'x';
        return count;
    }
}
