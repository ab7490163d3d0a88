using System.Text;
using System.Text.Json;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>Reads lines of Docker's json-file form: <c>{"log":"…\n","stream":"stdout","time":"…"}</c>.</summary>
internal static class LogLines
{
    /// <summary>Reads one line; null when it is none (cut short by a crash, or foreign).</summary>
    public static LogEntry? Parse(ReadOnlySpan<byte> line)
    {
        string? text = null;
        string? stream = null;
        DateTimeOffset? at = null;
        try
        {
            Utf8JsonReader reader = new(line);
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName)
                    continue;
                bool isLog = reader.ValueTextEquals("log"u8);
                bool isStream = reader.ValueTextEquals("stream"u8);
                bool isTime = reader.ValueTextEquals("time"u8);
                reader.Read();
                if (isLog)
                    text = reader.GetString();
                else if (isStream)
                    stream = reader.GetString();
                else if (isTime)
                    at = ParseTime(reader.GetString() ?? "");
                else
                    reader.Skip();
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
        return text is null || at is null ? null
            : new LogEntry(stream == "stderr" ? OutputSource.Stderr : OutputSource.Stdout, at.Value, Encoding.UTF8.GetBytes(text));
    }

    // Go writes up to nine digits of fraction; we keep seven.
    private static DateTimeOffset? ParseTime(string text)
    {
        int dot = text.IndexOf('.', StringComparison.Ordinal);
        int end = text.IndexOfAny(['Z', '+', '-'], Math.Max(dot, 10));
        if (dot > 0 && end > dot + 8)
            text = text[..(dot + 8)] + text[end..];
        return DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture,
            System.Globalization.DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;
    }
}
