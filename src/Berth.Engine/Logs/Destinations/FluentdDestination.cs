using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Berth.Runtime;

namespace Berth.Engine.Logs.Destinations;

/// <summary>Sends lines to fluentd by its forward protocol: MessagePack, one message a line, confirmed when that was asked for.</summary>
/// <remarks>https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1, message mode.</remarks>
internal sealed class FluentdDestination(FluentdOptions options, LogSource source) : ILogDestination
{
    private const int AnswerBytesMax = 512;
    private readonly LogConnection _connection = options.Transport switch
    {
        "unix" => LogConnection.Unix(options.Host),
        "tls" => LogConnection.Tls(options.Host, options.Port),
        _ => LogConnection.Tcp(options.Host, options.Port),
    };
    private readonly LogPieces _pieces = new();
    private readonly ArrayBufferWriter<byte> _message = new(1024);

    public string Address => options.Address;

    public TimeSpan RetryAfter => options.RetryWait;

    public int TriesMax => options.TriesMax;

    public async Task SendAsync(IReadOnlyList<LogEntry> lines, CancellationToken cancellationToken)
    {
        foreach (LogEntry line in lines)
        {
            _message.Clear();
            string? chunk = options.RequestAck ? Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)) : null;
            Format(line, chunk);
            await _connection.SendAsync(_message.WrittenMemory, cancellationToken);
            if (chunk is not null)
                await ConfirmAsync(chunk, cancellationToken);
        }
        await _connection.FlushAsync(cancellationToken);
    }

    public void Dispose() => _connection.Dispose();

    // {"ack": chunk}: what comes back holds our word or is wrong.
    private async Task ConfirmAsync(string chunk, CancellationToken cancellationToken)
    {
        await _connection.FlushAsync(cancellationToken);
        byte[] answer = new byte[AnswerBytesMax];
        byte[] wanted = Encoding.ASCII.GetBytes(chunk);
        int length = 0;
        while (answer.AsSpan(0, length).IndexOf(wanted) < 0)
        {
            int count = length == answer.Length ? 0 : await _connection.ReadAsync(answer.AsMemory(length), cancellationToken);
            if (count == 0)
            {
                _connection.Dispose();
                throw new IOException("fluentd did not confirm");
            }
            length += count;
        }
    }

    private void Format(LogEntry line, string? chunk)
    {
        LogPiece? piece = _pieces.Of(line);
        Dictionary<string, string> record = new(source.Attributes)
        {
            ["container_id"] = source.Id,
            ["container_name"] = "/" + source.Name,
            ["source"] = line.Source == OutputSource.Stderr ? "stderr" : "stdout",
        };
        if (piece is { } part)
        {
            record["partial_message"] = "true";
            record["partial_id"] = part.Line;
            record["partial_ordinal"] = part.Ordinal.ToString(CultureInfo.InvariantCulture);
            record["partial_last"] = part.IsLast ? "true" : "false";
        }
        Begin(0x90, 4);
        Text(Encoding.UTF8.GetBytes(source.TagOrId));
        Time(line.At);
        Map(record.Count + 1);
        Text("log"u8);
        Text(LogText.Of(line).Span);
        foreach ((string name, string value) in record)
        {
            Text(Encoding.UTF8.GetBytes(name));
            Text(Encoding.UTF8.GetBytes(value));
        }
        Map(chunk is null ? 0 : 1);
        if (chunk is null)
            return;
        Text("chunk"u8);
        Text(Encoding.ASCII.GetBytes(chunk));
    }

    private void Begin(int kind, int count)
    {
        _message.GetSpan(1)[0] = (byte)(kind | count);
        _message.Advance(1);
    }

    private void Map(int count)
    {
        if (count < 16)
        {
            Begin(0x80, count);
            return;
        }
        Begin(0xDE, 0);
        BinaryPrimitives.WriteUInt16BigEndian(_message.GetSpan(2), (ushort)count);
        _message.Advance(2);
    }

    private void Text(ReadOnlySpan<byte> text)
    {
        if (text.Length < 32)
        {
            Begin(0xA0, text.Length);
        }
        else
        {
            Begin(0xDB, 0);
            BinaryPrimitives.WriteUInt32BigEndian(_message.GetSpan(4), (uint)text.Length);
            _message.Advance(4);
        }
        _message.Write(text);
    }

    // EventTime is an extension of type 0: seconds and nanoseconds.
    private void Time(DateTimeOffset at)
    {
        uint seconds = (uint)at.ToUnixTimeSeconds();
        if (!options.SubSecond)
        {
            Begin(0xCE, 0);
            BinaryPrimitives.WriteUInt32BigEndian(_message.GetSpan(4), seconds);
            _message.Advance(4);
            return;
        }
        Begin(0xD7, 0);
        Begin(0x00, 0);
        BinaryPrimitives.WriteUInt32BigEndian(_message.GetSpan(8), seconds);
        BinaryPrimitives.WriteUInt32BigEndian(_message.GetSpan(8)[4..], (uint)(at.Ticks % TimeSpan.TicksPerSecond * 100));
        _message.Advance(8);
    }
}
