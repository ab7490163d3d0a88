using System.Diagnostics;
using System.Text;

namespace Berth.RuntimeProgram.Tests;

/// <summary>What came of a program that was run to its end.</summary>
public sealed record Completed(int Code, string Output, string Errors)
{
    public override string ToString() => $"exit code {Code}\nstdout: {Output}\nstderr: {Errors}";
}

/// <summary>Runs programs.</summary>
internal static class Command
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(3);

    public static string Repository { get; } = RepositoryRoot();

    /// <summary>The program under test.</summary>
    public static string Runtime { get; } = Environment.GetEnvironmentVariable("BERTH_BIN") is { Length: > 0 } bin
        ? Path.Join(bin, "berth-runtime") : Path.Join(Repository, "out/bin/berth-runtime");

    /// <summary>Null when containers can be run; otherwise what is missing.</summary>
    public static string? Missing { get; } = !Environment.IsPrivilegedProcess ? "not root"
        : !File.Exists(Runtime) ? "out/bin/berth-runtime is not built: ./dev build"
        : !File.Exists("/bin/busybox") ? "busybox-static is not installed" : null;

    public static bool IsInstalled(string program) => new[] { "/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin" }
        .Any(directory => File.Exists(Path.Join(directory, program)));

    public static async Task<Completed> RunAsync(
        string program, IEnumerable<string> arguments, string? input = null, IReadOnlyDictionary<string, string>? environment = null,
        string? directory = null)
    {
        ProcessStartInfo start = new(program)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory ?? "",
            StandardOutputEncoding = Encoding.Latin1, StandardErrorEncoding = Encoding.Latin1,
        };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input ?? "");
        process.StandardInput.Close();
        using CancellationTokenSource limit = new(s_limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end");
        }
        return new Completed(process.ExitCode, await output, await errors);
    }

    /// <summary>Runs a program that must succeed; returns its output.</summary>
    public static async Task<string> NeedAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        Completed completed = await RunAsync(program, arguments, input: null, environment);
        return completed.Code == 0 ? completed.Output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {completed}");
    }

    /// <summary>Waits until something is so, looking again and again.</summary>
    public static async Task UntilAsync(string what, Func<Task<bool>> condition)
    {
        for (long start = Environment.TickCount64; !await condition();)
        {
            if (Environment.TickCount64 - start > s_limit.TotalMilliseconds)
                throw new TimeoutException($"never so: {what}");
            await Task.Delay(20);
        }
    }

    private static string RepositoryRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Join(directory, "Berth.slnx")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? "/";
    }
}
