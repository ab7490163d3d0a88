using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Berth.EndToEnd.Tests;

/// <summary>The Dockerfiles in <c>examples/</c> build and run, with packages from Debian and from servers of the tests.</summary>
public sealed class ExampleTests(EngineFixture engine)
{
    private static readonly TimeSpan s_buildPatience = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task OneLine_InstallsAPackageAndRunsIt()
    {
        await DebianBase.NeedAsync(engine);
        await BuildAsync("one-line", "example-one-line");
        Completed run = await BerthAsync("run", "--rm", "example-one-line");
        Assert.Equal(0, run.Code);
        Assert.Contains(@"| |_| |/ _ \ | |/ _ \ ", run.Output, StringComparison.Ordinal);
        Completed again = await BuildAsync("one-line", "example-one-line");
        Assert.Equal(3, Regex.Count(again.Output, "Using cache"));
    }

    [Fact]
    public async Task Versions_InstallsWhatTheSpecificationsAskForAsAnUnprivilegedUser()
    {
        await DebianBase.NeedAsync(engine);
        await using FileServer server = new(PackageIndex.Files(
            ("berth-stats", "1.1"), ("berth-stats", "1.4"), ("berth-stats", "2.0"),
            ("berth-plots", "0.3.7"), ("berth-plots", "0.4.0"),
            ("berth-tables", "1.0"), ("berth-tables", "1.1")));
        await BuildAsync("versions", "example-versions",
            "--build-arg", $"INDEX={server.Address}/simple", "--build-arg", $"PIP_TRUSTED_HOST={EngineFixture.Gateway}");
        Completed run = await BerthAsync("run", "--rm", "example-versions");
        Assert.Equal((0, "1.4 0.3.7 1.0\n"), (run.Code, run.Output));
        Completed user = await BerthAsync("run", "--rm", "example-versions", "sh", "-c", "id -u; pwd; touch x && ls -l x | cut -d' ' -f3");
        Assert.Equal("1000\n/home/jovyan\njovyan\n", user.Output);
    }

    [Fact]
    public async Task Java_DownloadsWithShellVariables()
    {
        await DebianBase.NeedAsync(engine);
        await using FileServer server = new(new Dictionary<string, byte[]>
        {
            ["/latest.txt"] = "1.4.2\n"u8.ToArray(),
            ["/tool-1.4.2.sh"] = "#!/bin/sh\necho tool $(cat $TOOL_HOME/VERSION)\n"u8.ToArray(),
        });
        await BuildAsync("java", "example-java", "--build-arg", $"DOWNLOADS={server.Address}");
        Completed run = await BerthAsync("run", "--rm", "example-java");
        Assert.Equal(0, run.Code);
        Assert.Matches(@"^openjdk version ""17\.[^\n]*\ntool 1\.4\.2\n$", run.Output);
    }

    [Fact]
    public async Task Notebook_ServesItsPageThroughThePublishedPort()
    {
        await DebianBase.NeedAsync(engine);
        await BuildAsync("notebook", "example-notebook");
        Completed run = await BerthAsync("run", "-d", "--name", "example-notebook", "-p", "127.0.0.1::8888", "example-notebook");
        Assert.True(run.Code == 0, run.Errors);
        try
        {
            await LogLineAsync("example-notebook", "is running at");
            string port = (await BerthAsync("port", "example-notebook", "8888")).Output.Trim();
            using HttpClient http = new();
            string page = await http.GetStringAsync(new Uri($"http://{port}/tree?token=berth"), TestContext.Current.CancellationToken);
            Assert.Contains("Jupyter Notebook", page, StringComparison.OrdinalIgnoreCase);
            string files = await http.GetStringAsync(
                new Uri($"http://{port}/api/contents?token=berth"), TestContext.Current.CancellationToken);
            Assert.Contains("welcome.ipynb", files, StringComparison.Ordinal);
        }
        finally
        {
            await BerthAsync("rm", "-f", "example-notebook");
        }
    }

    [Fact]
    public async Task FailingStep_NamesLineCommandAndCode()
    {
        await DebianBase.NeedAsync(engine);
        string context = Directory.CreateTempSubdirectory("berth-failing-").FullName;
        await File.WriteAllTextAsync($"{context}/Dockerfile",
            "FROM debian:bookworm\n\nRUN echo fine\nRUN exit 42\n", TestContext.Current.CancellationToken);
        Completed build = await BerthAsync("build", "-t", "example-failing", context);
        Directory.Delete(context, recursive: true);
        Assert.NotEqual(0, build.Code);
        string said = build.Output + build.Errors;
        Assert.Contains("Dockerfile:4", said, StringComparison.Ordinal);
        Assert.Contains("The command '/bin/sh -c exit 42' returned a non-zero code: 42", said, StringComparison.Ordinal);
        Assert.NotEqual(0, (await BerthAsync("image", "inspect", "example-failing")).Code);
    }

    private async Task<Completed> BuildAsync(string example, string tag, params string[] options)
    {
        Completed build = await Program.RunAsync(EngineFixture.Berth,
            ["build", "-t", tag, .. options, Path.Join(EngineFixture.Repository, "examples", example)], engine.Address,
            patienceFor: s_buildPatience);
        Assert.True(build.Code == 0, LastLines(build.Output) + build.Errors);
        return build;
    }

    private Task<Completed> BerthAsync(params string[] arguments) => Program.RunAsync(EngineFixture.Berth, arguments, engine.Address);

    // Reads the log as it is written until the line is there.
    private async Task LogLineAsync(string container, string text)
    {
        using Process logs = Process.Start(new ProcessStartInfo(EngineFixture.Berth, ["logs", "-f", container])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOCKER_HOST"] = engine.Address },
        })!;
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(2));
        StringBuilder seen = new();
        while (await logs.StandardError.ReadLineAsync(patience.Token) is { } line)
        {
            seen.AppendLine(line);
            if (line.Contains(text, StringComparison.Ordinal))
            {
                logs.Kill();
                return;
            }
        }
        Assert.Fail($"the log of {container} ended without '{text}': {seen}");
    }

    private static string LastLines(string text) => string.Join('\n', text.Split('\n').TakeLast(40));
}
