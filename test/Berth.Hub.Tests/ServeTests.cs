using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Berth.Hub.Tests.Robustness;
using Berth.Registry.Tests.Database;

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
    public async Task Serve_OnAPortThatIsTaken_SaysSoInOneLine()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        string address = taken.LocalEndpoint.ToString()!;
        string data = Directory.CreateTempSubdirectory("berth-hub-").FullName;
        foreach (string flag in new[] { "--listen", "--admin-listen" })
        {
            string[] free = flag == "--listen" ? [] : ["--listen", "127.0.0.1:0"];
            (int code, string output) = await HubTool.RunAsync(HubTool.Hub, ["serve", "--data", data, flag, address, .. free]);
            Assert.Equal(1, code);
            string line = Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.StartsWith("failed to start: listen", line, StringComparison.Ordinal);
        }
        Directory.Delete(data, recursive: true);
    }

    [Theory]
    [InlineData("backup", "/nonexistent/backup")]
    [InlineData("gc")]
    [InlineData("audit")]
    [InlineData("user", "list")]
    [InlineData("quota", "set", "lab", "1GB")]
    [InlineData("secrets", "rotate")]
    [InlineData("secrets", "reset")]
    public async Task Verb_WhereThereIsNoHub_SaysSo_AndMakesNone(params string[] verb)
    {
        string data = Path.Join(Path.GetTempPath(), $"no-hub-{Guid.NewGuid():N}");
        (int code, string output) = await HubTool.RunAsync(HubTool.Hub, [.. verb, "--data", data]);
        Assert.Equal(1, code);
        Assert.StartsWith($"there is no hub in {data}: name its directory with --data", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(data));
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

    [Fact]
    public async Task Serve_ToldThatAFileWasRenewed_LooksAtItAndGoesOn()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-hub-");
        try
        {
            string certificate = Path.Join(directory.FullName, "tls.crt");
            string key = Path.Join(directory.FullName, "tls.key");
            TestCertificate.Write("before", certificate, key);
            var renewed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using HubProgram hub = await HubProgram.StartHeardAsync(
                directory,
                line =>
                {
                    if (line.Contains("TLS certificate of CN=after loaded", StringComparison.Ordinal))
                        renewed.TrySetResult();
                },
                "--anonymous-push", "--tls-certificate", certificate, "--tls-key", key);
            TestCertificate.Write("after", certificate, key);
            using Process kill = Process.Start("kill", ["-HUP", hub.Process.Id.ToString()]);
            await kill.WaitForExitAsync();
            await renewed.Task.WaitAsync(TimeSpan.FromSeconds(60));
            string served = "";
            using HttpClient client = new(new SocketsHttpHandler
            {
                SslOptions = new() { RemoteCertificateValidationCallback = (_, one, _, _) => (served = one!.Subject).Length > 0 },
            });
            using HttpResponseMessage response = await client.GetAsync(new Uri(hub.Address, "/v2/"));
            Assert.Equal((HttpStatusCode.OK, "CN=after"), (response.StatusCode, served));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Serve_OnADirectoryWithoutItsDatabasesBlobs_IsRefused_AndSoIsGc()
    {
        string database = TestCluster.NewDatabase();
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-hub-");
        DirectoryInfo other = Directory.CreateTempSubdirectory("berth-hub-");
        try
        {
            string key = Path.Join(directory.FullName, "data", "secret.key");
            await using (HubProgram hub = await HubProgram.StartInAsync(directory, "--anonymous-push", "--database", database))
            {
                using HttpClient client = new() { BaseAddress = hub.Address };
                Assert.Equal(HttpStatusCode.Created, await new ImagePusher(client, "test/app").PushAsync("latest", [1, 2, 3]));
            }
            string[] wrong = ["--data", other.FullName, "--database", database, "--secret-key-file", key];
            foreach (string[] verb in new[] { new[] { "serve", "--listen", "127.0.0.1:0" }, ["gc"], ["gc", "--dry-run"] })
            {
                (int code, string output) = await HubTool.RunAsync(HubTool.Hub, [.. verb, .. wrong]);
                Assert.Equal(1, code);
                Assert.Contains($"the storage {other.FullName} has none of this database's blobs", output, StringComparison.Ordinal);
            }
            await using HubProgram again = await HubProgram.StartInAsync(directory, "--anonymous-push", "--database", database);
            using HttpClient reader = new() { BaseAddress = again.Address };
            await new ImagePusher(reader, "test/app").RequireAsync("latest", [1, 2, 3]);
        }
        finally
        {
            directory.Delete(recursive: true);
            other.Delete(recursive: true);
        }
    }
}
