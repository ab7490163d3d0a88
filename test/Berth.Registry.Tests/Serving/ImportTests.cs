using System.Net;
using System.Security.Cryptography;
using System.Text;
using Berth.Registry.Diary;
using Berth.Registry.Model;
using Berth.Registry.Operation.Import;
using Berth.Registry.Repositories;
using Berth.Registry.Retention;
using Berth.Registry.Tests.Database;

namespace Berth.Registry.Tests.Serving;

/// <summary>What folders of docker-registry hold beside the usual.</summary>
public sealed class ImportTests : IAsyncLifetime
{
    private static readonly byte[] s_config =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"u8.ToArray();

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-import-");
    private RunningHub _hub = null!;

    public async ValueTask InitializeAsync() => _hub = await RunningHub.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Blob_ThatCameUnderSha512_IsFoundByItsRepositorysLink()
    {
        // docker-registry keeps the bytes under their sha256 alone.
        byte[] layer = "a layer with a long digest"u8.ToArray();
        string sha512 = Convert.ToHexStringLower(SHA512.HashData(layer));
        string manifest = WriteImage("lab/long", "v1", layer, $"sha512:{sha512}");
        Write($"repositories/lab/long/_layers/sha512/{sha512}/link", RunningHub.DigestOf(layer));
        ImportReport report = await ImportAsync();
        Assert.Equal((0, 1, 1, 2), (report.Skipped.Count, report.Manifests, report.Tags, report.Blobs));
        foreach ((string path, string content) in new[]
        {
            ("manifests/v1", manifest), ($"blobs/sha512:{sha512}", Encoding.UTF8.GetString(layer)),
        })
        {
            using HttpResponseMessage answer = await _hub.SendAsync(HttpMethod.Get, $"/v2/lab/long/{path}");
            Assert.Equal((HttpStatusCode.OK, content), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        }
    }

    [Fact]
    public async Task Link_ToOtherBytes_IsNotBelieved()
    {
        byte[] layer = "what was pushed"u8.ToArray();
        string sha512 = Convert.ToHexStringLower(SHA512.HashData("something else"u8));
        WriteImage("lab/wrong", "v1", layer, $"sha512:{sha512}");
        Write($"repositories/lab/wrong/_layers/sha512/{sha512}/link", RunningHub.DigestOf(layer));
        ImportReport report = await ImportAsync();
        Assert.Contains($"lab/wrong: blob sha512:{sha512} is damaged", report.Skipped);
        Assert.Equal((0, 0), (report.Manifests, report.Tags));
    }

    [Fact]
    public async Task Signatures_OfAnOldRegistry_AreNoManifests()
    {
        string digest = RunningHub.DigestOf(Encoding.UTF8.GetBytes(WriteImage("lab/old", "v1", "x"u8.ToArray())));
        byte[] signature = "{\"header\":{},\"signature\":\"abc\"}"u8.ToArray();
        WriteBlob(signature);
        Write(
            $"repositories/lab/old/_manifests/revisions/sha256/{digest[7..]}/signatures/sha256/{RunningHub.DigestOf(signature)[7..]}/link",
            RunningHub.DigestOf(signature));
        ImportReport report = await ImportAsync();
        Assert.Empty(report.Skipped);
        Assert.Equal((1, 1), (report.Manifests, report.Tags));
    }

    [Fact]
    public async Task Tag_ThatIsImmutableHere_StaysAndIsNamed()
    {
        string first = WriteImage("lab/app", "v1", "first"u8.ToArray());
        await ImportAsync();
        await _hub.Services.Database.WriteAsync(
            async (transaction, token) =>
            {
                RepositoryRow repository = await RepositoryTable.FindOrCreateAsync(transaction, RepositoryName.Parse("lab/app"), "public", 0, token);
                await FrozenTags.AddAsync(transaction, repository.Id, TagPattern.Parse("v*"), "alice", 0, token);
                return true;
            }, default);
        WriteImage("lab/app", "v1", "second"u8.ToArray());
        WriteImage("lab/next", "v1", "third"u8.ToArray());
        ImportReport report = await ImportAsync();
        Assert.Contains("immutable by the rule \"v*\"", Assert.Single(report.Skipped), StringComparison.Ordinal);
        // All else is here.
        Assert.Equal((2, 1), (report.Manifests, report.Tags));
        using HttpResponseMessage kept = await _hub.SendAsync(HttpMethod.Get, "/v2/lab/app/manifests/v1");
        Assert.Equal(first, await kept.Content.ReadAsStringAsync());
    }

    private Task<ImportReport> ImportAsync() =>
        new RegistryImport(_hub.Services).RunAsync(RunningHub.Operator, _folder.FullName, "public", default);

    // The manifest's text; its layer may be named by another digest than the bytes'.
    private string WriteImage(string repository, string tag, byte[] layer, string? layerDigest = null)
    {
        WriteBlob(s_config);
        WriteBlob(layer);
        string manifest = $$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{RunningHub.DigestOf(s_config)}}","size":{{s_config.Length}}},
            "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{layerDigest ?? RunningHub.DigestOf(layer)}}",
            "size":{{layer.Length}}}]}
            """;
        byte[] bytes = Encoding.UTF8.GetBytes(manifest);
        string digest = RunningHub.DigestOf(bytes);
        WriteBlob(bytes);
        Write($"repositories/{repository}/_manifests/revisions/sha256/{digest[7..]}/link", digest);
        Write($"repositories/{repository}/_manifests/tags/{tag}/current/link", digest);
        return manifest;
    }

    private void WriteBlob(byte[] content)
    {
        string hex = RunningHub.DigestOf(content)[7..];
        Write($"blobs/sha256/{hex[..2]}/{hex}/data", Encoding.UTF8.GetString(content));
    }

    private void Write(string path, string text)
    {
        string full = Path.Join(_folder.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
