using System.IO.Pipelines;
using System.Net;
using System.Text;
using Berth.Daemon.Transport;
using Berth.Engine;

namespace Berth.Daemon.Endpoints.Containers;

/// <summary>One piece of a log on the wire.</summary>
internal static class LogLine
{
    // RFC 3339 with nine digits, so that lines sort as text: 2026-11-22T21:38:03.123456700Z and a space.
    private const string TimePattern = "yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z '";

    /// <summary>What <c>details</c> puts before each line: <c>name=value,name=value</c> and a space, also when there are none.</summary>
    public static string Details(IReadOnlyDictionary<string, string> attributes) => string.Join(',', attributes.Select(
        attribute => $"{WebUtility.UrlEncode(attribute.Key)}={WebUtility.UrlEncode(attribute.Value)}")) + " ";

    /// <summary>Writes it with its frame and, where asked for, its time.</summary>
    public static void Write(PipeWriter output, LogEntry entry, bool framed, bool timestamps, string details)
    {
        string prefix = timestamps ? entry.At.UtcDateTime.ToString(TimePattern) : "";
        prefix += details;
        int count = prefix.Length + entry.Bytes.Length;
        int header = framed ? OutputFrame.HeaderBytes : 0;
        Span<byte> span = output.GetSpan(header + count);
        if (framed)
            OutputFrame.WriteHeader(span, (byte)entry.Source, count);
        Encoding.ASCII.GetBytes(prefix, span[header..]);
        entry.Bytes.Span.CopyTo(span[(header + prefix.Length)..]);
        output.Advance(header + count);
    }
}
