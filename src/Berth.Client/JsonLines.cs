using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Berth.Client;

/// <summary>Splits a byte stream into the JSON values that follow each other in it.</summary>
public static class JsonLines
{
    /// <summary>The largest single value, so that a wrong stream does not eat the memory.</summary>
    public const int ValueLengthMax = 64 * 1024 * 1024;

    /// <summary>Reads value after value; blanks and line ends between them are optional.</summary>
    /// <exception cref="JsonException">The stream is not JSON, or ends inside a value.</exception>
    public static async IAsyncEnumerable<JsonElement> ReadAsync(
        Stream stream, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[16 * 1024];
        int end = 0;
        while (true)
        {
            if (end == buffer.Length)
                Array.Resize(ref buffer, buffer.Length < ValueLengthMax ? buffer.Length * 2 : throw new JsonException("value is too long"));
            int count = await stream.ReadAsync(buffer.AsMemory(end), cancellationToken);
            end += count;
            int start = 0;
            while (TryTake(buffer.AsMemory(start, end - start), isFinal: count == 0, out int used, out JsonElement value))
            {
                start += used;
                yield return value;
            }
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            end -= start;
            if (count == 0)
                yield break;
        }
    }

    private static bool TryTake(ReadOnlyMemory<byte> bytes, bool isFinal, out int used, out JsonElement value)
    {
        used = 0;
        value = default;
        ReadOnlySpan<byte> rest = bytes.Span.TrimStart("\r\n\t "u8);
        int blanks = bytes.Length - rest.Length;
        if (rest.IsEmpty)
            return false;
        Utf8JsonReader reader = new(rest, isFinal, default);
        if (!JsonDocument.TryParseValue(ref reader, out JsonDocument? document))
            return false;
        using (document)
            value = document.RootElement.Clone();
        used = blanks + (int)reader.BytesConsumed;
        return true;
    }
}
