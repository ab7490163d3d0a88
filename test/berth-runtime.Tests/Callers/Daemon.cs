using System.Diagnostics;

namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>A server of others that a caller needs; ended with it.</summary>
internal sealed class Daemon : IAsyncDisposable
{
    private readonly Process _process;

    private Daemon(Process process) => _process = process;

    /// <summary>Starts one and waits until it answers.</summary>
    public static async Task<Daemon> StartAsync(string program, IEnumerable<string> arguments, string log, Func<Task<bool>> answers)
    {
        ProcessStartInfo start = new("/bin/sh") { ArgumentList = { "-c", "exec \"$@\" >>\"$0\" 2>&1 </dev/null", log, program } };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        Process process = Process.Start(start)!;
        await Command.UntilAsync($"{program} answers (see {log})", async () => process.HasExited
            ? throw new InvalidOperationException(await File.ReadAllTextAsync(log)) : await answers());
        return new Daemon(process);
    }

    public async ValueTask DisposeAsync()
    {
        await Command.RunAsync("kill", ["-TERM", _process.Id.ToString()]);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
