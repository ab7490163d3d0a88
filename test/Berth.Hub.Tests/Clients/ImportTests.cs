namespace Berth.Hub.Tests.Clients;

/// <summary>What Debian's docker-registry stored becomes a hub's.</summary>
public sealed class ImportTests
{
    [Fact]
    public async Task Folder_ThatDockerRegistryWrote_IsTakenOver()
    {
        await using DebianRegistry registry = await DebianRegistry.StartAsync();
        using var first = new SampleImage();
        using var second = new SampleImage(layers: 1);
        (SampleImage Image, string Name)[] pushed = [(first, "team/app:v1"), (first, "team/app:latest"), (second, "tools/deep/one:v2")];
        foreach ((SampleImage image, string name) in pushed)
            await SkopeoAsync("--dest-tls-verify=false", $"oci:{image.Layout}:latest", $"docker://{registry.Host}/{name}");
        await registry.StopAsync();
        await using HubProgram hub = await HubProgram.StartAsync();
        string said = await HubTool.OnAsync(hub.DataDirectory, "", "import", registry.Data, "--visibility", "public");
        Assert.Contains("2 repositories, 2 new manifests, 3 tags", said, StringComparison.Ordinal);
        DirectoryInfo target = Directory.CreateTempSubdirectory("berth-import-");
        try
        {
            foreach ((SampleImage image, string name) in pushed)
            {
                string directory = Path.Join(target.FullName, Guid.NewGuid().ToString("N"));
                await SkopeoAsync("--preserve-digests", "--src-tls-verify=false", $"docker://{hub.Host}/{name}", $"dir:{directory}");
                Assert.Equal(image.Digest, (await ClientProgram.RunAsync("skopeo", "manifest-digest", Path.Join(directory, "manifest.json"))).Trim());
            }
        }
        finally
        {
            target.Delete(recursive: true);
        }
        // Again, nothing is new.
        Assert.Contains("0 new manifests", await HubTool.OnAsync(hub.DataDirectory, "", "import", registry.Data), StringComparison.Ordinal);
        // What cannot be taken is said, also to scripts.
        Directory.CreateDirectory(Path.Join(registry.Data, "docker", "registry", "v2", "repositories", "Upper__Case", "_manifests"));
        (int code, string output) = await HubProgram.RunAsync("import", registry.Data, "--data", hub.DataDirectory);
        Assert.Equal(1, code);
        Assert.Contains("skipped Upper__Case: it is no name of a repository", output, StringComparison.Ordinal);
    }

    private static Task<string> SkopeoAsync(params string[] arguments) =>
        ClientProgram.RunAsync("skopeo", ["--insecure-policy", "copy", .. arguments]);
}
