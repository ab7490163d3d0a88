using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Berth.Tests;

namespace Berth.EndToEnd.Tests;

/// <summary>Debian's docker-registry on loopback, for a user <c>ann</c> with the password <c>secret</c> alone.</summary>
internal sealed class LockedRegistry(Process process, string directory, string host) : IAsyncDisposable
{
    // htpasswd -Bbn ann secret
    private const string Users = "ann:$2y$04$Po7/FeGtnd4TAJPITB3AFOya1xiiC8V27gBRPjY5uLHqFmxJQ5AlS\n";
    private const string Server = "/usr/bin/docker-registry";

    public static bool IsInstalled => File.Exists(Server);

    public string Host => host;

    public static async Task<LockedRegistry> StartAsync()
    {
        string directory = Directory.CreateTempSubdirectory("berth-e2e-registry-").FullName;
        int port = FreePort.Next();
        await File.WriteAllTextAsync($"{directory}/users", Users);
        await File.WriteAllTextAsync($"{directory}/config.yml",
            $"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {directory}/data\nhttp:\n  addr: 127.0.0.1:{port}\n"
            + $"auth:\n  htpasswd:\n    realm: test\n    path: {directory}/users\n");
        Process process = Process.Start(new ProcessStartInfo(Server, ["serve", $"{directory}/config.yml"])
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        LockedRegistry registry = new(process, directory, $"127.0.0.1:{port}");
        try
        {
            await Eventually.HoldsAsync(() => ListensAsync(port));
            return registry;
        }
        catch
        {
            await registry.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    private static async Task<bool> ListensAsync(int port)
    {
        try
        {
            using TcpClient client = new();
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
