using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Engine.Logs.Destinations;
using Berth.Faults;
using Berth.Runtime;
using Berth.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Engine.Tests;

/// <summary>Options, tags and attributes of log drivers; compressed files; and what arrives at servers that the tests script.</summary>
public sealed class LogDriverTests : IDisposable
{
    private static readonly DateTimeOffset s_begin = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-log-drivers-").FullName;

    private string LogPath => Path.Combine(_directory, "x-json.log");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("gelf", "", "logger: no log driver named 'gelf' is registered")]
    [InlineData("json-file", "colour=red", "unknown log opt 'colour' for json-file log driver")]
    [InlineData("local", "tag=x", "unknown log opt 'tag' for log driver local")]
    [InlineData("journald", "max-size=1m", "unknown log opt 'max-size' for journald log driver")]
    [InlineData("syslog", "fluentd-address=x", "unknown log opt 'fluentd-address' for syslog log driver")]
    [InlineData("fluentd", "max-file=2", "unknown log opt 'max-file' for fluentd log driver")]
    [InlineData("json-file", "mode=maybe", "logger: logging mode not supported: maybe")]
    [InlineData("json-file", "max-buffer-size=1m", "logger: max-buffer-size option is only supported with 'mode=non-blocking'")]
    [InlineData("json-file", "max-buffer-size=1x;mode=non-blocking", "invalid size: '1x'")]
    [InlineData("json-file", "compress=true;max-file=1", "compress cannot be true when max-file is less than 2 or max-size is not set")]
    [InlineData("json-file", "max-file=0", "max-file cannot be less than 1: 0")]
    [InlineData("json-file", "env-regex=(", "error parsing env-regex")]
    [InlineData("syslog", "syslog-address=http://x", "unsupported scheme: 'http'")]
    [InlineData("syslog", "syslog-address=host:514", "syslog-address should be in form proto://address, got host:514")]
    [InlineData("syslog", "syslog-address=unixgram:///nowhere", "stat /nowhere: no such file or directory")]
    [InlineData("syslog", "syslog-facility=kernel", "invalid syslog facility")]
    [InlineData("syslog", "syslog-format=rfc1", "Invalid syslog format")]
    [InlineData("fluentd", "fluentd-retry-wait=soon", "invalid value for fluentd-retry-wait: time: invalid duration \"soon\"")]
    [InlineData("fluentd", "fluentd-async=maybe",
        "invalid value for option fluentd-async: strconv.ParseBool: parsing \"maybe\": invalid syntax")]
    public void Options_Wrong_AreRefused(string driver, string options, string message)
    {
        FaultException fault = Assert.Throws<FaultException>(() => LogOptions.Plan(Settings(driver, options)));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.StartsWith(message, fault.Message);
    }

    [Fact]
    public void Options_Defaults_AreBounded()
    {
        foreach (string driver in LogOptions.Drivers.Where(driver => driver != "none"))
            Assert.True(LogOptions.Plan(Settings(driver, "")) is { BytesMax: > 0, FilesMax: > 1, Blocks: false });
        LogPlan usual = LogOptions.Plan(Settings("json-file", ""))!;
        Assert.Equal((10_000_000, 3), (usual.BytesMax, usual.FilesMax));
        Assert.Null(LogOptions.Plan(Settings("none", "")));
        LogPlan cached = LogOptions.Plan(Settings("journald", "cache-max-size=1k;cache-max-file=3;cache-disabled=true;mode=blocking"))!;
        Assert.Equal((1000, 3, false, true), (cached.BytesMax, cached.FilesMax, cached.IsReadable, cached.Blocks));
    }

    [Theory]
    [InlineData("{{.ID}}", "0123456789ab")]
    [InlineData("{{.ImageName}}/{{.Name}}/{{.FullID}}", "base:1/web/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("a {{ .Name | upper }} {{lower \"XY\"}} {{truncate .ID 3}} z", "a WEB xy 012 z")]
    [InlineData("{{(.ExtraAttributes nil).tier}}", "front")]
    [InlineData("{{.DaemonName}} {{.Command}} {{.ImageID}}", "docker run me sha256:11111")]
    [InlineData("plain", "plain")]
    public void Tag_Template_IsFilled(string template, string expected) => Assert.Equal(expected, TagTemplate.Fill(template, Source()));

    [Theory]
    [InlineData("{{.Nothing}}")]
    [InlineData("{{.ID")]
    [InlineData("{{nothing .ID}}")]
    [InlineData("{{}}")]
    [InlineData("{{.ID | }}")]
    [InlineData("{{(.ID}}")]
    public void Tag_Wrong_IsRefused(string template) => Assert.Throws<FaultException>(() => TagTemplate.Fill(template, Source()));

    [Fact]
    public async Task Container_WithLabelsEnvAndTag_HasThemInFileAndDetails()
    {
        await using TestEngine test = await TestEngine.OpenAsync();
        (string id, FakeContainer running) = await test.StartAsync(
            new HostSettings
            {
                LogConfig = Settings("json-file", "labels=tier;env-regex=^LOG_;tag={{.ImageName}};max-file=2;max-size=1k;compress=true"),
            },
            new ContainerSettings
            {
                Image = "base", Cmd = ["run"], Env = ["LOG_A=a \"b\"", "OTHER=x"],
                Labels = new Dictionary<string, string> { ["tier"] = "front", ["more"] = "x" },
            });
        Assert.Equal("""{"LOG_A":"a \"b\"","tag":"base","tier":"front"}""", running.Request.Log!.Attributes);
        ContainerDetails details = await test.Engine.Containers.InspectAsync(id, false, Cancel);
        Assert.Equal(["LOG_A", "tag", "tier"], details.LogAttributes.Keys);
    }

    [Fact]
    public async Task Container_WithoutReadableLog_SaysSo()
    {
        await using TestEngine test = await TestEngine.OpenAsync();
        foreach (LogSettings settings in new[] { Settings("none", ""), Settings("journald", "cache-disabled=true") })
        {
            (string id, FakeContainer _) = await test.StartAsync(new HostSettings { LogConfig = settings });
            FaultException fault = Assert.Throws<FaultException>(() => test.Engine.Containers.Logs(id, new LogQuery(), Cancel));
            Assert.Equal("configured logging driver does not support reading", fault.Message);
        }
    }

    [Fact]
    public async Task Compressed_Files_AreReadInOrder()
    {
        File.WriteAllText(LogPath + ".2", Line(0) + Line(1));
        File.WriteAllText(LogPath + ".1", Line(2) + Line(3));
        File.WriteAllText(LogPath, Line(4));
        LogCompression.Run(LogPath, null);
        Assert.Equal(["x-json.log", "x-json.log.1.gz", "x-json.log.2.gz"],
            Directory.GetFiles(_directory).Select(Path.GetFileName).Order());
        Assert.Equal("0 1 2 3 4", await ReadAsync(new LogQuery()));
        Assert.Equal("3 4", await ReadAsync(new LogQuery { Tail = 2 }));
        Assert.Equal((UnixFileMode)0x1A0, File.GetUnixFileMode(LogPath + ".1.gz"));
    }

    [Fact]
    public async Task Follow_WhileFilesAreRotatedAndCompressed_DeliversEachLineOnce()
    {
        TaskCompletionSource ended = new();
        File.WriteAllText(LogPath, Line(0));
        await using IAsyncEnumerator<LogEntry> reader = new LogReader(LogPath, new LogQuery { Follow = true }, TimeProvider.System)
            .ReadAsync(ended.Task, Cancel).GetAsyncEnumerator(Cancel);
        Assert.True(await reader.MoveNextAsync());
        // The reader is in the first file; meanwhile it and two more are rotated away and compressed.
        for (int number = 1; number < 4; number++)
        {
            Rotate();
            File.WriteAllText(LogPath, Line(number));
            LogCompression.Run(LogPath, null);
        }
        ended.SetResult();
        for (int number = 1; number < 4; number++)
        {
            Assert.True(await reader.MoveNextAsync());
            Assert.Equal(number.ToString(CultureInfo.InvariantCulture), Encoding.UTF8.GetString(reader.Current.Bytes.Span).Trim());
        }
        Assert.False(await reader.MoveNextAsync());
    }

    [Fact]
    public async Task Damaged_CompressedFile_CostsOnlyItself()
    {
        File.WriteAllText(LogPath + ".2", Line(0));
        File.WriteAllBytes(LogPath + ".1.gz", [0x1f, 0x8b, 8, 0, 1, 2, 3]);
        File.WriteAllText(LogPath, Line(2));
        Assert.Equal("0 2", await ReadAsync(new LogQuery()));
    }

    [Theory]
    [InlineData("", "<30>Jan  2 ")]
    [InlineData("rfc3164", "<30>Jan  2 ")]
    [InlineData("rfc5424", "<30>1 2026-01-02T")]
    [InlineData("rfc5424micro", "<30>1 2026-01-02T")]
    public async Task Syslog_Udp_CarriesEachLine(string format, string start)
    {
        using UdpClient server = new(new IPEndPoint(IPAddress.Loopback, 0));
        File.WriteAllText(LogPath, Line(0) + Line(1));
        await ShipAsync("syslog", $"syslog-address=udp://{server.Client.LocalEndPoint};syslog-format={format};tag={{{{.Name}}}}");
        string first = Encoding.UTF8.GetString((await server.ReceiveAsync(Cancel)).Buffer);
        Assert.StartsWith(start, first);
        Assert.Contains("web", first, StringComparison.Ordinal);
        Assert.EndsWith(format.StartsWith("rfc5424", StringComparison.Ordinal) ? " web - 0\n" : "]: 0\n", first);
        // Standard error is an error: daemon (3) * 8 + 3.
        Assert.StartsWith("<27>", Encoding.UTF8.GetString((await server.ReceiveAsync(Cancel)).Buffer));
    }

    [Fact]
    public async Task Syslog_ServerComesLateAndBreaksOff_LosesNothing()
    {
        int port = FreePort.Next();
        File.WriteAllText(LogPath, Line(0) + Line(1));
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        TaskCompletionSource ended = new();
        Task shipping = ShipAsync("syslog", $"syslog-address=tcp://127.0.0.1:{port}", ended.Task, stop.Token);
        using TcpListener late = new(IPAddress.Loopback, port);
        late.Start();
        using (TcpClient first = await late.AcceptTcpClientAsync(Cancel))
        using (StreamReader lines = new(first.GetStream()))
        {
            Assert.EndsWith(": 0", await lines.ReadLineAsync(Cancel));
            Assert.EndsWith(": 1", await lines.ReadLineAsync(Cancel));
        }
        File.AppendAllText(LogPath, Line(2));
        using TcpClient second = await late.AcceptTcpClientAsync(Cancel);
        using StreamReader more = new(second.GetStream());
        Assert.EndsWith(": 2", await more.ReadLineAsync(Cancel));
        ended.SetResult();
        await shipping;
    }

    [Fact]
    public async Task Position_AnotherEngine_GoesOnBehindIt()
    {
        using UdpClient server = new(new IPEndPoint(IPAddress.Loopback, 0));
        string options = $"syslog-address=udp://{server.Client.LocalEndPoint}";
        File.WriteAllText(LogPath, Line(0) + Line(1));
        await ShipAsync("syslog", options);
        // While nobody is there, the log goes on and is rotated: its files have other names and are compressed.
        File.AppendAllText(LogPath, Line(2));
        Rotate();
        File.WriteAllText(LogPath, Line(3));
        LogCompression.Run(LogPath, null);
        await ShipAsync("syslog", options);
        for (int number = 0; number < 4; number++)
            Assert.EndsWith($": {number}\n", Encoding.UTF8.GetString((await server.ReceiveAsync(Cancel)).Buffer));
        Assert.Equal(0, server.Available);
    }

    [Fact]
    public async Task Journald_Datagram_HasDockersFields()
    {
        string path = Path.Combine(_directory, "journal");
        using Socket server = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        server.Bind(new UnixDomainSocketEndPoint(path));
        using JournaldDestination journal = new(path, Source());
        await journal.SendAsync(
            [
                Entry("a\nb\n", OutputSource.Stderr), Entry("piece", OutputSource.Stdout), Entry("rest\n", OutputSource.Stdout),
            ], Cancel);
        string first = await ReceiveAsync(server);
        Assert.StartsWith("MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\nPRIORITY=3\nCONTAINER_ID=0123456789ab\n", first);
        foreach (string field in new[] { "CONTAINER_NAME=web", "IMAGE_NAME=base:1", "TIER=front", "SYSLOG_IDENTIFIER=0123456789ab" })
            Assert.Contains($"\n{field}\n", first, StringComparison.Ordinal);
        Assert.Contains("CONTAINER_PARTIAL_MESSAGE=true\n", await ReceiveAsync(server), StringComparison.Ordinal);
        string last = await ReceiveAsync(server);
        Assert.StartsWith("MESSAGE=rest\nPRIORITY=6\n", last);
        Assert.Contains("CONTAINER_PARTIAL_ORDINAL=2\nCONTAINER_PARTIAL_LAST=true\n", last, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fluentd_WithAck_SendsAgainWhatWasNotConfirmed()
    {
        using TcpListener server = new(IPAddress.Loopback, 0);
        server.Start();
        File.WriteAllText(LogPath, Line(0));
        Task shipping = ShipAsync("fluentd",
            $"fluentd-address={server.LocalEndpoint};fluentd-request-ack=true;fluentd-retry-wait=10ms;fluentd-sub-second-precision=true");
        byte[] unconfirmed;
        using (TcpClient first = await server.AcceptTcpClientAsync(Cancel))
            unconfirmed = await ReadSomeAsync(first);
        using TcpClient second = await server.AcceptTcpClientAsync(Cancel);
        byte[] message = await ReadSomeAsync(second);
        // [tag, EventTime, {…}, {"chunk": …}]
        Assert.Equal([0x94, 0xAC], message[..2]);
        Assert.Equal("0123456789ab", Encoding.ASCII.GetString(message, 2, 12));
        Assert.Equal([0xD7, 0x00], message[14..16]);
        string text = Encoding.Latin1.GetString(message);
        foreach (string word in new[] { "log\xA1" + "0", "container_name\xA4/web", "source\xA6stdout", "tier\xA5" + "front" })
            Assert.Contains(word, text, StringComparison.Ordinal);
        Assert.Contains("log\xA1" + "0", Encoding.Latin1.GetString(unconfirmed), StringComparison.Ordinal);
        int chunk = text.IndexOf("chunk", StringComparison.Ordinal) + 6;
        byte[] answer = [0x81, 0xA3, .. "ack"u8, 0xB8, .. message.AsSpan(chunk, 24)];
        await second.GetStream().WriteAsync(answer, Cancel);
        await shipping;
    }

    [Fact]
    public async Task Removed_Container_SendsItsLastWords()
    {
        using UdpClient server = new(new IPEndPoint(IPAddress.Loopback, 0));
        await using TestEngine test = await TestEngine.OpenAsync();
        (string id, FakeContainer running) = await test.StartAsync(new HostSettings
        {
            AutoRemove = true, LogConfig = Settings("syslog", $"syslog-address=udp://{server.Client.LocalEndPoint}"),
        });
        File.WriteAllText(running.Request.Log!.Path, Line(7));
        Task<WaitOutcome> removed = test.Engine.Containers.Wait(id, WaitCondition.Removed, Cancel);
        running.Exit(0);
        await removed;
        Assert.EndsWith(": 7\n", Encoding.UTF8.GetString((await server.ReceiveAsync(Cancel)).Buffer));
    }

    [Fact]
    public async Task Blocking_DestinationAway_HoldsTheContainerBack()
    {
        LogPlan plan =
            LogOptions.Plan(Settings("syslog", "syslog-address=tcp://127.0.0.1:1;mode=blocking;cache-max-size=1k;cache-max-file=2"))!;
        LogShipper shipper = new(LogPath, plan, Source(), TimeProvider.System, NullLogger.Instance);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        FakeOutput output = new();
        Task holding = shipper.HoldBackAsync(output, stop.Token);
        await output.Reads.WaitAsync(Cancel);
        await output.Reads.WaitAsync(Cancel);
        // More than half of what the files hold is waiting: nothing more is read, so the monitor takes nothing more.
        File.WriteAllText(LogPath, string.Concat(Enumerable.Range(0, 40).Select(Line)));
        while (await output.Reads.WaitAsync(300, Cancel))
        {
        }
        File.Delete(LogPath);
        await output.Reads.WaitAsync(Cancel);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => holding);
    }

    private static LogSettings Settings(string driver, string options) => new(driver, options
        .Split(';', StringSplitOptions.RemoveEmptyEntries).Select(option => option.Split('=', 2))
        .ToDictionary(pair => pair[0], pair => pair[1]));

    private static LogSource Source() => new()
    {
        Id = string.Concat(Enumerable.Repeat("0123456789abcdef", 4)), Name = "web", ImageName = "base:1", Command = "run me",
        ImageId = "sha256:" + new string('1', 64), Attributes = new Dictionary<string, string> { ["tier"] = "front" },
    };

    private Task ShipAsync(string driver, string options, Task? ended = null, CancellationToken? stop = null)
    {
        LogPlan plan = LogOptions.Plan(Settings(driver, options))!;
        LogSource source = Source();
        if (plan.Tag is { } tag)
            source = source with { Tag = TagTemplate.Fill(tag, source) };
        return new LogShipper(LogPath, plan, source, TimeProvider.System, NullLogger.Instance)
            .RunAsync(ended ?? Task.CompletedTask, stop ?? Cancel);
    }

    private void Rotate()
    {
        foreach (string suffix in new[] { "", ".gz" })
            foreach (int number in new[] { 3, 2, 1 })
                if (File.Exists($"{LogPath}.{number}{suffix}"))
                    File.Move($"{LogPath}.{number}{suffix}", $"{LogPath}.{number + 1}{suffix}");
        File.Move(LogPath, LogPath + ".1");
    }

    private static LogEntry Entry(string text, OutputSource stream) => new(stream, s_begin, Encoding.UTF8.GetBytes(text));

    private static string Line(int number)
    {
        string stream = number % 2 == 0 ? "stdout" : "stderr";
        return $$"""{"log":"{{number}}\n","stream":"{{stream}}","time":"{{s_begin.AddSeconds(number):O}}"}""" + "\n";
    }

    private async Task<string> ReadAsync(LogQuery query)
    {
        List<string> lines = [];
        await foreach (LogEntry entry in new LogReader(LogPath, query, TimeProvider.System).ReadAsync(Task.CompletedTask, Cancel))
            lines.Add(Encoding.UTF8.GetString(entry.Bytes.Span).Trim());
        return string.Join(' ', lines);
    }

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        byte[] buffer = new byte[64 * 1024];
        return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, Cancel));
    }

    private static async Task<byte[]> ReadSomeAsync(TcpClient client)
    {
        byte[] buffer = new byte[64 * 1024];
        return buffer[..await client.GetStream().ReadAsync(buffer, Cancel)];
    }

    private sealed class FakeOutput : IContainerStreams
    {
        public SemaphoreSlim Reads { get; } = new(0);

        public async ValueTask<(OutputSource Source, int Count)> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            Reads.Release();
            await Task.Delay(10, cancellationToken);
            return (OutputSource.Stdout, 1);
        }

        public ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => new(true);

        public ValueTask CloseInputAsync() => default;

        public ValueTask DisposeAsync() => default;
    }
}
