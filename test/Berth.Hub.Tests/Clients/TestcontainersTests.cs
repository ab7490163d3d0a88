namespace Berth.Hub.Tests.Clients;

/// <summary>Testcontainers, on our engine, with an image of a private repository and the account in its environment.</summary>
public sealed class TestcontainersTests
{
    [Fact]
    public async Task PrivateImage_IsPulled_WithTheAccountOnly()
    {
        string script = NodeTests.Client("private.mjs", "testcontainers");
        Assert.SkipUnless(File.Exists("/bin/busybox"), "busybox is not installed (./dev setup)");
        await using BerthEngine engine = await BerthEngine.StartAsync();
        await using var hub = new AccountHub();
        await hub.InitializeAsync();
        string image = $"{hub.Host}/alice/busybox:v1";
        await MakeAsync(engine, hub, image);
        foreach ((string? user, string secret) in new[] { ("alice", hub.PullToken), ("bob", AccountHub.Password), (null, "") })
        {
            string account = user is null ? "{}" :
                $$$"""{"auths":{"{{{hub.Host}}}":{"auth":"{{{HubTool.Base64($"{user}:{secret}")}}}" } } }""";
            (int code, string output, string errors) = await ClientProgram.TryAsync(
                "node", [script, image], ("DOCKER_HOST", engine.Address), ("DOCKER_AUTH_CONFIG", account), ("DOCKER_CONFIG", "/nonexistent"),
                ("TESTCONTAINERS_RYUK_DISABLED", "true"), ("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1"));
            if (user == "alice")
            {
                Assert.True(code == 0, output + errors);
                await engine.RunAsync("", "image", "rm", "--force", image);
                continue;
            }
            Assert.True(code != 0, $"{user} could pull: {output}");
            Assert.Contains(
                user is null ? "denied: requested access to the resource is denied" : "name unknown: repository name not known to registry",
                errors, StringComparison.Ordinal);
        }
    }

    private static async Task MakeAsync(BerthEngine engine, AccountHub hub, string image)
    {
        DirectoryInfo context = Directory.CreateTempSubdirectory("berth-busybox-");
        try
        {
            string archive = Path.Join(context.FullName, "root.tar");
            await ClientProgram.RunAsync("tar", "-C", "/", "-chf", archive, "bin/busybox");
            await engine.RunAsync("", "import", archive, image);
            await engine.RunAsync(hub.Token, "login", "-u", "alice", "--password-stdin", hub.Host);
            await engine.RunAsync("", "push", "--quiet", image);
            await engine.RunAsync("", "image", "rm", image);
        }
        finally
        {
            context.Delete(recursive: true);
        }
    }
}
