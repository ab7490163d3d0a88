using System.Diagnostics;

namespace Berth.Attack.Tests;

/// <summary>A process in a container that hears whenever anybody opens a file there, the engine included.</summary>
public sealed class Watch : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _reading;
    private volatile bool _opened;

    private Watch(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    /// <summary>Somebody has opened it.</summary>
    public bool WasOpened => _opened;

    public static async Task<Watch> StartAsync(AttackEngine engine, string container, string path)
    {
        Process process = Process.Start(new ProcessStartInfo($"{AttackEngine.Programs}/berth",
            ["-H", $"unix://{engine.Socket}", "exec", "-i", container, "/attacker", "opened", path])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        Assert.Equal("watching", await process.StandardOutput.ReadLineAsync());
        return new Watch(process);
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
            _opened |= line == "opened";
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }
}
