namespace Berth.RuntimeProgram.Tests.Callers;

/// <summary>Podman and Buildah of an ordinary user, who is root in a user namespace of theirs when they call the program.</summary>
public sealed class RootlessCallerTests : IAsyncLifetime
{
    private OrdinaryUser? _user;

    private OrdinaryUser User => _user!;

    public async ValueTask InitializeAsync()
    {
        string? missing = OrdinaryUser.Missing
            ?? ((string[])["podman", "conmon", "buildah"]).FirstOrDefault(static program => !Command.IsInstalled(program));
        Assert.SkipWhen(missing is not null, missing ?? "");
        _user = await OrdinaryUser.MakeAsync();
        await User.NeedAsync("podman", "import", $"{User.Root}/home/tree.tar", ContainersStorage.Image);
    }

    public ValueTask DisposeAsync() => _user?.DisposeAsync() ?? ValueTask.CompletedTask;

    private Task<Completed> PodmanAsync(params string[] arguments) => User.RunAsync("podman", ["--runtime", User.Runtime, .. arguments]);

    [Fact]
    public async Task Podman_RunsAndEntersContainers()
    {
        Completed run = await PodmanAsync("run", "--rm", "--network", "none", ContainersStorage.Image, "/bin/sh", "-c",
            "id -u; cat /proc/self/uid_map; echo x > /dev/null && echo writes; exit 5");
        Assert.Equal("", run.Errors);
        Assert.Equal(5, run.Code);
        Assert.Contains($" {User.Id} ", run.Output, StringComparison.Ordinal);
        Assert.Contains("writes", run.Output, StringComparison.Ordinal);
        // The container's own words of what is missing, and nothing before them.
        Completed missing = await PodmanAsync("run", "--rm", "--network", "none", ContainersStorage.Image, "nothing");
        Assert.Contains("executable file not found in $PATH", missing.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("level=warning", missing.Errors, StringComparison.Ordinal);
        Assert.Equal(127, missing.Code);
        // The host's network is of a namespace that the user has no rights in.
        foreach (string network in (string[])["none", "host"])
        {
            Completed started = await PodmanAsync("run", "-d", "--name", network, "--network", network, ContainersStorage.Image, "/bin/sleep", "1000");
            Assert.True(started.Code == 0, started.ToString());
            Assert.Equal((3, "0\n"), await ExecAsync(network, "/bin/sh", "-c", "id -u; exit 3"));
            Assert.Equal((0, "1000\n"), await ExecAsync("-u", "1000", network, "/bin/id", "-u"));
            Assert.Equal((0, "/dev/pts/0\r\n"), await ExecAsync("-t", network, "/bin/tty"));
            Assert.Contains("sleep 1000", (await PodmanAsync("top", network)).Output, StringComparison.Ordinal);
            Assert.Equal(0, (await PodmanAsync("rm", "-f", "-t", "0", network)).Code);
        }
        Completed own = await PodmanAsync("run", "--rm", "--network", "none", "--userns", "keep-id", ContainersStorage.Image, "/bin/id", "-u");
        Assert.Equal((0, $"{User.Id}\n"), (own.Code, own.Output));
        Assert.Equal(["libpod", "berth-runtime"], Directory.GetDirectories($"{User.Root}/run").Select(Path.GetFileName)
            .Where(static name => name is "libpod" or "berth-runtime").OrderDescending());
    }

    private async Task<(int Code, string Output)> ExecAsync(params string[] arguments)
    {
        Completed exec = await PodmanAsync(["exec", .. arguments]);
        Assert.Equal("", exec.Errors);
        return (exec.Code, exec.Output);
    }

    [Fact]
    public async Task Buildah_RunsSteps()
    {
        string name = (await User.NeedAsync("buildah", "from", "--pull-never", ContainersStorage.Image)).Trim();
        Completed run = await User.RunAsync("buildah", "run", "--runtime", User.Runtime, "--isolation", "oci", "--network", "none", name, "--",
            "/bin/sh", "-c", "id -u; touch /made && chown 5:6 /made && stat -c %u:%g /made");
        Assert.Equal((0, "0\n5:6\n", ""), (run.Code, run.Output, run.Errors));
    }

    /// <summary><c>--rootless</c> decides whether a cgroup may be missing; without it whoever is not the machine's root does without.</summary>
    [Fact]
    public async Task RootOfAUserNamespace_DoesWithoutCgroups_UnlessToldOtherwise()
    {
        string bundle = Directory.CreateDirectory($"{User.Root}/home/bundle").FullName;
        await Command.NeedAsync("cp", ["-a", $"{User.Root}/tree", $"{bundle}/rootfs"]);
        await Command.NeedAsync(Command.Runtime, ["spec", "--rootless", "-b", bundle]);
        string config = (await File.ReadAllTextAsync($"{bundle}/config.json")).Replace("\"terminal\": true", "\"terminal\": false", StringComparison.Ordinal);
        await File.WriteAllTextAsync($"{bundle}/config.json", config.Replace("\"sh\"", "\"true\"", StringComparison.Ordinal));
        await Command.NeedAsync("chown", ["-R", $"{User.Id}:{User.Id}", bundle]);
        Task<Completed> AsRootInside(params string[] arguments) => User.RunAsync("podman", ["unshare", User.Runtime, .. arguments]);

        Assert.Equal((0, ""), await Plain(AsRootInside("run", "-b", bundle, "one")));
        Assert.Equal((0, ""), await Plain(AsRootInside("--rootless", "true", "run", "-b", bundle, "two")));
        (int code, string errors) = await Plain(AsRootInside("--rootless=false", "run", "-b", bundle, "three"));
        Assert.Equal(1, code);
        Assert.Contains("permission denied", errors, StringComparison.Ordinal);
        (code, errors) = await Plain(AsRootInside("--strict", "run", "-b", bundle, "four"));
        Assert.Equal(1, code);
        Assert.Contains("the container has no cgroup of its own", errors, StringComparison.Ordinal);
        // The root of a container with engines in it: what XDG_RUNTIME_DIR names was left over from outside.
        (code, errors) = await Plain(User.RunAsync("podman", "unshare", "env", "USER=root", User.Runtime, "run", "-b", bundle, "five"));
        Assert.Equal(1, code);
        Assert.Contains("/run/berth-runtime", errors, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Errors)> Plain(Task<Completed> run) => ((await run).Code, (await run).Errors);
}
