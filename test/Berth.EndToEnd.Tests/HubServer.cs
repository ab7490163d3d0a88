using System.Diagnostics;

namespace Berth.EndToEnd.Tests;

/// <summary>A berth-hub on loopback with an account <c>ann</c> whose password is <c>secret-of-ann</c>.</summary>
internal sealed class HubServer(Process process, string directory, string host) : IAsyncDisposable
{
    public const string Password = "secret-of-ann";

    public static string ProgramPath => Path.Combine(EngineFixture.Repository, "out/bin/berth-hub");

    public string Host => host;

    public static async Task<HubServer> StartAsync()
    {
        string directory = Directory.CreateTempSubdirectory("berth-e2e-hub-").FullName;
        Completed user = await Program.RunAsync(
            ProgramPath, ["user", "add", "ann", "--password-stdin", "--data", $"{directory}/data"], "", Password);
        Assert.True(user.Code == 0, user.Output + user.Errors);
        Process process = Process.Start(new ProcessStartInfo(
            ProgramPath, ["serve", "--listen", "127.0.0.1:0", "--data", $"{directory}/data"]) { RedirectStandardOutput = true })!;
        const string Prefix = "berth-hub listens on ";
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith(Prefix, StringComparison.Ordinal))
            {
                _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return new HubServer(process, directory, new Uri(line[Prefix.Length..].Split(' ')[0]).Authority);
            }
        }
        process.Dispose();
        throw new InvalidOperationException("berth-hub ended before it listened");
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }
}
