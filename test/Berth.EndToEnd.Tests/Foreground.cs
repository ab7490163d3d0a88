using System.Diagnostics;

namespace Berth.EndToEnd.Tests;

/// <summary>A program that runs while the test goes on; what is left of it at the end is killed.</summary>
internal sealed class Foreground : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
    private readonly Process _process;
    private readonly CancellationTokenSource _patience = new(s_patience);

    private Foreground(Process process) => _process = process;

    /// <summary>Starts one against an engine.</summary>
    public static Foreground Start(string program, string engine, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOCKER_HOST"] = engine, ["DOCKER_BUILDKIT"] = "0" },
        };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return new Foreground(Process.Start(start)!);
    }

    /// <summary>The next line of its output; null when that has ended.</summary>
    public async Task<string?> ReadLineAsync() => await _process.StandardOutput.ReadLineAsync(_patience.Token);

    /// <summary>Reads its output until a line has this text.</summary>
    /// <exception cref="InvalidOperationException">The output ended before.</exception>
    public async Task UntilAsync(string text)
    {
        List<string> seen = [];
        while (await ReadLineAsync() is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal))
                return;
            seen.Add(line);
        }
        throw new InvalidOperationException($"no \"{text}\" came, but: {string.Join('\n', seen)}\n{await ErrorsAsync()}");
    }

    /// <summary>Sends it a signal, by its name without SIG.</summary>
    public async Task SignalAsync(string signal) =>
        await Program.RunAsync("kill", [$"-{signal}", _process.Id.ToString(null as IFormatProvider)], "");

    /// <summary>Waits for its end: the exit code.</summary>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync(_patience.Token);
        return _process.ExitCode;
    }

    /// <summary>The rest of what it says on its standard error.</summary>
    public async Task<string> ErrorsAsync() => await _process.StandardError.ReadToEndAsync(_patience.Token);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _patience.Dispose();
    }
}
