using System.Diagnostics;

namespace Berth.Hub.Tests.Clients;

/// <summary>Debian's docker with a daemon of the test's own, which needs root.</summary>
public sealed class DockerTests : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-docker-");
    private Process? _daemon;

    private string Configuration => Path.Join(_directory.FullName, "config");

    private string Socket => "unix://" + Path.Join(_directory.FullName, "docker.sock");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "dockerd needs root");
        Assert.SkipUnless(File.Exists("/usr/sbin/dockerd") || File.Exists("/usr/bin/dockerd"), "dockerd is not installed (./dev setup)");
        _daemon = Process.Start(new ProcessStartInfo("dockerd",
        [
            "--host", Socket, "--data-root", Path.Join(_directory.FullName, "data"), "--exec-root", Path.Join(_directory.FullName, "exec"),
            "--pidfile", Path.Join(_directory.FullName, "pid"), "--bridge", "none", "--iptables=false", "--ip6tables=false",
            "--storage-driver", "vfs", "--log-level", "error",
        ])
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        Task<string> said = _daemon.StandardError.ReadToEndAsync();
        _ = _daemon.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        var waited = Stopwatch.StartNew();
        while ((await ClientProgram.TryAsync("docker", ["--host", Socket, "version"])).Code != 0)
        {
            Assert.SkipWhen(_daemon.HasExited, _daemon.HasExited ? $"dockerd does not start on this machine: {await said}" : "");
            Assert.True(waited.Elapsed < s_patience, "dockerd does not answer");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is { HasExited: false })
        {
            await ClientProgram.TryAsync("kill", ["-TERM", $"{_daemon.Id}"]);
            await _daemon.WaitForExitAsync();
        }
        _daemon?.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Docker_PushesPullsAndSeesTheSameDigest()
    {
        await using HubProgram hub = await HubProgram.StartAsync("--anonymous-push");
        using var image = new SampleImage();
        string name = $"{hub.Host}/test/docker:v1";
        // In by skopeo, so that docker pulls what it did not make, then pushes it under another name.
        await ClientProgram.RunAsync("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", $"oci:{image.Layout}:latest", $"docker://{name}");
        await DockerAsync("pull", "--quiet", name);
        Assert.Contains(image.Digest, await DockerAsync("image", "inspect", "--format", "{{.RepoDigests}}", name), StringComparison.Ordinal);
        string id = await DockerAsync("image", "inspect", "--format", "{{.Id}}", name);
        string second = $"{hub.Host}/test/again:v2";
        await DockerAsync("tag", name, second);
        await DockerAsync("push", "--quiet", second);
        await DockerAsync("image", "rm", "--force", id.Trim());
        await DockerAsync("pull", "--quiet", second);
        Assert.Equal(id, await DockerAsync("image", "inspect", "--format", "{{.Id}}", second));
    }

    [Fact]
    public async Task Docker_PullsThroughACache_AlsoWhenTheRegistryIsGone()
    {
        await using DebianRegistry upstream = await DebianRegistry.StartAsync();
        await using HubProgram hub = await HubProgram.StartAsync("--upstreams", $"prefix=up.example,url=http://{upstream.Host}");
        using var image = new SampleImage();
        await ClientProgram.RunAsync(
            "skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", $"oci:{image.Layout}:latest", $"docker://{upstream.Host}/app:v1");
        string name = $"{hub.Host}/up.example/app:v1";
        await DockerAsync("pull", "--quiet", name);
        await DockerAsync("image", "rm", "--force", name);
        await upstream.StopAsync();
        await DockerAsync("pull", "--quiet", name);
        Assert.Contains(image.Digest, await DockerAsync("image", "inspect", "--format", "{{.RepoDigests}}", name), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Docker_SearchesTheHub()
    {
        await using HubProgram hub = await HubProgram.StartAsync("--anonymous-push");
        using var image = new SampleImage(layers: 1);
        await ClientProgram.RunAsync(
            "skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", $"oci:{image.Layout}:latest",
            $"docker://{hub.Host}/weather/forecast:v1");
        Assert.Equal("weather/forecast", (await DockerAsync("search", "--format", "{{.Name}}", $"{hub.Host}/forec")).Trim().Replace(hub.Host + "/", ""));
        Assert.Equal("", (await DockerAsync("search", "--format", "{{.Name}}", $"{hub.Host}/nothing")).Trim());
    }

    [Fact]
    public async Task Docker_FiltersAndLimitsWhatItFinds()
    {
        await using HubProgram hub = await HubProgram.StartAsync();
        await SearchFilters.RequireAsync(hub, (first, rest) => DockerAsync([first, .. rest]));
    }

    [Fact]
    public async Task Docker_PushesAndPullsWhatIsPrivate_AsLongAsItIsSignedIn()
    {
        await using var hub = new AccountHub();
        await hub.InitializeAsync();
        using var image = new SampleImage(layers: 1);
        string archive = Path.Join(_directory.FullName, "image.tar");
        string mine = $"{hub.Host}/alice/docker:v1";
        await ClientProgram.RunAsync(
            "skopeo", "--insecure-policy", "copy", $"oci:{image.Layout}:latest", $"docker-archive:{archive}:{mine}");
        await DockerAsync("load", "--quiet", "--input", archive);
        string id = await DockerAsync("image", "inspect", "--format", "{{.Id}}", mine);
        foreach ((string user, string secret, string name) in new[]
        {
            ("alice", AccountHub.Password, mine), ("alice", hub.Token, $"{hub.Host}/alice/docker:v2"), ("lab+ci", hub.RobotToken, $"{hub.Host}/lab/docker:v1"),
        })
        {
            await SignInAsync(hub, user, secret);
            await DockerAsync("tag", id.Trim(), name);
            await DockerAsync("push", "--quiet", name);
            string digest = (await DockerAsync("image", "inspect", "--format", "{{index .RepoDigests 0}}", name)).Trim().Split('@')[1];
            await hub.RequireWholeAsync(name[(hub.Host.Length + 1)..], digest, $"{user}:{secret}");
        }
        await DockerAsync("image", "rm", "--force", id.Trim());
        await SignInAsync(hub, "bob", AccountHub.Password);
        await RefusedAsync("repository name not known to registry", "pull", "--quiet", mine);
        await SignInAsync(hub, "alice", hub.PullToken);
        await DockerAsync("pull", "--quiet", mine);
        Assert.Equal(id, await DockerAsync("image", "inspect", "--format", "{{.Id}}", mine));
        string stolen = $"{hub.Host}/alice/docker:stolen";
        await DockerAsync("tag", mine, stolen);
        await RefusedAsync("denied: requested access to the resource is denied", "push", "--quiet", stolen);
        await DockerAsync("logout", hub.Host);
        await RefusedAsync("denied: requested access to the resource is denied", "pull", "--quiet", mine);
    }

    private async Task SignInAsync(AccountHub hub, string user, string secret)
    {
        (int code, string output) = await HubTool.RunAsync(
            "docker", ["--config", Configuration, "--host", Socket, "login", "-u", user, "--password-stdin", hub.Host], secret);
        Assert.True(code == 0, output);
    }

    private async Task RefusedAsync(string reason, params string[] arguments)
    {
        (int code, string output, string errors) = await ClientProgram.TryAsync("docker", ["--config", Configuration, "--host", Socket, .. arguments]);
        Assert.True(code != 0, output);
        Assert.Contains(reason, errors, StringComparison.Ordinal);
    }

    private Task<string> DockerAsync(params string[] arguments) =>
        ClientProgram.RunAsync("docker", ["--config", Configuration, "--host", Socket, .. arguments]);
}
