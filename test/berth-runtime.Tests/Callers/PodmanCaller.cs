namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>Podman, whose conmon is the parent: <c>podman --runtime berth-runtime</c>.</summary>
public sealed class PodmanCaller : Caller
{
    private Dictionary<string, string> _environment = [];
    private int _count;

    protected override IReadOnlyList<string> Programs => ["podman", "conmon"];

    protected override async Task StartAsync(string tree)
    {
        _environment = ContainersStorage.Make(Root);
        await ContainersStorage.ImportAsync(Root, tree, _environment);
    }

    protected override async Task StopAsync()
    {
        await NeedAsync("rm", "-fa", "-t", "0");
        await NeedAsync("rmi", "-fa");
    }

    private Task<Completed> PodmanAsync(string? input, IEnumerable<string> arguments) =>
        Command.RunAsync("podman", ["--runtime", Command.Runtime, .. arguments], input, _environment);

    private Task<string> NeedAsync(params string[] arguments) =>
        Command.NeedAsync("podman", ["--runtime", Command.Runtime, .. arguments], _environment);

    public override Task<Completed> RunAsync(CallerOptions options, params string[] arguments) =>
        PodmanAsync(options.Input, ["run", "--rm", "--network", "none", .. Words.Docker(options), ContainersStorage.Image, .. arguments]);

    public override async Task<string> StartAsync(params string[] arguments)
    {
        string name = $"c{Interlocked.Increment(ref _count)}";
        await NeedAsync(["run", "-d", "--name", name, "--network", "none", ContainersStorage.Image, .. arguments]);
        return name;
    }

    public override Task<Completed> ExecAsync(string name, CallerOptions options, params string[] arguments) =>
        PodmanAsync(options.Input, ["exec", .. Words.Docker(options), name, .. arguments]);

    public override Task FreezeAsync(string name, bool frozen) => NeedAsync(frozen ? "pause" : "unpause", name);

    public override async Task<int> PidAsync(string name) => int.Parse(await NeedAsync("inspect", "-f", "{{.State.Pid}}", name));

    public override Task KillAsync(string name, string signal) => NeedAsync("kill", "-s", signal, name);

    public override async Task<int> WaitAsync(string name) => int.Parse(await NeedAsync("wait", name));

    public override Task RemoveAsync(string name) => NeedAsync("rm", "-f", "-t", "0", name);
}
