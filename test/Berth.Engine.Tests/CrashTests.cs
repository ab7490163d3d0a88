using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Berth.Engine.Tests;

/// <summary>A daemon that is killed while it works, and the next one on the same roots.</summary>
public sealed class CrashTests : IAsyncLifetime
{
    private readonly string _root = Directory.CreateTempSubdirectory("berth-crash-").FullName;
    private HttpClient _api = null!;
    private Process? _daemon;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Bridge => "bc" + Math.Abs(_root.GetHashCode(StringComparison.Ordinal)) % 1_000_000;

    private string Socket => Path.Combine(_root, "exec", "berth.sock");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.UserName == "root", "needs root");
        Assert.SkipUnless(File.Exists("/bin/busybox"), "needs the package busybox-static");
        Assert.SkipUnless(KernelTests.FindProgram("berth-runtime") is not null,
            "needs berth-runtime in out/bin (./dev build), or BERTH_BIN");
        Assert.SkipUnless(KernelTests.FindProgram("berthd") is not null, "needs berthd in out/bin (./dev build), or BERTH_BIN");
        _api = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, stop) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), stop);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        { BaseAddress = new Uri("http://berth") };
        await StartDaemonAsync();
        using StreamContent tar = new(KernelTests.BusyboxTar());
        (await _api.PostAsync("/images/create?fromSrc=-&repo=bb&tag=latest", tar, Cancel)).EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            foreach (JsonElement container in (await GetAsync("/containers/json?all=1")).EnumerateArray())
                await _api.DeleteAsync($"/containers/{container.GetProperty("Id").GetString()}?force=1&v=1", CancellationToken.None);
            // One that is told to end takes its cgroup parent and its table with it.
            Run("kill", "-TERM", $"{_daemon.Id}");
            await _daemon.WaitForExitAsync(CancellationToken.None);
            _daemon.Dispose();
            Run("ip", "link", "delete", Bridge);
        }
        _api?.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Kill_ChattyContainer_GoesOnAndLogsEverything()
    {
        string id = await RunAsync("i=0; while true; do echo line $i; i=$((i+1)); usleep 1000; done");
        int pid = (await GetAsync($"/containers/{id}/json")).GetProperty("State").GetProperty("Pid").GetInt32();
        await UntilAsync(async () => (await LinesAsync(id)).Length > 50);
        await KillDaemonAsync();
        await StartDaemonAsync();
        JsonElement state = (await GetAsync($"/containers/{id}/json")).GetProperty("State");
        Assert.True(state.GetProperty("Running").GetBoolean());
        Assert.Equal(pid, state.GetProperty("Pid").GetInt32());
        int before = (await LinesAsync(id)).Length;
        await UntilAsync(async () => (await LinesAsync(id)).Length > before + 50);
        string[] lines = await LinesAsync(id);
        Assert.Equal(Enumerable.Range(0, lines.Length).Select(number => $"line {number}"), lines);
        (await _api.PostAsync($"/containers/{id}/kill", null, Cancel)).EnsureSuccessStatusCode();
        JsonElement ended =
            await (await _api.PostAsync($"/containers/{id}/wait", null, Cancel)).Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.Equal(137, ended.GetProperty("StatusCode").GetInt32());
    }

    [Fact]
    public async Task Kill_ContainersThatEndMeanwhile_AreKnownOrRemovedAndLeaveNothing()
    {
        string gate = Path.Combine(_root, "gate");
        Directory.CreateDirectory(gate);
        const string Wait = "while [ ! -e /gate/open ]; do usleep 10000; done; exit 7";
        string kept = await RunAsync(Wait, $"{gate}:/gate");
        string removed = await RunAsync(Wait, $"{gate}:/gate", autoRemove: true);
        int[] pids = [await PidAsync(kept), await PidAsync(removed)];
        await KillDaemonAsync();
        File.WriteAllText(Path.Combine(gate, "open"), "");
        await UntilAsync(() => Task.FromResult(pids.All(pid => !Directory.Exists($"/proc/{pid}"))));
        await StartDaemonAsync();
        await UntilAsync(async () =>
            !(await GetAsync($"/containers/{kept}/json")).GetProperty("State").GetProperty("Running").GetBoolean());
        Assert.Equal(7, (await GetAsync($"/containers/{kept}/json")).GetProperty("State").GetProperty("ExitCode").GetInt32());
        await UntilAsync(async () => !(await _api.GetAsync($"/containers/{removed}/json", Cancel)).IsSuccessStatusCode);
        (await _api.DeleteAsync($"/containers/{kept}", Cancel)).EnsureSuccessStatusCode();
        string[] left = [];
        try
        {
            await UntilAsync(() => Task.FromResult((left = Leftovers()).Length == 0));
        }
        catch (OperationCanceledException) when (left.Length > 0)
        {
            Assert.Fail("left: " + string.Join('\n', left));
        }
    }

    [Fact]
    public async Task Kill_DuringImport_LeavesTheStoresWhole()
    {
        using SlowContent half = new(KernelTests.BusyboxTar().ToArray());
        Task<HttpResponseMessage> import = _api.PostAsync("/images/create?fromSrc=-&repo=half&tag=latest", half, Cancel);
        await half.HalfSent.Task.WaitAsync(Cancel);
        await KillDaemonAsync();
        half.GoOn.SetResult();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => import);
        await StartDaemonAsync();
        JsonElement image = Assert.Single((await GetAsync("/images/json?all=1")).EnumerateArray());
        Assert.Equal("bb:latest", image.GetProperty("RepoTags")[0].GetString());
        string id = await RunAsync("exit 3");
        JsonElement ended =
            await (await _api.PostAsync($"/containers/{id}/wait", null, Cancel)).Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.Equal(3, ended.GetProperty("StatusCode").GetInt32());
    }

    // What containers leave on disk and in the kernel.
    private string[] Leftovers() =>
    [
        .. Directory.GetFileSystemEntries(Path.Combine(_root, "exec", "containers")),
        .. Directory.GetFileSystemEntries(Path.Combine(_root, "data", "containers")),
        .. Directory.GetDirectories(
            "/sys/fs/cgroup", Path.GetFileName(_root), new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 })
            .SelectMany(Directory.GetDirectories),
        .. Output("ip", "-o", "link", "show", "master", Bridge).Split('\n', StringSplitOptions.RemoveEmptyEntries),
    ];

    private async Task StartDaemonAsync()
    {
        string program = KernelTests.FindProgram("berthd")!;
        _daemon = Process.Start(new ProcessStartInfo(program,
        [
            "--data-root", Path.Combine(_root, "data"), "--exec-root", Path.Combine(_root, "exec"), "-H", "unix://" + Socket,
            "--bridge", Bridge, "--cgroup-parent", "/" + Path.GetFileName(_root),
        ]) { RedirectStandardError = true })!;
        _daemon.ErrorDataReceived += (_, _) => { };
        _daemon.BeginErrorReadLine();
        await UntilAsync(async () =>
        {
            try
            {
                return (await _api.GetAsync("/_ping", Cancel)).IsSuccessStatusCode;
            }
            catch (HttpRequestException) when (!_daemon.HasExited)
            {
                return false;
            }
        });
    }

    private async Task KillDaemonAsync()
    {
        _daemon!.Kill();
        await _daemon.WaitForExitAsync(CancellationToken.None);
    }

    private async Task<string> RunAsync(string script, string? bind = null, bool autoRemove = false)
    {
        string body = JsonSerializer.Serialize(new
        {
            Image = "bb", Cmd = new[] { "sh", "-c", script },
            HostConfig = new { AutoRemove = autoRemove, Binds = bind is null ? [] : new[] { bind } },
        });
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        HttpResponseMessage created = await _api.PostAsync("/containers/create", content, Cancel);
        created.EnsureSuccessStatusCode();
        string id = (await created.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("Id").GetString()!;
        (await _api.PostAsync($"/containers/{id}/start", null, Cancel)).EnsureSuccessStatusCode();
        return id;
    }

    private async Task<int> PidAsync(string id) =>
        (await GetAsync($"/containers/{id}/json")).GetProperty("State").GetProperty("Pid").GetInt32();

    private async Task<JsonElement> GetAsync(string path) => await _api.GetFromJsonAsync<JsonElement>(path, CancellationToken.None);

    // Frames of the log: eight bytes of header, of which the last four are the length.
    private async Task<string[]> LinesAsync(string id)
    {
        byte[] frames = await _api.GetByteArrayAsync($"/containers/{id}/logs?stdout=1", Cancel);
        StringBuilder text = new();
        for (int at = 0; at + 8 <= frames.Length;)
        {
            int length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(frames.AsSpan(at + 4));
            text.Append(Encoding.UTF8.GetString(frames, at + 8, length));
            at += 8 + length;
        }
        return text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await isSo())
            await Task.Delay(20, limit.Token);
    }

    private static void Run(string program, params string[] arguments) => _ = Output(program, arguments);

    private static string Output(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : "";
    }

    /// <summary>Sends half of its bytes and waits before the rest.</summary>
    private sealed class SlowContent(byte[] bytes) : HttpContent
    {
        public TaskCompletionSource HalfSent { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            await stream.WriteAsync(bytes.AsMemory(0, bytes.Length / 2));
            await stream.FlushAsync();
            HalfSent.SetResult();
            await GoOn.Task;
            await stream.WriteAsync(bytes.AsMemory(bytes.Length / 2));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return true;
        }
    }
}
