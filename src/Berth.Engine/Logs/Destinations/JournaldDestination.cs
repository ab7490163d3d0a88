using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Berth.Runtime;

namespace Berth.Engine.Logs.Destinations;

/// <summary>Sends lines to systemd's journal by its native protocol: a datagram of fields for each.</summary>
/// <remarks>https://systemd.io/JOURNAL_NATIVE_PROTOCOL. A line has at most 16 KiB, so no message needs a file descriptor.</remarks>
internal sealed class JournaldDestination(string socket, LogSource source) : ILogDestination
{
    /// <summary>Where the journal listens.</summary>
    public const string Socket = "/run/systemd/journal/socket";

    private readonly LogConnection _connection = LogConnection.Datagrams(socket);
    private readonly LogPieces _pieces = new();
    private readonly ArrayBufferWriter<byte> _message = new(1024);
    private readonly string _epoch = RandomIds.Next();
    private long _ordinal;

    public string Address => socket;

    public TimeSpan RetryAfter { get; } = TimeSpan.FromMilliseconds(200);

    public int TriesMax => 0;

    public async Task SendAsync(IReadOnlyList<LogEntry> lines, CancellationToken cancellationToken)
    {
        foreach (LogEntry line in lines)
        {
            _message.Clear();
            Format(line);
            await _connection.SendAsync(_message.WrittenMemory, cancellationToken);
        }
    }

    public void Dispose() => _connection.Dispose();

    private void Format(LogEntry line)
    {
        Field("MESSAGE", LogText.Of(line).Span);
        Field("PRIORITY", line.Source == OutputSource.Stderr ? "3" : "6");
        Field("CONTAINER_ID", source.ShortId);
        Field("CONTAINER_ID_FULL", source.Id);
        Field("CONTAINER_NAME", source.Name);
        Field("CONTAINER_TAG", source.TagOrId);
        Field("IMAGE_NAME", source.ImageName);
        Field("SYSLOG_IDENTIFIER", source.TagOrId);
        Field("SYSLOG_TIMESTAMP", line.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture));
        Field("CONTAINER_LOG_EPOCH", _epoch);
        Field("CONTAINER_LOG_ORDINAL", (++_ordinal).ToString(CultureInfo.InvariantCulture));
        if (_pieces.Of(line) is { } piece)
        {
            if (!piece.IsLast)
                Field("CONTAINER_PARTIAL_MESSAGE", "true");
            Field("CONTAINER_PARTIAL_ID", piece.Line);
            Field("CONTAINER_PARTIAL_ORDINAL", piece.Ordinal.ToString(CultureInfo.InvariantCulture));
            Field("CONTAINER_PARTIAL_LAST", piece.IsLast ? "true" : "false");
        }
        foreach ((string name, string value) in source.Attributes)
            if (NameOf(name) is { Length: > 0 } field)
                Field(field, value);
    }

    private void Field(string name, string value) => Field(name, Encoding.UTF8.GetBytes(value));

    private void Field(string name, ReadOnlySpan<byte> value)
    {
        _message.Write(Encoding.ASCII.GetBytes(name));
        if (value.Contains((byte)'\n'))
        {
            _message.Write("\n"u8);
            BinaryPrimitives.WriteUInt64LittleEndian(_message.GetSpan(8), (ulong)value.Length);
            _message.Advance(8);
        }
        else
        {
            _message.Write("="u8);
        }
        _message.Write(value);
        _message.Write("\n"u8);
    }

    // Upper case letters, digits and underscores, and no underscore first: those are the journal's own.
    private static string NameOf(string name) =>
        new string([.. name.ToUpperInvariant().Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_')]).TrimStart('_');
}
