using System.Diagnostics;

namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>Our own engine with a runtime of others: <c>berthd --add-runtime</c>, <c>docker run --runtime</c>.</summary>
public abstract class BerthCaller : Caller
{
    private const string Image = "berth-caller";
    private Process? _daemon;
    private int _count;

    /// <summary>The name under which the engine has the runtime.</summary>
    public const string Name = "other";

    protected override IReadOnlyList<string> Programs => ["docker"];

    /// <summary>The runtime's program; may write one below <see cref="Caller.Root"/>.</summary>
    protected abstract Task<string> ProgramAsync();

    /// <summary>Our own client's program.</summary>
    public static string Client => Path.Join(Path.GetDirectoryName(Command.Runtime), "berth");

    /// <summary>Where clients find the engine.</summary>
    public Dictionary<string, string> Variables => new()
    {
        ["DOCKER_HOST"] = $"unix://{Root}/sock", ["DOCKER_CONFIG"] = $"{Root}/config",
    };

    /// <summary>Where the engine keeps what a running container needs.</summary>
    public string RunDirectory(string id) => $"{Root}/exec/containers/{id}";

    /// <summary>The bridge of its default network.</summary>
    private string Bridge { get; } = $"bx{Guid.NewGuid().ToString("n")[..8]}";

    protected override async Task StartAsync(string tree)
    {
        string program = await ProgramAsync();
        await File.WriteAllTextAsync($"{Root}/daemon.json", $"{{\"runtimes\":{{\"{Name}\":{{\"path\":\"{program}\"}}}}}}");
        await StartDaemonAsync();
        await Command.NeedAsync("tar", ["-C", tree, "-cf", $"{Root}/tree.tar", "."]);
        await NeedAsync("import", $"{Root}/tree.tar", Image);
    }

    private async Task StartDaemonAsync()
    {
        ProcessStartInfo start = new(Path.Join(Path.GetDirectoryName(Command.Runtime), "berthd"))
        {
            RedirectStandardError = true,
            ArgumentList =
            {
                "--config-file", $"{Root}/daemon.json", "--data-root", $"{Root}/data", "--exec-root", $"{Root}/exec",
                "-H", $"unix://{Root}/sock", "--bridge", Bridge, "--cgroup-parent", $"/{Bridge}",
            },
        };
        _daemon = Process.Start(start)!;
        string? line;
        do
            line = await _daemon.StandardError.ReadLineAsync() ?? throw new InvalidOperationException("berthd ended at once");
        while (!line.Contains("API listen on", StringComparison.Ordinal));
        _ = _daemon.StandardError.ReadToEndAsync();
    }

    /// <summary>Kills the engine without a chance to say anything, and starts the next one.</summary>
    /// <param name="meanwhile">What happens while none runs.</param>
    public async Task ReplaceDaemonAsync(Func<Task>? meanwhile = null)
    {
        _daemon!.Kill();
        await _daemon.WaitForExitAsync();
        _daemon.Dispose();
        if (meanwhile is not null)
            await meanwhile();
        await StartDaemonAsync();
    }

    protected override async Task StopAsync()
    {
        if (_daemon is null)
            return;
        string[] left = (await DockerAsync(null, ["ps", "-aq"])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (left.Length > 0)
            await DockerAsync(null, ["rm", "-f", .. left]);
        await Command.RunAsync("kill", ["-TERM", _daemon.Id.ToString()]);
        await _daemon.WaitForExitAsync();
        _daemon.Dispose();
        await Command.RunAsync("ip", ["link", "del", Bridge]);
        foreach (string group in Directory.EnumerateDirectories("/sys/fs/cgroup").Select(tree => Path.Join(tree, Bridge))
            .Append($"/sys/fs/cgroup/{Bridge}").Where(Directory.Exists))
            Directory.Delete(group);
    }

    /// <summary>Runs a command of the client.</summary>
    public Task<Completed> DockerAsync(string? input, IEnumerable<string> arguments) =>
        Command.RunAsync("docker", arguments, input, Variables);

    /// <summary>Runs a command that must succeed; returns its output.</summary>
    public Task<string> NeedAsync(params string[] arguments) => Command.NeedAsync("docker", arguments, Variables);

    /// <summary>Runs a command of our own client.</summary>
    public Task<Completed> BerthAsync(IEnumerable<string> arguments) => Command.RunAsync(Client, arguments, null, Variables);

    /// <summary>Runs one that must succeed; returns its output.</summary>
    public Task<string> NeedBerthAsync(params string[] arguments) => Command.NeedAsync(Client, arguments, Variables);

    public override Task<Completed> RunAsync(CallerOptions options, params string[] arguments) =>
        DockerAsync(options.Input, ["run", "--rm", "--runtime", Name, "--network", "none", .. Words.Docker(options), Image, .. arguments]);

    public override Task<string> StartAsync(params string[] arguments) => StartWithAsync([], arguments);

    /// <summary>As <see cref="StartAsync(string[])"/>, with flags.</summary>
    public async Task<string> StartWithAsync(IEnumerable<string> flags, params string[] arguments)
    {
        string name = $"c{Interlocked.Increment(ref _count)}";
        await NeedAsync(["run", "-d", "--name", name, "--runtime", Name, "--network", "none", .. flags, Image, .. arguments]);
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

/// <summary>Our engine with runc.</summary>
public sealed class BerthWithRunc : BerthCaller
{
    protected override IReadOnlyList<string> Programs => [.. base.Programs, "runc"];

    protected override Task<string> ProgramAsync() => Task.FromResult("runc");
}

/// <summary>Our engine with crun.</summary>
public sealed class BerthWithCrun : BerthCaller
{
    protected override IReadOnlyList<string> Programs => [.. base.Programs, "crun"];

    public override string MissingProgramWords => "not found in $PATH";

    protected override async Task<string> ProgramAsync()
    {
        if (!Directory.Exists("/sys/fs/cgroup/unified"))
            return "crun";
        // Debian's refuses controllers of version 1 beside a tree of version 2: that is hidden from it.
        string script = $"{Root}/crun";
        await File.WriteAllTextAsync(
            script + ".new", "#!/bin/sh\nexec unshare -m sh -c 'umount /sys/fs/cgroup/unified && exec crun \"$@\"' crun \"$@\"\n");
        // Copied by another process: what this one has open for writing a child of another test may hold, and then nobody may execute it.
        await Command.NeedAsync("cp", [script + ".new", script]);
        File.SetUnixFileMode(script, (UnixFileMode)0x1ED);
        return script;
    }
}

/// <summary>Our engine with our own program in the place of another runtime.</summary>
public sealed class BerthWithBerthRuntime : BerthCaller
{
    protected override Task<string> ProgramAsync() => Task.FromResult(Command.Runtime);
}
