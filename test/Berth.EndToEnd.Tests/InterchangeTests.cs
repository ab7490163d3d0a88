using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using Berth.EndToEnd.Tests.Robustness;

namespace Berth.EndToEnd.Tests;

/// <summary>Images go to and come from tools that we did not write: podman and skopeo by archive, a registry by the wire.</summary>
public sealed class InterchangeTests(EngineFixture engine) : IDisposable
{
    private readonly string _work = Directory.CreateTempSubdirectory("berth-interchange-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Fact]
    public async Task Save_OurArchive_IsReadBySkopeoWithTheSameId()
    {
        Need("/usr/bin/skopeo");
        await BerthAsync("save", "-o", $"{_work}/ours.tar", "busybox:e2e");
        string id = (await BerthAsync("image", "inspect", "-f", "{{.Id}}", "busybox:e2e")).Trim();
        await ToolAsync("skopeo", "copy", $"docker-archive:{_work}/ours.tar", $"oci:{_work}/layout:x");
        string config = await ToolAsync("skopeo", "inspect", "--raw", $"docker-archive:{_work}/ours.tar");
        Assert.Contains(id, config, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_SkopeosArchive_RunsHere()
    {
        Need("/usr/bin/skopeo");
        await BerthAsync("save", "-o", $"{_work}/ours.tar", "busybox:e2e");
        await ToolAsync("skopeo", "copy", $"docker-archive:{_work}/ours.tar", $"oci:{_work}/layout:x");
        await ToolAsync("skopeo", "copy", $"oci:{_work}/layout:x", $"docker-archive:{_work}/theirs.tar:fromskopeo:1");
        Assert.Contains("fromskopeo:1", await BerthAsync("load", "-i", $"{_work}/theirs.tar"), StringComparison.Ordinal);
        Assert.Equal("hello\n", await BerthAsync("run", "--rm", "--network", "none", "fromskopeo:1", "echo", "hello"));
        await BerthAsync("rmi", "fromskopeo:1");
    }

    [Fact]
    public async Task SaveAndLoad_Podman_BothWays()
    {
        Need("/usr/bin/podman");
        string[] podman = ["--root", $"{_work}/root", "--runroot", $"{_work}/run", "--storage-driver", "vfs"];
        await BerthAsync("save", "-o", $"{_work}/ours.tar", "busybox:e2e");
        string loaded = await ToolAsync("podman", [.. podman, "load", "-i", $"{_work}/ours.tar"]);
        Assert.Contains("busybox:e2e", loaded, StringComparison.Ordinal);
        await ToolAsync("podman", [.. podman, "tag", "busybox:e2e", "localhost/frompodman:1"]);
        await ToolAsync("podman", [.. podman, "save", "-o", $"{_work}/theirs.tar", "localhost/frompodman:1"]);
        Assert.Contains("localhost/frompodman:1", await BerthAsync("load", "-i", $"{_work}/theirs.tar"), StringComparison.Ordinal);
        Assert.Equal("hello\n", await BerthAsync("run", "--rm", "--network", "none", "localhost/frompodman:1", "echo", "hello"));
        await BerthAsync("rmi", "localhost/frompodman:1");
    }

    [Fact]
    public async Task Save_OfAPulledImage_HasTheRegistrysOwnBytesAlsoAfterALoad()
    {
        await using MemoryRegistry registry = new(repositories: 1, layers: 2, layerBytes: 50_000);
        string image = $"{registry.Host}/r0:latest";
        string digest = (await BerthAsync("pull", image)).Split('\n')
            .Single(line => line.StartsWith("Digest: ", StringComparison.Ordinal))[8..];
        await BerthAsync("save", "-o", $"{_work}/pulled.tar", image);
        Dictionary<string, byte[]> files = await ReadAsync($"{_work}/pulled.tar");
        JsonElement index = JsonDocument.Parse(files["index.json"]).RootElement.GetProperty("manifests")[0];
        Assert.Equal(digest, index.GetProperty("digest").GetString());
        // The manifest, the configuration and the compressed layers: what the registry has, by its digests.
        JsonElement manifest = JsonDocument.Parse(files[Blob(digest)]).RootElement;
        string[] named = [digest, .. manifest.GetProperty("layers").EnumerateArray().Append(manifest.GetProperty("config"))
            .Select(part => part.GetProperty("digest").GetString()!)];
        Assert.Equal(4, named.Length);
        Assert.Equal(
            named.Select(Blob).Order(), files.Keys.Where(name => name.StartsWith("blobs/sha256/", StringComparison.Ordinal)).Order());
        Assert.All(named, one => Assert.Equal(one, "sha256:" + Convert.ToHexStringLower(SHA256.HashData(files[Blob(one)]))));

        await BerthAsync("rmi", image);
        await BerthAsync("load", "-i", $"{_work}/pulled.tar");
        await BerthAsync("save", "-o", $"{_work}/again.tar", image);
        Dictionary<string, byte[]> again = await ReadAsync($"{_work}/again.tar");
        Assert.Equal(files.Keys.Order(), again.Keys.Order());
        Assert.All(files, file => Assert.Equal(file.Value, again[file.Key]));
        await BerthAsync("rmi", image);
    }

    private static string Blob(string digest) => "blobs/" + digest.Replace(':', '/');

    private static async Task<Dictionary<string, byte[]>> ReadAsync(string archive)
    {
        Dictionary<string, byte[]> files = [];
        await using FileStream stream = File.OpenRead(archive);
        await using TarReader reader = new(stream);
        while (await reader.GetNextEntryAsync(cancellationToken: TestContext.Current.CancellationToken) is { } entry)
        {
            if (entry.EntryType is not TarEntryType.RegularFile)
                continue;
            MemoryStream content = new();
            if (entry.DataStream is { } data)
                await data.CopyToAsync(content, TestContext.Current.CancellationToken);
            files[entry.Name] = content.ToArray();
        }
        return files;
    }

    private static void Need(string program) => Assert.SkipUnless(File.Exists(program), $"{program} is not installed");

    private async Task<string> BerthAsync(params string[] arguments)
    {
        Assert.SkipWhen(engine.Missing is not null, engine.Missing ?? "");
        return await ToolAsync(EngineFixture.Berth, arguments);
    }

    private async Task<string> ToolAsync(string program, params string[] arguments)
    {
        Completed run = await Program.RunAsync(program, arguments, engine.Address);
        Assert.True(run.Code == 0, $"{program} {string.Join(' ', arguments)}: {run.Output}{run.Errors}");
        return run.Output;
    }
}
