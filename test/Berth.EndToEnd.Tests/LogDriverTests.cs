using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Berth.EndToEnd.Tests;

/// <summary>Log drivers as docker's command line uses them.</summary>
public sealed class LogDriverTests(EngineFixture engine)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Syslog_LinesArriveAndLogsStillShowsThem()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        using UdpClient server = new(new IPEndPoint(IPAddress.Loopback, 0));
        await DockerAsync("run", "--name", "e2e-syslog", "--network", "none", "--log-driver", "syslog",
            "--log-opt", $"syslog-address=udp://{server.Client.LocalEndPoint}", "--log-opt", "tag={{.Name}}",
                "busybox:e2e", "echo", "hello");
        string line = Encoding.UTF8.GetString((await server.ReceiveAsync(Cancel)).Buffer);
        Assert.Matches("^<30>.*e2e-syslog\\[\\d+\\]: hello\n$", line);
        Assert.Equal("hello\n", (await DockerAsync("logs", "e2e-syslog")).Output);
        Assert.Equal("syslog\n", (await DockerAsync("inspect", "-f", "{{.HostConfig.LogConfig.Type}}", "e2e-syslog")).Output);
        await DockerAsync("rm", "e2e-syslog");
    }

    [Fact]
    public async Task Local_DetailsAndNone_BehaveAsInDocker()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        await DockerAsync("run", "--name", "e2e-local", "--network", "none", "--log-driver", "local", "busybox:e2e", "echo", "kept");
        Assert.Equal("kept\n", (await DockerAsync("logs", "e2e-local")).Output);
        await DockerAsync("run", "--name", "e2e-details", "--network", "none", "--log-opt", "labels=tier", "--label", "tier=front end",
            "busybox:e2e", "echo", "line");
        Assert.Equal("tier=front+end line\n", (await DockerAsync("logs", "--details", "e2e-details")).Output);
        await DockerAsync("run", "--name", "e2e-none", "--network", "none", "--log-driver", "none", "busybox:e2e", "echo", "x");
        Completed none = await Program.RunAsync("docker", ["logs", "e2e-none"], engine.Address);
        Assert.Contains("configured logging driver does not support reading", none.Errors, StringComparison.Ordinal);
        Completed wrong = await Program.RunAsync(
            "docker", ["run", "--log-driver", "local", "--log-opt", "tag=x", "busybox:e2e", "true"], engine.Address);
        Assert.Equal(125, wrong.Code);
        Assert.Contains("unknown log opt 'tag' for log driver local", wrong.Errors, StringComparison.Ordinal);
        await DockerAsync("rm", "e2e-local", "e2e-details", "e2e-none");
    }

    private async Task<Completed> DockerAsync(params string[] arguments)
    {
        Completed completed = await Program.RunAsync("docker", arguments, engine.Address);
        Assert.True(completed.Code == 0, completed.Errors);
        return completed;
    }
}
