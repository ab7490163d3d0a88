using System.Net;
using System.Text.Json.Nodes;

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

    [Fact]
    public async Task EverythingThatDockerRegistryTakes_IsTheSameInAHubThatServes()
    {
        await using DebianRegistry registry = await DebianRegistry.StartAsync();
        using HttpClient source = new() { BaseAddress = new Uri($"http://{registry.Host}") };
        var pusher = new RegistryPusher(source);
        using var image = new SampleImage(layers: 1);
        // By skopeo: Docker's format, and the signed one of before, which a hub does not store.
        foreach (string format in new[] { "v2s2", "v2s1" })
            await SkopeoAsync("--dest-tls-verify=false", "--format", format, $"oci:{image.Layout}:latest", $"docker://{registry.Host}/team/docker:{format}");
        const string Deep = "team/with/many/parts/of-a.name";
        (JsonObject one, JsonObject two) = (await pusher.ImageAsync(Deep, "v1"), await pusher.ImageAsync(Deep, null));
        JsonObject index = await pusher.IndexAsync(Deep, null, one, two);
        JsonObject nested = await pusher.IndexAsync(Deep, "nested", index);
        JsonObject signature = await pusher.ImageAsync(Deep, null, subject: one);
        JsonObject fallback = await pusher.IndexAsync(Deep, DigestOf(one).Replace(':', '-'), signature);
        JsonObject alone = await pusher.ImageAsync("team/untyped", "v1", saysType: false);
        JsonObject longDigest = await pusher.ImageAsync("team/sha512", "v1", algorithm: "sha512");
        // A layer that came by a mount, of an image by whose digest alone it is there.
        await SkopeoAsync(
            "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false", $"docker://{registry.Host}/team/untyped:v1",
            $"docker://{registry.Host}/other/mounted@{DigestOf(alone)}");
        JsonObject deleted = await pusher.ImageAsync("team/gone", "v1");
        await ClientProgram.RunAsync("skopeo", "delete", "--tls-verify=false", $"docker://{registry.Host}/team/gone:v1");
        await pusher.LeaveAsync("team/unfinished", new byte[1000]);

        await using HubProgram hub = await HubProgram.StartAsync();
        string[] import = ["import", registry.Data, "--visibility", "public", "--data", hub.DataDirectory];
        (int code, string said) = await HubProgram.RunAsync(import);
        Assert.Equal(1, code);
        Assert.Contains("schemaVersion must be 2", said, StringComparison.Ordinal);
        Assert.Contains("skipped team/docker:v2s1: its manifest", said, StringComparison.Ordinal);
        Assert.Contains("import: 2 things were left out", said, StringComparison.Ordinal);
        string names = await source.GetStringAsync(Relative("/v2/team/docker/tags/list"));
        Assert.Contains("v2s1", names, StringComparison.Ordinal);

        using HttpClient target = new() { BaseAddress = hub.Address };
        (string Repository, string Reference)[] all =
        [
            ("team/docker", "v2s2"), (Deep, "v1"), (Deep, DigestOf(two)), (Deep, DigestOf(index)), (Deep, "nested"), (Deep, DigestOf(nested)),
            (Deep, DigestOf(signature)), (Deep, DigestOf(one).Replace(':', '-')), (Deep, DigestOf(fallback)), ("team/untyped", "v1"),
            ("other/mounted", DigestOf(alone)), ("team/sha512", "v1"), ("team/sha512", DigestOf(longDigest)),
        ];
        foreach ((string repository, string reference) in all)
            await RequireSameAsync(source, target, repository, reference);
        Assert.Contains(DigestOf(signature), await target.GetStringAsync(Relative($"/v2/{Deep}/referrers/{DigestOf(one)}")), StringComparison.Ordinal);
        foreach (string gone in new[] { "v1", DigestOf(deleted) })
        {
            using HttpResponseMessage answer = await target.GetAsync(Relative($"/v2/team/gone/manifests/{gone}"));
            Assert.NotEqual(HttpStatusCode.OK, answer.StatusCode);
        }

        // Again, after damage: nothing is doubled, and what is here stays as it is.
        foreach (string blob in Directory.EnumerateFiles(Path.Join(registry.Data, "docker", "registry", "v2", "blobs"), "data", SearchOption.AllDirectories))
            await File.WriteAllTextAsync(blob, "damaged");
        (code, said) = await HubProgram.RunAsync(import);
        Assert.Equal(1, code);
        Assert.Contains(" 0 new manifests,", said, StringComparison.Ordinal);
        Assert.Contains(" 0 new blobs", said, StringComparison.Ordinal);
        Assert.Contains($"skipped {Deep}@{DigestOf(one)}: its bytes are not of that digest", said, StringComparison.Ordinal);
        DirectoryInfo pulled = Directory.CreateTempSubdirectory("berth-import-");
        try
        {
            await SkopeoAsync("--all", "--preserve-digests", "--src-tls-verify=false", $"docker://{hub.Host}/{Deep}@{DigestOf(index)}", $"dir:{pulled.FullName}");
        }
        finally
        {
            pulled.Delete(recursive: true);
        }
    }

    // The document, byte by byte, its type, and every blob that it names.
    private static async Task RequireSameAsync(HttpClient source, HttpClient target, string repository, string reference)
    {
        (byte[] bytes, string type) = await ManifestAsync(source, repository, reference);
        (byte[] here, string typeHere) = await ManifestAsync(target, repository, reference);
        Assert.Equal(bytes, here);
        Assert.Equal(type, typeHere);
        JsonNode manifest = JsonNode.Parse(bytes)!;
        JsonNode?[] blobs = [manifest["config"], .. manifest["layers"]?.AsArray() ?? []];
        foreach (JsonNode blob in blobs.OfType<JsonNode>())
        {
            string path = $"/v2/{repository}/blobs/{DigestOf(blob)}";
            Assert.Equal(await source.GetByteArrayAsync(Relative(path)), await target.GetByteArrayAsync(Relative(path)));
        }
    }

    private static async Task<(byte[] Bytes, string Type)> ManifestAsync(HttpClient client, string repository, string reference)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, Relative($"/v2/{repository}/manifests/{reference}"));
        foreach (string type in new[] { RegistryPusher.ImageType, RegistryPusher.IndexType, "application/vnd.docker.distribution.manifest.v2+json" })
            request.Headers.Accept.ParseAdd(type);
        using HttpResponseMessage answer = await client.SendAsync(request);
        byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{client.BaseAddress} {repository} {reference}: {answer.StatusCode}");
        return (bytes, answer.Content.Headers.ContentType!.MediaType!);
    }

    private static string DigestOf(JsonNode descriptor) => descriptor["digest"]!.GetValue<string>();

    private static Uri Relative(string path) => new(path, UriKind.Relative);

    private static Task<string> SkopeoAsync(params string[] arguments) =>
        ClientProgram.RunAsync("skopeo", ["--insecure-policy", "copy", .. arguments]);
}
