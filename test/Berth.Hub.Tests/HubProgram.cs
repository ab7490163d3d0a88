using System.Diagnostics;
using Berth.Tests;

namespace Berth.Hub.Tests;

/// <summary>The real program, on a free loopback port with a directory of its own.</summary>
/// <remarks>Not on one that the kernel gives: between two hubs at the same address it could give it to whoever connects.</remarks>
internal sealed class HubProgram : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    private readonly DirectoryInfo _directory;
    private readonly bool _ownsDirectory;

    private HubProgram(Process process, Uri address, DirectoryInfo directory, bool ownsDirectory) =>
        (Process, Address, _directory, _ownsDirectory) = (process, address, directory, ownsDirectory);

    public Process Process { get; }

    public Uri Address { get; }

    /// <summary>Address and port, as references of images begin.</summary>
    public string Host => Address.Authority;

    public string DataDirectory => Path.Join(_directory.FullName, "data");

    /// <summary>Where the programs are.</summary>
    public static string Programs => Environment.GetEnvironmentVariable("BERTH_BIN") ?? FindPrograms();

    private static string ProgramPath => Path.Join(Programs, "berth-hub");

    /// <summary>Starts <c>berth-hub serve</c> and waits until it says where it listens.</summary>
    public static Task<HubProgram> StartAsync(params string[] options) =>
        StartAsync(Directory.CreateTempSubdirectory("berth-hub-"), ownsDirectory: true, $"127.0.0.1:{FreePort.Next()}", options);

    /// <summary>Starts it at the port that the kernel gives.</summary>
    public static Task<HubProgram> StartOnAnyPortAsync(params string[] options) =>
        StartAsync(Directory.CreateTempSubdirectory("berth-hub-"), ownsDirectory: true, "127.0.0.1:0", options);

    /// <summary>Serves over a directory that the caller removes, in whose <c>data</c> everything is kept.</summary>
    public static Task<HubProgram> StartInAsync(DirectoryInfo directory, params string[] options) =>
        StartAsync(directory, ownsDirectory: false, $"127.0.0.1:{FreePort.Next()}", options);

    /// <summary>As <see cref="StartInAsync"/>; each line of its log goes to the caller.</summary>
    public static Task<HubProgram> StartHeardAsync(DirectoryInfo directory, Action<string> heard, params string[] options) =>
        StartAsync(directory, ownsDirectory: false, "127.0.0.1:0", options, heard);

    /// <summary>Another one over the data of a hub that has ended, at the same address.</summary>
    public Task<HubProgram> StartAgainAsync(params string[] options) => StartAsync(_directory, ownsDirectory: false, Host, options);

    /// <summary>Runs a verb to its end: exit code, output and errors.</summary>
    public static async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(ProgramPath, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        })!;
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await errors);
    }

    /// <summary>Serves over a directory until it listens, and ends: all that was said.</summary>
    public static async Task<string> FirstLinesAsync(DirectoryInfo directory)
    {
        using Process process = Process.Start(new ProcessStartInfo(
            ProgramPath, ["serve", "--listen", "127.0.0.1:0", "--data", Path.Join(directory.FullName, "data")]) { RedirectStandardOutput = true })!;
        using var patience = new CancellationTokenSource(s_patience);
        string all = "";
        while (!all.Contains("berth-hub listens on", StringComparison.Ordinal))
            all += await process.StandardOutput.ReadLineAsync(patience.Token) + "\n";
        process.Kill();
        await process.WaitForExitAsync(patience.Token);
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        if (!Process.HasExited)
            Process.Kill();
        await Process.WaitForExitAsync();
        Process.Dispose();
        if (_ownsDirectory)
            _directory.Delete(recursive: true);
    }

    private static async Task<HubProgram> StartAsync(
        DirectoryInfo directory, bool ownsDirectory, string listen, string[] options, Action<string>? heard = null)
    {
        Process process = Process.Start(new ProcessStartInfo(
            ProgramPath, ["serve", "--listen", listen, "--data", Path.Join(directory.FullName, "data"), .. options])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = heard is not null,
        })!;
        if (heard is not null)
        {
            process.ErrorDataReceived += (_, line) =>
            {
                if (line.Data is { } text)
                    heard(text);
            };
            process.BeginErrorReadLine();
        }
        const string Prefix = "berth-hub listens on ";
        using var patience = new CancellationTokenSource(s_patience);
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (!line.StartsWith(Prefix, StringComparison.Ordinal))
                continue;
            // Who does not read what a process says stops it when the pipe is full.
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            return new HubProgram(process, new Uri(line[Prefix.Length..]), directory, ownsDirectory);
        }
        await process.WaitForExitAsync(patience.Token);
        throw new InvalidOperationException($"berth-hub ended with {process.ExitCode} before it listened");
    }

    private static string FindPrograms()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Join(directory, "Berth.slnx")))
            directory = Path.GetDirectoryName(directory);
        return Path.Join(directory, "out", "bin");
    }
}
