using System.Net;
using System.Net.Sockets;
using Berth.Tests;

namespace Berth.EndToEnd.Tests;

/// <summary>The real docker command lines against our engine: Debian's 20.10 and, where there is one, a newer on the PATH.</summary>
public sealed class DockerCommandLineTests(EngineFixture engine)
{
    private const string Image = "busybox:e2e";

    public static TheoryData<string> Clients => ["/usr/bin/docker", "/usr/local/bin/docker"];

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task VersionAndInfo_AreUnderstood(string client)
    {
        Assert.Contains("1.50", (await DoAsync(client, "version", "-f", "{{.Server.APIVersion}}")).Output);
        Assert.Equal("linux inactive\n", (await DoAsync(client, "info", "-f", "{{.OSType}} {{.Swarm.LocalNodeState}}")).Output);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Run_OutputErrorsAndExitCode_ArriveApart(string client)
    {
        Completed run = await RunAsync(client, null, "run", "--rm", Image, "sh", "-c", "echo out; echo err >&2; exit 7");
        Assert.Equal((7, "out\n", "err\n"), (run.Code, run.Output, run.Errors));
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Run_PipedInput_ComesThroughWhole(string client)
    {
        string input = string.Concat(Enumerable.Range(0, 200_000).Select(number => $"{number}\n"));
        Completed run = await RunAsync(client, input, "run", "-i", "--rm", Image, "cat");
        Assert.Equal(0, run.Code);
        Assert.True(input == run.Output, $"{run.Output.Length} of {input.Length} characters came back");
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Run_MissingProgramAndImage_HaveDockersCodes(string client)
    {
        Assert.Equal(127, (await RunAsync(client, null, "run", "--rm", Image, "/nope")).Code);
        Assert.Equal(126, (await RunAsync(client, null, "run", "--rm", Image, "/etc/hosts")).Code);
        Completed inspect = await RunAsync(client, null, "inspect", "--type=image", "nosuch:1");
        Assert.Equal(1, inspect.Code);
        Assert.Contains("No such image: nosuch:1", inspect.Errors);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Run_Terminal_IsOne(string client)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "bsdutils is not installed");
        Completed run = await RunAsync("/usr/bin/script", null, "-qec", $"{client} run --rm -it {Image} tty", "/dev/null");
        Assert.Contains("/dev/pts/", run.Output);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Detached_WholeLife_WorksWithEveryVerb(string client)
    {
        string name = $"life{(client.Contains("local", StringComparison.Ordinal) ? 28 : 20)}";
        int port = FreePort.Next();
        await DoAsync(
            client, "run", "-d", "--name", name, "-p", $"127.0.0.1:{port}:80", "-v", $"{name}:/data", "-e", "A=b", Image, "sh", "-c",
            "echo started; echo page > /data/index.html; httpd -f -p 80 -h /data");
        Assert.Contains(name, (await DoAsync(client, "ps", "--format", "{{.Names}} {{.Ports}}")).Output);
        Assert.Equal("page\n", await RetryingGetAsync($"http://127.0.0.1:{port}/"));
        Assert.Equal("started\n", (await DoAsync(client, "logs", name)).Output);
        Assert.Equal("b\n", (await DoAsync(client, "exec", name, "sh", "-c", "echo $A")).Output);
        Assert.Equal("typed", (await RunAsync(client, "typed", "exec", "-i", name, "cat")).Output);
        Assert.Equal(9, (await RunAsync(client, null, "exec", name, "sh", "-c", "exit 9")).Code);
        Assert.Equal("running\n", (await DoAsync(client, "inspect", "-f", "{{.State.Status}}", name)).Output);
        Task<Completed> following = RunAsync(client, null, "logs", "-f", name);
        await DoAsync(client, "stop", "-t", "1", name);
        Assert.Equal("started\n", (await following).Output);
        await DoAsync(client, "rm", "-v", name);
        Assert.DoesNotContain(name, (await DoAsync(client, "ps", "-a", "--format", "{{.Names}}")).Output);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Build_TagHistoryAndRemoval_Work(string client)
    {
        string context = Directory.CreateTempSubdirectory("berth-e2e-context-").FullName;
        try
        {
            string name = $"app{Guid.NewGuid():n}"[..12];
            await File.WriteAllTextAsync(
                $"{context}/Dockerfile", $"FROM {Image}\nCOPY f /f\nRUN cat /f > /g\nCMD [\"/bin/cat\", \"/g\"]\n");
            await File.WriteAllTextAsync($"{context}/f", name);
            Completed build = await DoAsync(client, "build", "--iidfile", $"{context}/id", "-t", $"{name}:1", context);
            Assert.Contains($"Successfully tagged {name}:1", build.Output);
            Assert.StartsWith("sha256:", await File.ReadAllTextAsync($"{context}/id"));
            Assert.Equal(name, (await DoAsync(client, "run", "--rm", $"{name}:1")).Output);
            Assert.Contains("Using cache", (await DoAsync(client, "build", "-t", $"{name}:1", context)).Output);
            await DoAsync(client, "tag", $"{name}:1", $"{name}:2");
            Assert.Contains($"{name}:2", (await DoAsync(client, "images", "--format", "{{.Repository}}:{{.Tag}}")).Output);
            Assert.Contains("cat /f", (await DoAsync(client, "history", "--no-trunc", $"{name}:1")).Output);
            await DoAsync(client, "rmi", $"{name}:1", $"{name}:2");
            await File.WriteAllTextAsync($"{context}/Dockerfile", $"FROM {Image}\nRUN exit 4\n");
            Assert.Equal(4, (await RunAsync(client, null, "build", context)).Code);
        }
        finally
        {
            Directory.Delete(context, recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Copy_BothWays_KeepsTheBytes(string client)
    {
        string id = (await DoAsync(client, "create", Image, "true")).Output.Trim();
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "content");
            await DoAsync(client, "cp", file, $"{id}:/copied");
            await DoAsync(client, "cp", $"{id}:/copied", file + ".back");
            Assert.Equal("content", await File.ReadAllTextAsync(file + ".back"));
        }
        finally
        {
            File.Delete(file);
            File.Delete(file + ".back");
            await DoAsync(client, "rm", "-f", id);
        }
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task NetworksAndVolumes_AreMadeAndRemoved(string client)
    {
        string name = $"n{Guid.NewGuid():n}"[..12];
        await DoAsync(client, "network", "create", name);
        Assert.Contains(name, (await DoAsync(client, "network", "ls", "--format", "{{.Name}}")).Output);
        await DoAsync(client, "network", "rm", name);
        await DoAsync(client, "volume", "create", name);
        Assert.Equal("local\n", (await DoAsync(client, "volume", "inspect", "-f", "{{.Driver}}", name)).Output);
        await DoAsync(client, "volume", "rm", name);
    }

    [Theory]
    [InlineData("/usr/bin/docker")]
    public async Task Link_OnDefaultAndOwnNetwork_FindsTheOther(string client)
    {
        string name = $"l{Guid.NewGuid():n}"[..12];
        await DoAsync(client, "network", "create", name);
        await DoAsync(client, "run", "-d", "--name", $"{name}-a", "busybox:e2e", "sleep", "1000");
        await DoAsync(client, "run", "-d", "--name", $"{name}-b", "--network", name, "busybox:e2e", "sleep", "1000");
        string address = (await DoAsync(client, "inspect", "-f", "{{.NetworkSettings.IPAddress}}", $"{name}-a")).Output.Trim();
        string hosts = (await DoAsync(client, "run", "--rm", "--link", $"{name}-a:db", "busybox:e2e", "cat", "/etc/hosts")).Output;
        Assert.Matches($"(?m)^{address.Replace(".", "\\.", StringComparison.Ordinal)}\tdb [0-9a-f]{{12}} {name}-a$", hosts);
        // On a network with a name server the name is asked for when it is used.
        await DoAsync(client, "run", "--rm", "--network", name, "--link", $"{name}-b:db", "busybox:e2e", "busybox", "nslookup", "db");
        await DoAsync(client, "stop", "-t", "0", $"{name}-a");
        Completed stopped = await RunAsync(client, null, "run", "--rm", "--link", $"{name}-a:db", "busybox:e2e", "true");
        Assert.Contains($"Cannot link to a non running container: /{name}-a AS /", stopped.Errors, StringComparison.Ordinal);
        await DoAsync(client, "rm", "-f", $"{name}-a", $"{name}-b");
        await DoAsync(client, "network", "rm", name);
    }

    private async Task<Completed> DoAsync(string client, params string[] arguments)
    {
        Completed completed = await RunAsync(client, null, arguments);
        Assert.True(completed.Code == 0, $"{string.Join(' ', arguments)}: {completed.Code}: {completed.Errors}");
        return completed;
    }

    private Task<Completed> RunAsync(string client, string? input, params string[] arguments)
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists(client), $"{client} is not installed");
        return Program.RunAsync(client, arguments, engine.Address, input);
    }

    // The server inside needs a moment to listen; a refused connection says that it has not had it yet.
    private static async Task<string> RetryingGetAsync(string address)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        string page = "";
        await Eventually.HoldsAsync(async () =>
        {
            try
            {
                page = await http.GetStringAsync(address, TestContext.Current.CancellationToken);
                return true;
            }
            catch (Exception refused) when (refused is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        });
        return page;
    }
}
