namespace Berth.EndToEnd.Tests;

/// <summary>The options of <c>build</c>, through our command line and Docker's, and what is left of a build that was given up.</summary>
public sealed class CliBuildTests(EngineFixture engine) : IDisposable
{
    private const string Image = "busybox:e2e";
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-e2e-build-").FullName;

    public static TheoryData<string> Clients => ["berth", "/usr/bin/docker", "/usr/local/bin/docker"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task FileTargetLabelAndNoCache_DoWhatTheySay(string client)
    {
        Need(client);
        string image = $"opt{Guid.NewGuid():n}"[..12];
        await File.WriteAllTextAsync(_folder + "/Dockerfile", "FROM nosuchbase\n", Cancel);
        await File.WriteAllTextAsync(
            _folder + "/other", $"FROM {Image} AS one\nRUN cat /proc/sys/kernel/random/uuid > /made\n"
                + $"FROM {Image} AS two\nRUN exit 9\n",
            Cancel);
        string[] build = ["build", "-f", _folder + "/other", "--target", "one", "--label", "who=me", "-t", image];
        await DoAsync(client, [.. build, _folder]);
        Assert.Equal("me\n", await DoAsync(client, "inspect", "-f", "{{.Config.Labels.who}}", image));
        string made = await DoAsync(client, "run", "--rm", image, "cat", "/made");
        Assert.Contains("Using cache", await DoAsync(client, [.. build, _folder]));
        Assert.Equal(made, await DoAsync(client, "run", "--rm", image, "cat", "/made"));
        Assert.DoesNotContain("Using cache", await DoAsync(client, [.. build, "--no-cache", _folder]));
        Assert.NotEqual(made, await DoAsync(client, "run", "--rm", image, "cat", "/made"));
        await DoAsync(client, "rmi", image);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Pull_AsksTheRegistryThoughTheBaseIsHere(string client)
    {
        Need(client);
        Assert.SkipUnless(LockedRegistry.IsInstalled, "docker-registry is not installed");
        string image = $"pulled{Guid.NewGuid():n}"[..12];
        string context = Directory.CreateDirectory(_folder + "/context").FullName;
        string baseImage;
        await using (LockedRegistry registry = await LockedRegistry.StartAsync())
        {
            baseImage = $"{registry.Host}/base:1";
            await DoAsync(client, "login", "-u", "ann", "-p", "secret", registry.Host);
            await File.WriteAllTextAsync(context + "/Dockerfile", $"FROM {Image}\nLABEL age=new\n", Cancel);
            await DoAsync(client, "build", "-t", baseImage, context);
            await DoAsync(client, "push", baseImage);
            // What is here under this name is now older than what the registry has.
            await DoAsync(client, "tag", Image, baseImage);
            await File.WriteAllTextAsync(context + "/Dockerfile", $"FROM {baseImage}\n", Cancel);
            Assert.Equal("<no value>\n", await AgeAsync());
            Assert.Equal("new\n", await AgeAsync("--pull"));
        }
        Completed down = await RunAsync(client, "build", "--pull", context);
        Assert.Equal(1, down.Code);
        Assert.Contains("refused", down.Output + down.Errors);
        Assert.Equal("new\n", await AgeAsync());
        await DoAsync(client, "rmi", image, baseImage);

        async Task<string> AgeAsync(params string[] options)
        {
            await DoAsync(client, ["build", .. options, "-t", image, context]);
            return await DoAsync(client, "inspect", "-f", "{{if .Config.Labels}}{{.Config.Labels.age}}{{else}}<no value>{{end}}", image);
        }
    }

    [Fact]
    public async Task GivenUp_WhileAStepRuns_LeavesNoProcessAndNoLayer()
    {
        Need("berth");
        string mark = $"/given-up-{Guid.NewGuid():n}";
        await File.WriteAllTextAsync(
            _folder + "/Dockerfile", $"FROM {Image}\nRUN touch {mark} && echo be''gun && exec sh -c 'sleep 1000 & wait' {mark}\n", Cancel);
        await using (Foreground build = Foreground.Start(EngineFixture.Berth, engine.Address, "build", _folder))
        {
            // Not in the line that shows the instruction.
            await build.UntilAsync("begun");
            // What it said before the other program takes its place may be heard before that does.
            await Eventually.HoldsAsync(() => Task.FromResult(Runs(mark) && IsInALayer(mark)));
            await build.SignalAsync("INT");
            Assert.NotEqual(0, await build.EndAsync());
        }
        await Eventually.HoldsAsync(() => Task.FromResult(!Runs(mark)));
        await Eventually.HoldsAsync(() => Task.FromResult(!IsInALayer(mark)));
    }

    private bool IsInALayer(string file) => Directory.EnumerateFiles(
        engine.DataRoot, file[1..], new EnumerationOptions { RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.ReparsePoint }).Any();

    private static bool Runs(string argument) => Directory.EnumerateDirectories("/proc").Any(process =>
    {
        try
        {
            return File.ReadAllText(process + "/cmdline").EndsWith($"\0{argument}\0", StringComparison.Ordinal);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });

    private async Task<string> DoAsync(string client, params string[] arguments)
    {
        Completed done = await RunAsync(client, arguments);
        Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}: {done.Code}: {done.Output}{done.Errors}");
        return done.Output;
    }

    private Task<Completed> RunAsync(string client, params string[] arguments) => Program.RunAsync(
        client == "berth" ? EngineFixture.Berth : client, arguments, engine.Address,
        environment: new Dictionary<string, string> { ["DOCKER_CONFIG"] = _folder + "/home" });

    private void Need(string client)
    {
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        Assert.SkipUnless(client == "berth" || File.Exists(client), $"{client} is not installed");
    }
}
