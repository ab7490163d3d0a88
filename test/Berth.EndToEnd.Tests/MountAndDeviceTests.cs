namespace Berth.EndToEnd.Tests;

/// <summary>Read-only mounts all the way down, and devices by their descriptions, as docker's command lines ask for them.</summary>
public sealed class MountAndDeviceTests(EngineFixture engine)
{
    private const string Image = "busybox:e2e";
    private const string Debian = "/usr/bin/docker";

    [Fact]
    public async Task ReadOnlyBind_WithAMountBelow_IsReadOnlyThereTooSince144()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        string root = Directory.CreateTempSubdirectory("berth-rro-").FullName;
        string below = Directory.CreateDirectory(Path.Combine(root, "below")).FullName;
        Assert.Equal(0, (await Program.RunAsync("mount", ["-t", "tmpfs", "none", below], engine.Address)).Code);
        try
        {
            string newer = await NewerClientAsync();
            string[] write = [Image, "sh", "-c", "touch /m/below/x && echo written"];
            Assert.Contains("Read-only file system", (await RunAsync(newer, ["-v", $"{root}:/m:ro", .. write])).Errors);
            Assert.Contains("Read-only file system", (await RunAsync(newer,
                ["--mount", $"type=bind,src={root},dst=/m,ro", .. write])).Errors);
            Assert.Contains("Read-only file system", (await RunAsync(newer,
                ["--mount", $"type=bind,src={root},dst=/m,ro,bind-recursive=readonly,bind-propagation=rprivate", .. write])).Errors);
            Assert.Equal("written\n", (await RunAsync(newer,
                ["--mount", $"type=bind,src={root},dst=/m,ro,bind-recursive=writable", .. write])).Output);
            Assert.Equal("written\n", (await RunAsync(newer, ["-v", $"{root}:/m", .. write])).Output);
            // Clients of older versions count on the old way.
            Assert.Equal("written\n", (await RunAsync(Debian, ["-v", $"{root}:/m:ro", .. write])).Output);
        }
        finally
        {
            await Program.RunAsync("umount", [below], engine.Address);
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public async Task Device_OfADescription_HasItsNodeEnvironmentAndMount()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Directory.CreateDirectory(engine.DeviceDescriptions);
        string file = Path.Combine(engine.DeviceDescriptions, "acme.yaml");
        await File.WriteAllTextAsync(file, """
            cdiVersion: "0.6.0"
            kind: acme.test/thing
            devices:
            - name: one
              containerEdits:
                deviceNodes:
                - path: /dev/thing0
                  hostPath: /dev/zero
                env:
                - THING=one
                mounts:
                - hostPath: /usr/share
                  containerPath: /thing
                  options: [ro, rbind]
            """, TestContext.Current.CancellationToken);
        try
        {
            Completed run = await RunAsync(await NewerClientAsync(), ["--device", "acme.test/thing=one", Image, "sh", "-c",
                "echo $THING; head -c 3 /dev/thing0 | od -An -tx1; ls -d /thing/common-licenses; touch /thing/x"]);
            Assert.Equal("one\n 00 00 00\n/thing/common-licenses\n", run.Output);
            Assert.Contains("Read-only file system", run.Errors);
            Completed info = await Program.RunAsync(
                await NewerClientAsync(), ["info", "-f", "{{json .DiscoveredDevices}}"], engine.Address);
            Assert.Contains("""{"Source":"cdi","ID":"acme.test/thing=one"}""", info.Output);
        }
        finally
        {
            File.Delete(file);
        }
        Completed gone = await RunAsync(await NewerClientAsync(), ["--device", "acme.test/thing=one", Image, "true"]);
        Assert.Equal(125, gone.Code);
        Assert.Contains("CDI device injection failed: unresolvable CDI devices acme.test/thing=one", gone.Errors);
    }

    [Fact]
    public async Task Gpus_OfADescription_AreInjected_AndWithoutOneRefusedInDockersWords()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        foreach (string client in (string[])[Debian, await NewerClientAsync()])
        {
            Completed none = await RunAsync(client, ["--gpus", "all", Image, "true"]);
            Assert.Equal(125, none.Code);
            Assert.Contains("could not select device driver \"\" with capabilities: [[gpu]]", none.Errors);
        }
        Directory.CreateDirectory(engine.DeviceDescriptions);
        string file = Path.Combine(engine.DeviceDescriptions, "nvidia.json");
        await File.WriteAllTextAsync(file, """
            {"cdiVersion":"0.5.0","kind":"nvidia.com/gpu","devices":[
              {"name":"0","containerEdits":{"env":["GPU=0"]}},{"name":"all","containerEdits":{"env":["GPU=all"]}}]}
            """, TestContext.Current.CancellationToken);
        try
        {
            Assert.Equal("all\n", (await RunAsync(Debian, ["--gpus", "all", Image, "sh", "-c", "echo $GPU"])).Output);
            Assert.Equal("0\n", (await RunAsync(Debian, ["--gpus", "device=0", Image, "sh", "-c", "echo $GPU"])).Output);
            Assert.Equal("0\n", (await RunAsync(Debian, ["--gpus", "1", Image, "sh", "-c", "echo $GPU"])).Output);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task OlderClients_SeeTheFieldsOfTheirVersions()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Completed info = await Program.RunAsync(Debian, ["info"], engine.Address);
        Assert.DoesNotContain("expected:", info.Output);
        Completed refused = await RunAsync(Debian, ["--blkio-weight-device", "/dev/null:300", Image, "true"]);
        Assert.Contains("invalid weight for device: /dev/null: it is no block device of this host", refused.Errors);
        string network = $"n{Guid.NewGuid():n}"[..12];
        await Program.RunAsync(Debian, ["network", "create", network], engine.Address);
        Completed six = await RunAsync(Debian, ["--network", network, "--ip6", "fd00::5", Image, "true"]);
        Assert.Contains("user specified IP address is supported only when connecting to networks with user configured subnets", six.Errors);
        Completed bridge = await RunAsync(await NewerClientAsync(), ["--ip6", "fd00::5", Image, "true"]);
        Assert.Contains("user specified IP address is supported on user defined networks only", bridge.Errors);
        await Program.RunAsync(Debian, ["network", "rm", network], engine.Address);
    }

    [Fact]
    public async Task Update_NoLimitOfProcesses_TakesTheLimitAway()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        string id = (await RunAsync(Debian, ["-d", "--pids-limit", "50", Image, "sleep", "1000"], remove: false)).Output.Trim();
        // Not looked for: groups of other tests go while one looks.
        string pid = (await Program.RunAsync(Debian, ["inspect", "-f", "{{.State.Pid}}", id], engine.Address)).Output.Trim();
        string[] groups = await File.ReadAllLinesAsync($"/proc/{pid}/cgroup", TestContext.Current.CancellationToken);
        string file = groups.FirstOrDefault(static line => line.Split(':')[1].Split(',').Contains("pids")) is { } own
            ? $"/sys/fs/cgroup/pids{own.Split(':')[2]}/pids.max" : $"/sys/fs/cgroup{groups[^1].Split(':')[2]}/pids.max";
        Assert.Equal("50", (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Trim());
        // The command line leaves a 0 out; libraries send it.
        Assert.Equal(0, (await Program.RunAsync("curl", ["-sf", "--unix-socket", engine.Socket, "-H", "Content-Type: application/json",
            "-d", """{"PidsLimit":0}""", $"http://d/v1.41/containers/{id}/update"], engine.Address)).Code);
        Assert.Equal("max", (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Trim());
        await Program.RunAsync(Debian, ["rm", "-f", id], engine.Address);
    }

    private Task<Completed> RunAsync(string client, string[] arguments, bool remove = true) =>
        Program.RunAsync(client, ["run", .. remove ? ["--rm"] : Array.Empty<string>(), .. arguments], engine.Address);

    // The newest docker on the PATH; tests of newer versions of the API say when there is only Debian's.
    internal static async Task<string> NewerClientAsync()
    {
        foreach (string directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        {
            string client = Path.Combine(directory, "docker");
            if (!File.Exists(client))
                continue;
            Completed version = await Program.RunAsync(client, ["--version"], "");
            if (int.TryParse(version.Output.Split(' ', '.').ElementAtOrDefault(2), out int major) && major >= 25)
                return client;
        }
        Assert.Skip("there is no docker command line from 25 on");
        return "";
    }
}
