using System.Diagnostics;
using Berth.EndToEnd.Tests.Robustness;

namespace Berth.EndToEnd.Tests;

/// <summary>Programs that a device's description (CDI) has run on the host at points of a container's life.</summary>
public sealed class CdiHookTests
{
    [Theory]
    [InlineData("berth")]
    [InlineData("/usr/local/bin/docker")]
    public async Task Hooks_RunAtTheirPoints_AlsoWhenTheEngineWasKilledMeanwhile(string client)
    {
        await using World world = await World.StartAsync(client);
        await world.OkAsync("run", "--rm", "--device", "acme.test/thing=marks", "bb", "busybox", "true");
        await Eventually.HoldsAsync(() => Task.FromResult(world.Marks()[^1] == "poststop stopped"));
        Assert.Equal(["prestart creating", "createRuntime creating", "poststart running", "poststop stopped"], world.Marks());

        world.ClearMarks();
        await world.OkAsync("run", "-d", "--name", "long", "--device", "acme.test/thing=marks", "bb", "busybox", "sleep", "1000");
        await world.Daemon.KillAsync();
        await world.Daemon.StartAsync();
        Assert.DoesNotContain("poststop stopped", world.Marks());
        await world.OkAsync("rm", "-f", "long");
        await Eventually.HoldsAsync(() => Task.FromResult(world.Marks()[^1] == "poststop stopped"));
        Assert.Equal(["prestart creating", "createRuntime creating", "poststart running", "poststop stopped"], world.Marks());
    }

    [Theory]
    [InlineData("berth")]
    [InlineData("/usr/local/bin/docker")]
    public async Task Hook_ThatFailsOrHangs_KeepsTheContainerFromRunning_AndIsNamedWithItsDevice(string client)
    {
        await using World world = await World.StartAsync(client);
        foreach ((string device, string message) in ((string, string)[])[
            ("bad", "error running hook #0 (createRuntime /bin/sh of CDI device acme.test/thing=bad): exit status 3, stdout: , stderr: no such card"),
            ("late", "error running hook #0 (poststart /bin/sh of CDI device acme.test/thing=late): exit status 1"),
            ("inside", "error running hook #0 (createContainer /bin/false of CDI device acme.test/thing=inside): exit status 1"),
            ("slow", "error running hook #0 (createRuntime /bin/sleep of CDI device acme.test/thing=slow): it took longer than 1 s"),
            ("none", "error running hook #0 (prestart /no/such/hook of CDI device acme.test/thing=none): ")])
        {
            world.ClearMarks();
            Stopwatch watch = Stopwatch.StartNew();
            Completed refused = await world.RunAsync("run", "--name", "one", "--device", $"acme.test/thing={device}",
                "--device", "acme.test/thing=end", "bb", "busybox", "sleep", "1000");
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(60));
            Assert.NotEqual(0, refused.Code);
            Assert.Contains(message, refused.Errors);
            // What was begun is ended.
            Assert.Equal(["poststop stopped"], world.Marks());
            Assert.Equal("false", await world.OkAsync("inspect", "-f", "{{.State.Running}}", "one"));
            Assert.Contains($"acme.test/thing={device}", await world.OkAsync("inspect", "-f", "{{.State.Error}}", "one"));
            await world.OkAsync("rm", "one");
        }
        // The engine is none the worse.
        Assert.Equal("fine", await world.OkAsync("run", "--rm", "bb", "busybox", "echo", "fine"));
    }

    private sealed class World(string program, string directory) : IAsyncDisposable
    {
        private string File => Path.Join(directory, "marks");

        public OwnDaemon Daemon { get; private set; } = null!;

        public static async Task<World> StartAsync(string client)
        {
            Assert.SkipUnless(client == "berth" || System.IO.File.Exists(client), $"{client} is not installed: ./dev setup");
            string directory = Directory.CreateTempSubdirectory("berth-hooks-").FullName;
            World world = new(client == "berth" ? EngineFixture.Berth : client, directory);
            world.ClearMarks();
            string Mark(string kind) => $$"""
                {"hookName":"{{kind}}","path":"/bin/sh","env":["PATH=/usr/bin:/bin"],"args":["sh","-c",
                 "echo {{kind}} $(sed 's/.*\"status\":\"\\([a-z]*\\)\".*/\\1/') >>{{world.File}}"]}
                """;
            await System.IO.File.WriteAllTextAsync(Path.Join(directory, "acme.json"), $$$"""
                {"cdiVersion":"0.6.0","kind":"acme.test/thing","devices":[
                 {"name":"marks","containerEdits":{"hooks":[
                  {{{Mark("poststop")}}},{{{Mark("poststart")}}},{{{Mark("createRuntime")}}},{{{Mark("prestart")}}}]}},
                 {"name":"end","containerEdits":{"hooks":[{{{Mark("poststop")}}}]}},
                 {"name":"bad","containerEdits":{"hooks":[{"hookName":"createRuntime","path":"/bin/sh",
                  "args":["sh","-c","echo no such card >&2; exit 3"]}]}},
                 {"name":"late","containerEdits":{"hooks":[{"hookName":"poststart","path":"/bin/sh","args":["sh","-c","exit 1"]}]}},
                 {"name":"inside","containerEdits":{"hooks":[{"hookName":"createContainer","path":"/bin/false"}]}},
                 {"name":"slow","containerEdits":{"hooks":[{"hookName":"createRuntime","path":"/bin/sleep","args":["sleep","1000"],
                  "timeout":1}]}},
                 {"name":"none","containerEdits":{"hooks":[{"hookName":"prestart","path":"/no/such/hook"}]}}]}
                """);
            world.Daemon = await OwnDaemon.StartAsync(null, "--cdi-spec-dir", directory);
            return world;
        }

        public string[] Marks() => System.IO.File.ReadAllLines(File) is { Length: > 0 } lines ? lines : [""];

        public void ClearMarks() => System.IO.File.WriteAllText(File, "");

        public Task<Completed> RunAsync(params string[] arguments) => Program.RunAsync(program, arguments, Daemon.Address);

        public async Task<string> OkAsync(params string[] arguments)
        {
            Completed done = await RunAsync(arguments);
            Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}: {done.Errors}");
            return done.Output.TrimEnd();
        }

        public async ValueTask DisposeAsync()
        {
            await Daemon.DisposeAsync();
            Directory.Delete(directory, recursive: true);
        }
    }
}
