using System.Text.Json;

namespace Berth.Hub.Tests.Clients;

/// <summary>A registry client from npm, with an account, on a private image.</summary>
public sealed class NodeTests
{
    private const string Password = "correct horse";

    [Fact]
    public async Task RegistryClient_ReadsAPrivateImage_AStrangerDoesNot()
    {
        string clients = Clients();
        Assert.SkipUnless(
            Directory.Exists(Path.Join(clients, "node_modules", "@snyk", "docker-registry-v2-client")), "the npm clients are missing (./dev setup)");
        await using HubProgram hub = await HubProgram.StartAsync("--new-repositories", "private");
        await HubTool.OnAsync(hub.DataDirectory, Password + "\n", "user", "add", "alice", "--password-stdin");
        using var image = new SampleImage();
        foreach (string tag in new[] { "v1", "v2" })
        {
            await ClientProgram.RunAsync(
                "skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", "--dest-creds", $"alice:{Password}",
                $"oci:{image.Layout}:latest", $"docker://{hub.Host}/alice/app:{tag}");
        }
        string said = await ClientProgram.RunAsync(
            "node", Path.Join(clients, "registry.mjs"), hub.Host, "alice/app", "v1", "alice", Password);
        using JsonDocument answer = JsonDocument.Parse(said);
        JsonElement seen = answer.RootElement;
        // It says who it is when it is refused, and the list of what is public is for anybody.
        Assert.Empty(seen.GetProperty("repositories").EnumerateArray());
        // In pages of one, by the links that the hub gives.
        Assert.Equal(["v1", "v2"], seen.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()!));
        Assert.Equal(image.Digest, seen.GetProperty("digest").GetString());
        JsonElement[] layers = [.. seen.GetProperty("layers").EnumerateArray()];
        Assert.Equal(3, layers.Length);
        Assert.All(layers, layer => Assert.Equal(layer[0].GetString(), layer[1].GetString()));
        Assert.Equal("amd64", seen.GetProperty("configuration").GetProperty("architecture").GetString());
        Assert.True(seen.GetProperty("size").GetInt64() > 3 * 200_000);
        Assert.NotNull(seen.GetProperty("stranger").GetString());
    }

    private static string Clients()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Join(directory, "Berth.slnx")))
            directory = Path.GetDirectoryName(directory);
        return Path.Join(directory, "test", "clients");
    }
}
