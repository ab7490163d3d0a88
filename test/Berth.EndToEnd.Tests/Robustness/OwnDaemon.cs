using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>A <c>berthd</c> of one test: with roots, socket, bridge and cgroup parent of its own, to be killed and started again. What
/// it made is removed with it.</summary>
internal sealed class OwnDaemon : IAsyncDisposable
{
    private static readonly TimeSpan s_startTime = TimeSpan.FromSeconds(60);
    private readonly string[] _options;
    private readonly StringBuilder _errors = new();
    private Process? _process;

    private OwnDaemon(string root, string? dataRoot, string[] options)
    {
        (Root, DataRoot, _options) = (root, dataRoot ?? Path.Combine(root, "lib"), [.. Networks(options), .. options]);
        Name = "rb" + Path.GetFileName(root).GetHashCode(StringComparison.Ordinal).ToString("x8", null)[..7];
        Api = NewClient();
    }

    public string Root { get; }

    public string DataRoot { get; }

    public string ExecRoot => Path.Combine(Root, "run");

    public string Socket => Path.Combine(Root, "b.sock");

    public string Address => "unix://" + Socket;

    /// <summary>The bridge; the table and the cgroup parent are named after it.</summary>
    public string Name { get; }

    public HttpClient Api { get; }

    public int Pid => _process!.Id;

    /// <summary>What it has written to its standard error.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
                return _errors.ToString();
        }
    }

    /// <summary>Null when such a daemon can run here; otherwise what is missing.</summary>
    public static string? Missing => !Environment.IsPrivilegedProcess ? "not root"
        : !File.Exists(Program) ? "out/bin/berthd is not built: ./dev build"
        : !File.Exists("/bin/busybox") ? "busybox-static is not installed" : null;

    public static string Program => Path.Combine(EngineFixture.Repository, "out/bin/berthd");

    // Networks of its own: two engines that look at the same moment find the same ones free, each of them both.
    private static IEnumerable<string> Networks(string[] options) =>
    [
        "--bip", $"{FreeNetworks.Take()}.1/24",
        // A configuration file may have some, and then it alone.
        .. options.Contains("--config-file") ? [] : Enumerable.Range(0, 2).SelectMany(
            static _ => new[] { "--default-address-pool", $"base={FreeNetworks.Take()}.0/24,size=26" }),
    ];

    /// <summary>Starts one, with the image <c>bb</c> in it unless it has one already.</summary>
    /// <param name="dataRoot">Where its data is to be; null: below its own directory.</param>
    /// <param name="options">Further options.</param>
    public static async Task<OwnDaemon> StartAsync(string? dataRoot = null, params string[] options)
    {
        OwnDaemon daemon = new(Directory.CreateTempSubdirectory("berth-robust-").FullName, dataRoot, options);
        await daemon.StartAsync();
        using HttpResponseMessage found = await daemon.Api.GetAsync("/images/bb/json");
        if (!found.IsSuccessStatusCode)
            await daemon.ImportBusyboxAsync();
        return daemon;
    }

    public async Task StartAsync()
    {
        ProcessStartInfo start = new(Program,
        [
            "--data-root", DataRoot, "--exec-root", ExecRoot, "-H", Address, "--bridge", Name, "--cgroup-parent", "/" + Name, .. _options,
        ]) { RedirectStandardError = true };
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
                _errors.AppendLine(line.Data);
        };
        _process.BeginErrorReadLine();
        using CancellationTokenSource patience = new(s_startTime);
        while (!await AnswersAsync())
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"berthd ended with {_process.ExitCode}: {Errors}");
            await Task.Delay(10, patience.Token);
        }
    }

    /// <summary>Takes its life as the kernel does: no handler of it runs.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Asks it to end, and waits.</summary>
    public async Task StopAsync()
    {
        await EndToEnd.Tests.Program.RunAsync("kill", ["-TERM", Pid.ToString(null as IFormatProvider)], Address);
        await _process!.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>A client with connections of its own.</summary>
    public HttpClient NewClient() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, stop) => new NetworkStream(await ConnectAsync(stop), ownsSocket: true),
    })
    { BaseAddress = new Uri("http://berth"), Timeout = TimeSpan.FromMinutes(5) };

    /// <summary>A connection.</summary>
    public async Task<Socket> ConnectAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), cancellationToken);
                return socket;
            }
            catch (SocketException full) when (full.SocketErrorCode == SocketError.WouldBlock)
            {
                // So many have connected that the daemon has not accepted all yet.
                socket.Dispose();
                await Task.Delay(1, cancellationToken);
            }
        }
    }

    /// <summary>What it answers; fails when that is no success.</summary>
    public async Task<JsonElement> GetAsync(string path) => await Api.GetFromJsonAsync<JsonElement>(path);

    /// <summary>Asks with a JSON body; fails when the answer is no success.</summary>
    public async Task<JsonElement> PostAsync(string path, object? body = null)
    {
        using StringContent? content = body is null ? null
            : new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await Api.PostAsync(path, content);
        string text = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode)
            throw new RefusedException($"POST {path}: {(int)answer.StatusCode}: {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>Removes something; fails when the answer is no success.</summary>
    public async Task DeleteAsync(string path)
    {
        using HttpResponseMessage answer = await Api.DeleteAsync(path);
        if (!answer.IsSuccessStatusCode)
            throw new RefusedException($"DELETE {path}: {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>Runs <c>berth</c> against it.</summary>
    public Task<Completed> BerthAsync(params string[] arguments) =>
        EndToEnd.Tests.Program.RunAsync(EngineFixture.Berth, arguments, Address, patienceFor: TimeSpan.FromMinutes(3));

    public async ValueTask DisposeAsync()
    {
        TestContext.Current.TestOutputHelper?.WriteLine(Errors);
        if (_process is not null)
        {
            try
            {
                foreach (JsonElement container in (await GetAsync("/containers/json?all=1")).EnumerateArray())
                    (await Api.DeleteAsync($"/containers/{container.GetProperty("Id").GetString()}?force=1&v=1")).Dispose();
                foreach (JsonElement network in (await GetAsync("/networks")).EnumerateArray())
                    (await Api.DeleteAsync($"/networks/{network.GetProperty("Id").GetString()}")).Dispose();
            }
            catch (HttpRequestException)
            {
                // It does not answer any more; the test says why.
            }
            await StopAsync();
        }
        Api.Dispose();
        await EndToEnd.Tests.Program.RunAsync("ip", ["link", "del", Name], Address);
        foreach (string family in (string[])["ip", "ip6"])
            await EndToEnd.Tests.Program.RunAsync("nft", ["delete", "table", family, "berth-" + Name], Address);
        await Eventually.GoneAsync(Root);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using HttpResponseMessage answer = await Api.GetAsync("/_ping");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task ImportBusyboxAsync()
    {
        using ByteArrayContent tar = new(Busybox.Tar);
        using HttpResponseMessage answer = await Api.PostAsync("/images/create?fromSrc=-&repo=bb&tag=latest", tar);
        answer.EnsureSuccessStatusCode();
    }
}

/// <summary>The daemon said no.</summary>
internal sealed class RefusedException(string message) : Exception(message);
