using System.Diagnostics;

namespace Berth.Bench;

/// <summary>Runs commands as a user would and times them whole, from start to the end of the process.</summary>
internal static class Command
{
    /// <summary>Milliseconds from start to exit. Throws with the output when it fails.</summary>
    public static double Time(Engine engine, params string[] arguments)
    {
        ProcessStartInfo start = Start(engine, arguments);
        long before = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        double elapsed = Stopwatch.GetElapsedTime(before).TotalMilliseconds;
        return process.ExitCode == 0 ? elapsed
            : throw new InvalidOperationException($"{engine.Name} {string.Join(' ', arguments)}: {process.ExitCode}: {output}{errors.Result}");
    }

    /// <summary>As <see cref="Time"/>, for a command with so much output that it is only read and dropped.</summary>
    public static double Drain(Engine engine, params string[] arguments)
    {
        ProcessStartInfo start = Start(engine, arguments);
        long before = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.BaseStream.CopyTo(Stream.Null, 1 << 20);
        process.WaitForExit();
        double elapsed = Stopwatch.GetElapsedTime(before).TotalMilliseconds;
        return process.ExitCode == 0 ? elapsed
            : throw new InvalidOperationException($"{engine.Name} {string.Join(' ', arguments)}: {process.ExitCode}: {errors.Result}");
    }

    /// <summary>What a command writes to standard output.</summary>
    public static string Output(Engine engine, params string[] arguments)
    {
        using Process process = Process.Start(Start(engine, arguments))!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output.Trim()
            : throw new InvalidOperationException($"{engine.Name} {string.Join(' ', arguments)}: {process.ExitCode}: {output}{errors.Result}");
    }

    /// <summary>Runs a shell script of the benchmark itself.</summary>
    public static string Shell(string script)
    {
        using Process process = Process.Start(new ProcessStartInfo("/bin/bash", ["-c", "set -euo pipefail; " + script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output.Trim() : throw new InvalidOperationException($"{script}: {errors.Result}");
    }

    private static ProcessStartInfo Start(Engine engine, string[] arguments)
    {
        ProcessStartInfo start = new(engine.Program, [.. engine.Before, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in engine.Environment)
            start.Environment[name] = value;
        return start;
    }
}
