using System.Diagnostics;

namespace Berth.Attack.Tests;

/// <summary>What a program left behind.</summary>
public sealed record Completed(int Code, string Output, string Errors)
{
    /// <summary>All that it said.</summary>
    public string All => Output + Errors;
}

/// <summary>Runs programs of the host.</summary>
public static class Shell
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public static async Task<Completed> RunAsync(string program, IEnumerable<string> arguments, byte[]? input = null)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        using CancellationTokenSource patience = new(s_patience);
        Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token);
        Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            if (input is not null)
                await process.StandardInput.BaseStream.WriteAsync(input, patience.Token);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading all, which its exit code says.
        }
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end in {s_patience}");
        }
        return new Completed(process.ExitCode, await output, await errors);
    }

    /// <summary>Waits for something that becomes true by itself.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        long end = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
        while (!await holds())
        {
            Assert.True(Environment.TickCount64 < end, $"never: {what}");
            await Task.Delay(20);
        }
    }
}
