using System.Buffers;
using System.Globalization;
using System.Text;
using Berth.Runtime;

namespace Berth.Engine.Logs.Destinations;

/// <summary>Sends lines to a syslog server: RFC 3164 and RFC 5424 over UDP, TCP, TLS (RFC 5425 framing) and unix sockets.</summary>
internal sealed class SyslogDestination(SyslogOptions options, LogSource source) : ILogDestination
{
    private const int InfoSeverity = 6;
    private const int ErrorSeverity = 3;
    private readonly LogConnection _connection = LogConnection.For(options);
    private readonly ArrayBufferWriter<byte> _message = new(1024);

    public string Address => options.Transport.Length == 0 ? "the local syslog" : $"{options.Transport}://{options.Host}:{options.Port}";

    public TimeSpan RetryAfter { get; } = TimeSpan.FromMilliseconds(200);

    public int TriesMax => 0;

    public async Task SendAsync(IReadOnlyList<LogEntry> lines, CancellationToken cancellationToken)
    {
        foreach (LogEntry line in lines)
        {
            _message.Clear();
            Format(line, _message);
            await _connection.SendAsync(_message.WrittenMemory, cancellationToken);
        }
        await _connection.FlushAsync(cancellationToken);
    }

    public void Dispose() => _connection.Dispose();

    /// <summary>Lays out one line with its framing.</summary>
    internal void Format(LogEntry line, ArrayBufferWriter<byte> to)
    {
        int priority = options.Facility * 8 + (line.Source == OutputSource.Stderr ? ErrorSeverity : InfoSeverity);
        string head = Head(priority, line.At);
        ReadOnlySpan<byte> text = LogText.Of(line).Span;
        bool isCounted = options.Transport == "tcp+tls" && options.Format is SyslogFormat.Rfc5424 or SyslogFormat.Rfc5424Micro;
        if (isCounted)
            to.Write(Encoding.ASCII.GetBytes(
                (Encoding.UTF8.GetByteCount(head) + text.Length + 1).ToString(CultureInfo.InvariantCulture) + " "));
        to.Write(Encoding.UTF8.GetBytes(head));
        to.Write(text);
        to.Write("\n"u8);
    }

    private string Head(int priority, DateTimeOffset at)
    {
        string tag = source.TagOrId;
        DateTimeOffset local = at.ToLocalTime();
        // RFC 3164, 4.1.2: a day below ten has a space before it.
        string stamp = $"{local.ToString("MMM", CultureInfo.InvariantCulture)} {local.Day,2} {local:HH:mm:ss}";
        int pid = Environment.ProcessId;
        string host = Environment.MachineName;
        return options.Format switch
        {
            SyslogFormat.Local => $"<{priority}>{stamp} {tag}[{pid}]: ",
            SyslogFormat.Rfc3164 => $"<{priority}>{stamp} {host} {tag}[{pid}]: ",
            SyslogFormat.Rfc5424 => $"<{priority}>1 {local:yyyy-MM-dd'T'HH:mm:sszzz} {host} {tag} {pid} {tag} - ",
            _ => $"<{priority}>1 {local:yyyy-MM-dd'T'HH:mm:ss.ffffffzzz} {host} {tag} {pid} {tag} - ",
        };
    }
}
