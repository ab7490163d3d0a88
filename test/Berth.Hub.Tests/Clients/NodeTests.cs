using System.Net.Http.Headers;
using System.Text.Json;

namespace Berth.Hub.Tests.Clients;

/// <summary>Registry clients from npm, with accounts, on private images.</summary>
public sealed class NodeTests
{
    private const string Password = "correct horse";

    [Fact]
    public async Task RegistryClient_ReadsAPrivateImage_AStrangerDoesNot()
    {
        string script = Client("registry.mjs", "@snyk", "docker-registry-v2-client");
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
            "node", script, hub.Host, "alice/app", "v1", "alice", Password);
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

    [Fact]
    public async Task Sigstore_PushesSignsAndAttaches_ToAPrivateImage()
    {
        string client = Client("artifacts.mjs", "@sigstore", "oci");
        await using HubProgram hub = await HubProgram.StartAsync("--new-repositories", "private");
        foreach (string name in new[] { "alice", "bob" })
            await HubTool.OnAsync(hub.DataDirectory, Password + "\n", "user", "add", name, "--password-stdin");
        string pull = (await HubTool.OnAsync(hub.DataDirectory, "", "token", "create", "alice", "pull", "--scope", "alice/*:pull")).Trim();
        string token = (await HubTool.OnAsync(hub.DataDirectory, "", "token", "create", "alice", "ci")).Trim();
        string[] script = [client, hub.Host, "alice/signed"];
        using JsonDocument pushed = JsonDocument.Parse(await ClientProgram.RunAsync("node", [.. script, "alice", token]));
        // Others cannot, nor can a token that only pulls.
        foreach ((string user, string secret) in new[] { ("bob", Password), ("alice", pull) })
        {
            (int code, string output, string errors) = await ClientProgram.TryAsync("node", [.. script, user, secret]);
            Assert.True(code != 0, output);
            Assert.Contains("statusCode: 403", errors, StringComparison.Ordinal);
        }
        // The signature goes with its digest, and with it the entry in the list.
        string image = pushed.RootElement.GetProperty("image").GetString()!;
        string bundle = pushed.RootElement.GetProperty("bundle").GetString()!;
        await ClientProgram.RunAsync("skopeo", "delete", "--tls-verify=false", "--creds", $"alice:{token}", $"docker://{hub.Host}/alice/signed@{bundle}");
        using HttpClient reader = new() { BaseAddress = hub.Address };
        reader.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", HubTool.Base64($"alice:{token}"));
        using JsonDocument left = JsonDocument.Parse(
            await reader.GetStringAsync(new Uri($"/v2/alice/signed/referrers/{image}", UriKind.Relative)));
        Assert.Empty(left.RootElement.GetProperty("manifests").EnumerateArray());
    }

    /// <summary>The path of a script that uses a package from npm.</summary>
    internal static string Client(string script, params string[] package)
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Join(directory, "Berth.slnx")))
            directory = Path.GetDirectoryName(directory);
        string clients = Path.Join(directory, "test", "clients");
        Assert.SkipUnless(Directory.Exists(Path.Join([clients, "node_modules", .. package])), "the npm clients are missing (./dev setup)");
        return Path.Join(clients, script);
    }
}
