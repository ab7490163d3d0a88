namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>containerd's own command line over its shim: <c>ctr run --runc-binary berth-runtime</c>.</summary>
public sealed class ContainerdCaller : Caller
{
    private Daemon? _daemon;
    private int _count;

    protected override IReadOnlyList<string> Programs => ["containerd", "ctr", "podman"];

    // With runc too, 1.6 leaves the input of a container open for ever.
    public override bool EndsInput => false;

    public override bool SetsUser => false;

    protected override async Task StartAsync(string tree)
    {
        _daemon = await Daemon.StartAsync("containerd",
            ["--root", $"{Root}/root", "--state", $"{Root}/state", "-a", $"{Root}/sock", "-l", "error"], $"{Root}/log",
            async () => (await CtrAsync(null, ["version"])).Code == 0);
        // It takes archives of the image specification only, and makes none of a tree.
        Dictionary<string, string> environment = ContainersStorage.Make(Root);
        await ContainersStorage.ImportAsync(Root, tree, environment);
        await Command.NeedAsync("podman", ["save", "--format", "oci-archive", "-o", $"{Root}/image.tar", ContainersStorage.Image], environment);
        await Command.NeedAsync("podman", ["rmi", "-fa"], environment);
        await NeedAsync("image", "import", "--snapshotter", "native", $"{Root}/image.tar");
    }

    protected override async Task StopAsync()
    {
        if (_daemon is not null)
            await _daemon.DisposeAsync();
    }

    private Task<Completed> CtrAsync(string? input, IEnumerable<string> arguments, bool terminal = false)
    {
        string[] all = ["-a", $"{Root}/sock", .. arguments];
        // It wants a terminal of its own to give one.
        return terminal
            ? Command.RunAsync("script", ["-qefc", $"ctr {string.Join(' ', all.Select(static word => $"'{word}'"))}", "/dev/null"], input)
            : Command.RunAsync("ctr", all, input);
    }

    private Task<string> NeedAsync(params string[] arguments) => Command.NeedAsync("ctr", ["-a", $"{Root}/sock", .. arguments]);

    // The shim keeps the runtime's state in one place for all daemons of the machine.
    private string NewName() => $"berth-{Environment.ProcessId:x}-{Interlocked.Increment(ref _count)}";

    public override Task<Completed> RunAsync(CallerOptions options, params string[] arguments) => CtrAsync(options.Input,
        ["run", "--rm", "--snapshotter", "native", "--runc-binary", Command.Runtime, .. Words.Ctr(options), $"{ContainersStorage.Image}:latest",
            NewName(), .. arguments], options.Terminal);

    public override async Task<string> StartAsync(params string[] arguments)
    {
        string name = NewName();
        await NeedAsync(["run", "-d", "--snapshotter", "native", "--runc-binary", Command.Runtime, $"{ContainersStorage.Image}:latest", name,
            .. arguments]);
        return name;
    }

    public override Task<Completed> ExecAsync(string name, CallerOptions options, params string[] arguments) =>
        CtrAsync(options.Input, ["task", "exec", "--exec-id", NewName(), .. Words.Ctr(options), name, .. arguments], options.Terminal);

    public override Task FreezeAsync(string name, bool frozen) => NeedAsync("task", frozen ? "pause" : "resume", name);

    public override async Task<int> PidAsync(string name)
    {
        string line = (await NeedAsync("task", "ls")).Split('\n').First(line => line.StartsWith(name + " ", StringComparison.Ordinal));
        return int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
    }

    public override Task KillAsync(string name, string signal) => NeedAsync("task", "kill", "-s", signal, name);

    public override async Task<int> WaitAsync(string name)
    {
        Completed removed = new(1, "", "");
        await Command.UntilAsync($"{name} ends", async () =>
        {
            string line = (await NeedAsync("task", "ls")).Split('\n').First(line => line.StartsWith(name + " ", StringComparison.Ordinal));
            return line.Contains("STOPPED", StringComparison.Ordinal);
        });
        removed = await CtrAsync(null, ["task", "rm", name]);
        // The exit code is in a warning.
        string text = removed.Errors[(removed.Errors.LastIndexOf(' ') + 1)..].Trim().Trim('"');
        return text.Length == 0 ? removed.Code : int.Parse(text);
    }

    public override async Task RemoveAsync(string name)
    {
        await CtrAsync(null, ["task", "rm", "-f", name]);
        await NeedAsync("container", "rm", name);
    }
}
