namespace Berth.Hub.Tests.Clients;

/// <summary>An image that umoci made in a layout, to the hub and back by skopeo.</summary>
public sealed class UmociTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-umoci-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Layout_IsTheSame_AfterTheHub()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "umoci unpacks as root");
        await using HubProgram hub = await HubProgram.StartAsync("--anonymous-push");
        (string made, string back) = (Path.Join(_directory.FullName, "made"), Path.Join(_directory.FullName, "back"));
        await ClientProgram.RunAsync("umoci", "init", "--layout", made);
        await ClientProgram.RunAsync("umoci", "new", "--image", $"{made}:v1");
        await AddFileAsync(made, "first");
        await AddFileAsync(made, "second");
        string name = $"docker://{hub.Host}/test/umoci:v1";
        await CopyAsync("--dest-tls-verify=false", $"oci:{made}:v1", name);
        await CopyAsync("--src-tls-verify=false", name, $"oci:{back}:v1");
        Assert.Equal(await IndexAsync(made), await IndexAsync(back));
        // umoci checks every digest of what it unpacks.
        string bundle = Path.Join(_directory.FullName, "bundle-back");
        await ClientProgram.RunAsync("umoci", "unpack", "--image", $"{back}:v1", bundle);
        foreach (string file in new[] { "first", "second" })
            Assert.Equal(file, await File.ReadAllTextAsync(Path.Join(bundle, "rootfs", file)));
    }

    // With the manifest's digest.
    private static async Task<string> IndexAsync(string layout) =>
        (await File.ReadAllTextAsync(Path.Join(layout, "index.json"))).TrimEnd();

    // A layer with one file.
    private async Task AddFileAsync(string layout, string file)
    {
        string bundle = Path.Join(_directory.FullName, $"bundle-{file}");
        await ClientProgram.RunAsync("umoci", "unpack", "--image", $"{layout}:v1", bundle);
        await File.WriteAllTextAsync(Path.Join(bundle, "rootfs", file), file);
        await ClientProgram.RunAsync("umoci", "repack", "--image", $"{layout}:v1", bundle);
    }

    private static Task<string> CopyAsync(params string[] arguments) =>
        ClientProgram.RunAsync("skopeo", ["--insecure-policy", "copy", "--preserve-digests", .. arguments]);
}
