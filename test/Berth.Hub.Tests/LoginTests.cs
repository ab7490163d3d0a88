namespace Berth.Hub.Tests;

/// <summary>Signing in with the clients that people have.</summary>
public sealed class LoginTests : IAsyncLifetime
{
    private const string Password = "correct horse";
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-login-");
    private HubProgram _hub = null!;
    private string _token = "";

    public async ValueTask InitializeAsync()
    {
        _hub = await HubProgram.StartAsync();
        await HubTool.OnAsync(_hub.DataDirectory, Password + "\n", "user", "add", "alice", "--password-stdin");
        _token = (await HubTool.OnAsync(_hub.DataDirectory, "", "token", "create", "alice", "laptop")).Trim();
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        _home.Delete(recursive: true);
    }

    [Fact]
    public async Task Skopeo_SignsIn()
    {
        Assert.SkipUnless(HubTool.Has("skopeo"), "skopeo is not installed");
        string file = Path.Join(_home.FullName, "auth.json");
        await BothAsync("skopeo", "login", "--tls-verify=false", "--authfile", file, "-u", "alice", "--password-stdin", _hub.Host);
        Assert.Contains(HubTool.Base64($"alice:{_token}"), await File.ReadAllTextAsync(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Podman_SignsIn()
    {
        Assert.SkipUnless(HubTool.Has("podman"), "podman is not installed");
        string file = Path.Join(_home.FullName, "auth.json");
        await BothAsync("podman", "login", "--tls-verify=false", "--authfile", file, "-u", "alice", "--password-stdin", _hub.Host);
        Assert.Contains(HubTool.Base64($"alice:{_token}"), await File.ReadAllTextAsync(file), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Docker_SignsIn_ByItself()
    {
        Assert.SkipUnless(HubTool.Has("docker"), "docker's command line is not installed");
        // Without a daemon the command line asks the registry itself.
        await BothAsync("docker", "--config", _home.FullName, "-H", "unix:///nonexistent/docker.sock", "login", "-u", "alice", "--password-stdin", _hub.Host);
        // It was given a refresh token, and keeps that instead of the password.
        string config = await File.ReadAllTextAsync(Path.Join(_home.FullName, "config.json"));
        Assert.Contains("\"identitytoken\": \"bhf_", config, StringComparison.Ordinal);
        Assert.DoesNotContain(HubTool.Base64($"alice:{Password}"), config, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BerthAndDocker_SignIn_ThroughTheEngine()
    {
        await using BerthEngine engine = await BerthEngine.StartAsync();
        string berth = Path.Join(HubProgram.Programs, "berth");
        await BothAsync(berth, "-H", engine.Address, "--config", Path.Join(_home.FullName, "berth"), "login", "-u", "alice", "--password-stdin", _hub.Host);
        Assert.Contains("bhf_", await File.ReadAllTextAsync(Path.Join(_home.FullName, "berth", "config.json")), StringComparison.Ordinal);
        if (HubTool.Has("docker"))
            await BothAsync("docker", "--config", Path.Join(_home.FullName, "docker"), "-H", engine.Address, "login", "-u", "alice", "--password-stdin", _hub.Host);
    }

    // By password, by token, and not by anything else.
    private async Task BothAsync(string program, params string[] arguments)
    {
        (string, string)[] home = [("HOME", _home.FullName), ("XDG_RUNTIME_DIR", _home.FullName)];
        foreach (string secret in new[] { Password, _token })
        {
            (int code, string output) = await HubTool.RunAsync(program, arguments, secret, home);
            Assert.True(code == 0, $"{program}: {output}");
            Assert.Contains("Login Succeeded", output, StringComparison.Ordinal);
        }
        (int refused, string reason) = await HubTool.RunAsync(program, arguments, "wrong horse", home);
        Assert.True(refused != 0, reason);
    }
}
