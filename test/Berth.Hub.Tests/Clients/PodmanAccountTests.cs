using System.Security.Cryptography;
using System.Text.Json;

namespace Berth.Hub.Tests.Clients;

/// <summary>podman and buildah with accounts, on private repositories; each test has a storage of its own that copies (vfs).</summary>
public sealed class PodmanAccountTests(AccountHub hub) : IClassFixture<AccountHub>, IAsyncLifetime
{
    private const string Denied = "denied: requested access to the resource is denied";
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-podman-");

    private string AuthFile => Path.Join(_directory.FullName, "auth.json");

    private string[] Storage => ["--root", $"{_directory.FullName}/root", "--runroot", $"{_directory.FullName}/run", "--storage-driver", "vfs"];

    private string[] Policy => ["--signature-policy", $"{_directory.FullName}/policy.json"];

    public async ValueTask InitializeAsync() =>
        await File.WriteAllTextAsync($"{_directory.FullName}/policy.json", """{"default":[{"type":"insecureAcceptAnything"}]}""");

    public ValueTask DisposeAsync()
    {
        _directory.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Podman_PushesAndPullsWhatIsPrivate_WithTheRightOnly()
    {
        string id = await BuildAsync();
        (string User, string Secret, string Image, string Format)[] pushes =
        [
            ("alice", AccountHub.Password, "alice/podman:v1", "oci"), ("alice", hub.Token, "alice/podman:v2", "v2s2"),
            ("lab+ci", hub.RobotToken, "lab/podman:v1", "oci"),
        ];
        foreach ((string user, string secret, string image, string format) in pushes)
        {
            await SignInAsync("podman", user, secret);
            string name = $"{hub.Host}/{image}";
            string digest = await PushAsync("podman", "--format", format, id, name);
            await hub.RequireWholeAsync(image, digest, $"{user}:{secret}");
            await PodmanAsync("rmi", "--all", "--force");
            Assert.Equal(id, (await PodmanAsync("pull", "-q", "--tls-verify=false", "--authfile", AuthFile, name)).Trim());
        }

        await RefusedAsync("name unknown: repository name not known to registry", "podman", ["pull", "-q"], $"bob:{AccountHub.Password}", "alice/podman:v1");
        await RefusedAsync("name unknown: repository name not known to registry", "podman", ["pull", "-q"], $"alice:{hub.OtherToken}", "alice/podman:v1");
        await RefusedAsync("incorrect username, password or token", "podman", ["pull", "-q"], "alice:wrong horse", "alice/podman:v1");
        foreach (string stranger in new[] { $"bob:{AccountHub.Password}", $"alice:{hub.OtherToken}", $"alice:{hub.PullToken}", $"lab+ci:{hub.RobotToken}" })
            await RefusedAsync(Denied, "podman", ["push", "-q", id], stranger, "alice/podman:stolen");

        await PodmanAsync("logout", "--authfile", AuthFile, hub.Host);
        (int code, _, string errors) = await TryAsync("podman", "pull", "-q", "--tls-verify=false", "--authfile", AuthFile, $"{hub.Host}/lab/podman:v1");
        Assert.NotEqual(0, code);
        Assert.Contains("unauthorized: authentication required", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Buildah_PushesZstdAndIndexes_WhichAreCopiedWhole()
    {
        string id = await BuildAsync();
        await SignInAsync("buildah", "alice", hub.Token);
        string zstd = await PushAsync("buildah", "--compression-format", "zstd", id, $"docker://{hub.Host}/alice/buildah:zstd");
        using (JsonDocument manifest = JsonDocument.Parse(await RawAsync("alice/buildah:zstd")))
        {
            Assert.Equal(
                "application/vnd.oci.image.layer.v1.tar+zstd", manifest.RootElement.GetProperty("layers")[0].GetProperty("mediaType").GetString());
        }
        await hub.RequireWholeAsync("alice/buildah:zstd", zstd, $"alice:{hub.Token}");
        await RefusedAsync(Denied, "buildah", ["push", "-q", id], $"bob:{AccountHub.Password}", "alice/buildah:stolen");
        await RefusedAsync("name unknown: repository name not known to registry", "buildah", ["pull", "-q"], $"bob:{AccountHub.Password}", "alice/buildah:zstd");

        // Other images: buildah would take the layer that it knows as zstd, which Docker's format has no name for.
        id = await BuildAsync();
        await BuildahAsync("manifest", "create", "both", id, await BuildAsync("arm64"));
        foreach (string format in new[] { "oci", "v2s2" })
        {
            string image = $"alice/multi:{format}";
            string digest = await PushManifestAsync(format == "oci" ? "podman" : "buildah", format, image);
            await hub.RequireWholeAsync(image, digest, $"alice:{hub.PullToken}");
            // To an organisation's repository by its robot, all platforms of it, and back from there.
            await ClientProgram.RunAsync(
                "skopeo", "--insecure-policy", "copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false",
                "--src-creds", $"alice:{hub.PullToken}", "--dest-creds", $"lab+ci:{hub.RobotToken}",
                $"docker://{hub.Host}/{image}", $"docker://{hub.Host}/lab/multi:{format}");
            await hub.RequireWholeAsync($"lab/multi:{format}", digest, $"lab+ci:{hub.RobotToken}");
        }
        await BuildahAsync("rmi", "--all", "--force");
        Assert.Equal(id, (await BuildahAsync(
            "pull", [.. Policy, "-q", "--tls-verify=false", "--authfile", AuthFile, $"{hub.Host}/alice/multi:oci"])).Trim());
        await ClientProgram.RunAsync("skopeo", "delete", "--tls-verify=false", "--creds", $"alice:{hub.Token}", $"docker://{hub.Host}/alice/multi:oci");
        await BuildahAsync("rmi", "--all", "--force");
        await RefusedAsync("manifest unknown", "buildah", ["pull", "-q"], $"alice:{hub.Token}", "alice/multi:oci");
    }

    // An image of one file that no other has: nothing about its layers is remembered from elsewhere.
    private async Task<string> BuildAsync(string architecture = "amd64")
    {
        string file = Path.Join(_directory.FullName, "file");
        await File.WriteAllBytesAsync(file, RandomNumberGenerator.GetBytes(1000));
        string container = (await BuildahAsync("from", [.. Policy, "scratch"])).Trim();
        await BuildahAsync("copy", "-q", container, file, "/file");
        await BuildahAsync("config", "--arch", architecture, container);
        string id = (await BuildahAsync("commit", [.. Policy, "-q", container])).Trim();
        await BuildahAsync("rm", container);
        return id;
    }

    private async Task SignInAsync(string program, string user, string secret)
    {
        (int code, string output) = await HubTool.RunAsync(
            program, [.. Storage, "login", "--tls-verify=false", "--authfile", AuthFile, "-u", user, "--password-stdin", hub.Host], secret);
        Assert.True(code == 0, output);
    }

    private async Task<string> PushAsync(string program, params string[] arguments)
    {
        string digest = Path.Join(_directory.FullName, "digest");
        await ClientProgram.RunAsync(
            program,
            [
                .. Storage, "push", .. program == "buildah" ? Policy : [], "-q", "--tls-verify=false", "--authfile", AuthFile, "--digestfile", digest,
                .. arguments,
            ]);
        return await File.ReadAllTextAsync(digest);
    }

    private async Task<string> PushManifestAsync(string program, string format, string image)
    {
        string digest = Path.Join(_directory.FullName, "digest");
        await ClientProgram.RunAsync(
            program,
            [
                .. Storage, "manifest", "push", .. program == "buildah" ? Policy : [], "-q", "--all", "--format", format, "--tls-verify=false",
                "--authfile", AuthFile, "--digestfile", digest, "both", $"docker://{hub.Host}/{image}",
            ]);
        return await File.ReadAllTextAsync(digest);
    }

    private async Task RefusedAsync(string reason, string program, string[] verb, string credentials, string image)
    {
        (int code, string output, string errors) = await TryAsync(
            program,
            [
                verb[0], .. program == "buildah" ? Policy : [], "--tls-verify=false", "--creds", credentials, .. verb[1..],
                $"docker://{hub.Host}/{image}",
            ]);
        Assert.True(code != 0, $"{program} {verb[0]} {image} by {credentials.Split(':')[0]} was not refused: {output}");
        Assert.Contains(reason, errors, StringComparison.Ordinal);
    }

    private Task<string> RawAsync(string image) => ClientProgram.RunAsync(
        "skopeo", "inspect", "--raw", "--tls-verify=false", "--creds", $"alice:{hub.Token}", $"docker://{hub.Host}/{image}");

    private Task<string> PodmanAsync(params string[] arguments) => ClientProgram.RunAsync("podman", [.. Storage, .. arguments]);

    private Task<string> BuildahAsync(string verb, params string[] arguments) => ClientProgram.RunAsync("buildah", [.. Storage, verb, .. arguments]);

    private Task<(int Code, string Output, string Errors)> TryAsync(string program, params string[] arguments) =>
        ClientProgram.TryAsync(program, [.. Storage, .. arguments]);
}
