using System.Diagnostics;
using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary><c>run</c> and <c>exec</c> that wait: every signal is the container's, and nothing but its process is waited for.</summary>
public sealed class ForegroundTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private static void Need() => Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");

    private async Task<Process> StartAsync(string id, RuntimeSpec spec, params string[] options) => Process.Start(new ProcessStartInfo(
        Command.Runtime, ["--root", bundles.Root, "run", "--bundle", await bundles.BundleAsync(id, spec), .. options, id])
        { RedirectStandardOutput = true })!;

    private static async Task<int> EndAsync(Process run)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(s_patience);
        try
        {
            await run.WaitForExitAsync(patience.Token);
            return run.ExitCode;
        }
        catch (OperationCanceledException)
        {
            run.Kill();
            throw new TimeoutException("the signal did not reach the container");
        }
    }

    /// <summary>All but those a program cannot pass on, or has for itself: faults, SIGPIPE, SIGCHLD, SIGURG, SIGWINCH, SIGTTIN, SIGTTOU, and
    /// the three first of real time.</summary>
    public static TheoryData<int> Signals => [1, 2, 3, 5, 6, 10, 12, 14, 15, 16, 18, 20, 24, 25, 26, 27, 29, 30, 35, 37, 63, 64];

    [Theory]
    [MemberData(nameof(Signals))]
    public async Task Signal_ReachesTheContainer(int signal)
    {
        Need();
        string id = bundles.NewId();
        using Process run = await StartAsync(id, bundles.Spec(id, "/bin/sh", "-c", $"trap 'exit 5' {signal}; echo ready; while :; do sleep 0.1; done"));
        Assert.Equal("ready", await run.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        await Command.NeedAsync("kill", [$"-{signal}", run.Id.ToString()]);
        Assert.Equal(5, await EndAsync(run));
    }

    [Fact]
    public async Task Signal_ThatComesWhileItIsMade_ReachesItToo()
    {
        Need();
        string id = bundles.NewId(), reached = Path.Join(bundles.Directory, $"{id}.reached"), goes = Path.Join(bundles.Directory, $"{id}.goes");
        RuntimeSpec spec = bundles.Spec(id, "/bin/sleep", "1000");
        using Process run = await StartAsync(id, spec with
        {
            Hooks = new HooksSpec
            {
                CreateRuntime = [new HookSpec
                {
                    Path = "/bin/sh", Env = ["PATH=/bin:/usr/bin"], Args = ["sh", "-c", $"echo > {reached}; until [ -e {goes} ]; do sleep 0.05; done"],
                }],
            },
            // The first of a process namespace would be deaf to a signal that it has no handler for.
            Linux = spec.Linux! with { Namespaces = [.. spec.Linux.Namespaces!.Where(static entry => entry.Type != "pid")] },
        });
        await Command.UntilAsync("the hook runs", () => Task.FromResult(File.Exists(reached)));
        await Command.NeedAsync("kill", ["-TERM", run.Id.ToString()]);
        // Delivered, where it is not blocked, before kill(2) returned; the handler has only to run.
        await Command.UntilAsync("the signal was taken", async () => (await File.ReadAllLinesAsync($"/proc/{run.Id}/status"))
            .Single(static line => line.StartsWith("ShdPnd:", StringComparison.Ordinal)).EndsWith("0000000000000000", StringComparison.Ordinal));
        await File.WriteAllTextAsync(goes, "");
        Assert.Equal(143, await EndAsync(run));
    }

    [Fact]
    public async Task Terminal_ThatOthersHold_IsLeftToThem_WhenTheProcessHasEnded()
    {
        Need();
        (string id, _) = await bundles.CreateAsync("exec sleep 1000");
        await bundles.RunAsync("start", id);
        // The one behind has the terminal, and says so without end; it may not be waited for, nor heard to its end.
        const string script = "trap '' HUP; (while :; do echo more; done) & for i in $(seq 2000); do echo line $i; done; echo done; exit 4";
        Task<Completed> exec = bundles.RunAsync("exec", "-t", id, "/bin/sh", "-c", script);
        Assert.True(await Task.WhenAny(exec, Task.Delay(s_patience, TestContext.Current.CancellationToken)) == exec, "exec waits for others");
        Completed ended = await exec;
        Assert.Equal(4, ended.Code);
        Assert.Contains("done\r\n", ended.Output, StringComparison.Ordinal);
        // A silent one too.
        exec = bundles.RunAsync("exec", "-t", id, "/bin/sh", "-c", "trap '' HUP; sleep 900 & echo done");
        Assert.True(await Task.WhenAny(exec, Task.Delay(s_patience, TestContext.Current.CancellationToken)) == exec, "exec waits for others");
        Assert.Equal((0, "done\r\n"), ((await exec).Code, (await exec).Output));
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Fact]
    public async Task Variable_OfExec_TakesThePlaceOfTheContainers()
    {
        Need();
        (string id, _) = await bundles.CreateAsync("", static spec => spec with
        {
            // No shell, which has variables of its own.
            Process = spec.Process! with { Args = ["/bin/sleep", "1000"], Env = ["FOO=old", "PATH=/nope", "PATH=/bin", "A=1"] },
        });
        await bundles.RunAsync("start", id);
        Completed exec = await bundles.RunAsync("exec", "-e", "FOO=new", "-e", "B=x=y", "-e", "HOME=/h", "-e", "FOO=newest", id, "cat", "/proc/self/environ");
        Assert.Equal(["FOO=newest", "PATH=/bin", "A=1", "B=x=y", "HOME=/h"], exec.Output.Split('\0', StringSplitOptions.RemoveEmptyEntries));
        Completed first = await Command.RunAsync("cat", [$"/proc/{(await bundles.StateAsync(id)).GetProperty("pid").GetInt32()}/environ"]);
        Assert.Equal(["HOME=/root", "FOO=old", "PATH=/bin", "A=1"], first.Output.Split('\0', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
    }
}
