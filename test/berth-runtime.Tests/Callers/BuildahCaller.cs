namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>Buildah, which runs the steps of a build: <c>buildah run --runtime berth-runtime</c>.</summary>
public sealed class BuildahCaller : Caller
{
    private Dictionary<string, string> _environment = [];

    protected override IReadOnlyList<string> Programs => ["buildah", "podman"];

    public override bool HasLifecycle => false;

    protected override async Task StartAsync(string tree)
    {
        _environment = ContainersStorage.Make(Root);
        await ContainersStorage.ImportAsync(Root, tree, _environment);
    }

    protected override async Task StopAsync()
    {
        await Command.NeedAsync("buildah", ["rm", "-a"], _environment);
        await Command.NeedAsync("buildah", ["rmi", "-fa"], _environment);
    }

    public override async Task<Completed> RunAsync(CallerOptions options, params string[] arguments)
    {
        string name = (await Command.NeedAsync("buildah", ["from", "--pull-never", ContainersStorage.Image], _environment)).Trim();
        try
        {
            return await Command.RunAsync("buildah",
                ["run", "--runtime", Command.Runtime, "--isolation", "oci", "--network", "none", .. Words.Buildah(options), name, "--",
                    .. arguments], options.Input, _environment);
        }
        finally
        {
            await Command.NeedAsync("buildah", ["rm", name], _environment);
        }
    }

    /// <summary>Builds a Dockerfile; returns what was said.</summary>
    public async Task<Completed> BuildAsync(string dockerfile)
    {
        string context = Directory.CreateDirectory(Path.Join(Root, Guid.NewGuid().ToString("n"))).FullName;
        await File.WriteAllTextAsync(Path.Join(context, "Dockerfile"), dockerfile);
        return await Command.RunAsync("buildah",
            ["bud", "--runtime", Command.Runtime, "--isolation", "oci", "--network", "none", "--pull-never", context], input: null, _environment);
    }

    public override Task<string> StartAsync(params string[] arguments) => throw new NotSupportedException();

    public override Task<Completed> ExecAsync(string name, CallerOptions options, params string[] arguments) =>
        throw new NotSupportedException();

    public override Task FreezeAsync(string name, bool frozen) => throw new NotSupportedException();

    public override Task<int> PidAsync(string name) => throw new NotSupportedException();

    public override Task KillAsync(string name, string signal) => throw new NotSupportedException();

    public override Task<int> WaitAsync(string name) => throw new NotSupportedException();

    public override Task RemoveAsync(string name) => throw new NotSupportedException();
}
