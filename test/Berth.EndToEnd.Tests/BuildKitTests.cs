using System.Diagnostics;

namespace Berth.EndToEnd.Tests;

/// <summary>Debian's docker 20.10 with DOCKER_BUILDKIT=1 against our engine: the BuildKit client that we did not write.</summary>
public sealed class BuildKitTests(EngineFixture engine) : IDisposable
{
    private const string Docker = "/usr/bin/docker";
    private const string Image = "busybox:e2e";
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-buildkit-").FullName;
    private readonly string _name = $"bk{Guid.NewGuid():n}"[..14];

    private string Context => Directory.CreateDirectory($"{_directory}/context").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Build_TwiceWithManyFiles_DrawsItsStepsAndUsesTheCache()
    {
        for (int i = 0; i < 1000; i++)
            await WriteAsync($"src/d{i % 10}/f{i}", $"file {i}\n");
        await WriteAsync("src/skipped.log", "not sent");
        await WriteAsync("src/kept.log", "sent");
        await WriteAsync(".dockerignore", "**/*.log\n!src/kept.log\n");
        File.CreateSymbolicLink($"{Context}/src/link", "d1/f1");
        File.SetUnixFileMode($"{Context}/src/d2/f2", (UnixFileMode)0x1E8);
        await WriteAsync("Dockerfile", $"""
            FROM {Image} AS base
            ARG WHO=nobody
            WORKDIR /w
            FROM base
            COPY src /src
            RUN find /src -type f | wc -l > /count; readlink /src/link >> /count; stat -c %a /src/d2/f2 >> /count
            RUN echo "for $WHO"; echo aside >&2
            CMD ["cat", "/count"]
            """);
        string[] arguments = ["build", "--progress", "plain", "-t", $"{_name}:1", "--iidfile", $"{_directory}/id", Context];
        Completed first = await DoAsync(arguments);
        foreach (string expected in new[]
        {
            "[internal] load build definition from Dockerfile", "[internal] load .dockerignore", "[internal] load build context",
            $"[base 1/2] FROM {Image}", "[stage-1 1/3] COPY src /src", "[stage-1 3/3] RUN echo", "aside", "exporting to image",
            $"naming to docker.io/library/{_name}:1 done",
        })
            Assert.Contains(expected, first.Errors, StringComparison.Ordinal);
        Assert.Equal("1001\nd1/f1\n750\n", (await DoAsync("run", "--rm", $"{_name}:1")).Output);
        string id = await File.ReadAllTextAsync($"{_directory}/id");
        Assert.Equal(id, (await DoAsync("inspect", "-f", "{{.Id}}", $"{_name}:1")).Output.Trim());

        Completed second = await DoAsync(arguments);
        Assert.Equal(4, second.Errors.Split('\n').Count(line => line.EndsWith(" CACHED", StringComparison.Ordinal)));
        Assert.Equal(id, await File.ReadAllTextAsync($"{_directory}/id"));
        await WriteAsync("src/d1/f1", "another");
        Assert.DoesNotContain("COPY src /src\n#7 CACHED", (await DoAsync(arguments)).Errors, StringComparison.Ordinal);
        Assert.NotEqual(id, await File.ReadAllTextAsync($"{_directory}/id"));
        await DoAsync("rmi", $"{_name}:1");
    }

    [Fact]
    public async Task Build_Again_SendsOnlyWhatHasChanged()
    {
        byte[] large = new byte[3 << 20];
        Random.Shared.NextBytes(large);
        await WriteAsync("Dockerfile", $"FROM {Image}\nCOPY . /c\nRUN ls /c > /list && sha256sum /c/large >> /list\nCMD [\"cat\", \"/list\"]\n");
        await WriteAsync("gone", "x");
        await File.WriteAllBytesAsync($"{Context}/large", large);
        string[] build = ["build", "--progress", "plain", "-t", _name, Context];
        Assert.Contains("transferring context: 3.15MB", (await DoAsync(build)).Errors, StringComparison.Ordinal);
        File.Delete($"{Context}/gone");
        await WriteAsync("added", "x");
        Assert.Contains("transferring context: 1B", (await DoAsync(build)).Errors, StringComparison.Ordinal);
        Assert.StartsWith("Dockerfile\nadded\nlarge\n", (await DoAsync("run", "--rm", _name)).Output, StringComparison.Ordinal);
        Assert.DoesNotMatch("transferring context: [0-9]", (await DoAsync(build)).Errors);
        large[7]++;
        await File.WriteAllBytesAsync($"{Context}/large", large);
        Assert.Contains("transferring context: 3.15MB", (await DoAsync(build)).Errors, StringComparison.Ordinal);
        Assert.Contains(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(large)), (await DoAsync("run", "--rm", _name)).Output, StringComparison.Ordinal);
        Assert.Contains("source.local", (await DoAsync("system", "df", "-v")).Output, StringComparison.Ordinal);
        await DoAsync("rmi", _name);
    }

    [Fact]
    public async Task Build_ClassicAndBuildKit_ShareTheCacheAndMakeTheSameImage()
    {
        await WriteAsync("f", "content");
        await WriteAsync("Dockerfile", $"FROM {Image}\nCOPY f /f\nRUN cp /f /{_name}\n");
        string[] arguments = ["build", "-q", Context];
        Completed classic = await Program.RunAsync(Docker, arguments, engine.Address);
        Completed buildKit = await DoAsync(arguments);
        Assert.StartsWith("sha256:", buildKit.Output);
        Assert.Equal(classic.Output, buildKit.Output);
        Assert.Equal("", buildKit.Errors);
        await DoAsync("rmi", buildKit.Output.Trim());
    }

    [Fact]
    public async Task Build_ArgumentsTargetNoCacheAndLabels_AreObeyed()
    {
        await WriteAsync("other.Dockerfile", $"""
            FROM {Image} AS one
            ARG V=unset
            RUN echo "value $V"
            FROM one AS two
            RUN exit 1
            """);
        string[] arguments =
        [
            "build", "--progress", "plain", "-f", $"{Context}/other.Dockerfile", "--build-arg", "V=given", "--target", "one",
            "--label", "l=v", "-t", _name, Context,
        ];
        Assert.Contains("value given", (await DoAsync(arguments)).Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("value given", (await DoAsync(arguments)).Errors, StringComparison.Ordinal);
        Assert.Contains("value given", (await DoAsync([.. arguments, "--no-cache"])).Errors, StringComparison.Ordinal);
        Assert.Equal("v\n", (await DoAsync("inspect", "-f", "{{.Config.Labels.l}}", _name)).Output);
        await DoAsync("rmi", _name);
    }

    [Fact]
    public async Task Build_OfStandardInput_TakesADockerfileOrATar()
    {
        await WriteAsync("f", "from the tar");
        Completed dockerfile = await RunAsync($"FROM {Image}\nRUN echo stdin\n", "build", "--progress", "plain", "--no-cache", "-");
        Assert.Contains("RUN echo stdin", Succeeded(dockerfile).Errors, StringComparison.Ordinal);
        Completed both = await RunAsync($"FROM {Image}\nRUN echo named\nCOPY f /\n", "build", "--progress", "plain", "-f", "-", Context);
        Assert.Contains("COPY f /", Succeeded(both).Errors, StringComparison.Ordinal);

        await WriteAsync("Dockerfile", $"FROM {Image}\nCOPY f /f\nRUN cat /f\n");
        Completed tar = await Program.RunAsync("/bin/sh",
            ["-c", $"tar -C {Context} -c . | {Docker} build --progress plain --no-cache -"], engine.Address, environment: BuildKit);
        Assert.Contains("from the tar", Succeeded(tar).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_Secrets_AreThereInTheStepAndNowhereElse()
    {
        string secret = Guid.NewGuid().ToString();
        await File.WriteAllTextAsync($"{_directory}/secret", secret);
        await WriteAsync("Dockerfile", $"""
            FROM {Image}
            RUN --mount=type=secret,id=token,mode=0440,uid=7 stat -c '%a %u' /run/secrets/token > /kept && wc -c < /run/secrets/token >> /kept
            RUN --mount=type=secret,id=token,env=TOKEN echo -n "$TOKEN" | wc -c >> /kept
            RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent
            CMD ["cat", "/kept"]
            """);
        await DoAsync("build", "-t", _name, "--secret", $"id=token,src={_directory}/secret", Context);
        Assert.Equal("440 7\n36\n36\n", (await DoAsync("run", "--rm", _name)).Output);
        Assert.DoesNotContain(secret, (await DoAsync("history", "--no-trunc", _name)).Output, StringComparison.Ordinal);
        await DoAsync("rmi", _name);

        await WriteAsync("Dockerfile", $"FROM {Image}\nRUN --mount=type=secret,id=absent,required true\n");
        Completed missing = await RunAsync(null, "build", "--progress", "plain", Context);
        Assert.Equal(1, missing.Code);
        Assert.Contains("secret absent: not found", missing.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_SshAgent_AnswersInTheStep()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/ssh-agent") && File.Exists("/usr/bin/ssh-add"), "openssh-client is not installed");
        using Process agent = Process.Start(new ProcessStartInfo("/usr/bin/ssh-agent", ["-D", "-a", $"{_directory}/agent"])
        {
            RedirectStandardOutput = true,
        })!;
        try
        {
            await Eventually.HoldsAsync(() => Task.FromResult(File.Exists($"{_directory}/agent")));
            Dictionary<string, string> environment = new(BuildKit) { ["SSH_AUTH_SOCK"] = $"{_directory}/agent" };
            await Program.RunAsync("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", _name, "-f", $"{_directory}/key"], "");
            Succeeded(await Program.RunAsync("/usr/bin/ssh-add", [$"{_directory}/key"], "", environment: environment));
            await CopyWithLibrariesAsync("/usr/bin/ssh-add");
            await WriteAsync("Dockerfile", $"""
                FROM {Image}
                COPY tree /
                RUN --mount=type=ssh,mode=0600,uid=0 stat -c %a "$SSH_AUTH_SOCK" && ssh-add -l
                RUN --mount=type=ssh,target=/agent,mode=0666 --network=none SSH_AUTH_SOCK=/agent ssh-add -L > /keys
                RUN test -z "$SSH_AUTH_SOCK" && test ! -e /run/buildkit && test ! -e /agent && echo nothing of it is left
                """);
            Completed build = await Program.RunAsync(
                Docker, ["build", "--progress", "plain", "--no-cache", "--ssh", "default", Context], engine.Address, environment: environment);
            Assert.Contains($" {_name} (ED25519)", Succeeded(build).Errors, StringComparison.Ordinal);
            Assert.Contains("nothing of it is left", build.Errors, StringComparison.Ordinal);
        }
        finally
        {
            agent.Kill();
            await agent.WaitForExitAsync();
        }

        await WriteAsync("Dockerfile", $"FROM {Image}\nRUN --mount=type=ssh,id=mine,required true\n");
        Completed missing = await RunAsync(null, "build", "--progress", "plain", Context);
        Assert.Equal(1, missing.Code);
        Assert.Contains("no SSH key \"mine\" forwarded from the client", missing.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_OnAPrivateBase_UsesTheClientsLogin()
    {
        Assert.SkipUnless(LockedRegistry.IsInstalled, "docker-registry is not installed");
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        await using LockedRegistry registry = await LockedRegistry.StartAsync();
        string name = $"{registry.Host}/{_name}:1";
        Dictionary<string, string> environment = new(BuildKit) { ["DOCKER_CONFIG"] = $"{_directory}/login" };
        foreach (string[] arguments in new string[][]
        {
            ["login", "-u", "ann", "-p", "secret", registry.Host], ["tag", Image, name], ["push", "-q", name], ["rmi", name],
        })
            Succeeded(await Program.RunAsync(Docker, arguments, engine.Address, environment: environment));
        await WriteAsync("Dockerfile", $"FROM {name}\nRUN echo on a private base\n");
        string[] build = ["build", "--progress", "plain", "--no-cache", Context];
        Completed stranger = await RunAsync(null, build);
        Assert.Equal(1, stranger.Code);
        Completed ann = await Program.RunAsync(Docker, build, engine.Address, environment: environment);
        Assert.Contains("on a private base", Succeeded(ann).Errors, StringComparison.Ordinal);
        await DoAsync("rmi", name);
    }

    [Fact]
    public async Task Build_Outputs_ArriveAsFilesOrTar()
    {
        await WriteAsync("Dockerfile", $"""
            FROM {Image} AS make
            RUN mkdir -p /out/d && echo made > /out/d/f && ln -s f /out/d/l && ln /out/d/f /out/hard && chmod 750 /out/d/f && dd if=/dev/zero of=/out/big bs=1M count=3
            FROM scratch
            COPY --from=make /out /
            COPY Dockerfile /second/
            """);
        await DoAsync("build", "-o", $"{_directory}/files", Context);
        Assert.Equal("made\n", await File.ReadAllTextAsync($"{_directory}/files/d/f"));
        Assert.Equal("f", new FileInfo($"{_directory}/files/d/l").LinkTarget);
        Assert.Equal((UnixFileMode)0x1E8, File.GetUnixFileMode($"{_directory}/files/d/f"));
        Assert.Equal(3 << 20, new FileInfo($"{_directory}/files/big").Length);
        Assert.True(File.Exists($"{_directory}/files/second/Dockerfile"));

        await DoAsync("build", "-o", $"type=tar,dest={_directory}/out.tar", Context);
        Completed list = await Program.RunAsync("tar", ["-tf", $"{_directory}/out.tar"], "");
        Assert.Equal(["big", "d/", "d/f", "d/l", "hard", "second/", "second/Dockerfile"], list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        Completed unknown = await RunAsync(null, "build", "-o", "type=moon,dest=x", Context);
        Assert.Contains("exporter \"moon\" could not be found", unknown.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_FailingStep_IsShownWithItsOutputAndCode1()
    {
        await WriteAsync("Dockerfile", $"FROM {Image}\nRUN echo before it; nosuchprogram\n");
        Completed failed = await RunAsync(null, "build", "--progress", "plain", Context);
        Assert.Equal(1, failed.Code);
        Assert.Contains("before it", failed.Errors, StringComparison.Ordinal);
        Assert.Contains("> [2/2] RUN echo before it; nosuchprogram:", failed.Errors, StringComparison.Ordinal);
        Assert.Contains("returned a non-zero code: 127", failed.Errors, StringComparison.Ordinal);
        Completed quiet = await RunAsync(null, "build", "-q", Context);
        Assert.Equal((1, ""), (quiet.Code, quiet.Output));
        Assert.Contains("nosuchprogram", quiet.Errors, StringComparison.Ordinal);

        await WriteAsync("Dockerfile", "FORM x\n");
        Assert.Contains("did you mean FROM", (await RunAsync(null, "build", Context)).Errors, StringComparison.OrdinalIgnoreCase);
        Completed none = await RunAsync(null, "build", "-f", $"{Context}/nothing", Context);
        Assert.Equal(1, none.Code);
        Assert.Contains("failed to read dockerfile: open nothing: no such file or directory", none.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-INT")]
    [InlineData("-KILL")]
    public async Task Build_ClientStopped_EndsTheStepAndLeavesNothing(string signal)
    {
        await WriteAsync("Dockerfile", $"FROM {Image}\nRUN --network=none echo {_name}; sleep {SleepOf(signal)}\n");
        using Process client = Process.Start(new ProcessStartInfo(Docker, ["build", "--progress", "plain", "--no-cache", Context])
        {
            RedirectStandardError = true,
            Environment = { ["DOCKER_HOST"] = engine.Address, ["DOCKER_BUILDKIT"] = "1" },
        })!;
        while (await client.StandardError.ReadLineAsync() is { } line && !line.EndsWith($" {_name}", StringComparison.Ordinal))
        {
        }
        // What is said before it may be heard before it runs.
        await Eventually.HoldsAsync(() => Task.FromResult(StepRuns(signal)));
        await Program.RunAsync("kill", [signal, $"{client.Id}"], "");
        await client.WaitForExitAsync();
        Assert.NotEqual(0, client.ExitCode);
        await Eventually.HoldsAsync(() => Task.FromResult(!StepRuns(signal)));
        string state = Path.Combine(Path.GetDirectoryName(engine.Socket)!, "lib/build");
        // What was sent is kept for the next build; nothing else of this one is, and the next finds it free.
        await Eventually.HoldsAsync(() => Task.FromResult(!Directory.GetDirectories(state, "context-*")
            .Where(directory => !Path.GetFileName(directory).StartsWith("context-kept-", StringComparison.Ordinal))
            .Any(directory => TextOf($"{directory}/Dockerfile").Contains(_name, StringComparison.Ordinal))));
        await WriteAsync("Dockerfile", $"FROM {Image}\nCOPY Dockerfile /\n");
        Assert.Contains("exporting to image", (await DoAsync("build", "--progress", "plain", Context)).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ping_SaysWhichBuilder()
    {
        Completed curl = await Program.RunAsync("curl", ["-si", "--unix-socket", engine.Socket, "http://d/_ping"], "");
        Assert.Contains("Builder-Version: 2", curl.Output, StringComparison.Ordinal);
    }

    private static IReadOnlyDictionary<string, string> BuildKit { get; } = new Dictionary<string, string> { ["DOCKER_BUILDKIT"] = "1" };

    // No other step sleeps as long, also none of tests that run at the same time.
    private static string SleepOf(string signal) => $"3599.{signal.Length}{Environment.ProcessId}";

    private static bool StepRuns(string signal) => Process.GetProcessesByName("sleep").Any(process =>
    {
        using (process)
            return TextOf($"/proc/{process.Id}/cmdline").Contains(SleepOf(signal), StringComparison.Ordinal);
    });

    // Empty for a file that has just gone.
    private static string TextOf(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
    }

    // A program of the host, to be run in the image, which has no libraries.
    private async Task CopyWithLibrariesAsync(string program)
    {
        Completed libraries = Succeeded(await Program.RunAsync("/usr/bin/ldd", [program], ""));
        IEnumerable<string> files = libraries.Output.Split([' ', '\t', '\n']).Where(word => word.StartsWith('/'));
        foreach (string file in files.Append(program).Distinct())
        {
            string copy = $"{Context}/tree{(file == program ? $"/bin/{Path.GetFileName(file)}" : file)}";
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private async Task WriteAsync(string path, string content)
    {
        string file = $"{Context}/{path}";
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, content);
    }

    private Task<Completed> RunAsync(string? input, params string[] arguments)
    {
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists(Docker), "Debian's docker.io is not installed");
        return Program.RunAsync(Docker, arguments, engine.Address, input, environment: BuildKit);
    }

    private async Task<Completed> DoAsync(params string[] arguments) => Succeeded(await RunAsync(null, arguments));

    private static Completed Succeeded(Completed completed)
    {
        Assert.True(completed.Code == 0, $"code {completed.Code}: {completed.Output}{completed.Errors}");
        return completed;
    }
}
