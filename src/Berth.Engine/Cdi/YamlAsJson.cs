using System.Buffers;
using System.Globalization;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Berth.Engine.Cdi;

/// <summary>Writes one YAML document as JSON, so that both are read by the same types.</summary>
/// <remarks>Scalars without quotes have the types of YAML 1.1, as Go's readers of these files take them: <c>0660</c> is octal. Aliases,
/// by which a small file becomes a huge one, are refused.</remarks>
internal static class YamlAsJson
{
    private const int DepthMax = 32;

    /// <exception cref="JsonException">It is not YAML, or has what JSON cannot say.</exception>
    public static ReadOnlyMemory<byte> Convert(string text)
    {
        ArrayBufferWriter<byte> json = new();
        try
        {
            Parser events = new(new StringReader(text));
            events.Consume<StreamStart>();
            events.Consume<DocumentStart>();
            using Utf8JsonWriter writer = new(json);
            Write(events, writer, 0);
        }
        catch (YamlException wrong)
        {
            throw new JsonException($"{wrong.Message} (line {wrong.Start.Line})", wrong);
        }
        catch (InvalidOperationException wrong)
        {
            throw new JsonException(wrong.Message, wrong);
        }
        return json.WrittenMemory;
    }

    private static void Write(IParser events, Utf8JsonWriter writer, int depth)
    {
        if (depth > DepthMax)
            throw new JsonException($"nested deeper than {DepthMax}");
        if (events.TryConsume<Scalar>(out var scalar))
            Write(scalar, writer);
        else if (events.TryConsume<SequenceStart>(out _))
        {
            writer.WriteStartArray();
            while (!events.TryConsume<SequenceEnd>(out _))
                Write(events, writer, depth + 1);
            writer.WriteEndArray();
        }
        else if (events.TryConsume<MappingStart>(out _))
        {
            writer.WriteStartObject();
            while (!events.TryConsume<MappingEnd>(out _))
            {
                writer.WritePropertyName(events.Consume<Scalar>().Value);
                Write(events, writer, depth + 1);
            }
            writer.WriteEndObject();
        }
        else
            throw new JsonException("aliases are not taken here");
    }

    private static void Write(Scalar scalar, Utf8JsonWriter writer)
    {
        string text = scalar.Value;
        if (scalar.Style != ScalarStyle.Plain)
            writer.WriteStringValue(text);
        else if (text is "" or "~" or "null" or "Null" or "NULL")
            writer.WriteNullValue();
        else if (text is "true" or "True" or "TRUE" or "false" or "False" or "FALSE")
            writer.WriteBooleanValue(text[0] is 't' or 'T');
        else if (Number(text) is { } number)
            writer.WriteNumberValue(number);
        else
            writer.WriteStringValue(text);
    }

    private static long? Number(string text)
    {
        string digits = text.StartsWith("0o", StringComparison.Ordinal) ? text[2..] : text;
        if (digits.Length is > 1 and < 20 && text[0] == '0' && digits.All(c => c is >= '0' and <= '7'))
            return System.Convert.ToInt64(digits, 8);
        if (text.StartsWith("0x", StringComparison.Ordinal)
            && long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long hex))
            return hex;
        return text[0] is '-' or (>= '1' and <= '9') or '0'
            && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null;
    }
}
