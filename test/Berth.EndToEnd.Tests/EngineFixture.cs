using System.Diagnostics;
using Berth.EndToEnd.Tests;

[assembly: AssemblyFixture(typeof(EngineFixture))]

namespace Berth.EndToEnd.Tests;

/// <summary>One <c>out/bin/berthd</c> with roots, socket, bridge and cgroup parent of its own, and in it the image
/// <c>busybox:e2e</c> made of Debian's static busybox. It is stopped, and all it made is removed, when the tests are over.</summary>
public sealed class EngineFixture : IAsyncLifetime
{
    private const string Busybox = "/bin/busybox";
    private readonly string _root = Directory.CreateTempSubdirectory("berth-e2e-").FullName;
    private Process? _daemon;

    /// <summary>Null when the engine runs; otherwise what is missing.</summary>
    public string? Missing { get; private set; }

    /// <summary>Where containers reach servers of the tests.</summary>
    public static string Gateway { get; } = FreeNetworks.Take() + ".1";

    /// <summary>The checkout.</summary>
    public static string Repository { get; } = RepositoryRoot();

    /// <summary>Our own command line.</summary>
    public static string Berth => Path.Combine(Repository, "out/bin/berth");

    /// <summary>The tar that <c>busybox:e2e</c> was imported from, for other engines.</summary>
    public string BusyboxArchive => $"{_root}/tree.tar";

    /// <summary>Where it keeps what it has.</summary>
    public string DataRoot => Path.Combine(_root, "lib");

    /// <summary>Where it looks for descriptions of devices, instead of the host's.</summary>
    public string DeviceDescriptions => Path.Combine(_root, "cdi");

    public string Socket => Path.Combine(_root, "b.sock");

    public string Address => $"unix://{Socket}";

    public async ValueTask InitializeAsync()
    {
        string daemon = Path.Combine(Repository, "out/bin/berthd");
        Missing = !Environment.IsPrivilegedProcess ? "not root"
            : !File.Exists(daemon) ? "out/bin/berthd is not built: ./dev build"
            : !File.Exists(Busybox) ? "busybox-static is not installed" : null;
        if (Missing is not null)
            return;
        string id = Environment.ProcessId.ToString("x");
        _daemon = Process.Start(new ProcessStartInfo(daemon)
        {
            RedirectStandardError = true,
            ArgumentList =
            {
                "--data-root", DataRoot, "--exec-root", $"{_root}/run", "-H", Address, "--bridge", $"bt{id}",
                "--cgroup-parent", $"/berth-e2e-{id}", "--bip", $"{Gateway}/24",
                "--cdi-spec-dir", DeviceDescriptions,
            },
        })!;
        string? line;
        do
            line = await _daemon.StandardError.ReadLineAsync() ?? throw new InvalidOperationException("berthd ended at once");
        while (!line.Contains("API listen on", StringComparison.Ordinal));
        _ = _daemon.StandardError.ReadToEndAsync();
        await ImportBusyboxAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            Completed left = await Program.RunAsync("docker", ["ps", "-aq"], Address);
            string[] ids = left.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (ids.Length > 0)
                await Program.RunAsync("docker", ["rm", "-f", .. ids], Address);
            await Program.RunAsync("kill", ["-TERM", _daemon.Id.ToString()], Address);
            await _daemon.WaitForExitAsync();
            await Program.RunAsync("ip", ["link", "del", $"bt{Environment.ProcessId:x}"], Address);
            _daemon.Dispose();
        }
        await Eventually.GoneAsync(_root);
    }

    private async Task ImportBusyboxAsync()
    {
        string tree = Directory.CreateDirectory($"{_root}/tree/bin").FullName;
        File.Copy(Busybox, $"{tree}/busybox");
        Completed applets = await Program.RunAsync(Busybox, ["--list"], Address);
        foreach (string applet in applets.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(applet => applet != "busybox"))
            File.CreateSymbolicLink($"{tree}/{applet}", "busybox");
        Directory.CreateDirectory($"{_root}/tree/etc");
        await File.WriteAllTextAsync($"{_root}/tree/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
        await File.WriteAllTextAsync($"{_root}/tree/etc/group", "root:x:0:\n");
        await Program.RunAsync("tar", ["-C", $"{_root}/tree", "-cf", BusyboxArchive, "."], Address);
        Completed import = await Program.RunAsync("docker", ["import", BusyboxArchive, "busybox:e2e"], Address);
        if (import.Code != 0)
            throw new InvalidOperationException(import.Errors);
    }

    /// <summary>Where the sources and <c>out/bin</c> are.</summary>
    internal static string RepositoryRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Berth.slnx")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException("the tests do not run inside the repository");
    }
}
