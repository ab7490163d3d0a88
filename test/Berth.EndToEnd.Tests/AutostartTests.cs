namespace Berth.EndToEnd.Tests;

/// <summary>Commands that find no engine and start one: in a mount namespace whose <c>/run</c> is empty, so that the default
/// socket is not this machine's.</summary>
public sealed class AutostartTests : IAsyncLifetime
{
    // $1: the command; the rest: its arguments. Two at once, and then a third.
    private const string Script = """
        mount -t tmpfs none /run || exit 99
        program=$1
        shift
        "$program" "$@" & first=$!
        "$program" "$@" & second=$!
        wait $first && wait $second && "$program" "$@"
        code=$?
        for pid in $(cat /run/pids 2>/dev/null); do
            kill $pid
            while kill -0 $pid 2>/dev/null; do sleep 0.02; done
        done
        exit $code
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("berth-autostart-").FullName;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "not root");
        Assert.SkipUnless(File.Exists(Built("berthd")) && File.Exists(EngineFixture.Berth), "out/bin is not built: ./dev build");
        await Executable.CopyAsync(EngineFixture.Berth, Path.Combine(_folder, "berth"));
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Commands_AtOnceWithoutAnEngine_StartOneThatStays()
    {
        // The engine beside the program, with roots of its own; each start is told.
        await DaemonAsync($"""
            echo started >> {_folder}/starts
            echo $$ >> /run/pids
            exec {Built("berthd")} --data-root {_folder}/lib --bridge none --cgroup-parent /berth-auto-{Environment.ProcessId:x}
            """);
        Completed three = await RunAsync("version", "-f", "{{.Server.Os}}");
        Assert.True(three.Code == 0, three.Errors);
        Assert.Equal("linux\nlinux\nlinux\n", three.Output);
        Assert.Equal("started\n", await File.ReadAllTextAsync($"{_folder}/starts", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Engine_ThatEndsAtOnce_IsToldWithItsLastLine()
    {
        await DaemonAsync("echo the disk is on fire >&2; exit 3");
        Completed end = await RunAsync("ps");
        Assert.Equal(1, end.Code);
        Assert.Contains("berthd ended with code 3: the disk is on fire", end.Errors);
    }

    [Fact]
    public async Task Engine_ThatIsNotInstalled_IsToldWithWhatToDo()
    {
        Completed end = await RunAsync("ps");
        Assert.Equal(1, end.Code);
        Assert.Contains("Cannot connect to the Docker daemon at unix:///run/berth/berth.sock", end.Errors);
        Assert.Contains("Start the engine with 'berthd', or name another one with -H or BERTH_HOST.", end.Errors);
    }

    private static string Built(string program) => Path.Combine(EngineFixture.Repository, "out/bin", program);

    private Task DaemonAsync(string script) => Executable.WriteAsync(Path.Combine(_folder, "berthd"), "#!/bin/sh\n" + script + "\n");

    private Task<Completed> RunAsync(params string[] arguments) => Program.RunAsync(
        "env",
        [
            "-u", "DOCKER_HOST", "-u", "BERTH_HOST", "-u", "DOCKER_CONTEXT", "-u", "XDG_RUNTIME_DIR", $"HOME={_folder}",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "unshare", "-m", "sh", "-c", Script, "sh", Path.Combine(_folder, "berth"), .. arguments,
        ],
        "");
}
