using System.Text.Json;

namespace Berth.Hub.Tests.Clients;

public sealed class SkopeoTests
{
    [Theory]
    [InlineData("oci"), InlineData("v2s2")]
    public async Task Image_PushedAndPulled_IsTheSame(string format)
    {
        await using HubProgram hub = await HubProgram.StartAsync("--anonymous-push");
        using var image = new SampleImage();
        string name = $"docker://{hub.Host}/test/{format}:v1";
        await CopyAsync("--format", format, $"oci:{image.Layout}:latest", name);
        string digest = await DigestAsync(name);
        if (format == "oci")
            Assert.Equal(image.Digest, digest);
        // To another repository of the hub, and by digest from there to a directory: every byte passes through the hub.
        string copy = $"docker://{hub.Host}/test/copy-{format}:v2";
        await CopyAsync("--preserve-digests", name, copy);
        Assert.Equal(digest, await DigestAsync(copy));
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-skopeo-");
        try
        {
            await CopyAsync("--preserve-digests", $"docker://{hub.Host}/test/copy-{format}@{digest}", $"dir:{directory.FullName}");
            Assert.Equal(digest, (await ClientProgram.RunAsync("skopeo", "manifest-digest", Path.Join(directory.FullName, "manifest.json"))).Trim());
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Tags_AreListed_AndTheImageIsDeleted()
    {
        await using HubProgram hub = await HubProgram.StartAsync("--anonymous-push");
        using var image = new SampleImage(layers: 1);
        foreach (string tag in new[] { "b", "a" })
            await CopyAsync($"oci:{image.Layout}:latest", $"docker://{hub.Host}/test/app:{tag}");
        using (JsonDocument list = JsonDocument.Parse(
            await ClientProgram.RunAsync("skopeo", "list-tags", "--tls-verify=false", $"docker://{hub.Host}/test/app")))
            Assert.Equal(["a", "b"], list.RootElement.GetProperty("Tags").EnumerateArray().Select(tag => tag.GetString()!));
        await ClientProgram.RunAsync("skopeo", "delete", "--tls-verify=false", $"docker://{hub.Host}/test/app:a");
        (int code, _, string errors) = await ClientProgram.TryAsync(
            "skopeo", ["inspect", "--tls-verify=false", $"docker://{hub.Host}/test/app:b"]);
        Assert.NotEqual(0, code);
        Assert.Contains("manifest unknown", errors, StringComparison.Ordinal);
    }

    private static Task<string> CopyAsync(params string[] arguments) => ClientProgram.RunAsync(
        "skopeo", ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", .. arguments]);

    private static async Task<string> DigestAsync(string name) => (await ClientProgram.RunAsync(
        "skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", name)).Trim();
}
