namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>The descriptors that a container's processes get: the caller's, as many as it says, and never one of the program itself.</summary>
public sealed class DescriptorTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    private const string Names = "cat <&3; cat <&4; echo $LISTEN_FDS $LISTEN_PID; echo $(ls /proc/self/fd)";

    private static void Need() => Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");

    /// <summary>Two descriptors are open, 3 and 4; the shell's words stand before those of the program.</summary>
    private async Task<Completed> CallAsync(string before, string program, string root, params string[] arguments)
    {
        string directory = Directory.CreateDirectory(Path.Join(bundles.Directory, Guid.NewGuid().ToString("n"))).FullName;
        return await Command.RunAsync("/bin/sh", ["-c", $"echo three > a; echo four > b; {before}exec \"$0\" \"$@\" 3<a 4<b", program, "--root", root,
            .. arguments], directory: directory);
    }

    private async Task<Completed> RunAsync(string before, string script, params string[] options)
    {
        string id = bundles.NewId();
        string bundle = await bundles.BundleAsync(id, bundles.Spec(id, "/bin/sh", "-c", script));
        return await CallAsync(before, Command.Runtime, bundles.Root, ["run", .. options, "--bundle", bundle, id]);
    }

    [Theory]
    [InlineData("3", "unable to stat preserved-fd 2 (of 3): stat /proc/self/fd/5: no such file or directory")]
    [InlineData("600", "unable to stat preserved-fd 2 (of 600): stat /proc/self/fd/5: no such file or directory")]
    [InlineData("-1", "--preserve-fds -1: it is 0 to 1024")]
    public async Task More_ThanAreOpen_AreRefused_ByRunAndExec(string count, string words)
    {
        Need();
        Completed run = await RunAsync("", "ls -l /proc/self/fd", "--preserve-fds", count);
        Assert.Equal((1, ""), (run.Code, run.Output));
        Assert.Contains(words, run.Errors, StringComparison.Ordinal);
        (string id, _) = await bundles.CreateAsync("exec sleep 1000");
        await bundles.RunAsync("start", id);
        Completed exec = await CallAsync("", Command.Runtime, bundles.Root, "exec", "--preserve-fds", count, id, "/bin/ls", "-l", "/proc/self/fd");
        Assert.Equal((255, ""), (exec.Code, exec.Output));
        Assert.Contains(words, exec.Errors, StringComparison.Ordinal);
        Completed both = await CallAsync("", Command.Runtime, bundles.Root, "exec", "--preserve-fds", "2", id, "/bin/sh", "-c", Names);
        Assert.Equal("three\nfour\n\n0 1 2 3 4 5\n", both.Output);
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
    }

    [Theory]
    [InlineData("export LISTEN_FDS=1 LISTEN_PID=$$; ", "1", "1 1")]
    [InlineData("export LISTEN_FDS=2 LISTEN_PID=$$; ", "0", "2 1")]
    public async Task SocketsOfActivation_ComeFirst_AndTheProgramIsTold(string before, string preserved, string told)
    {
        Need();
        Completed run = await RunAsync(before, Names, "--preserve-fds", preserved);
        Assert.Equal($"three\nfour\n{told}\n0 1 2 3 4 5\n", run.Output);
    }

    [Theory]
    [InlineData("export LISTEN_FDS=2 LISTEN_PID=1; ")]
    [InlineData("export LISTEN_FDS=2; ")]
    [InlineData("export LISTEN_PID=$$; ")]
    [InlineData("export LISTEN_FDS=-2 LISTEN_PID=$$; ")]
    public async Task SocketsOfActivation_ForAnother_AreNotPassed(string before)
    {
        Need();
        Assert.Equal("+\n0 1 2 3\n", (await RunAsync(before, "echo +$LISTEN_FDS$LISTEN_PID; echo $(ls /proc/self/fd)")).Output);
    }

    [Fact]
    public async Task SocketsOfActivation_ThatAreNotThere_AreRefused()
    {
        Need();
        Completed run = await RunAsync("export LISTEN_FDS=3 LISTEN_PID=$$; ", "true");
        Assert.Equal(1, run.Code);
        Assert.Contains("LISTEN_FDS=3: stat /proc/self/fd/5: no such file or directory", run.Errors, StringComparison.Ordinal);
    }

    /// <summary>What runc does with the same words.</summary>
    [Theory]
    [InlineData("export LISTEN_FDS=1 LISTEN_PID=$$; ", "1")]
    [InlineData("export LISTEN_FDS=1 LISTEN_PID=1; ", "0")]
    [InlineData("export LISTEN_FDS=2; ", "0")]
    [InlineData("", "2")]
    public async Task Descriptors_AreThoseThatRuncPasses(string before, string preserved)
    {
        Need();
        Assert.SkipUnless(Command.IsInstalled("runc"), "runc is not installed");
        const string script = "echo $LISTEN_FDS $LISTEN_PID; (cat <&3; cat <&4) 2>/dev/null; echo $(ls /proc/self/fd)";
        string id = bundles.NewId();
        string bundle = await bundles.BundleAsync(id, bundles.Spec(id, "/bin/sh", "-c", script) with { OciVersion = "1.0.2" });
        string[] words = ["run", "--preserve-fds", preserved, "--bundle", bundle, id];
        Completed runc = await CallAsync(before, "runc", Path.Join(bundles.Directory, "state-of-runc"), words);
        Completed ours = await CallAsync(before, Command.Runtime, bundles.Root, words);
        Assert.Equal((runc.Code, runc.Output), (ours.Code, ours.Output));
    }
}
