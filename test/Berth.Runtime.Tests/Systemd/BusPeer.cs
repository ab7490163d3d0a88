using System.Net.Sockets;
using System.Text;
using Berth.Runtime.Bus;

namespace Berth.Runtime.Tests.Systemd;

/// <summary>A service manager that a test scripts: it listens on a unix socket, keeps what it was asked and answers as it was told.</summary>
internal sealed class BusPeer : IDisposable
{
    public const string NoSuchUnit = "org.freedesktop.systemd1.NoSuchUnit", UnitExists = "org.freedesktop.systemd1.UnitExists";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-bus-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private uint _serial = 100;

    public BusPeer()
    {
        Path = $"{_directory}/bus";
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        _ = Task.Run(ServeAsync);
    }

    /// <summary>Where it listens.</summary>
    public string Path { get; }

    /// <summary>The environment in which it is both buses.</summary>
    public string? Variable(string name) => name.EndsWith("_BUS_ADDRESS", StringComparison.Ordinal) ? $"unix:path={Path},guid=1" : null;

    /// <summary>What it was asked, in order.</summary>
    public List<BusMessage> Calls { get; } = [];

    /// <summary>What it says to a name: lines of the authentication protocol.</summary>
    public string Welcome { get; set; } = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n";

    /// <summary>How a job ends.</summary>
    public string JobResult { get; set; } = "done";

    /// <summary>The signal comes before the answer that names the job.</summary>
    public bool SignalsFirst { get; set; }

    /// <summary>Answers to a method in place of the usual ones, in turn: an error's name, <c>silence</c>, <c>hang up</c>, <c>garbage</c>.
    /// </summary>
    public Queue<(string Method, string Answer)> Script { get; } = [];

    /// <summary>The settings of the last call of a method.</summary>
    public string SettingsOf(string method) =>
        Calls.Last(call => call.Member == method).Body.OfType<BusArray>().First(array => array.Element == "(sv)").ToString();

    private async Task ServeAsync()
    {
        while (true)
        {
            using Socket client = await _listener.AcceptAsync();
            try
            {
                await ServeAsync(client);
            }
            catch (Exception gone) when (gone is SocketException or EndOfStreamException)
            {
                // The next one.
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        await using NetworkStream stream = new(client);
        using StreamReader lines = new(stream, Encoding.Latin1, leaveOpen: true, bufferSize: 1);
        if (await ReadLineAsync(stream) != "\0AUTH EXTERNAL" || await ReadLineAsync(stream) != "DATA")
            return;
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Welcome));
        if (await ReadLineAsync(stream) != "BEGIN")
            return;
        while (true)
        {
            byte[] start = new byte[BusMessage.FixedBytes];
            await stream.ReadExactlyAsync(start);
            byte[] whole = new byte[BusMessage.LengthOf(start)];
            start.CopyTo(whole, 0);
            await stream.ReadExactlyAsync(whole.AsMemory(start.Length));
            BusMessage call = BusMessage.Parse(whole);
            lock (Calls)
                Calls.Add(call);
            string? scripted = Script.TryPeek(out (string Method, string Answer) next) && next.Method == call.Member ? Script.Dequeue().Answer : null;
            if (scripted == "hang up")
                return;
            if (scripted == "garbage")
                await stream.WriteAsync(Encoding.ASCII.GetBytes(new string('x', 64)));
            else if (scripted != "silence")
                await AnswerAsync(stream, call, scripted);
        }
    }

    private static async Task<string> ReadLineAsync(Stream stream)
    {
        StringBuilder line = new();
        byte[] one = new byte[1];
        while (!line.ToString().EndsWith("\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one);
            line.Append((char)one[0]);
        }
        return line.ToString().TrimEnd();
    }

    private async Task AnswerAsync(Stream stream, BusMessage call, string? error)
    {
        if (error is not null)
        {
            await SendAsync(stream, new BusMessage
            {
                Kind = BusMessageKind.Error, ReplyTo = call.Serial, ErrorName = error, Body = [BusValue.Of($"scripted {error}")],
            });
            return;
        }
        string job = $"/org/freedesktop/systemd1/job/{call.Serial}";
        bool isJob = call.Member is "StartTransientUnit" or "StopUnit";
        BusMessage answer = new()
        {
            Kind = BusMessageKind.Return, ReplyTo = call.Serial,
            Body = call.Member switch
            {
                "Hello" => [BusValue.Of(":1.7")],
                "StartTransientUnit" or "StopUnit" => [new BusText("o", job)],
                "Get" => [new BusVariant(BusValue.Of(((BusText)call.Body[1]).Text == "Version" ? "252.39-1~deb12u2" : "/user.slice/me"))],
                _ => [],
            },
        };
        if (!isJob || !SignalsFirst)
            await SendAsync(stream, answer);
        if (!isJob)
            return;
        await SendAsync(stream, Removed("/org/freedesktop/systemd1/job/other", "another.scope", "failed"));
        if (JobResult != "never")
            await SendAsync(stream, Removed(job, ((BusText)call.Body[0]).Text, JobResult));
        if (SignalsFirst)
            await SendAsync(stream, answer);
    }

    private static BusMessage Removed(string job, string unit, string result) => new()
    {
        Kind = BusMessageKind.Signal, Path = "/org/freedesktop/systemd1", Interface = "org.freedesktop.systemd1.Manager", Member = "JobRemoved",
        Body = [BusValue.Of(7u), new BusText("o", job), BusValue.Of(unit), BusValue.Of(result)],
    };

    private async Task SendAsync(Stream stream, BusMessage message) =>
        await stream.WriteAsync((message with { Serial = ++_serial }).ToBytes());

    public void Dispose()
    {
        _listener.Dispose();
        _directory.Delete(recursive: true);
    }
}
