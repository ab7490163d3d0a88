using System.Net;

namespace Berth.Hub.Tests.Clients;

/// <summary>Other registries passed on by what the configuration file says alone, pulled with skopeo.</summary>
public sealed class CacheTests : IDisposable
{
    private const string Password = "correct horse";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-cache-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Registry_IsServedAfterItWasStopped()
    {
        await using DebianRegistry upstream = await DebianRegistry.StartAsync("lab", Password);
        using var image = new SampleImage();
        await SkopeoAsync("copy", "--dest-tls-verify=false", "--dest-creds", $"lab:{Password}", $"oci:{image.Layout}:latest", $"docker://{upstream.Host}/team/app:v1");
        await using HubProgram hub = await HubProgram.StartAsync("--config", ConfigurationOf($$"""
            { "upstreams": [{ "prefix": "up.example", "url": "http://{{upstream.Host}}", "user": "lab", "password-file": "{{PasswordFile()}}" }] }
            """));
        string name = $"docker://{hub.Host}/up.example/team/app";
        Assert.Equal(image.Digest, await PullAsync($"{name}:v1"));
        await upstream.StopAsync();
        Assert.Equal(image.Digest, await PullAsync($"{name}:v1"));
        Assert.Equal(image.Digest, await PullAsync($"{name}@{image.Digest}"));
        using HttpClient client = new() { BaseAddress = hub.Address };
        using HttpResponseMessage unknown = await client.GetAsync(new Uri("/v2/up.example/team/app/manifests/v2", UriKind.Relative));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unknown.StatusCode);
        Assert.Contains("pull through up.example", await unknown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hub_CachesAnotherHubsPrivateImages_ForItsMembers()
    {
        await using HubProgram upstream = await HubProgram.StartAsync("--new-repositories", "private");
        await HubTool.OnAsync(upstream.DataDirectory, Password + "\n", "user", "add", "alice", "--password-stdin");
        using var image = new SampleImage();
        await SkopeoAsync(
            "copy", "--dest-tls-verify=false", "--dest-creds", $"alice:{Password}", $"oci:{image.Layout}:latest", $"docker://{upstream.Host}/alice/app:v1");
        await using HubProgram hub = await HubProgram.StartAsync("--config", ConfigurationOf($$"""
            {
              "upstreams": [{
                "prefix": "other.example", "url": "{{upstream.Address}}", "user": "alice", "password-file": "{{PasswordFile()}}", "members-only": true
              }]
            }
            """));
        await HubTool.OnAsync(hub.DataDirectory, Password + "\n", "user", "add", "bob", "--password-stdin");
        string narrow = (await HubTool.OnAsync(hub.DataDirectory, "", "token", "create", "bob", "narrow", "--scope", "bob/*:pull")).Trim();
        string name = $"docker://{hub.Host}/other.example/alice/app:v1";
        foreach (bool isHere in new[] { false, true })
        {
            foreach (string[] stranger in new[] { new[] { "--no-creds" }, ["--creds", $"bob:{narrow}"] })
            {
                (int code, _, string errors) = await ClientProgram.TryAsync("skopeo", ["inspect", "--tls-verify=false", .. stranger, name]);
                Assert.True(code != 0, $"{isHere}: {stranger[0]} could pull");
                Assert.DoesNotContain(image.Digest, errors, StringComparison.Ordinal);
            }
            Assert.Equal(image.Digest, await PullAsync(name, "--src-creds", $"bob:{Password}"));
        }
        upstream.Process.Kill();
        await upstream.Process.WaitForExitAsync();
        Assert.Equal(image.Digest, await PullAsync(name, "--src-creds", $"bob:{Password}"));
    }

    [Fact]
    public async Task Mistakes_AreToldBeforeAnythingIsServed()
    {
        (int code, string output) = await HubProgram.RunAsync("serve", "--data", _directory.FullName, "--upstreams", "prefix=a,url=nowhere");
        Assert.Equal(1, code);
        Assert.Contains("configuration: upstreams: a: url: nowhere: not an address", output, StringComparison.Ordinal);
    }

    // Into a directory of its own, so that every byte is fetched; the digest of what came.
    private async Task<string> PullAsync(string name, params string[] options)
    {
        string target = Path.Join(_directory.FullName, Guid.NewGuid().ToString("N"));
        await SkopeoAsync(["copy", "--preserve-digests", "--src-tls-verify=false", .. options, name, $"dir:{target}"]);
        return (await ClientProgram.RunAsync("skopeo", "manifest-digest", Path.Join(target, "manifest.json"))).Trim();
    }

    private string PasswordFile() => Write("password", Password + "\n");

    private string ConfigurationOf(string text) => Write("hub.json", text);

    private string Write(string name, string text)
    {
        string path = Path.Join(_directory.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static Task<string> SkopeoAsync(params string[] arguments) => ClientProgram.RunAsync("skopeo", ["--insecure-policy", .. arguments]);
}
