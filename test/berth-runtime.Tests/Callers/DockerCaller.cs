namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>Docker's daemon and command line: <c>docker run --runtime berth</c>.</summary>
public sealed class DockerCaller : Caller
{
    private const string Image = "berth-caller";
    private Daemon? _daemon;
    private int _count;

    protected override IReadOnlyList<string> Programs => ["dockerd", "docker", "containerd"];

    private Dictionary<string, string> Environment => new() { ["DOCKER_HOST"] = $"unix://{Root}/sock", ["DOCKER_CONFIG"] = $"{Root}/config" };

    protected override async Task StartAsync(string tree)
    {
        await File.WriteAllTextAsync($"{Root}/daemon.json", $"{{\"runtimes\":{{\"berth\":{{\"path\":\"{Command.Runtime}\"}}}}}}");
        _daemon = await Daemon.StartAsync("dockerd",
            ["--config-file", $"{Root}/daemon.json", "--data-root", $"{Root}/data", "--exec-root", $"{Root}/exec", "-p", $"{Root}/pid", "-H",
                $"unix://{Root}/sock", "--bridge", "none", "--iptables=false", "--storage-driver", "vfs"],
            $"{Root}/log", async () => (await DockerAsync(null, ["version"])).Code == 0);
        await Command.NeedAsync("tar", ["-C", tree, "-cf", $"{Root}/tree.tar", "."]);
        await NeedAsync("import", $"{Root}/tree.tar", Image);
    }

    protected override async Task StopAsync()
    {
        if (_daemon is not null)
            await _daemon.DisposeAsync();
    }

    private Task<Completed> DockerAsync(string? input, IEnumerable<string> arguments) =>
        Command.RunAsync("docker", arguments, input, Environment);

    private Task<string> NeedAsync(params string[] arguments) => Command.NeedAsync("docker", arguments, Environment);

    public override Task<Completed> RunAsync(CallerOptions options, params string[] arguments) =>
        DockerAsync(options.Input, ["run", "--rm", "--runtime", "berth", "--network", "none", .. Words.Docker(options), Image, .. arguments]);

    public override async Task<string> StartAsync(params string[] arguments)
    {
        string name = $"c{Interlocked.Increment(ref _count)}";
        await NeedAsync(["run", "-d", "--name", name, "--runtime", "berth", "--network", "none", Image, .. arguments]);
        return name;
    }

    public override Task<Completed> ExecAsync(string name, CallerOptions options, params string[] arguments) =>
        DockerAsync(options.Input, ["exec", .. Words.Docker(options), name, .. arguments]);

    public override Task FreezeAsync(string name, bool frozen) => NeedAsync(frozen ? "pause" : "unpause", name);

    public override async Task<int> PidAsync(string name) => int.Parse(await NeedAsync("inspect", "-f", "{{.State.Pid}}", name));

    public override Task KillAsync(string name, string signal) => NeedAsync("kill", "-s", signal, name);

    public override async Task<int> WaitAsync(string name) => int.Parse(await NeedAsync("wait", name));

    public override Task RemoveAsync(string name) => NeedAsync("rm", "-f", name);
}
