namespace Berth.EndToEnd.Tests;

/// <summary>What users put around our command line: plugins, contexts over ssh, the configuration's formats.</summary>
public sealed class CliExtensionTests(EngineFixture engine) : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("berth-cli-home-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public async Task Plugin_GetsAllArgumentsTheTerminalAndAnEngine()
    {
        await WriteAsync("cli-plugins/docker-hello", """
            #!/bin/sh
            if [ "$1" = docker-cli-plugin-metadata ]; then
                echo '{"SchemaVersion":"0.1.0","Vendor":"Nobody","ShortDescription":"Says hello"}'
                exit
            fi
            echo "args: $*"
            read -r line && echo "input: $line"
            docker -H "$DOCKER_HOST" version -f '{{.Server.Version}}'
            echo error >&2
            exit 7
            """);
        await WriteAsync("cli-plugins/docker-broken", "#!/bin/sh\nexit 1\n");
        Completed run = await BerthAsync("typed\n", "--log-level", "info", "hello", "--flag", "a b");
        Assert.Equal(7, run.Code);
        Assert.StartsWith("args: --log-level info hello --flag a b\ninput: typed\n", run.Output);
        Assert.Equal("error\n", run.Errors);
        string help = (await BerthAsync(null, "--help")).Output;
        Assert.Contains("  hello*      Says hello (Nobody)\n", help);
        Assert.DoesNotContain("broken*", help);
        Assert.Contains("args: hello --help", (await BerthAsync(null, "help", "hello")).Output);
        Assert.Contains("hello\n", (await BerthAsync(null, "__complete", "he")).Output);
        // A plugin takes no command of the program's own, but for Docker's one alias.
        await WriteAsync("cli-plugins/docker-ps", "#!/bin/sh\necho mine\n");
        Assert.Equal("NAMES", (await BerthAsync(null, "ps", "--format", "table {{.Names}}")).Output.Split('\n')[0]);
        await WriteAsync("config.json", """{"aliases":{"builder":"hello"}}""");
        Assert.StartsWith("args: hello builder\n", (await BerthAsync("x\n", "builder", "builder")).Output);
    }

    [Fact]
    public async Task Plugins_ThatAreNone_AreUnknownCommandsAndListed()
    {
        await WriteAsync("cli-plugins/docker-bad", "neither a script nor a program\n");
        await WriteAsync("cli-plugins/docker-failing", "#!/bin/sh\nexit 3\n");
        await WriteAsync("cli-plugins/docker-nobody", "#!/bin/sh\necho '{\"SchemaVersion\":\"0.1.0\"}'\n");
        await WriteAsync("cli-plugins/docker-other", "#!/bin/sh\necho '{\"SchemaVersion\":\"7.0\",\"Vendor\":\"x\"}'\n");
        await WriteAsync("cli-plugins/docker-ps", "#!/bin/sh\nexit 1\n");
        await WriteAsync("cli-plugins/docker-Loud", "#!/bin/sh\nexit 1\n");
        foreach (string client in new[] { "berth", "/usr/local/bin/docker" }.Where(static c => c == "berth" || File.Exists(c)))
        {
            string name = Path.GetFileName(client);
            foreach (string word in new[] { "bad", "failing", "nobody", "other" })
            {
                Completed run = await RunAsync(client, null, word, "x");
                Assert.Equal((1, $"{name}: unknown command: {name} {word}\n\nRun '{name} --help' for more information\n"), (run.Code, run.Errors));
            }
            Assert.Contains(
                $"""

                Invalid Plugins:
                  Loud        plugin candidate "Loud" did not match "^[a-z][a-z0-9]*$"
                  bad         failed to fetch metadata: fork/exec {_home}/cli-plugins/docker-bad: exec format error
                  failing     failed to fetch metadata: exit status 3
                  nobody      plugin metadata does not define a vendor
                  other       plugin SchemaVersion "7.0" is not valid, must be 0.1.0
                  ps          plugin "ps" duplicates builtin command

                Global Options:
                """, (await RunAsync(client, null, "--help")).Output);
        }
    }

    [Fact]
    public async Task Words_ThatAreNotOffered_SayWhatToDoInstead()
    {
        foreach ((string word, string part) in new[]
        {
            ("swarm", "Kubernetes"), ("trust", "digest"), ("plugin", "built in"), ("checkpoint", "commit"),
        })
        {
            Completed refused = await BerthAsync(null, word, "ls");
            Assert.Equal(1, refused.Code);
            Assert.Contains(part, refused.Errors);
        }
    }

    [Theory]
    [InlineData("berth")]
    [InlineData("/usr/bin/docker")]
    [InlineData("/usr/local/bin/docker")]
    public async Task Context_OverSsh_ReachesTheEngine(string client)
    {
        Assert.SkipUnless(client == "berth" || File.Exists(client), $"{client} is not installed");
        // In place of a network: the far side's command runs here, with the engine that is meant there.
        await WriteAsync("bin/ssh", $$"""
            #!/bin/sh
            echo "$*" >> {{_home}}/ssh.log
            while [ "$1" != box ]; do shift; done
            shift
            [ "$1" = -- ] && shift
            exec env DOCKER_HOST={{engine.Address}} BERTH_HOST={{engine.Address}} PATH="{{Path.GetDirectoryName(EngineFixture.Berth)}}:$PATH" sh -c "$*"
            """);
        Assert.Equal(0, (await RunAsync(client, null, "context", "create", "far", "--docker", "host=ssh://me@box:2222")).Code);
        Completed run = await RunAsync(client, "over ssh", "-c", "far", "run", "-i", "--rm", "busybox:e2e", "cat");
        Assert.True(run.Code == 0, run.Errors);
        Assert.Equal("over ssh", run.Output);
        string log = await File.ReadAllTextAsync($"{_home}/ssh.log", TestContext.Current.CancellationToken);
        Assert.Contains("system dial-stdio", log);
        Assert.Contains("2222", log);
    }

    [Fact]
    public async Task ContextUse_WithoutAConfiguration_MakesOne()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Task<Completed> WithoutHostAsync(params string[] arguments) => Program.RunAsync(
            "env", ["-uDOCKER_HOST", "-uBERTH_HOST", $"DOCKER_CONFIG={_home}", EngineFixture.Berth, .. arguments], engine.Address);
        Assert.Equal(0, (await WithoutHostAsync("context", "create", "near", "--docker", $"host={engine.Address}")).Code);
        File.Delete($"{_home}/config.json");
        Completed use = await WithoutHostAsync("context", "use", "near");
        Assert.True(use.Code == 0, use.Errors);
        Assert.Equal("near\n", (await WithoutHostAsync("context", "show")).Output);
        Completed images = await WithoutHostAsync("images", "-q", "busybox:e2e");
        Assert.Matches("^[0-9a-f]{12}\n$", images.Output);
    }

    [Theory]
    [InlineData("/bin/bash", "source <(berth completion bash); COMP_LINE='berth @typed'; COMP_POINT=${#COMP_LINE}; COMP_WORDBREAKS=''; _berth_complete; printf '%s\\n' \"${COMPREPLY[@]}\"")]
    [InlineData("/usr/bin/zsh", "compdef() { :; }; compadd() { shift; print -l -- \"$@\"; }; source <(berth completion zsh); words=(berth @typed); CURRENT=$#words; _berth")]
    [InlineData("/usr/bin/fish", "berth completion fish | source; complete -C 'berth @typed'")]
    public async Task Completion_KnowsCommandsAndObjects(string shell, string script)
    {
        Assert.SkipUnless(File.Exists(shell), $"{shell} is not installed");
        await WriteAsync("bin/berth", $"#!/bin/sh\nexec {EngineFixture.Berth} \"$@\"\n");
        foreach ((string words, string completed) in new[] { ("ima", "image\nimages\n"), ("rmi busybox:e", "busybox:e2e\n"), ("run --label-f", "--label-file\n") })
        {
            Completed run = await RunAsync(shell, null, "-c", script.Replace("@typed", words, StringComparison.Ordinal));
            Assert.True(run.Output == completed, $"{words}: {run.Output}{run.Errors}");
        }
    }

    // Types a line and a tab into a shell on a terminal, and tells whether what is wanted comes to stand there.
    private const string Typist = """
        import os, pty, select, sys, time
        shell, setup, line, wanted = sys.argv[1:5]
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM="dumb", PS1="> ", HISTFILE="")
            os.execv(shell, [shell] + {"bash": ["--norc", "-i"], "zsh": ["-f", "-i"], "fish": ["--no-config", "-i"]}[os.path.basename(shell)])
        seen = b""
        def until(text):
            global seen
            end = time.time() + 20
            while text not in seen and time.time() < end:
                if select.select([fd], [], [], 0.2)[0]:
                    seen += os.read(fd, 4096)
            return text in seen
        os.write(fd, (setup + "; echo re''ady\n").encode())
        until(b"ready\r")
        time.sleep(0.3)
        seen = b""
        os.write(fd, (line + "\t").encode())
        sys.stdout.write("found" if until(wanted.encode()) else repr(seen))
        """;

    [Theory]
    [InlineData("/bin/bash", "source <(berth completion bash)")]
    [InlineData("/usr/bin/zsh", "autoload -U compinit; compinit -u -D; source <(berth completion zsh)")]
    [InlineData("/usr/bin/fish", "berth completion fish | source")]
    public async Task Completion_TypedIntoAShell_CompletesTheLine(string shell, string setup)
    {
        Assert.SkipUnless(File.Exists(shell), $"{shell} is not installed");
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "python3 is not installed");
        await WriteAsync("bin/berth", $"#!/bin/sh\nexec {EngineFixture.Berth} \"$@\"\n");
        foreach ((string typed, string wanted) in new[]
        {
            ("berth network prun", "prune"), ("berth rmi busybox:e", "busybox:e2e"),
            ("berth run --label-f", "--label-file"), ("berth -D --log-level info manifest ann", "annotate"), ("berth context use defau", "default"),
        })
        {
            Completed run = await RunAsync("/usr/bin/python3", null, "-c", Typist, shell, setup, typed, wanted);
            Assert.True(run.Output == "found", $"{typed}: {run.Output}{run.Errors}");
        }
    }

    [Fact]
    public async Task Completion_ForPowerShell_AsksThisProgram() =>
        Assert.Contains("& berth __complete @words", (await BerthAsync(null, "completion", "powershell")).Output);

    [Theory]
    [InlineData("berth")]
    [InlineData("/usr/local/bin/docker")]
    public async Task PluginHooks_AreAskedAfterCommands_OnATerminal(string client)
    {
        Assert.SkipUnless(client == "berth" || File.Exists(client), $"{client} is not installed");
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "script is not installed");
        await WriteAsync("cli-plugins/docker-hello", $$"""
            #!/bin/sh
            if [ "$1" = docker-cli-plugin-metadata ]; then
                echo '{"SchemaVersion":"0.1.0","Vendor":"Nobody","ShortDescription":"Says hello"}'
            elif [ "$2" = docker-cli-plugin-hooks ]; then
                echo "$*" >> {{_home}}/asked
                cat {{_home}}/answer
            fi
            """);
        await WriteAsync("answer", """{"Type":0,"Template":"{{.Name}} of {{arg . 0}} with {{flag . \"filter\"}}\nsecond line"}""");
        await WriteAsync("config.json", """{"features":{"hooks":"true"},"plugins":{"hello":{"hooks":"image ls,rmi"},"gone":{"hooks":"rmi"}}}""");
        string program = client == "berth" ? EngineFixture.Berth : client;
        string shown = (await RunAsync("/usr/bin/script", null, "-qec", $"{program} image ls -q --filter dangling=true nope", "/dev/null")).Output;
        Assert.Contains("What's next:\e[0m\r\n    ls of nope with ", shown);
        Assert.Contains("\r\n    second line\r\n", shown);
        await RunAsync("/usr/bin/script", null, "-qec", $"{program} images -q nope", "/dev/null");
        await RunAsync(client, null, "image", "ls", "-q");
        await RunAsync("/usr/bin/script", null, "-qec", $"DOCKER_CLI_HOOKS=0 {program} image ls -q", "/dev/null");
        Assert.Equal(
            "hello docker-cli-plugin-hooks {\"RootCmd\":\"image ls\",\"Flags\":{\"filter\":\"\",\"quiet\":\"true\"},\"CommandError\":\"\"}\n",
            await File.ReadAllTextAsync($"{_home}/asked", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Configuration_FormatsAndProxies_AreUsed()
    {
        await WriteAsync("config.json", """
            {
              "psFormat": "table {{.Names}}\t{{.Label \"com.a_b\"}}", "imagesFormat": "{{.Repository}}+{{.Tag}}",
              "proxies": { "default": { "httpProxy": "http://proxy.example:3128" } }
            }
            """);
        Assert.Contains("busybox+e2e\n", (await BerthAsync(null, "images")).Output);
        Assert.Matches("^NAMES +a b\n", (await BerthAsync(null, "ps")).Output);
        Assert.Equal("http://proxy.example:3128\n", (await BerthAsync(null, "run", "--rm", "busybox:e2e", "sh", "-c", "echo $HTTP_PROXY")).Output);
    }

    [Fact]
    public async Task UseApiSocket_AContainerAsksTheEngineWithTheUsersAccounts()
    {
        await WriteAsync("config.json", """{"auths":{"a.example":{"auth":"dTpw"}}}""");
        Completed run = await BerthAsync(null, "run", "--rm", "--use-api-socket", "busybox:e2e", "sh", "-c",
            "cat $DOCKER_CONFIG/config.json; stat -c ' %a' $DOCKER_CONFIG/config.json; "
            + "printf 'GET /_ping HTTP/1.0\r\n\r\n' | nc local:/var/run/docker.sock | head -n 1; test -S /var/run/docker.sock && echo socket");
        Assert.Equal("""{"auths":{"a.example":{"auth":"dTpw"}}} 600""" + "\n", run.Output.Split("HTTP")[0].Replace("socket\n", ""));
        Assert.EndsWith("socket\n", run.Output);
        // Who brings a configuration keeps it.
        Completed own = await BerthAsync(null, "run", "--rm", "--use-api-socket", "-e", "DOCKER_CONFIG=/mine", "busybox:e2e", "sh", "-c",
            "echo $DOCKER_CONFIG; ls /run/secrets 2>&1 | wc -l");
        Assert.Equal("/mine\n1\n", own.Output);
    }

    private async Task WriteAsync(string file, string text)
    {
        string path = Path.Combine(_home, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await Executable.WriteAsync(path, text);
    }

    private Task<Completed> BerthAsync(string? input, params string[] arguments) => RunAsync("berth", input, arguments);

    private Task<Completed> RunAsync(string client, string? input, params string[] arguments)
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        string program = client == "berth" ? EngineFixture.Berth : client;
        // Over ssh the context alone says where the engine is.
        string host = arguments.Contains("far") ? "-uDOCKER_HOST" : $"BERTH_HOST={engine.Address}";
        return Program.RunAsync(
            "env", [host, $"DOCKER_CONFIG={_home}", $"PATH={_home}/bin:/usr/local/bin:/usr/bin:/bin", program, .. arguments], engine.Address, input);
    }
}
