using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Containers;
using DotNet.Testcontainers.Images;
using DotNet.Testcontainers.Networks;
using DotNet.Testcontainers.Volumes;

namespace Berth.EndToEnd.Tests;

/// <summary>Testcontainers for .NET against our engine.</summary>
public sealed class TestcontainersTests(EngineFixture engine)
{
    // busybox's httpd goes into the background when it listens.
    private const string Serve = "mkdir -p /www; echo page > /www/index.html; httpd -p 80 -h /www; echo serving; exec sleep 1000";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Container_WaitPortLogsExecFilesAndPause_Work()
    {
        await PrepareAsync();
        await using IContainer container = Builder("sh", "-c", Serve)
            .WithPortBinding(80, assignRandomHostPort: true)
            .WithEnvironment("KEY", "value")
            .WithLabel("berth.test", "net")
            .WithResourceMapping("copied"u8.ToArray(), "/dir/copied")
            .WithTmpfsMount("/scratch")
            .WithWaitStrategy(Wait.ForUnixContainer().UntilMessageIsLogged("serving").UntilHttpRequestIsSucceeded(http => http.ForPort(80)))
            .Build();
        await container.StartAsync(Cancel);
        using var http = new HttpClient();
        Assert.Equal("page\n", await http.GetStringAsync($"http://{container.Hostname}:{container.GetMappedPublicPort(80)}/", Cancel));
        ExecResult ran = await container.ExecAsync(["sh", "-c", "echo $KEY; cat /dir/copied; echo e >&2; exit 2"], Cancel);
        Assert.Equal((2L, "value\ncopied", "e\n"), (ran.ExitCode, ran.Stdout, ran.Stderr));
        Assert.Equal("copied"u8.ToArray(), await container.ReadFileAsync("/dir/copied", Cancel));
        Assert.Equal("serving\n", (await container.GetLogsAsync(timestampsEnabled: false, ct: Cancel)).Stdout);
        await container.PauseAsync(Cancel);
        Assert.Equal(TestcontainersStates.Paused, container.State);
        await container.UnpauseAsync(Cancel);
        await container.StopAsync(Cancel);
        Assert.Equal(TestcontainersStates.Exited, container.State);
    }

    [Fact]
    public async Task NetworkAndVolume_AreSharedByTheirContainers()
    {
        await PrepareAsync();
        await using INetwork network = new NetworkBuilder().WithDockerEndpoint(engine.Address).Build();
        await using IVolume volume = new VolumeBuilder().WithDockerEndpoint(engine.Address).Build();
        await using IContainer server = Builder("sh", "-c", "echo kept > /v/f; " + Serve)
            .WithNetwork(network).WithNetworkAliases("site").WithVolumeMount(volume, "/v")
            .WithWaitStrategy(Wait.ForUnixContainer().UntilMessageIsLogged("serving")).Build();
        await using IContainer client = Builder("sleep", "1000")
            .WithNetwork(network).WithVolumeMount(volume, "/v", AccessMode.ReadOnly).Build();
        await server.StartAsync(Cancel);
        await client.StartAsync(Cancel);
        Assert.Equal("page\n", (await client.ExecAsync(["wget", "-qO-", "http://site/"], Cancel)).Stdout);
        Assert.Equal("kept\n", (await client.ExecAsync(["cat", "/v/f"], Cancel)).Stdout);
        Assert.NotEqual(0, (await client.ExecAsync(["touch", "/v/g"], Cancel)).ExitCode);
    }

    [Fact]
    public async Task Image_IsBuiltFromADockerfile()
    {
        await PrepareAsync();
        string context = Directory.CreateTempSubdirectory("berth-testcontainers-").FullName;
        try
        {
            await File.WriteAllTextAsync($"{context}/Dockerfile", "FROM busybox:e2e\nARG WORD\nRUN echo $WORD > /word\n", Cancel);
            await using IFutureDockerImage image = new ImageFromDockerfileBuilder().WithDockerEndpoint(engine.Address)
                .WithDockerfileDirectory(context).WithBuildArgument("WORD", "built").Build();
            await image.CreateAsync(Cancel);
            await using IContainer container = new ContainerBuilder(image).WithDockerEndpoint(engine.Address)
                .WithCommand("sh", "-c", "cat /word; exec sleep 1000").WithWaitStrategy(Wait.ForUnixContainer().UntilMessageIsLogged("built")).Build();
            await container.StartAsync(Cancel);
            Assert.Equal("built\n", (await container.GetLogsAsync(timestampsEnabled: false, ct: Cancel)).Stdout);
        }
        finally
        {
            Directory.Delete(context, recursive: true);
        }
    }

    [Fact]
    public async Task Image_OfAHub_IsPulledWhenItIsNotThere()
    {
        await PrepareAsync();
        Assert.SkipUnless(File.Exists(HubServer.ProgramPath), "out/bin/berth-hub is not built: ./dev build");
        await using HubServer hub = await HubServer.StartAsync();
        string config = Directory.CreateTempSubdirectory("berth-testcontainers-").FullName;
        string name = $"{hub.Host}/ann/app:v1";
        try
        {
            await DockerAsync(config, HubServer.Password, "login", "-u", "ann", "--password-stdin", hub.Host);
            await DockerAsync(config, "", "tag", "busybox:e2e", name);
            await DockerAsync(config, "", "push", "--quiet", name);
            await DockerAsync(config, "", "image", "rm", name);
            await using IContainer container = new ContainerBuilder(name).WithDockerEndpoint(engine.Address)
                .WithCommand("sh", "-c", "echo pulled; exec sleep 1000").WithWaitStrategy(Wait.ForUnixContainer().UntilMessageIsLogged("pulled"))
                .Build();
            await container.StartAsync(Cancel);
            Assert.Equal(name, container.Image.FullName);
            Assert.Contains($"{hub.Host}/ann/app@sha256:", await DockerAsync(config, "", "image", "inspect", name), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(config, recursive: true);
        }
    }

    private async Task<string> DockerAsync(string config, string input, params string[] arguments)
    {
        Completed done = await Program.RunAsync("/usr/bin/docker", ["--config", config, "-H", engine.Address, .. arguments], "", input);
        Assert.True(done.Code == 0, $"docker {arguments[0]}: {done.Errors}");
        return done.Output;
    }

    private ContainerBuilder Builder(params string[] command) =>
        new ContainerBuilder("busybox:e2e").WithDockerEndpoint(engine.Address).WithCommand(command);

    private async Task PrepareAsync()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists("/usr/bin/docker"), "docker.io is not installed");
        await Reaper.NeedAsync(engine.Address);
        // The reaper's container gets the socket of the engine that it is started in.
        TestcontainersSettings.ResourceReaperImage = new DockerImage(Reaper.Image);
        TestcontainersSettings.DockerSocketOverride = engine.Socket;
    }
}
