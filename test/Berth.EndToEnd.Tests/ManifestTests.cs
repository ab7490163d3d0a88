namespace Berth.EndToEnd.Tests;

/// <summary><c>manifest</c> beside docker's own, at Debian's registry and at the hub: the same text, the same files, the same digests.</summary>
public sealed class ManifestTests(EngineFixture engine) : IDisposable
{
    private const string Docker = "/usr/local/bin/docker";
    private readonly string _home = Directory.CreateTempSubdirectory("berth-manifest-").FullName;

    public static TheoryData<string> Registries => ["docker-registry", "berth-hub"];

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory]
    [MemberData(nameof(Registries))]
    public async Task Lists_MadeByEither_AreTheSameAndReadByTheOther(string registry)
    {
        Need();
        await using IAsyncDisposable server = registry == "berth-hub" ? await HubServer.StartAsync() : await LockedRegistry.StartAsync();
        (string host, string password) = server is HubServer hub ? (hub.Host, HubServer.Password) : (((LockedRegistry)server).Host, "secret");
        string app = $"{host}/ann/app";
        foreach (string client in new[] { Docker, EngineFixture.Berth })
            await DoAsync(client, password, "login", "-u", "ann", "--password-stdin", host);
        foreach (string image in new[] { $"{app}:amd64", $"{app}:arm64", $"{host}/ann/other:1" })
        {
            await DoAsync(Docker, $"FROM busybox:e2e\nRUN echo {image} > /own\n", "build", "-t", image, "-");
            await DoAsync(Docker, null, "push", image);
        }
        string theirs = await LifeAsync(Docker, host, $"{app}:list");
        string ours = await LifeAsync(EngineFixture.Berth, host, $"{app}:list");
        Assert.Equal(theirs, ours);
        Assert.Contains("\"variant\": \"v8\"", ours);
        Assert.Contains("Pushed ref ", ours);

        // What one has begun the other finishes, and what one has pushed the other reads.
        foreach ((string maker, string reader) in new[] { (Docker, EngineFixture.Berth), (EngineFixture.Berth, Docker) })
        {
            string list = $"{app}:by-{Path.GetFileName(maker)}";
            await DoAsync(maker, null, "manifest", "create", "--insecure", list, $"{app}:amd64", $"{app}:arm64");
            Directory.Delete($"{_home}/{Path.GetFileName(reader)}/manifests", recursive: true);
            Directory.Move($"{_home}/{Path.GetFileName(maker)}/manifests", $"{_home}/{Path.GetFileName(reader)}/manifests");
            await DoAsync(reader, null, "manifest", "annotate", "--arch", "arm64", list, $"{app}:arm64");
            string digest = (await DoAsync(reader, null, "manifest", "push", "--insecure", "--purge", list)).Output;
            Assert.Matches("^sha256:[0-9a-f]{64}\n$", digest);
            Assert.Contains(
                "\"architecture\": \"arm64\"", (await DoAsync(maker, null, "manifest", "inspect", "--insecure", list)).Output);
            Directory.CreateDirectory($"{_home}/{Path.GetFileName(maker)}/manifests");
        }
        // An engine takes its own machine's image of such a list.
        await DoAsync(EngineFixture.Berth, null, "pull", $"{app}:by-berth");
        await DoAsync(Docker, null, "rmi", $"{app}:by-berth", $"{app}:amd64", $"{app}:arm64", $"{host}/ann/other:1");
    }

    [Fact]
    public async Task Inspect_WithoutRights_SaysSo()
    {
        Need();
        await using LockedRegistry registry = await LockedRegistry.StartAsync();
        Completed refused = await RunAsync(EngineFixture.Berth, null, "manifest", "inspect", $"{registry.Host}/ann/app:1");
        Assert.Equal((1, $"no such manifest: {registry.Host}/ann/app:1: "), (refused.Code, refused.Errors[..(refused.Errors.IndexOf("app:1", StringComparison.Ordinal) + 7)]));
        Assert.Contains("no basic auth credentials", refused.Errors);
        Completed away = await RunAsync(EngineFixture.Berth, null, "manifest", "inspect", "127.0.0.1:1/ann/app:1");
        Assert.Equal(1, away.Code);
        Assert.Contains("connection refused", away.Errors);
    }

    // Everything that can be done with a list, and everything that is said.
    private async Task<string> LifeAsync(string client, string host, string list)
    {
        string app = $"{host}/ann/app", other = $"{host}/ann/other:1";
        string said = "";
        foreach (string[] arguments in (string[][])
        [
            ["inspect", "--insecure", $"{app}:amd64"], ["inspect", "--insecure", "-v", $"{app}:amd64"], ["inspect", "--insecure", $"{app}:nope"],
            ["inspect", "Bad:X:y"], ["create", list], ["create", "--insecure", list, $"{app}:nope"],
            ["create", "--insecure", list, $"{app}:amd64", $"{app}:arm64"], ["create", "--insecure", list, other],
            ["create", "--insecure", "-a", list, other], ["annotate", "--arch", "arm64", "--variant", "v8", list, $"{app}:arm64"],
            ["annotate", "--os-features", "a,b", "--os-features", "b", "--os-version", "1.2", list, other],
            ["annotate", "--arch", "nope", list, other], ["annotate", list, $"{app}:gone"], ["inspect", list], ["inspect", "-v", list],
            ["inspect", list, $"{app}:arm64"], ["inspect", "-v", list, other], ["inspect", list, $"{app}:gone"],
            ["push", "--insecure", list], ["push", "--insecure", "-p", list], ["push", "--insecure", list],
            ["inspect", "--insecure", list], ["inspect", "--insecure", "-v", list], ["create", "--insecure", list + "2", list],
            ["create", "--insecure", "localhost:1/x:1", $"{app}:amd64"], ["push", "localhost:1/x:1"], ["inspect", "localhost:1/x:1"],
            ["rm", "localhost:1/x:1", $"{app}:gone"], ["rm", "localhost:1/x:1"], ["create", "--insecure", list, other],
        ])
        {
            Completed done = await RunAsync(client, null, ["manifest", .. arguments]);
            said += $"$ {string.Join(' ', arguments)}\n{done.Code}\n{done.Output}{done.Errors.Replace("docker ", "berth ", StringComparison.Ordinal)
                .Replace("docker:", "berth:", StringComparison.Ordinal).Replace("'docker", "'berth", StringComparison.Ordinal)}";
        }
        string kept = Directory.GetFiles($"{_home}/{Path.GetFileName(client)}/manifests", "*", SearchOption.AllDirectories).Single();
        return said + Path.GetRelativePath($"{_home}/{Path.GetFileName(client)}", kept) + "\n"
            + await File.ReadAllTextAsync(kept, TestContext.Current.CancellationToken);
    }

    private async Task<Completed> DoAsync(string client, string? input, params string[] arguments)
    {
        Completed done = await RunAsync(client, input, arguments);
        Assert.True(done.Code == 0, $"{client} {string.Join(' ', arguments)}: {done.Output}{done.Errors}");
        return done;
    }

    private Task<Completed> RunAsync(string client, string? input, params string[] arguments)
    {
        string config = $"{_home}/{Path.GetFileName(client)}";
        Directory.CreateDirectory(config);
        return Program.RunAsync(
            client, arguments, engine.Address, input, environment: new Dictionary<string, string> { ["DOCKER_CONFIG"] = config });
    }

    private void Need()
    {
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists(Docker), "docker 28 is not installed");
        Assert.SkipUnless(LockedRegistry.IsInstalled, "docker-registry is not installed");
        Assert.SkipUnless(File.Exists(HubServer.ProgramPath), "out/bin/berth-hub is not built: ./dev build");
    }
}
