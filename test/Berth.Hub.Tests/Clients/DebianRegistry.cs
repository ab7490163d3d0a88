using System.Diagnostics;
using System.Text.RegularExpressions;
using Berth.Tests;

namespace Berth.Hub.Tests.Clients;

/// <summary>Debian's docker-registry on a free loopback port, over a directory of its own.</summary>
/// <remarks>Not on one that the kernel gives: when it has ended, nobody else is to answer there.</remarks>
internal sealed partial class DebianRegistry : IAsyncDisposable
{
    private const string Program = "/usr/bin/docker-registry";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly DirectoryInfo _directory;

    private DebianRegistry(Process process, DirectoryInfo directory, string host) => (_process, _directory, Host) = (process, directory, host);

    /// <summary>Address and port, as references of images begin.</summary>
    public string Host { get; }

    /// <summary>What its configuration calls <c>rootdirectory</c>.</summary>
    public string Data => Path.Join(_directory.FullName, "data");

    /// <summary>Starts it; with a user, it wants that name and password for everything.</summary>
    public static async Task<DebianRegistry> StartAsync(string? user = null, string? password = null)
    {
        Assert.SkipUnless(File.Exists(Program), "docker-registry is not installed (./dev setup)");
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-registry-");
        string auth = "";
        if (user is not null)
        {
            string entry = await ClientProgram.RunAsync("htpasswd", "-nbB", user, password!);
            await File.WriteAllTextAsync(Path.Join(directory.FullName, "htpasswd"), entry);
            auth = $"auth: {{ htpasswd: {{ realm: test, path: {directory.FullName}/htpasswd }} }}\n";
        }
        string configuration = Path.Join(directory.FullName, "config.yml");
        await File.WriteAllTextAsync(configuration,
            $"version: 0.1\nlog: {{ level: info, accesslog: {{ disabled: true }} }}\ncompatibility: {{ schema1: {{ enabled: true }} }}\n"
            + $"storage: {{ delete: {{ enabled: true }}, filesystem: {{ rootdirectory: {directory.FullName}/data }} }}\n"
            + $"http: {{ addr: '127.0.0.1:{FreePort.Next()}' }}\n{auth}");
        Process process = Process.Start(new ProcessStartInfo(Program, ["serve", configuration]) { RedirectStandardError = true })!;
        using var patience = new CancellationTokenSource(s_patience);
        while (await process.StandardError.ReadLineAsync(patience.Token) is { } line)
        {
            if (Listening().Match(line) is not { Success: true } match)
                continue;
            _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            return new DebianRegistry(process, directory, match.Groups[1].Value);
        }
        throw new InvalidOperationException("docker-registry ended before it listened");
    }

    /// <summary>Ends the program; what it stored stays until this is disposed.</summary>
    public async Task StopAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _process.Dispose();
        _directory.Delete(recursive: true);
    }

    [GeneratedRegex("listening on (127[.]0[.]0[.]1:[0-9]+)")]
    private static partial Regex Listening();
}
