namespace Berth.Hub.Tests.Clients;

/// <summary>podman and buildah, each with a storage of its own that copies (vfs), so that nothing on the machine is touched.</summary>
public sealed class PodmanTests : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-podman-");
    private HubProgram _hub = null!;

    public async ValueTask InitializeAsync()
    {
        _hub = await HubProgram.StartAsync("--anonymous-push");
        await File.WriteAllTextAsync(Path.Join(_directory.FullName, "policy.json"), """{"default":[{"type":"insecureAcceptAnything"}]}""");
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Podman_PushesPullsAndRemoves()
    {
        using var image = new SampleImage();
        string name = $"{_hub.Host}/test/podman:v1";
        // In by skopeo, so that podman pulls what it did not make, then pushes it under another name.
        await ClientProgram.RunAsync(
            "skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", $"oci:{image.Layout}:latest", $"docker://{_hub.Host}/test/in:v1");
        await PodmanAsync("pull", "-q", "--tls-verify=false", $"{_hub.Host}/test/in:v1");
        string id = (await PodmanAsync("images", "-q", "--no-trunc")).Trim();
        await PodmanAsync("push", "-q", "--tls-verify=false", id, name);
        await PodmanAsync("rmi", "--all", "--force");
        await PodmanAsync("pull", "-q", "--tls-verify=false", name);
        Assert.Equal(id, (await PodmanAsync("images", "-q", "--no-trunc")).Trim());
    }

    [Fact]
    public async Task Buildah_CommitsPushesAndPulls()
    {
        string name = $"{_hub.Host}/test/buildah:v1";
        string container = (await BuildahAsync("from", "scratch")).Trim();
        string file = Path.Join(_directory.FullName, "hello");
        await File.WriteAllTextAsync(file, "hello");
        await BuildahAsync("copy", container, file, "/hello");
        string id = (await BuildahAsync("commit", "-q", container)).Trim();
        await BuildahAsync("push", "-q", "--tls-verify=false", id, $"docker://{name}");
        await BuildahAsync("rm", "--all");
        await BuildahAsync("rmi", "--all", "--force");
        Assert.Equal(id, (await BuildahAsync("pull", "-q", "--tls-verify=false", name)).Trim());
    }

    private Task<string> PodmanAsync(params string[] arguments) => ClientProgram.RunAsync("podman", [.. StorageOptions("podman"), .. arguments]);

    private Task<string> BuildahAsync(string verb, params string[] arguments) => ClientProgram.RunAsync(
        "buildah", [.. StorageOptions("buildah"), verb, .. PolicyOptions(verb), .. arguments]);

    private string[] StorageOptions(string program) =>
    [
        "--root", Path.Join(_directory.FullName, program, "root"), "--runroot", Path.Join(_directory.FullName, program, "run"),
        "--storage-driver", "vfs",
    ];

    private string[] PolicyOptions(string verb) =>
        verb is "from" or "push" or "pull" or "commit" ? ["--signature-policy", Path.Join(_directory.FullName, "policy.json")] : [];
}
