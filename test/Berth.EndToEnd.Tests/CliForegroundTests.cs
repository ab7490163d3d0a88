namespace Berth.EndToEnd.Tests;

/// <summary>Our command line in front of a container: the signals it hands on, the code it ends with, the terminal it lends.</summary>
public sealed class CliForegroundTests(EngineFixture engine)
{
    private const string Image = "busybox:e2e";

    // A wait that traps end at once, as they do not a sleep.
    private const string Forever = "while :; do sleep 1000 & wait; done";

    // Gives the command, which is the program's arguments, a terminal, and tells what becomes of that terminal.
    private const string Typist = """
        import fcntl, os, pty, struct, subprocess, sys, termios
        master, slave = pty.openpty()
        size = lambda rows, columns: fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        def flags():
            local = termios.tcgetattr(slave)[3]
            return " ".join(name for name in ("ICANON", "ECHO", "ISIG") if local & getattr(termios, name)) or "raw"
        def until(text):
            seen = b""
            while text not in seen:
                seen += os.read(master, 4096)
            print(text.decode(), flush=True)
        size(40, 100)
        print(flags(), flush=True)
        child = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                 preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        until(b"size 40 100")
        print(flags(), flush=True)
        size(33, 77)
        until(b"size 33 77")
        os.write(master, b"\x03")
        until(b"interrupted")
        print(child.wait(), flush=True)
        print(flags(), flush=True)
        """;

    [Theory]
    [InlineData("TERM", 43)]
    [InlineData("INT", 44)]
    public async Task Signals_OfTheClient_ReachTheContainer(string signal, int code)
    {
        await using Foreground run = Run(
            "run", "--rm", Image, "sh", "-c",
            "trap 'echo hup' HUP; trap 'echo term; exit 43' TERM; trap 'echo int; exit 44' INT; echo ready; " + Forever);
        Assert.Equal("ready", await run.ReadLineAsync());
        await run.SignalAsync("HUP");
        Assert.Equal("hup", await run.ReadLineAsync());
        await run.SignalAsync(signal);
        Assert.Equal(signal.ToLowerInvariant(), await run.ReadLineAsync());
        Assert.Equal(code, await run.EndAsync());
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task Signals_ThreeTimes_LetTheClientGoAndTheContainerRun(string signal)
    {
        string name = $"t{Guid.NewGuid():n}"[..12];
        await using Foreground run = Run(
            "run", "--name", name, Image, "sh", "-c", "trap 'echo got' INT TERM; echo ready; " + Forever);
        Assert.Equal("ready", await run.ReadLineAsync());
        for (int i = 0; i < 2; i++)
        {
            await run.SignalAsync(signal);
            Assert.Equal("got", await run.ReadLineAsync());
        }
        await run.SignalAsync(signal);
        Assert.Equal(1, await run.EndAsync());
        Assert.Equal("\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n", await run.ErrorsAsync());
        Assert.Equal("true\n", (await DoAsync("inspect", "-f", "{{.State.Running}}", name)).Output);
        await DoAsync("rm", "-f", name);
    }

    // Types into the program's terminal: the keys that do not leave, then those that do; tells its code and how the terminal is then.
    private const string Leaver = """
        import os, pty, subprocess, sys, termios, time, fcntl
        master, slave = pty.openpty()
        child = subprocess.Popen(sys.argv[2:], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                 preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        seen = b""
        while b"ready" not in seen:
            seen += os.read(master, 4096)
        os.write(master, b"\x10\x11" if sys.argv[1] != "default" else b"x\x10y")
        time.sleep(0.7)
        print(child.poll(), flush=True)
        os.write(master, {"default": b"\x10\x11", "a,ctrl-b": b"a\x02", "ctrl-]": b"\x1d"}[sys.argv[1]])
        print(child.wait(120), bool(termios.tcgetattr(slave)[3] & termios.ICANON), flush=True)
        """;

    [Theory]
    [InlineData("default", "run", null)]
    [InlineData("a,ctrl-b", "run", null)]
    [InlineData("ctrl-]", "run", "ctrl-]")]
    [InlineData("a,ctrl-b", "attach", null)]
    [InlineData("ctrl-]", "attach", "ctrl-]")]
    [InlineData("default", "exec", null)]
    public async Task DetachKeys_OfFlagOrConfiguration_LeaveTheContainerRunning(string keys, string verb, string? configured)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "python3 is not installed");
        NeedEngine();
        string name = $"d{Guid.NewGuid():n}"[..12];
        string home = Directory.CreateTempSubdirectory("berth-keys-").FullName;
        if (configured is not null)
            await File.WriteAllTextAsync($"{home}/config.json", $$"""{"detachKeys":"{{configured}}"}""", TestContext.Current.CancellationToken);
        string[] flag = keys == "default" || configured is not null ? [] : ["--detach-keys", keys];
        string script = "stty -echo; while :; do echo ready; sleep 0.2; done";
        if (verb == "attach")
            await DoAsync("run", "-dit", "--name", name, Image, "sh", "-c", script);
        if (verb == "exec")
            await DoAsync("run", "-d", "--name", name, Image, "sleep", "1000");
        string[] command = verb == "attach" ? ["attach", .. flag, name]
            : verb == "exec" ? ["exec", "-it", .. flag, name, "sh", "-c", script] : ["run", "-it", "--name", name, .. flag, Image, "sh", "-c", script];
        Completed session = await Program.RunAsync(
            "/usr/bin/python3", ["-c", Leaver, keys, EngineFixture.Berth, .. command], engine.Address,
            environment: new Dictionary<string, string> { ["DOCKER_CONFIG"] = home });
        Assert.Equal($"None\n{(verb == "run" ? 0 : 1)} True\n", session.Output);
        Assert.Equal("true\n", (await DoAsync("inspect", "-f", "{{.State.Running}}", name)).Output);
        await DoAsync("rm", "-f", name);
        Directory.Delete(home, recursive: true);
    }

    [Fact]
    public async Task Signals_NotToBeHandedOn_EndTheClientAlone()
    {
        string name = $"s{Guid.NewGuid():n}"[..12];
        await using Foreground run = Run(
            "run", "--name", name, "--sig-proxy=false", Image, "sh", "-c",
            "trap 'exit 43' TERM; echo ready; " + Forever);
        Assert.Equal("ready", await run.ReadLineAsync());
        await run.SignalAsync("TERM");
        Assert.NotEqual(43, await run.EndAsync());
        Assert.Equal("true\n", (await DoAsync("inspect", "-f", "{{.State.Running}}", name)).Output);
        await DoAsync("rm", "-f", name);
    }

    [Theory]
    [InlineData("KILL", 137)]
    [InlineData("TERM", 143)]
    public async Task Container_EndedByASignal_GivesTheClient128AndItsNumber(string signal, int code)
    {
        string name = $"k{Guid.NewGuid():n}"[..12];
        // Under an init the program has the default actions; as process 1 it would be deaf to SIGTERM.
        await using Foreground run = Run("run", "--rm", "--init", "--name", name, Image, "sh", "-c", "echo ready; exec sleep 1000");
        Assert.Equal("ready", await run.ReadLineAsync());
        await DoAsync("kill", "-s", signal, name);
        Assert.Equal(code, await run.EndAsync());
    }

    [Fact]
    public async Task Terminal_IsRawTakesTheWindowsSizeAndIsGivenBack()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "python3 is not installed");
        NeedEngine();
        const string Script = "trap 'echo size $(stty size)' WINCH; trap 'echo interrupted; exit 42' INT;"
            + " echo size $(stty size); " + Forever;
        Completed session = await Program.RunAsync(
            "/usr/bin/python3", ["-c", Typist, EngineFixture.Berth, "run", "-it", "--rm", Image, "sh", "-c", Script], engine.Address);
        Assert.Equal("ICANON ECHO ISIG\nsize 40 100\nraw\nsize 33 77\ninterrupted\n42\nICANON ECHO ISIG\n", session.Output);
    }

    // Attaches twice by windows of the same size, and leaves each when the shell has drawn its prompt in it.
    private const string TwoVisits = """
        import fcntl, os, pty, struct, subprocess, sys, termios
        for visit in range(2):
            master, slave = pty.openpty()
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
            child = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                     preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
            seen = b""
            while b"# " not in seen:
                seen += os.read(master, 4096)
            os.write(master, b"\x10\x11")
            print(child.wait(), flush=True)
        """;

    [Fact]
    public async Task Attach_ASecondTime_FindsTheShellsPrompt()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "python3 is not installed");
        NeedEngine();
        string name = $"v{Guid.NewGuid():n}"[..12];
        await DoAsync("run", "-dit", "--name", name, Image, "sh");
        Completed session = await Program.RunAsync("/usr/bin/python3", ["-c", TwoVisits, EngineFixture.Berth, "attach", name], engine.Address);
        Assert.Equal("1\n1\n", session.Output);
        await DoAsync("rm", "-f", name);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task Prompt_LeftByASignal_RemovesNothingAndSucceeds(string signal)
    {
        await using Foreground run = Run("system", "prune");
        await run.UntilAsync("WARNING! This will remove:");
        await run.SignalAsync(signal);
        await run.UntilAsync("Are you sure you want to continue? [y/N] ");
        Assert.Equal(0, await run.EndAsync());
    }

    // A window of 30 rows and 90 columns for the command; prints what came to stand in it.
    private const string Window = """
        import fcntl, os, pty, struct, subprocess, sys, termios
        master, slave = pty.openpty()
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
        child = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                 preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        seen = b""
        try:
            while more := os.read(master, 4096):
                seen += more
        except OSError:
            pass  # EIO: all have closed the window.
        print(child.wait(), seen, flush=True)
        """;

    [Fact]
    public async Task Terminal_HasItsSizeBeforeTheProgramStarts()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "python3 is not installed");
        NeedEngine();
        Completed session = await Program.RunAsync(
            "/usr/bin/python3", ["-c", Window, EngineFixture.Berth, "run", "-it", "--rm", Image, "stty", "size"], engine.Address);
        Assert.Equal("0 b'30 90\\r\\n'\n", session.Output);
    }

    private Foreground Run(params string[] arguments)
    {
        NeedEngine();
        return Foreground.Start(EngineFixture.Berth, engine.Address, arguments);
    }

    private async Task<Completed> DoAsync(params string[] arguments)
    {
        Completed done = await Program.RunAsync(EngineFixture.Berth, arguments, engine.Address);
        Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}: {done.Errors}");
        return done;
    }

    private void NeedEngine()
    {
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists(EngineFixture.Berth), "out/bin/berth is not built: ./dev build");
    }
}
