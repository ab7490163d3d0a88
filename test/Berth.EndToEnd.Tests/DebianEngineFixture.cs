using System.Diagnostics;
using Berth.EndToEnd.Tests;

[assembly: AssemblyFixture(typeof(DebianEngineFixture))]

namespace Berth.EndToEnd.Tests;

/// <summary>Debian's dockerd with roots, socket and bridge of its own, started when a test first wants to compare with it. It leaves
/// the host's firewall alone. All it made is removed when the tests are over.</summary>
public sealed class DebianEngineFixture : IAsyncLifetime
{
    private const string Daemon = "/usr/sbin/dockerd";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
    private readonly string _root = Directory.CreateTempSubdirectory("berth-debian-").FullName;
    private readonly string _bridge = $"bd{Environment.ProcessId:x}";
    private readonly SemaphoreSlim _gate = new(1);
    private Process? _daemon;
    private string? _missing;

    public string Socket => Path.Combine(_root, "d.sock");

    public string Address => $"unix://{Socket}";

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Starts it; skips the test where it is not installed, and fails it where it does not start.</summary>
    public async Task NeedAsync(EngineFixture engine)
    {
        await _gate.WaitAsync();
        try
        {
            Assert.SkipUnless(File.Exists(Daemon), "docker.io is not installed");
            if (_daemon is null && _missing is null)
                _missing = await StartAsync(engine);
        }
        finally
        {
            _gate.Release();
        }
        Assert.True(_missing is null, $"Debian's dockerd does not start, so nothing can be compared with it: {_missing}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is { HasExited: false })
        {
            Completed left = await RunAsync("ps", "-aq");
            string[] ids = left.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (ids.Length > 0)
                await RunAsync(["rm", "-f", .. ids]);
            await Program.RunAsync("kill", ["-TERM", _daemon.Id.ToString()], Address);
            await _daemon.WaitForExitAsync();
        }
        if (_daemon is not null)
            await Program.RunAsync("ip", ["link", "del", _bridge], Address);
        _daemon?.Dispose();
        _gate.Dispose();
        // Its own mounts are gone with it, but for the one of the host's network namespace, once a container had that.
        await Program.RunAsync("umount", [$"{_root}/run/netns/default"], Address);
        await Program.RunAsync("rm", ["-rf", _root], Address);
    }

    private async Task<string?> StartAsync(EngineFixture engine)
    {
        await Program.RunAsync("ip", ["link", "add", _bridge, "type", "bridge"], Address);
        await Program.RunAsync("ip", ["addr", "add", $"{FreeNetworks.Take()}.1/24", "dev", _bridge], Address);
        await Program.RunAsync("ip", ["link", "set", _bridge, "up"], Address);
        await File.WriteAllTextAsync($"{_root}/daemon.json", "{}");
        _daemon = Process.Start(new ProcessStartInfo(Daemon)
        {
            RedirectStandardError = true,
            ArgumentList =
            {
                "--data-root", $"{_root}/lib", "--exec-root", $"{_root}/run", "-p", $"{_root}/pid", "-H", Address, "--bridge", _bridge,
                "--default-address-pool", $"base={FreeNetworks.Take()}.0/24,size=28", "--config-file", $"{_root}/daemon.json",
                "--iptables=false", "--ip-masq=false", "--ip-forward=false",
            },
        })!;
        using var patience = new CancellationTokenSource(s_patience);
        string said = "";
        try
        {
            while (await _daemon.StandardError.ReadLineAsync(patience.Token) is { } line)
            {
                said = line;
                if (!line.Contains("API listen on", StringComparison.Ordinal))
                    continue;
                _ = _daemon.StandardError.ReadToEndAsync();
                Completed import = await RunAsync("import", engine.BusyboxArchive, "busybox:e2e");
                return import.Code == 0 ? null : import.Errors;
            }
            return $"it ended: {said}";
        }
        catch (OperationCanceledException)
        {
            return $"it does not answer: {said}";
        }
    }

    private Task<Completed> RunAsync(params string[] arguments) => Program.RunAsync("/usr/bin/docker", arguments, Address);
}
