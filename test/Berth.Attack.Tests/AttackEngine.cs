using System.Diagnostics;
using System.Net.Sockets;
using Berth.Attack.Tests;

[assembly: AssemblyFixture(typeof(AttackEngine))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Berth.Attack.Tests;

/// <summary>One engine that all attacks are tried on, with roots, socket, bridge and cgroup parent of its own, and in it the image
/// <see cref="Image"/>: Debian's static busybox and the tools of <c>Programs/attacker.c</c>.</summary>
public sealed class AttackEngine : IAsyncLifetime
{
    public const string Image = "attack:1";

    /// <summary>A secret of the engine's own environment.</summary>
    public const string Secret = "engine-environment-5c1f";

    /// <summary>What a file outside has in it.</summary>
    public const string Marker = "of-the-host-93ab";

    public const string Gateway = "10.214.13.1";

    private const string Busybox = "/bin/busybox";
    private readonly string _root = Directory.CreateTempSubdirectory("berth-attack-").FullName;
    private int _number;

    /// <summary>Null when the engine runs; otherwise what is missing.</summary>
    public string? Missing { get; private set; }

    public string Root => _root;

    public string DataRoot => $"{_root}/lib";

    public string ExecRoot => $"{_root}/run";

    public string Socket => $"{_root}/b.sock";

    /// <summary>Where descriptions of devices are (CDI).</summary>
    public string Devices => $"{_root}/cdi";

    /// <summary>Tells a second engine of this process from the first.</summary>
    public string Suffix { get; init; } = "";

    public string Bridge => $"ba{Environment.ProcessId:x}{Suffix}";

    public string CgroupParent => $"/berth-attack-{Environment.ProcessId:x}{Suffix}";

    public Process Daemon { get; private set; } = null!;

    /// <summary>The programs under attack.</summary>
    public static string Programs { get; } = Environment.GetEnvironmentVariable("BERTH_BIN") ?? $"{Repository}/out/bin";

    /// <summary>Where the sources are.</summary>
    public static string Repository => FindRepository();

    public async ValueTask InitializeAsync()
    {
        Missing = !Environment.IsPrivilegedProcess ? "not root"
            : !File.Exists($"{Programs}/berthd") ? "out/bin/berthd is not built: ./dev build"
            : !File.Exists(Busybox) ? "busybox-static is not installed"
            : !File.Exists("/usr/bin/gcc") ? "gcc is not installed" : null;
        if (Missing is not null)
            return;
        Directory.CreateDirectory(Devices);
        await StartDaemonAsync();
        await ImportAsync(Image, tree => { });
    }

    public async ValueTask DisposeAsync()
    {
        if (Missing is null)
        {
            string[] left = (await BerthAsync("ps", "-aq")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (left.Length > 0)
                await BerthAsync(["rm", "-f", "-v", .. left]);
            await StopDaemonAsync();
            await Shell.RunAsync("ip", ["link", "del", Bridge]);
        }
        // By a program that goes by descriptors: what the engine had no time to remove may be deeper than a path may be long.
        Completed removed = await Shell.RunAsync("rm", ["-rf", _root]);
        if (removed.Code != 0)
            throw new IOException(removed.Errors);
    }

    public async Task StartDaemonAsync()
    {
        Daemon = Process.Start(new ProcessStartInfo($"{Programs}/berthd")
        {
            RedirectStandardError = true,
            Environment = { ["BERTH_TEST_SECRET"] = Secret },
            ArgumentList =
            {
                "--data-root", DataRoot, "--exec-root", ExecRoot, "-H", $"unix://{Socket}", "--bridge", Bridge,
                "--cgroup-parent", CgroupParent, "--bip", Suffix.Length > 0 ? "10.214.14.1/24" : $"{Gateway}/24",
                "--cdi-spec-dir", Devices,
                // All classes can be tried in a user namespace too.
                "--userns-remap", IsRemapped ? "default" : "",
            },
        })!;
        string? line;
        do
            line = await Daemon.StandardError.ReadLineAsync() ?? throw new InvalidOperationException("berthd ended at once");
        while (!line.Contains("API listen on", StringComparison.Ordinal));
        _ = Daemon.StandardError.ReadToEndAsync();
    }

    public async Task StopDaemonAsync()
    {
        await Shell.RunAsync("kill", ["-TERM", $"{Daemon.Id}"]);
        await Daemon.WaitForExitAsync();
        Daemon.Dispose();
    }

    /// <summary>All containers have a user namespace (<c>BERTH_ATTACK_REMAP=1</c>).</summary>
    public static bool IsRemapped { get; } = Environment.GetEnvironmentVariable("BERTH_ATTACK_REMAP") is "1";

    /// <summary>For attacks that begin with what a user namespace refuses already: devices, the host's network.</summary>
    public static void SkipRemapped() => Assert.SkipWhen(IsRemapped, "refused in a user namespace before it begins");

    public void Skip() => Assert.SkipWhen(Missing is not null, Missing ?? "");

    /// <summary>A name that no other test has.</summary>
    public string NewName(string prefix = "x") => $"{prefix}{Interlocked.Increment(ref _number)}";

    /// <summary>A directory of the host that no container may reach, with a file <c>secret</c> in it.</summary>
    public string NewOutside()
    {
        string outside = Directory.CreateDirectory($"{_root}/outside/{NewName()}").FullName;
        File.WriteAllText($"{outside}/secret", Marker);
        File.SetUnixFileMode($"{outside}/secret", (UnixFileMode)0x180);
        return outside;
    }

    /// <summary>Our command line against this engine.</summary>
    public Task<Completed> BerthAsync(params IEnumerable<string> arguments) =>
        Shell.RunAsync($"{Programs}/berth", ["-H", $"unix://{Socket}", .. arguments]);

    /// <summary>The same with input.</summary>
    public Task<Completed> BerthWithInputAsync(byte[] input, params IEnumerable<string> arguments) =>
        Shell.RunAsync($"{Programs}/berth", ["-H", $"unix://{Socket}", .. arguments], input);

    /// <summary>The same, which must succeed.</summary>
    public async Task<string> DoAsync(params IEnumerable<string> arguments)
    {
        Completed done = await BerthAsync(arguments);
        Assert.True(done.Code == 0, $"berth {string.Join(' ', arguments)}: {done.Code}: {done.Errors}{done.Output}");
        return done.Output;
    }

    /// <summary>A shell command in a new container that is removed.</summary>
    public Task<Completed> RunAsync(string command, params IEnumerable<string> options) =>
        BerthAsync(["run", "--rm", "--network", "none", .. options, Image, "sh", "-c", command]);

    /// <summary>A container that goes on until <see cref="RemoveAsync"/>; returns its name.</summary>
    public async Task<string> StayAsync(string command, params IEnumerable<string> options)
    {
        string name = NewName("stay");
        await DoAsync(["run", "-d", "--network", "none", "--name", name, .. options, Image, "sh", "-c", command]);
        return name;
    }

    public Task RemoveAsync(params IEnumerable<string> containers) => DoAsync(["rm", "-f", "-v", .. containers]);

    /// <summary>Imports an image that the attacker made: the usual programs, and what <paramref name="write"/> does to the tree.
    /// </summary>
    public async Task ImportAsync(string image, Action<string> write, params string[] changes)
    {
        string tree = Directory.CreateDirectory($"{_root}/{NewName("tree")}/bin").Parent!.FullName;
        File.Copy(Busybox, $"{tree}/bin/busybox");
        foreach (string applet in (await Shell.RunAsync(Busybox, ["--list"])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            if (applet != "busybox")
                File.CreateSymbolicLink($"{tree}/bin/{applet}", "busybox");
        File.Copy(await ToolsAsync(), $"{tree}/attacker");
        write(tree);
        await Shell.RunAsync("tar", ["-C", tree, "-cf", $"{tree}.tar", "."]);
        await DoAsync(["import", .. changes.SelectMany(change => new[] { "-c", change }), $"{tree}.tar", image]);
        File.Delete($"{tree}.tar");
        Directory.Delete(tree, recursive: true);
    }

    /// <summary>Sends a request as its bytes and returns all that is answered until the engine closes.</summary>
    public async Task<string> RequestAsync(string method, string path, byte[]? body = null, params string[] headers)
    {
        using System.Net.Sockets.Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
        await using NetworkStream stream = new(socket);
        string head = $"{method} {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n"
            + string.Concat(headers.Select(header => header + "\r\n")) + $"Content-Length: {body?.Length ?? 0}\r\n\r\n";
        try
        {
            await stream.WriteAsync((byte[])[.. System.Text.Encoding.Latin1.GetBytes(head), .. body ?? []]);
        }
        catch (IOException)
        {
            // It has answered already and closed.
        }
        using StreamReader reader = new(stream, System.Text.Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }

    /// <summary>The same with a JSON body.</summary>
    public Task<string> PostAsync(string path, string json) =>
        RequestAsync("POST", path, System.Text.Encoding.UTF8.GetBytes(json), "Content-Type: application/json");

    private async Task<string> ToolsAsync()
    {
        string program = $"{_root}/attacker";
        if (File.Exists(program))
            return program;
        Completed built = await Shell.RunAsync(
            "gcc", ["-static", "-O1", "-o", program, Path.Combine(AppContext.BaseDirectory, "Programs/attacker.c")]);
        return built.Code == 0 ? program : throw new InvalidOperationException(built.Errors);
    }

    private static string FindRepository()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Berth.slnx")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException("the tests do not run inside the repository");
    }
}
