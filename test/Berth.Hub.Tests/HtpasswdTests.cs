using System.Net;
using System.Net.Http.Headers;

namespace Berth.Hub.Tests;

/// <summary>Files of the real <c>htpasswd</c>, taken over and signed in by with the real clients.</summary>
public sealed class HtpasswdTests : IAsyncLifetime
{
    private const string Password = "correct horse";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-htpasswd-");

    private string FilePath => Path.Join(_directory.FullName, "htpasswd");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(HubTool.Has("htpasswd"), "htpasswd is not installed (./dev setup)");
        await HtpasswdAsync("-Bbc", FilePath, "alice", Password);
        await HtpasswdAsync("-Bb", "-C", "10", FilePath, "bob", Password);
    }

    public ValueTask DisposeAsync()
    {
        _directory.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Import_TakesPasswordsOver_AndNamesWhatItLeaves()
    {
        await using HubProgram hub = await HubProgram.StartAsync();
        Assert.Equal(
            (0, "alice: would be made\nbob: would be made\n"), await ImportAsync(hub, "--dry-run"));
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync(hub, "alice"));
        Assert.Equal((0, "alice: made\nbob: made\n"), await ImportAsync(hub));
        foreach (string name in new[] { "alice", "bob", "alice" })
            await ClientsAsync(hub, name, isAccepted: true);
        // Files from elsewhere.
        await HtpasswdAsync("-bm", FilePath, "carl", Password);
        await HtpasswdAsync("-bs", FilePath, "shaun", Password);
        await HtpasswdAsync("-Bb", FilePath, "Erin", Password);
        (int code, string output) = await ImportAsync(hub);
        Assert.Equal(1, code);
        foreach (string line in new[]
        {
            "line 1: alice: there is a user of this name, who was left as they are; --replace-passwords gives them this password\n",
            "line 3: carl: it is hashed with MD5 (apr1): make it again with \"htpasswd -B FILE NAME\"\n",
            "line 4: shaun: it is hashed with SHA-1: make it again with \"htpasswd -B FILE NAME\"\n",
            "line 5: Erin: it is no account name here: ", "user import: 5 lines were left out, named above; all else is done\n",
        })
            Assert.Contains(line, output, StringComparison.Ordinal);
        await HtpasswdAsync("-Bb", FilePath, "alice", "battery staple");
        (code, output) = await ImportAsync(hub, "--replace-passwords");
        Assert.Equal(1, code);
        Assert.Contains("alice: has this password now\n", output, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync(hub, "alice"));
    }

    [Fact]
    public async Task Serve_LetsPeopleOfTheFileIn_UntilTheyAreRemovedFromIt()
    {
        await using HubProgram hub = await HubProgram.StartAsync("--htpasswd", FilePath);
        await ClientsAsync(hub, "alice", isAccepted: true);
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync(hub, "carol"));
        await HtpasswdAsync("-Bb", FilePath, "carol", Password);
        await ClientsAsync(hub, "carol", isAccepted: true);
        await HtpasswdAsync("-D", FilePath, "alice");
        await ClientsAsync(hub, "alice", isAccepted: false);
        await ClientsAsync(hub, "bob", isAccepted: true);
    }

    [Fact]
    public async Task Serve_WithoutItsFile_DoesNotStart()
    {
        (int code, string output) = await HubProgram.RunAsync(
            "serve", "--listen", "127.0.0.1:0", "--data", _directory.FullName, "--htpasswd", FilePath + ".old");
        Assert.Equal(1, code);
        Assert.StartsWith($"configuration: htpasswd: read htpasswd file {FilePath}.old: ", output);
    }

    private async Task ClientsAsync(HubProgram hub, string name, bool isAccepted)
    {
        Assert.Equal(isAccepted ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, await SignInAsync(hub, name));
        (string, string)[] home = [("HOME", _directory.FullName), ("XDG_RUNTIME_DIR", _directory.FullName)];
        string[] who = ["-u", name, "--password-stdin", hub.Host];
        if (HubTool.Has("docker"))
            Check(await HubTool.RunAsync(
                "docker", ["--config", Path.Join(_directory.FullName, "docker"), "-H", "unix:///nonexistent/docker.sock", "login", .. who], Password, home));
        if (HubTool.Has("skopeo"))
            Check(await HubTool.RunAsync(
                "skopeo", ["login", "--tls-verify=false", "--authfile", Path.Join(_directory.FullName, "auth.json"), .. who], Password, home));

        void Check((int Code, string Output) answer) => Assert.True(answer.Code == 0 == isAccepted, $"{name}: {answer.Output}");
    }

    private static async Task<HttpStatusCode> SignInAsync(HubProgram hub, string name)
    {
        using HttpClient client = new() { BaseAddress = hub.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", HubTool.Base64($"{name}:{Password}"));
        using HttpResponseMessage answer = await client.GetAsync("/v2/");
        return answer.StatusCode;
    }

    private Task<(int Code, string Output)> ImportAsync(HubProgram hub, params string[] flags) =>
        HubTool.RunAsync(HubTool.Hub, ["user", "import", FilePath, "--data", hub.DataDirectory, .. flags]);

    private static async Task HtpasswdAsync(params string[] arguments)
    {
        (int code, string output) = await HubTool.RunAsync("htpasswd", arguments);
        Assert.True(code == 0, output);
    }
}
