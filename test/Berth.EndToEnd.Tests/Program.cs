using System.Diagnostics;

namespace Berth.EndToEnd.Tests;

/// <summary>What a program left behind.</summary>
public sealed record Completed(int Code, string Output, string Errors);

/// <summary>Runs programs as a user would.</summary>
public static class Program
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    /// <summary>Runs one against an engine and waits for it.</summary>
    public static async Task<Completed> RunAsync(
        string program, IEnumerable<string> arguments, string engine, string? input = null, TimeSpan? patienceFor = null,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOCKER_HOST"] = engine, ["DOCKER_BUILDKIT"] = "0" },
        };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(patienceFor ?? s_patience);
        Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token);
        Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            if (input is not null)
                await process.StandardInput.WriteAsync(input);
        }
        catch (IOException)
        {
            // It has ended without reading it all; its words and its code say why.
        }
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end in {patienceFor ?? s_patience}");
        }
        return new Completed(process.ExitCode, await output, await errors);
    }
}
