using Docker.DotNet;
using Docker.DotNet.Models;

namespace Berth.EndToEnd.Tests;

/// <summary>Libraries that other people wrote, against our engine.</summary>
public sealed class LibraryTests(EngineFixture engine)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DockerDotNet_CreateStartExecRemove_Work()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        using DockerClient client = new DockerClientBuilder().WithEndpoint(new Uri(engine.Address)).Build();
        Assert.Equal("1.50", (await client.System.GetVersionAsync(Cancel)).APIVersion);
        CreateContainerResponse created = await client.Containers.CreateContainerAsync(
            new CreateContainerParameters { Image = "busybox:e2e", Cmd = ["sleep", "100"], Labels = new Dictionary<string, string> { ["a"] = "b" } },
            Cancel);
        Assert.True(await client.Containers.StartContainerAsync(created.ID, new ContainerStartParameters(), Cancel));
        ContainerInspectResponse inspect = await client.Containers.InspectContainerAsync(created.ID, Cancel);
        Assert.True(inspect.State!.Running);
        Assert.Equal("b", inspect.Config!.Labels!["a"]);
        await client.Containers.RemoveContainerAsync(created.ID, new ContainerRemoveParameters { Force = true }, Cancel);
    }

    [Fact]
    public async Task DockerPy_RunAndExec_Work()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Assert.SkipUnless(Directory.Exists("/usr/lib/python3/dist-packages/docker"), "python3-docker is not installed");
        const string Script = """
            import docker, sys
            client = docker.DockerClient(base_url=sys.argv[1])
            assert client.containers.run('busybox:e2e', ['echo', 'py'], remove=True) == b'py\n'
            c = client.containers.run('busybox:e2e', ['sleep', '100'], detach=True)
            for i in range(10):
                assert c.exec_run(['echo', 'e']).output == b'e\n'
            r = c.exec_run(['sh', '-c', 'echo o; echo e >&2; exit 3'], demux=True)
            assert r.exit_code == 3 and r.output == (b'o\n', b'e\n'), r
            s = c.stats(stream=False)
            assert s['cpu_stats']['cpu_usage']['total_usage'] > 0
            c.remove(force=True)
            print('good')
            """;
        Completed run = await Program.RunAsync("python3", ["-c", Script, engine.Address], engine.Address);
        Assert.True(run.Output == "good\n", run.Errors);
    }
}
