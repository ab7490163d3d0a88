namespace Berth.EndToEnd.Tests;

/// <summary>Where the engine once differed from Docker's in a way that a client could see.</summary>
public sealed class DockerBehaviourTests(EngineFixture engine)
{
    private const string Image = "busybox:e2e";
    private const string Client = "/usr/bin/docker";

    [Fact]
    public async Task Limits_AreThoseOfExecsToo_AndInspectSaysWhatSwapIs()
    {
        string id = (await DoAsync("run", "-d", "-m", "20m", "--ulimit", "nofile=100:200", Image, "sleep", "1000")).Output.Trim();
        Assert.Equal("100\n200\n", (await DoAsync("exec", id, "sh", "-c", "ulimit -n; ulimit -Hn")).Output);
        Assert.Equal("20971520 41943040\n", (await DoAsync("inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}", id)).Output);
        await DoAsync("rm", "-f", id);
    }

    [Fact]
    public async Task Environment_OwnVariablesComeFirst_AndNothingIsMadeUp()
    {
        string id = (await DoAsync("create", "-e", "Z=1", Image, "true")).Output.Trim();
        Assert.Equal("[\"Z=1\"]\n", (await DoAsync("inspect", "-f", "{{json .Config.Env}}", id)).Output);
        await DoAsync("rm", id);
    }

    [Fact]
    public async Task MountPoints_AreNoChangesOfTheContainers()
    {
        string id = (await DoAsync("run", "-d", Image, "sh", "-c", "echo x > /made; exec sleep 1000")).Output.Trim();
        Assert.Equal("-rwxr-xr-x", (await DoAsync(
            "exec", id, "sh", "-c", "until [ -s /made ]; do sleep 0.1; done; busybox ls -l /.dockerenv")).Output[..10]);
        await DoAsync("kill", id);
        Assert.Equal("A /made\n", (await DoAsync("diff", id)).Output);
        string image = $"stub{Guid.NewGuid():n}"[..12];
        await DoAsync("commit", id, image);
        Completed tar = await Program.RunAsync("sh", ["-c", $"docker save {image} | tar xO --wildcards 'blobs/*' | tar t 2>/dev/null"], engine.Address);
        Assert.DoesNotContain("etc/hosts", tar.Output);
        Assert.DoesNotContain(".dockerenv", tar.Output);
        await DoAsync("rm", id);
        await DoAsync("rmi", image);
    }

    [Fact]
    public async Task Build_Quiet_SaysTheImageAlone()
    {
        Completed built = await RunAsync($"FROM {Image}\nRUN echo loud\n", "build", "-q", "-");
        Assert.Matches("^sha256:[0-9a-f]{64}\n$", built.Output);
        Completed failed = await RunAsync($"FROM {Image}\nRUN echo why; exit 5\n", "build", "-q", "-");
        Assert.Equal(5, failed.Code);
    }

    [Fact]
    public async Task Import_FromAWebServer_TakesWhatItServes()
    {
        await using FileServer server = new(new() { ["/tree.tar"] = await File.ReadAllBytesAsync(
            engine.BusyboxArchive, TestContext.Current.CancellationToken) });
        string image = $"web{Guid.NewGuid():n}"[..12];
        Completed imported = await DoAsync("import", "-c", "CMD [\"echo\", \"here\"]", $"{server.Address}/tree.tar", image);
        Assert.Contains($"Downloading from {server.Address}/tree.tar", imported.Output);
        Assert.Equal("here\n", (await DoAsync("run", "--rm", image)).Output);
        Assert.Equal($"Imported from {server.Address}/tree.tar\n", (await DoAsync("inspect", "-f", "{{.Comment}}", image)).Output);
        await DoAsync("rmi", image);
        Completed missing = await RunAsync(null, "import", $"{server.Address}/none.tar", image);
        Assert.Equal(1, missing.Code);
        Assert.Contains($"failed to GET {server.Address}/none.tar with status 404 Not Found", missing.Errors);
    }

    [Fact]
    public async Task Build_WrongDockerfile_IsRefusedWithItsLine()
    {
        Completed wrong = await RunAsync("FROM scratch\nNOPE x\n", "build", "-");
        Assert.Equal(1, wrong.Code);
        Assert.StartsWith("Error response from daemon: dockerfile parse error on line 2: unknown instruction: NOPE", wrong.Errors[
            wrong.Errors.IndexOf("Error response", StringComparison.Ordinal)..]);
        Assert.Contains(">>> NOPE x", wrong.Errors);
    }

    [Fact]
    public async Task Image_ForcedAwayFromAStoppedContainer_IsGoneAndTheContainerStillStarts()
    {
        string image = $"gone{Guid.NewGuid():n}"[..12];
        await RunAsync($"FROM {Image}\nRUN echo {image} > /name\n", "build", "-q", "-t", image, "-");
        string id = (await DoAsync("create", image, "cat", "/name")).Output.Trim();
        Assert.Contains("Deleted: sha256:", (await DoAsync("rmi", "-f", image)).Output);
        Assert.Equal($"{image}\n", (await DoAsync("start", "-a", id)).Output);
        await DoAsync("rm", id);
    }

    [Fact]
    public async Task Networks_MissingOnes_AreSaidAtStartAndNotTakenForAnImage()
    {
        Completed missing = await RunAsync(null, "run", "--rm", "--network", "nosuchnet", Image, "true");
        Assert.Contains("network nosuchnet not found", missing.Errors);
        Assert.DoesNotContain("Unable to find image", missing.Errors);
        missing = await RunAsync(null, "run", "--rm", "--network", "container:nosuch", Image, "true");
        Assert.Contains("No such container: nosuch", missing.Errors);
        Assert.DoesNotContain("Unable to find image", missing.Errors);
    }

    [Fact]
    public async Task HealthChecks_OfAContainerWithAllItsProcesses_Run()
    {
        string name = $"f{Guid.NewGuid():n}"[..12];
        await DoAsync("run", "-d", "--name", name, "--pids-limit", "3",
            "--health-cmd", "echo well", "--health-interval", "100ms", "--health-retries", "1000", Image,
            "sh", "-c", "sleep 1000 & sleep 1000 & wait");
        await Eventually.HoldsAsync(async () => (await RunAsync(null, "inspect", "-f", "{{.State.Health.Status}}", name)).Output == "healthy\n");
        Assert.Equal("hi\n", (await RunAsync(null, "exec", name, "echo", "hi")).Output);
        await DoAsync("rm", "-f", name);
    }

    [Fact]
    public async Task HealthChecks_AreSeenAsExecs()
    {
        string name = $"h{Guid.NewGuid():n}"[..12];
        await DoAsync(
            "run", "-d", "--name", name, "--health-cmd", "true", "--health-interval", "100ms", "--health-start-period", "0s", Image, "sleep", "1000");
        Completed seen = await Program.RunAsync("sh", ["-c",
            $"timeout 50 docker events --since 1m --filter container={name} --filter event=exec_die --format '{{{{.Action}}}}' | head -n 1"], engine.Address);
        Assert.Equal("exec_die\n", seen.Output);
        await DoAsync("rm", "-f", name);
        Completed refused = await RunAsync(null, "create", "--health-interval", "1ns", "--health-cmd", "true", Image, "true");
        Assert.Contains("Interval in Healthcheck cannot be less than 1ms", refused.Errors);
    }

    [Fact]
    public async Task SharedMemory_OfAShareableContainer_IsJoinedAndGoesWithIt()
    {
        string id = (await DoAsync("run", "-d", "--ipc", "shareable", Image, "sleep", "1000")).Output.Trim();
        await DoAsync("exec", id, "sh", "-c", "echo both > /dev/shm/f");
        Assert.Equal("both\n", (await DoAsync("run", "--rm", "--ipc", $"container:{id}", Image, "cat", "/dev/shm/f")).Output);
        // The table can lack a line when it is read in pieces and others mount meanwhile.
        await Eventually.HoldsAsync(
            async () => (await File.ReadAllTextAsync("/proc/self/mountinfo", TestContext.Current.CancellationToken)).Contains(id));
        await DoAsync("rm", "-f", id);
        await Eventually.HoldsAsync(
            async () => !(await File.ReadAllTextAsync("/proc/self/mountinfo", TestContext.Current.CancellationToken)).Contains(id));
        string own = (await DoAsync("run", "-d", Image, "sleep", "1000")).Output.Trim();
        Completed refused = await RunAsync(null, "run", "--rm", "--ipc", $"container:{own}", Image, "true");
        Assert.Contains("non-shareable IPC", refused.Errors);
        await DoAsync("rm", "-f", own);
    }

    [Fact]
    public async Task Mount_OfAnImage_ShowsItsFilesReadOnly()
    {
        string image = $"im{Guid.NewGuid():n}"[..12];
        await RunAsync($"FROM {Image}\nRUN echo two > /two\n", "build", "-q", "-t", image, "-");
        // Debian's client knows this type of mount not, so the API is asked.
        string id = await CreateAsync($$"""
            {
              "Image": "{{Image}}", "Cmd": ["sh", "-c", "cat /i/two; echo x > /i/x"],
              "HostConfig": { "Mounts": [{ "Type": "image", "Source": "{{image}}", "Target": "/i" }] }
            }
            """);
        Completed run = await RunAsync(null, "start", "-a", id);
        Assert.Equal("two\n", run.Output);
        Assert.Contains("Read-only file system", run.Errors);
        Completed used = await RunAsync(null, "rmi", image);
        Assert.Contains("must", used.Errors);
        await DoAsync("rm", id);
        await DoAsync("rmi", image);
    }

    [Fact]
    public async Task Mount_OfANewVolume_GivesItLabelsAndOptions()
    {
        string name = $"v{Guid.NewGuid():n}"[..12];
        string id = (await DoAsync(
            "create", "--mount", $"source={name},target=/v,volume-label=a=b,volume-opt=type=tmpfs,volume-opt=device=tmpfs", Image, "true")).Output.Trim();
        Assert.Equal("b tmpfs\n", (await DoAsync("volume", "inspect", "-f", "{{.Labels.a}} {{.Options.type}}", name)).Output);
        await DoAsync("rm", id);
        await DoAsync("volume", "rm", name);
    }

    private async Task<string> CreateAsync(string body)
    {
        Completed created = await Program.RunAsync(
            "curl", ["-s", "--unix-socket", engine.Socket, "-H", "Content-Type: application/json", "-d", body, "http://d/containers/create"],
            engine.Address);
        using var answer = System.Text.Json.JsonDocument.Parse(created.Output);
        return answer.RootElement.GetProperty("Id").GetString()!;
    }

    private async Task<Completed> DoAsync(params string[] arguments)
    {
        Completed completed = await RunAsync(null, arguments);
        Assert.True(completed.Code == 0, $"{string.Join(' ', arguments)}: {completed.Code}: {completed.Errors}");
        return completed;
    }

    private Task<Completed> RunAsync(string? input, params string[] arguments)
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists(Client), $"{Client} is not installed");
        return Program.RunAsync(Client, arguments, engine.Address, input);
    }
}
