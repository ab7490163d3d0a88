using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Berth.EndToEnd.Tests.Robustness;

namespace Berth.EndToEnd.Tests.Rootless;

/// <summary>A <c>berthd</c> of an ordinary user, who exists in a mount namespace of the test alone: the machine's user files stay as they
/// are. Its programs lie where that user may read them.</summary>
internal sealed class RootlessDaemon : IAsyncDisposable
{
    private const string User = "berthsailor";
    private static int s_users;
    private readonly string _script;
    private readonly StringBuilder _errors = new();
    private readonly bool _hasIds;
    private Process? _process;

    private RootlessDaemon(bool hasIds)
    {
        _hasIds = hasIds;
        // No user of the machine, and no two of these at a time.
        Id = 2_000_000 + (Environment.ProcessId % 100_000 * 10) + (Interlocked.Increment(ref s_users) % 10);
        Root = Directory.CreateTempSubdirectory("berth-rootless-").FullName;
        _script = Path.Combine(Root, "start.sh");
    }

    /// <summary>The user's number.</summary>
    public int Id { get; }

    public string Root { get; }

    public string Socket => $"{Root}/run/berth/berth.sock";

    public string Address => $"unix://{Socket}";

    /// <summary>The daemon's number, which is that of the process that was started.</summary>
    public int Pid => _process!.Id;

    public string Errors
    {
        get
        {
            lock (_errors)
                return _errors.ToString();
        }
    }

    /// <summary>Null when one can run here; otherwise what is missing.</summary>
    public static string? Missing => OwnDaemon.Missing
        ?? (File.Exists("/usr/bin/newuidmap") ? null : "uidmap is not installed")
        ?? (File.Exists("/usr/bin/slirp4netns") ? null : "slirp4netns is not installed")
        ?? (File.Exists("/dev/net/tun") ? null : "the kernel has no /dev/net/tun");

    /// <summary>Prepares one and starts it.</summary>
    /// <param name="hasIds">The user has ranges in /etc/subuid and /etc/subgid.</param>
    public static async Task<RootlessDaemon> StartAsync(bool hasIds = true)
    {
        RootlessDaemon daemon = new(hasIds);
        await daemon.PrepareAsync();
        await daemon.RestartAsync();
        return daemon;
    }

    /// <summary>Starts it, and waits until it answers or has ended.</summary>
    public async Task RestartAsync()
    {
        _process = Process.Start(new ProcessStartInfo("unshare", ["--mount", "sh", _script]) { RedirectStandardError = true })!;
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
                _errors.AppendLine(line.Data);
        };
        _process.BeginErrorReadLine();
        var patience = Stopwatch.StartNew();
        while (!await AnswersAsync() && !_process.HasExited)
        {
            Assert.True(patience.Elapsed < TimeSpan.FromSeconds(60), $"berthd does not answer: {Errors}");
            await Task.Delay(20);
        }
    }

    /// <summary>Its exit code; it has ended by itself.</summary>
    public async Task<int> EndAsync()
    {
        await _process!.WaitForExitAsync(TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Takes its life as the kernel does.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Asks it to end, and waits.</summary>
    public async Task StopAsync()
    {
        await Program.RunAsync("kill", ["-TERM", Pid.ToString(null as IFormatProvider)], Address);
        await _process!.WaitForExitAsync();
    }

    /// <summary>Runs our command line against it.</summary>
    public Task<Completed> BerthAsync(params string[] arguments) =>
        Program.RunAsync(EngineFixture.Berth, arguments, Address, patienceFor: TimeSpan.FromMinutes(2));

    /// <summary>Runs a command that must succeed; returns its output.</summary>
    public async Task<string> DoAsync(params string[] arguments)
    {
        Completed run = await BerthAsync(arguments);
        Assert.True(run.Code == 0, $"berth {string.Join(' ', arguments)}: {run.Code}: {run.Output}{run.Errors}\n{Errors}");
        return run.Output;
    }

    /// <summary>The numbers of the processes of the user and of those he gave away.</summary>
    public IReadOnlyList<int> Processes() => [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
        .Where(name => int.TryParse(name, out _) && Owns(name!)).Select(name => int.Parse(name!, null))];

    public async ValueTask DisposeAsync()
    {
        TestContext.Current.TestOutputHelper?.WriteLine(Errors);
        if (_process is { HasExited: false })
        {
            foreach (string id in (await BerthAsync("ps", "-aq")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                await BerthAsync("rm", "-f", "-v", id);
            await StopAsync();
        }
        foreach (int left in Processes())
            await Program.RunAsync("kill", ["-KILL", left.ToString(null as IFormatProvider)], Address);
        await Eventually.GoneAsync(Root);
    }

    private int FirstId => Id + 10_000_000;

    private bool Owns(string process)
    {
        try
        {
            string line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(text => text.StartsWith("Uid:", StringComparison.Ordinal)) ?? "";
            bool isZombie = File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);
            int uid = int.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], null);
            return !isZombie && (uid == Id || (uid >= FirstId && uid < FirstId + 65_536));
        }
        catch (Exception gone) when (gone is IOException or IndexOutOfRangeException)
        {
            return false;
        }
    }

    private async Task PrepareAsync()
    {
        string bin = Path.Combine(Root, "bin");
        Directory.CreateDirectory(bin);
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(EngineFixture.Berth)!))
            if (Path.GetFileName(file) is "berthd" or "berth-runtime" || file.EndsWith(".so", StringComparison.Ordinal))
                await Executable.CopyAsync(file, Path.Combine(bin, Path.GetFileName(file)));
        File.WriteAllText($"{Root}/passwd", File.ReadAllText("/etc/passwd") + $"{User}:x:{Id}:{Id}::{Root}:/bin/sh\n");
        File.WriteAllText($"{Root}/group", File.ReadAllText("/etc/group") + $"{User}:x:{Id}:\n");
        string ids = _hasIds ? $"{User}:{FirstId}:65536\n" : "";
        File.WriteAllText($"{Root}/subid", ids);
        File.WriteAllText(_script, $"""
            mount --bind {Root}/passwd /etc/passwd && mount --bind {Root}/group /etc/group || exit 99
            touch /etc/subuid /etc/subgid
            mount --bind {Root}/subid /etc/subuid && mount --bind {Root}/subid /etc/subgid || exit 99
            cd /
            export HOME={Root} USER={User} LOGNAME={User} XDG_RUNTIME_DIR={Root}/run
            exec setpriv --reuid {Id} --regid {Id} --clear-groups {bin}/berthd --data-root {Root}/data \
                --add-runtime other={bin}/berth-runtime --add-runtime runc=/usr/sbin/runc

            """);
        foreach (string directory in new[] { "run", "data" })
            Directory.CreateDirectory($"{Root}/{directory}");
        File.SetUnixFileMode(Root, (UnixFileMode)0x1ED);
        Process.Start("chown", [$"{Id}:{Id}", Root, $"{Root}/run", $"{Root}/data"]).WaitForExit();
        Process.Start("chmod", ["700", $"{Root}/run"]).WaitForExit();
    }

    private async Task<bool> AnswersAsync()
    {
        if (!File.Exists(Socket))
            return false;
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
