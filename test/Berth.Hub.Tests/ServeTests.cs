using System.Diagnostics;
using System.Net;

namespace Berth.Hub.Tests;

public sealed class ServeTests
{
    [Fact]
    public async Task Serve_OnAFreePort_AnswersTheVersionCheck()
    {
        await using HubProgram hub = await HubProgram.StartOnAnyPortAsync("--anonymous-push");
        using HttpClient client = new();
        using HttpResponseMessage response = await client.GetAsync(new Uri(hub.Address, "/v2/"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("registry/2.0", response.Headers.GetValues("Docker-Distribution-Api-Version").Single());
    }

    [Fact]
    public async Task Serve_WithAnAddressThatIsNone_SaysSo()
    {
        (int code, string output) = await HubProgram.RunAsync("serve", "--listen", "nowhere");
        Assert.Equal(1, code);
        Assert.Contains("listen: nowhere: not an address and a port", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_AskedToStop_Ends()
    {
        await using HubProgram hub = await HubProgram.StartAsync();
        using Process kill = Process.Start("kill", ["-TERM", hub.Process.Id.ToString()]);
        await kill.WaitForExitAsync();
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        await hub.Process.WaitForExitAsync(patience.Token);
        Assert.Equal(0, hub.Process.ExitCode);
    }
}
