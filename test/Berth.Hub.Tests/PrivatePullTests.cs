using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Hub.Tests;

/// <summary>A private image with a client that people have: who may, and who may not.</summary>
public sealed class PrivatePullTests : IAsyncLifetime
{
    private const string Password = "correct horse";
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-pull-");
    private HubProgram _hub = null!;
    private string _pulled = "";

    public async ValueTask InitializeAsync()
    {
        _hub = await HubProgram.StartAsync("--new-repositories", "private");
        foreach (string name in new[] { "alice", "bob" })
            await HubTool.OnAsync(_hub.DataDirectory, Password + "\n", "user", "add", name, "--password-stdin");
        await PushAsync("alice/app", "latest");
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Skopeo_PullsAndPushes_WithTheRightOnly()
    {
        Assert.SkipUnless(HubTool.Has("skopeo"), "skopeo is not installed");
        string own = await TokenAsync("own", "alice/app:pull");
        string other = await TokenAsync("other", "alice/other:pull,push");
        Assert.Equal(0, await PullAsync($"alice:{Password}"));
        Assert.Equal(0, await PullAsync($"alice:{own}"));
        Assert.NotEqual(0, await PullAsync($"alice:{other}"));
        Assert.NotEqual(0, await PullAsync($"bob:{Password}"));
        Assert.NotEqual(0, await PullAsync(null));
        Assert.NotEqual(0, await CopyAsync($"alice:{own}", "alice/app:copied"));
        Assert.Equal(0, await CopyAsync($"alice:{other}", "alice/other:copied"));
        Assert.NotEqual(0, await CopyAsync($"bob:{Password}", "alice/app:stolen"));
        Assert.Equal(0, await CopyAsync($"bob:{Password}", "bob/app:latest"));
    }

    [Fact]
    public async Task Backup_OfARunningHub_IsAHubAgain()
    {
        string backup = Path.Join(_directory.FullName, "backup");
        await HubTool.OnAsync(_hub.DataDirectory, "", "backup", backup);
        string data = Path.Join(_directory.FullName, "restored");
        await HubTool.OnAsync(data, "", "restore", backup, "--key", Path.Join(_hub.DataDirectory, "secret.key"));
        Assert.Matches("alice +user +active", await HubTool.OnAsync(data, "", "user", "list"));
        Assert.Equal(
            "0 blobs of 0 bytes would be removed\n0 uploads of 0 bytes, which nobody went on with, would be forgotten\n"
            + "0 files of 0 bytes, which no row names, would be removed\n",
            await HubTool.OnAsync(data, "", "gc", "--dry-run"));
        Assert.StartsWith("0 blobs removed", await HubTool.OnAsync(data, "", "gc"), StringComparison.Ordinal);
    }

    private async Task<string> TokenAsync(string name, string scope) =>
        (await HubTool.OnAsync(_hub.DataDirectory, "", "token", "create", "alice", name, "--scope", scope)).Trim();

    // Into a directory of its own: what is refused would empty the one before.
    private async Task<int> PullAsync(string? who)
    {
        string target = Path.Join(_directory.FullName, Guid.NewGuid().ToString("N"));
        int code = await SkopeoAsync(
        [
            "copy", "--src-tls-verify=false", .. who is null ? new[] { "--src-no-creds" } : ["--src-creds", who],
            $"docker://{_hub.Host}/alice/app:latest", $"dir:{target}",
        ]);
        _pulled = code == 0 ? target : _pulled;
        return code;
    }

    private async Task<int> CopyAsync(string who, string target) => await SkopeoAsync(
    [
        "copy", "--dest-tls-verify=false", "--dest-creds", who, $"dir:{_pulled}", $"docker://{_hub.Host}/{target}",
    ]);

    private static async Task<int> SkopeoAsync(string[] arguments)
    {
        (int code, string output) = await HubTool.RunAsync("skopeo", arguments);
        TestContext.Current.TestOutputHelper?.WriteLine($"{code}: {output}");
        return code;
    }

    private async Task PushAsync(string repository, string tag)
    {
        using HttpClient client = new() { BaseAddress = _hub.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", HubTool.Base64($"alice:{Password}"));
        byte[] layer = new byte[1024];
        byte[] config = Encoding.UTF8.GetBytes($$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["{{DigestOf(layer)}}"] } }""");
        foreach (byte[] blob in new[] { layer, config })
        {
            using HttpResponseMessage uploaded = await client.PostAsync(
                $"/v2/{repository}/blobs/uploads/?digest={DigestOf(blob)}", new ByteArrayContent(blob));
            Assert.Equal(HttpStatusCode.Created, uploaded.StatusCode);
        }
        var manifest = new StringContent($$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{DigestOf(config)}}","size":{{config.Length}} },
            "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{DigestOf(layer)}}","size":{{layer.Length}} }] }
            """);
        manifest.Headers.ContentType = new MediaTypeHeaderValue("application/vnd.oci.image.manifest.v1+json");
        using HttpResponseMessage put = await client.PutAsync($"/v2/{repository}/manifests/{tag}", manifest);
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
    }

    private static string DigestOf(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
}
