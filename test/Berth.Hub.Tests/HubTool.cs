using System.Diagnostics;
using System.Text;

namespace Berth.Hub.Tests;

/// <summary>Programs that end: exit code and all they said.</summary>
internal static class HubTool
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static string Hub => Path.Join(HubProgram.Programs, "berth-hub");

    /// <summary>Runs a program with standard input and environment.</summary>
    public static async Task<(int Code, string Output)> RunAsync(
        string program, IEnumerable<string> arguments, string input = "", params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(s_patience);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
        string output = await process.StandardOutput.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, output + await errors);
    }

    /// <summary>Runs a verb of <c>berth-hub</c> on a hub's data and demands that it succeeds.</summary>
    public static async Task<string> OnAsync(string data, string input, params string[] arguments)
    {
        (int code, string output) = await RunAsync(Hub, [.. arguments, "--data", data], input);
        Assert.True(code == 0, $"berth-hub {string.Join(' ', arguments)}: {code}: {output}");
        return output;
    }

    /// <summary>Whether a program is there to be run.</summary>
    public static bool Has(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(directory => File.Exists(Path.Join(directory, program)));

    public static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
