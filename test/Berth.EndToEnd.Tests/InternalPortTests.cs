using Berth.EndToEnd.Tests.Robustness;
using Berth.Tests;

namespace Berth.EndToEnd.Tests;

/// <summary>Where a container's ports are published: at the network that is its way out, never at an internal one. Measured with dockerd
/// 20.10.24.</summary>
public sealed class InternalPortTests
{
    private const string Newer = "/usr/local/bin/docker";

    [Fact]
    public async Task Ports_FollowTheWayOut()
    {
        string client = File.Exists(Newer) ? Newer : EngineFixture.Berth;
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        int port = FreePort.Next();
        async Task<string> OkAsync(params string[] arguments)
        {
            Completed done = await Program.RunAsync(client, arguments, daemon.Address);
            Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}: {done.Errors}");
            return done.Output.TrimEnd();
        }
        Task<string> PortsAsync() => OkAsync("ps", "--filter", "name=web", "--format", "{{.Ports}}");
        async Task<string> AskAsync()
        {
            using HttpClient http = new() { Timeout = TimeSpan.FromSeconds(2) };
            try
            {
                return await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/f"), TestContext.Current.CancellationToken);
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                return "";
            }
        }

        string shown = $"0.0.0.0:{port}->80/tcp, [::]:{port}->80/tcp";
        Assert.Equal("ok", await OkAsync("run", "--rm", "--network", "none", "-p", $"{port}:80", "bb", "busybox", "echo", "ok"));
        await OkAsync("network", "create", "--internal", "inside");
        await OkAsync("network", "create", "front");
        await OkAsync("network", "create", "back");
        await OkAsync("run", "-d", "--name", "web", "--network", "inside", "-p", $"{port}:80", "bb", "busybox", "sh", "-c",
            "echo hello >/f; exec busybox httpd -f -p 80 -h /");
        Assert.Equal("", await PortsAsync());
        Assert.Equal("{}", await OkAsync("inspect", "-f", "{{json .NetworkSettings.Ports}}", "web"));
        Assert.Equal("", await AskAsync());

        await OkAsync("network", "connect", "front", "web");
        Assert.Equal(shown, await PortsAsync());
        await Eventually.HoldsAsync(async () => await AskAsync() == "hello\n");
        await OkAsync("network", "connect", "back", "web");
        await OkAsync("network", "disconnect", "front", "web");
        Assert.Equal(shown, await PortsAsync());
        await Eventually.HoldsAsync(async () => await AskAsync() == "hello\n");

        // An engine that takes it over knows where they are; and again at the next start.
        await daemon.KillAsync();
        await daemon.StartAsync();
        Assert.Equal(shown, await PortsAsync());
        await OkAsync("restart", "-t", "0", "web");
        Assert.Equal(shown, await PortsAsync());
        await Eventually.HoldsAsync(async () => await AskAsync() == "hello\n");
        await OkAsync("network", "disconnect", "back", "web");
        Assert.Equal("", await PortsAsync());
        Assert.Equal("", await AskAsync());
    }
}
