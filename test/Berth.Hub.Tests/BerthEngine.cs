using System.Diagnostics;
using Berth.Hub.Tests.Clients;

namespace Berth.Hub.Tests;

/// <summary>An engine without networks, for what the command line asks registries through it. Needs root.</summary>
internal sealed class BerthEngine : IAsyncDisposable
{
    private readonly DirectoryInfo _home;
    private readonly Process _process;

    private BerthEngine(DirectoryInfo home, Process process) => (_home, _process) = (home, process);

    /// <summary>What <c>-H</c> takes.</summary>
    public string Address => $"unix://{_home.FullName}/b.sock";

    public static async Task<BerthEngine> StartAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        DirectoryInfo home = Directory.CreateTempSubdirectory("berth-engine-");
        Process process = Process.Start(new ProcessStartInfo(Path.Join(HubProgram.Programs, "berthd"))
        {
            RedirectStandardError = true,
            ArgumentList =
            {
                "--data-root", $"{home.FullName}/lib", "--exec-root", $"{home.FullName}/run", "-H", $"unix://{home.FullName}/b.sock",
                "--bridge", "none", "--cgroup-parent", $"/{home.Name}",
            },
        })!;
        string? line;
        do
            line = await process.StandardError.ReadLineAsync() ?? throw new InvalidOperationException("berthd ended at once");
        while (!line.Contains("API listen on", StringComparison.Ordinal));
        _ = process.StandardError.ReadToEndAsync();
        return new BerthEngine(home, process);
    }

    /// <summary>Runs <c>berth</c> on it, with its own configuration of the user: exit code and all it said.</summary>
    public Task<(int Code, string Output)> TryAsync(string input, params string[] arguments) => HubTool.RunAsync(
        Path.Join(HubProgram.Programs, "berth"), ["-H", Address, "--config", Path.Join(_home.FullName, "config"), .. arguments], input,
        ("HOME", _home.FullName), ("XDG_RUNTIME_DIR", _home.FullName));

    /// <summary>As <see cref="TryAsync"/>, and it must succeed.</summary>
    public async Task<string> RunAsync(string input, params string[] arguments)
    {
        (int code, string output) = await TryAsync(input, arguments);
        Assert.True(code == 0, $"berth {string.Join(' ', arguments)}: {code}: {output}");
        return output;
    }

    public async ValueTask DisposeAsync()
    {
        // Asked to end, it takes its table of the firewall along.
        await ClientProgram.RunAsync("kill", $"{_process.Id}");
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        _process.Dispose();
        _home.Delete(recursive: true);
    }
}
