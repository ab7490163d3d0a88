using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Berth.Tests;

namespace Berth.EndToEnd.Tests;

/// <summary>How <c>berthd</c> is set up: configuration file and SIGHUP, sockets of several kinds, metrics, logs as JSON, TLS.</summary>
public sealed class DaemonTests : IDisposable
{
    private static readonly string s_program = Path.Combine(EngineFixture.Repository, "out/bin/berthd");
    private readonly string _root = Directory.CreateTempSubdirectory("berth-daemon-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public DaemonTests()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        Assert.SkipUnless(File.Exists(s_program), "out/bin/berthd is not built: ./dev build");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Configuration_ChangedFile_IsReadAgainOnHangUp()
    {
        int port = FreePort.Next();
        string file = Path.Combine(_root, "daemon.json");
        string Settings(string more) => $$"""
            {"hosts": ["unix://{{_root}}/a.sock", "unix://{{_root}}/b.sock"], "log-format": "json", "metrics-addr": "127.0.0.1:{{port}}"
             {{more}}}
            """;
        await File.WriteAllTextAsync(file, Settings(""", "labels": ["stage=one"]"""), Cancel);
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(_root, ["--config-file", file]);
        // Every line is an object of its own.
        Assert.All(daemon.Seen, line => Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(line).RootElement.ValueKind));
        Assert.Contains("\"Labels\":[\"stage=one\"]", await AskAsync("a.sock", "/info"), StringComparison.Ordinal);
        Assert.Equal("OK", await AskAsync("b.sock", "/_ping"));

        using HttpClient events = Client("a.sock");
        using Stream stream = await events.GetStreamAsync(
            "http://d/events?filters=" + Uri.EscapeDataString("""{"type":["daemon"]}"""), Cancel);
        await File.WriteAllTextAsync(file, Settings(""", "labels": ["stage=two"], "debug": true"""), Cancel);
        await daemon.SignalAsync("HUP");
        using StreamReader lines = new(stream);
        using JsonDocument happened = JsonDocument.Parse((await lines.ReadLineAsync(Cancel))!);
        Assert.Equal("reload", happened.RootElement.GetProperty("Action").GetString());
        JsonElement attributes = happened.RootElement.GetProperty("Actor").GetProperty("Attributes");
        Assert.Equal("""["stage=two"]""", attributes.GetProperty("labels").GetString());
        string info = await AskAsync("b.sock", "/info");
        Assert.Contains("\"Labels\":[\"stage=two\"]", info, StringComparison.Ordinal);
        Assert.Contains("\"Debug\":true", info, StringComparison.Ordinal);

        // A mistake changes nothing, and its name is said.
        await File.WriteAllTextAsync(file, Settings(""", "labels": ["stage=three"], "colour": "red" """), Cancel);
        await daemon.SignalAsync("HUP");
        Assert.Contains("colour", await daemon.UntilAsync("Settings were not read again"), StringComparison.Ordinal);
        Assert.Contains("\"Labels\":[\"stage=two\"]", await AskAsync("a.sock", "/info"), StringComparison.Ordinal);

        using HttpClient metrics = new();
        // A request is counted when its answer has been sent.
        string text = "";
        await Eventually.HoldsAsync(async () => System.Text.RegularExpressions.Regex.IsMatch(
            text = await metrics.GetStringAsync($"http://127.0.0.1:{port}/metrics", Cancel),
            "berth_api_requests_total\\{method=\"GET\",status=\"200\"\\} [4-9]\n"));
        Assert.Contains("\nengine_daemon_container_states_containers{state=\"running\"} 0\n", text, StringComparison.Ordinal);
        Assert.Contains("engine_daemon_container_actions_seconds_bucket{action=\"start\",le=\"+Inf\"} 0\n", text, StringComparison.Ordinal);
        Assert.Contains("engine_daemon_events_total 1\n", text, StringComparison.Ordinal);
        HttpResponseMessage other = await metrics.GetAsync($"http://127.0.0.1:{port}/info", Cancel);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }

    [Fact]
    public async Task RootsAndPidFile_OfTheConfigurationFile_AreUsedAndNotShared()
    {
        string file = Path.Combine(_root, "daemon.json");
        await File.WriteAllTextAsync(file, $$"""
            {"hosts": ["unix://{{_root}}/a.sock"], "data-root": "{{_root}}/data", "exec-root": "{{_root}}/exec", "pidfile": "{{_root}}/pid",
             "bridge": "none", "cgroup-parent": "/berth-daemon-{{Environment.ProcessId:x}}", "log-level": "debug"}
            """, Cancel);
        await using (RunningDaemon daemon = await RunningDaemon.LaunchAsync(["--config-file", file]))
        {
            Assert.Equal(daemon.Pid.ToString(), await File.ReadAllTextAsync($"{_root}/pid", Cancel));
            Assert.Contains($"\"DockerRootDir\":\"{_root}/data\"", await AskAsync("a.sock", "/info"), StringComparison.Ordinal);
            await daemon.UntilAsync("dbug: ").WaitAsync(TimeSpan.FromMinutes(2), Cancel);
            Completed same = await SecondAsync("--data-root", $"{_root}/data", "--exec-root", $"{_root}/e2");
            Assert.Equal(1, same.Code);
            Assert.Contains($"{_root}/data: another engine uses this data root", same.Errors, StringComparison.Ordinal);
            Completed named = await SecondAsync("--data-root", $"{_root}/d2", "--exec-root", $"{_root}/e2", "--pidfile", $"{_root}/pid");
            Assert.Equal(1, named.Code);
            Assert.Contains($"delete {_root}/pid: process with PID {daemon.Pid} is still running", named.Errors, StringComparison.Ordinal);
            // Beside it with roots of its own another one runs, and is another one.
            await using RunningDaemon beside = await RunningDaemon.StartAsync(_root, ["-H", $"unix://{_root}/b.sock", "--log-level",
                "info"]);
            Assert.NotEqual(IdOf(await AskAsync("a.sock", "/info")), IdOf(await AskAsync("b.sock", "/info")));
            Assert.DoesNotContain(beside.Seen, static line => line.Contains("dbug: ", StringComparison.Ordinal));
        }
        Assert.False(File.Exists($"{_root}/pid"));

        Task<Completed> SecondAsync(params string[] options) =>
            Program.RunAsync(s_program, [.. options, "--bridge", "none", "-H", $"unix://{_root}/c.sock"], "");
    }

    private static string IdOf(string info) => JsonDocument.Parse(info).RootElement.GetProperty("ID").GetString()!;

    [Fact]
    public async Task SocketActivation_ServesTheSocketItWasHandedAndSaysReady()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "python3 is not installed");
        const string Activate = """
            import os, socket, sys
            s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(16)
            os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="berthd.socket", NOTIFY_SOCKET=sys.argv[2])
            os.execv(sys.argv[3], sys.argv[3:])
            """;
        using Socket supervisor = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        supervisor.Bind(new UnixDomainSocketEndPoint(Path.Combine(_root, "notify")));
        await using (RunningDaemon daemon = await RunningDaemon.StartAsync(
            _root, ["-H", "fd://berthd.socket"], "/usr/bin/python3", ["-c", Activate, $"{_root}/h.sock", $"{_root}/notify", s_program]))
        {
            Assert.Equal("READY=1", await ReceiveAsync(supervisor));
            Assert.Equal("OK", await AskAsync("h.sock", "/_ping"));
        }
        Assert.Equal("STOPPING=1", await ReceiveAsync(supervisor));
        // The socket is systemd's: it stays for the next start.
        Assert.True(File.Exists(Path.Combine(_root, "h.sock")));
    }

    [Fact]
    public async Task SocketActivation_WithoutSystemd_IsSaid()
    {
        Completed end = await Program.RunAsync(
            s_program, ["--data-root", $"{_root}/l", "--exec-root", $"{_root}/r", "--bridge", "none", "-H", "fd://"], "");
        Assert.Equal(1, end.Code);
        Assert.Contains("no sockets found via socket activation", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tls_OnlyClientsOfTheAuthority_AreServed()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/docker"), "docker.io is not installed");
        MakeCertificates();
        int port = FreePort.Next();
        await using RunningDaemon daemon = await RunningDaemon.StartAsync(_root,
        [
            "-H", $"tcp://127.0.0.1:{port}", "--tlsverify", "--tlscacert", $"{_root}/ca.pem", "--tlscert", $"{_root}/server.pem",
            "--tlskey", $"{_root}/server-key.pem",
        ]);
        string[] trusted = ["--tlsverify", "--tlscacert", $"{_root}/ca.pem"];
        Completed version = await DockerAsync([.. trusted, "--tlscert", $"{_root}/cert.pem", "--tlskey", $"{_root}/key.pem"]);
        Assert.True(version.Code == 0, version.Errors);
        Assert.Equal("linux\n", version.Output);
        Completed foreign = await DockerAsync([.. trusted, "--tlscert", $"{_root}/other.pem", "--tlskey", $"{_root}/other-key.pem"]);
        Assert.NotEqual(0, foreign.Code);
        // A server's certificate is no client's, whoever signed it.
        Completed server = await DockerAsync([.. trusted, "--tlscert", $"{_root}/server.pem", "--tlskey", $"{_root}/server-key.pem"]);
        Assert.NotEqual(0, server.Code);

        Task<Completed> DockerAsync(string[] tls) =>
            Program.RunAsync("/usr/bin/docker", [.. tls, "version", "-f", "{{.Server.Os}}"], $"tcp://127.0.0.1:{port}");
    }

    private void MakeCertificates()
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using ECDsa authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 authority = Request("CN=test authority", authorityKey, isAuthority: true, null)
            .CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        using ECDsa strangerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 stranger = Request("CN=somebody else", strangerKey, isAuthority: true, null)
            .CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText($"{_root}/ca.pem", authority.ExportCertificatePem());
        Issue(authority, "server", "server-key", "1.3.6.1.5.5.7.3.1");
        Issue(authority, "cert", "key", "1.3.6.1.5.5.7.3.2");
        Issue(stranger, "other", "other-key", "1.3.6.1.5.5.7.3.2");

        void Issue(X509Certificate2 issuer, string certificate, string keyFile, string usage)
        {
            using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using X509Certificate2 issued = Request("CN=" + certificate, key, isAuthority: false, usage)
                .Create(issuer, now.AddHours(-12), now.AddHours(12), RandomNumberGenerator.GetBytes(8));
            File.WriteAllText($"{_root}/{certificate}.pem", issued.ExportCertificatePem());
            File.WriteAllText($"{_root}/{keyFile}.pem", key.ExportPkcs8PrivateKeyPem());
        }
    }

    private static CertificateRequest Request(string name, ECDsa key, bool isAuthority, string? usage)
    {
        CertificateRequest request = new(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        if (usage is not null)
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request;
    }

    private HttpClient Client(string socket) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, stop) =>
        {
            Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(_root, socket)), stop);
            return new NetworkStream(connection, ownsSocket: true);
        },
    });

    private async Task<string> AskAsync(string socket, string path)
    {
        using HttpClient client = Client(socket);
        return await client.GetStringAsync("http://d" + path, Cancel);
    }

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        byte[] buffer = new byte[256];
        return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, Cancel));
    }

    /// <summary>A daemon without a network; it is ended with SIGTERM.</summary>
    private sealed class RunningDaemon(Process process) : IAsyncDisposable
    {
        /// <summary>What it has written so far.</summary>
        public List<string> Seen { get; } = [];

        public int Pid => process.Id;

        public static async Task<RunningDaemon> StartAsync(
            string root, string[] options, string? program = null, string[]? before = null) => await LaunchAsync(
            [.. before ?? [], "--data-root", $"{root}/lib", "--exec-root", $"{root}/run", "--bridge", "none",
            "--cgroup-parent", $"/berth-daemon-{Environment.ProcessId:x}", .. options], program);

        /// <summary>Starts one with these arguments alone.</summary>
        public static async Task<RunningDaemon> LaunchAsync(string[] arguments, string? program = null)
        {
            ProcessStartInfo start = new(program ?? s_program, arguments) { RedirectStandardError = true };
            RunningDaemon daemon = new(Process.Start(start)!);
            await daemon.UntilAsync("API listen on");
            return daemon;
        }

        /// <summary>Reads until a line with this text.</summary>
        public async Task<string> UntilAsync(string text)
        {
            while (true)
            {
                string line = await process.StandardError.ReadLineAsync(Cancel)
                    ?? throw new InvalidOperationException("berthd ended: " + string.Join('\n', Seen));
                Seen.Add(line);
                if (line.Contains(text, StringComparison.Ordinal))
                    return line;
            }
        }

        public async Task SignalAsync(string name) => await Program.RunAsync("kill", [$"-{name}", process.Id.ToString()], "");

        public async ValueTask DisposeAsync()
        {
            _ = process.StandardError.ReadToEndAsync();
            await SignalAsync("TERM");
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
