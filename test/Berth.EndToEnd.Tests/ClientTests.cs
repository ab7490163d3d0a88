namespace Berth.EndToEnd.Tests;

/// <summary>Clients that other people wrote, each driving our engine through all that it can do, and Debian's dockerd through the same.
/// The scripts are in test/clients; they know what must come out.</summary>
public sealed class ClientTests(EngineFixture engine, DebianEngineFixture debian)
{
    private const string Scripts = "test/clients";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    public static TheoryData<string> Engines => ["berth", "dockerd"];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task DockerPy_EverythingItOffers_Works(string which)
    {
        Assert.SkipUnless(Directory.Exists("/usr/lib/python3/dist-packages/docker"), "python3-docker is not installed");
        (string address, string _) = await EngineAsync(which);
        await RunAsync(address, "python3", $"{Scripts}/docker_py.py", address, "busybox:e2e", FreeNetworks.Take());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Dockerode_EverythingItOffers_Works(string which)
    {
        NeedNode("dockerode");
        (string address, string socket) = await EngineAsync(which);
        await RunAsync(address, "node", $"{Scripts}/dockerode.mjs", socket, "busybox:e2e");
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task TestcontainersForNode_ContainersNetworksAndBuilds_Work(string which)
    {
        NeedNode("testcontainers");
        (string address, string _) = await EngineAsync(which);
        await Reaper.NeedAsync(address);
        await RunAsync(address, "env", $"RYUK_CONTAINER_IMAGE={Reaper.Image}", "node", $"{Scripts}/testcontainers.mjs", "busybox:e2e");
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task DockerCompose_ProjectOfThreeServices_GoesUpAndDown(string which)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/docker-compose"), "docker-compose is not installed");
        (string address, string _) = await EngineAsync(which);
        await RunAsync(address, $"{Scripts}/compose/run.sh", $"e2e{Environment.ProcessId:x}", FreeNetworks.Take());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task DevContainers_BuildUpAndExec_Work(string which)
    {
        NeedNode("@devcontainers/cli");
        (string address, string _) = await EngineAsync(which);
        string directory = Directory.CreateTempSubdirectory("berth-devcontainer-").FullName;
        try
        {
            await RunAsync(address, $"{Scripts}/devcontainer/run.sh", "/usr/bin/docker", directory);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task<(string Address, string Socket)> EngineAsync(string which)
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists("/usr/bin/docker"), "docker.io is not installed");
        if (which == "berth")
            return (engine.Address, engine.Socket);
        await debian.NeedAsync(engine);
        return (debian.Address, debian.Socket);
    }

    private static void NeedNode(string package) => Assert.SkipUnless(
        Directory.Exists(Path.Combine(EngineFixture.Repository, Scripts, "node_modules", package)), $"{package} is not installed: ./dev setup");

    private static async Task RunAsync(string address, string program, params string[] arguments)
    {
        string file = program.Contains('/') ? Path.Combine(EngineFixture.Repository, program) : program;
        IEnumerable<string> all = arguments.Select(
            argument => argument.StartsWith(Scripts, StringComparison.Ordinal) ? Path.Combine(EngineFixture.Repository, argument) : argument);
        Completed run = await Program.RunAsync(file, all, address, patienceFor: s_patience);
        Assert.True(run.Code == 0 && run.Output.EndsWith("good\n", StringComparison.Ordinal), $"{run.Code}\n{run.Output}\n{run.Errors}");
    }
}
