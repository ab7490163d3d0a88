using System.Net;
using Berth.Faults;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Oci.References;
using Microsoft.AspNetCore.Http;

namespace Berth.Distribution.Tests;

public sealed class PullTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pull_Image_KeepsBytesUnpacksAndReports()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        Descriptor manifest = registry.AddImage("1", layers: 5, bytes: 100_000);
        using Rig rig = new();
        using (PullResult result = await rig.PullAsync($"{registry.Host}/a/b:1"))
        {
            Assert.Equal(1, rig.Blobs.OpenLeases);
            Assert.Equal(manifest.Digest, result.Target.Digest);
            Assert.Equal(5, rig.Layers.Tars.Count);
            Assert.All(result.Layers, layer => Assert.Equal(registry.Blobs[layer.Digest.ToString()], rig.Blobs.Get(layer.Digest)));
            Assert.Equal(registry.Manifests["1"].Bytes, rig.Blobs.Get(manifest.Digest));
            Assert.True(result.IsNewer);
            string[] lines = [.. rig.Events.Lines];
            Assert.Equal("1: Pulling from a/b", lines[0]);
            Assert.Equal(5, lines.Count(line => line.EndsWith(": Pulling fs layer", StringComparison.Ordinal)));
            Assert.Equal(5, lines.Count(line => line.EndsWith(": Pull complete", StringComparison.Ordinal)));
            Assert.Equal([$"Digest: {manifest.Digest}", $"Status: Downloaded newer image for {registry.Host}/a/b:1"], lines[^2..]);
        }
        Assert.Equal(0, rig.Blobs.OpenLeases);
    }

    [Fact]
    public async Task Pull_Again_FetchesNoLayer()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 2, bytes: 1000);
        using Rig rig = new();
        using PullResult first = await rig.PullAsync($"{registry.Host}/a:1");
        registry.Requests.Clear();
        using PullResult again = await rig.PullAsync($"{registry.Host}/a:1", current: first.ImageId);
        Assert.False(again.IsNewer);
        Assert.Equal($"Status: Image is up to date for {registry.Host}/a:1", rig.Events.Lines.Last());
        Assert.DoesNotContain(registry.Requests, request => first.Layers.Any(layer => request.EndsWith(layer.Digest.ToString(), StringComparison.Ordinal)));
        using PullResult other = await rig.PullAsync($"{registry.Host}/a:1");
        Assert.Equal(2, rig.Events.Lines.Count(line => line.EndsWith(": Already exists", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Pull_Zstd_IsUnpackedByContent()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        byte[] tar = new byte[70_000];
        new System.Random(3).NextBytes(tar.AsSpan(0, 1000));
        using ZstdSharp.Compressor zstd = new();
        Descriptor blob = registry.AddBlob(zstd.Wrap(tar).ToArray(), MediaTypes.OciLayerGzip);
        registry.AddImage("z", Config(Digest.Of(tar)), [blob]);
        using Rig rig = new();
        using PullResult result = await rig.PullAsync($"{registry.Host}/a:z");
        Assert.Equal(tar, rig.Layers.Tars.Single().Value);
    }

    [Fact]
    public async Task Pull_ConnectionsBreak_GoesOnWhereItStopped()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 3, bytes: 400_000);
        System.Random random = new(7);
        int breaks = 0;
        registry.Misbehave = async context =>
        {
            string digest = ((string)context.Request.Path!).Split('/')[^1];
            if (!registry.Blobs.TryGetValue(digest, out byte[]? blob) || blob.Length < 10_000 || Interlocked.Increment(ref breaks) > 8)
                return false;
            string range = context.Request.Headers.Range.ToString();
            int from = range.Length == 0 ? 0 : int.Parse(range["bytes=".Length..^1]);
            int length;
            lock (random)
                length = random.Next(1, blob.Length - from);
            context.Response.StatusCode = from == 0 ? 200 : 206;
            if (from > 0)
                context.Response.Headers.ContentRange = $"bytes {from}-{blob.Length - 1}/{blob.Length}";
            context.Response.ContentLength = blob.Length - from;
            await context.Response.Body.WriteAsync(blob.AsMemory(from, length));
            await context.Response.Body.FlushAsync();
            context.Abort();
            return true;
        };
        using Rig rig = new(new RegistryOptions { Attempts = 20 });
        using PullResult result = await rig.PullAsync($"{registry.Host}/a:1");
        Assert.Equal(3, rig.Layers.Tars.Count);
        Assert.True(breaks > 8);
    }

    [Fact]
    public async Task Pull_PartOfAnEarlierProcess_AsksForTheRestOnly()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 1, bytes: 50_000);
        (string name, byte[] blob) = registry.Blobs.Single(entry => entry.Value.Length > 10_000);
        string? range = null;
        registry.Misbehave = context =>
        {
            range = ((string)context.Request.Path!).EndsWith(name, StringComparison.Ordinal) ? context.Request.Headers.Range.ToString() : range;
            return Task.FromResult(false);
        };
        using Rig rig = new();
        rig.Blobs.PutPartial(Digest.Parse(name), blob[..20_000]);
        using PullResult result = await rig.PullAsync($"{registry.Host}/a:1");
        Assert.Equal("bytes=20000-", range);
        Assert.Single(rig.Layers.Tars);
    }

    [Fact]
    public async Task Pull_PartOfAnEarlierProcessIsWrong_BeginsAgain()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 1, bytes: 50_000);
        string name = registry.Blobs.Single(entry => entry.Value.Length > 10_000).Key;
        using Rig rig = new();
        rig.Blobs.PutPartial(Digest.Parse(name), new byte[20_000]);
        using PullResult result = await rig.PullAsync($"{registry.Host}/a:1");
        Assert.Single(rig.Layers.Tars);
    }

    [Fact]
    public async Task Pull_TwiceAtOnce_SharesDownloads()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 2, bytes: 200_000);
        TaskCompletionSource gate = new();
        int manifests = 0;
        registry.Misbehave = async context =>
        {
            string path = context.Request.Path!;
            if (path.Contains("/manifests/", StringComparison.Ordinal) && Interlocked.Increment(ref manifests) == 2)
                gate.TrySetResult();
            if (registry.Blobs.TryGetValue(path.Split('/')[^1], out byte[]? blob) && blob.Length > 10_000)
                await gate.Task.WaitAsync(TimeSpan.FromSeconds(30));
            return false;
        };
        using Rig rig = new();
        Task<PullResult> one = rig.PullAsync($"{registry.Host}/a:1"), two = rig.PullAsync($"{registry.Host}/a:1");
        (await one).Dispose();
        (await two).Dispose();
        foreach (string digest in registry.Blobs.Where(blob => blob.Value.Length > 10_000).Select(blob => blob.Key))
            Assert.InRange(registry.Requests.Count(request => request.EndsWith(digest, StringComparison.Ordinal)), 1, 1);
    }

    [Fact]
    public async Task Pull_Layers_AreFetchedThreeAtOnceAndNoMore()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 5, bytes: 20_000);
        int running = 0, most = 0, begun = 0;
        Lock counting = new();
        TaskCompletionSource threeAreThere = new();
        registry.Misbehave = async context =>
        {
            string digest = ((string)context.Request.Path!).Split('/')[^1];
            if (!registry.Blobs.TryGetValue(digest, out byte[]? blob) || blob.Length < 10_000)
                return false;
            lock (counting)
            {
                most = Math.Max(most, ++running);
                if (++begun == 3)
                    threeAreThere.TrySetResult();
            }
            // Nobody gets an answer before three have asked: one after the other they would wait in vain.
            await threeAreThere.Task.WaitAsync(TimeSpan.FromSeconds(30));
            lock (counting)
                running--;
            return false;
        };
        using Rig rig = new();
        using PullResult result = await rig.PullAsync($"{registry.Host}/a:1");
        Assert.Equal((5, 3), (rig.Layers.Tars.Count, most));
    }

    [Fact]
    public async Task Pull_DockersManifestAndList_AreTakenAndPushedOnAsTheyAre()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        byte[] tar = new byte[1000];
        Descriptor config = registry.AddBlob(OciJson.Write(Config(Digest.Of(tar)), OciJson.ImageConfig), MediaTypes.DockerConfig);
        Descriptor layer = registry.AddBlob(FakeRegistry.Gzip(tar), MediaTypes.DockerLayerGzip);
        Manifest parts = new() { MediaType = MediaTypes.DockerManifest, Config = config, Layers = [layer] };
        byte[] bytes = OciJson.Write(parts, OciJson.Manifest);
        Descriptor manifest = registry.AddManifest("single", MediaTypes.DockerManifest, bytes);
        Descriptor list = registry.AddManifest("list", MediaTypes.DockerManifestList, OciJson.Write(
            new ImageIndex
            {
                MediaType = MediaTypes.DockerManifestList,
                Manifests = [manifest with { Platform = new Platform { Os = "linux", Architecture = "amd64" } }],
            },
            OciJson.ImageIndex));
        using Rig rig = new();
        foreach ((string tag, Descriptor target) in new[] { ("single", manifest), ("list", list) })
        {
            using PullResult result = await rig.PullAsync($"{registry.Host}/a:{tag}", platform: Platform.Parse("linux/amd64"));
            Assert.Equal((target.Digest, manifest.Digest), (result.Target.Digest, result.Manifest.Descriptor.Digest));
            Assert.Equal((MediaTypes.DockerManifest, config.Digest), (result.Manifest.Descriptor.MediaType, result.ImageId));
            Assert.Equal(tar, Assert.Single(rig.Layers.Tars).Value);
        }
        Assert.SkipUnless(PeerTests.RealRegistry.IsInstalled, "docker-registry is not installed");
        await using PeerTests.RealRegistry other = await PeerTests.RealRegistry.StartAsync(locked: false, Cancel);
        using PullResult image = await rig.PullAsync($"{registry.Host}/a:list", platform: Platform.Parse("linux/amd64"));
        Assert.Equal(manifest.Digest, (await rig.PushAsync($"{other.Host}/b:1", image)).Manifest.Descriptor.Digest);
        using Rig fresh = new();
        using PullResult back = await fresh.PullAsync($"{other.Host}/b:1");
        Assert.Equal(bytes, back.Manifest.Bytes.ToArray());
        Assert.Equal(MediaTypes.DockerManifest, back.Manifest.Descriptor.MediaType);
    }

    [Fact]
    public async Task Pull_BlobIsNotItsDigest_KeepsNothing()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 1, bytes: 50_000);
        string name = registry.Blobs.Single(entry => entry.Value.Length > 10_000).Key;
        registry.Blobs[name] = [.. registry.Blobs[name][..^1], (byte)(registry.Blobs[name][^1] ^ 1)];
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1"));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.False(rig.Blobs.Contains(Digest.Parse(name)));
        Assert.Equal(0, rig.Blobs.OpenLeases);
    }

    [Fact]
    public async Task Pull_DiffIdLies_IsRefused()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        Descriptor blob = registry.AddBlob(FakeRegistry.Gzip(new byte[1000]), MediaTypes.OciLayerGzip);
        registry.AddImage("1", Config(Digest.Of([1])), [blob]);
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1"));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        Assert.Empty(rig.Layers.Tars);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task Pull_SizeLies_IsRefused(int off)
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        Descriptor blob = registry.AddBlob(FakeRegistry.Gzip(new byte[1000]), MediaTypes.OciLayerGzip);
        registry.AddImage("1", Config(Digest.Of(new byte[1000])), [blob with { Size = blob.Size + off }]);
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1"));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }

    [Fact]
    public async Task Pull_Bomb_StopsAtTheLimit()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        byte[] tar = new byte[20_000_000];
        Descriptor blob = registry.AddBlob(FakeRegistry.Gzip(tar), MediaTypes.OciLayerGzip);
        registry.AddImage("1", Config(Digest.Of(tar)), [blob]);
        using Rig rig = new(new RegistryOptions { UncompressedLayerBytesMax = 1_000_000 });
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1"));
        Assert.Contains("larger than the limit", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_ManifestByDigestIsAnother_IsRefused()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", layers: 1, bytes: 10);
        Digest wanted = Digest.Of("other"u8);
        registry.Manifests[wanted.ToString()] = registry.Manifests["1"];
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a@{wanted}"));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
    }

    [Theory]
    [InlineData("""{"schemaVersion":2,"manifests":[],"layers":[],"config":{}}""", FaultKind.InvalidArgument, "both a manifest and an index")]
    [InlineData("""{"schemaVersion":2,"manifests":[],"Layers":[]}""", FaultKind.InvalidArgument, "both a manifest and an index")]
    [InlineData("""{"schemaVersion":2}""", FaultKind.InvalidArgument, "neither")]
    [InlineData("""{"schemaVersion":1,"fsLayers":[],"signatures":[]}""", FaultKind.NotSupported, "schema 1")]
    [InlineData("""{"layers":[],"layers":[]}""", FaultKind.InvalidArgument, "two fields")]
    [InlineData("[]", FaultKind.InvalidArgument, "not a JSON object")]
    [InlineData("<html>", FaultKind.InvalidArgument, "not JSON")]
    [InlineData("", FaultKind.InvalidArgument, "not JSON")]
    [InlineData("""{"layers":null,"config":null}""", FaultKind.InvalidArgument, "manifest")]
    [InlineData("""{"layers":[null],"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":1}}""", FaultKind.InvalidArgument, "manifest")]
    public async Task Pull_HostileManifest_IsAFault(string json, FaultKind kind, string part)
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddManifest("1", "application/json", System.Text.Encoding.UTF8.GetBytes(json));
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1"));
        Assert.Equal(kind, fault.Kind);
        Assert.Contains(part, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_HugeManifest_IsRefused()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddManifest("1", MediaTypes.OciManifest, new byte[OciJson.DocumentBytesMax + 1]);
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1"));
        Assert.Contains("larger than the limit", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_Index_TakesThePlatformAsked()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        Descriptor amd = registry.AddImage("amd", 1, 100, "amd64", 1), arm = registry.AddImage("arm", 1, 100, "arm64", 2);
        Descriptor index = registry.AddManifest("1", MediaTypes.OciIndex, OciJson.Write(
            new ImageIndex
            {
                MediaType = MediaTypes.OciIndex,
                Manifests =
                [
                    arm with { Platform = new Platform { Os = "linux", Architecture = "arm64", Variant = "v8" } },
                    amd with { Platform = new Platform { Os = "linux", Architecture = "amd64" } },
                ],
            },
            OciJson.ImageIndex));
        using Rig rig = new();
        using PullResult result = await rig.PullAsync($"{registry.Host}/a:1", platform: Platform.Parse("linux/arm64"));
        Assert.Equal((index.Digest, arm.Digest), (result.Target.Digest, result.Manifest.Descriptor.Digest));
        Assert.NotNull(result.Index);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(
            () => rig.PullAsync($"{registry.Host}/a:1", platform: Platform.Parse("linux/s390x")));
        Assert.Equal("no matching manifest for linux/s390x in the manifest list entries", fault.Message);
        RemoteImage seen = await rig.Distribution.ResolveAsync(ImageReference.Parse($"{registry.Host}/a:1"), Platform.Parse("amd64"), null, Cancel);
        Assert.Equal(amd.Digest, seen.Manifest.Descriptor.Digest);
    }

    [Theory]
    [InlineData(401, "UNAUTHORIZED", "authentication required", FaultKind.Unauthorized, "unauthorized: authentication required")]
    [InlineData(403, "DENIED", "requested access to the resource is denied", FaultKind.NotFound,
        "pull access denied for HOST/a, repository does not exist or may require 'docker login': denied: requested access to the resource is denied")]
    [InlineData(404, "MANIFEST_UNKNOWN", "manifest unknown", FaultKind.NotFound, "manifest for HOST/a:1 not found: manifest unknown: manifest unknown")]
    [InlineData(429, "TOOMANYREQUESTS", "slow down", FaultKind.Unavailable, "toomanyrequests: slow down")]
    public async Task Pull_Refused_SaysItAsDockerDoes(int status, string code, string message, FaultKind kind, string expected)
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.Misbehave = async context =>
        {
            if (context.Request.Path == "/v2/")
                return false;
            await FakeRegistry.ErrorAsync(context, status, code, message);
            return true;
        };
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1"));
        Assert.Equal((kind, expected.Replace("HOST", registry.Host)), (fault.Kind, fault.Message));
    }

    [Fact]
    public async Task Pull_ServerErrors_TriesAgainThenSaysSo()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", 1, 100);
        int left = 3;
        registry.Misbehave = context =>
        {
            bool fails = Interlocked.Decrement(ref left) >= 0;
            context.Response.StatusCode = fails ? 500 : 200;
            return Task.FromResult(fails);
        };
        using Rig rig = new();
        (await rig.PullAsync($"{registry.Host}/a:1")).Dispose();
        left = int.MaxValue;
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1"));
        Assert.Equal("received unexpected HTTP status: 500 Internal Server Error", fault.Message);
    }

    [Fact]
    public async Task Pull_StandingStill_IsBrokenOffAndResumed()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", 1, 60_000);
        int stalls = 0;
        registry.Misbehave = async context =>
        {
            if (!registry.Blobs.TryGetValue(((string)context.Request.Path!).Split('/')[^1], out byte[]? blob) || blob.Length < 10_000
                || Interlocked.Increment(ref stalls) > 1)
                return false;
            context.Response.ContentLength = blob.Length;
            await context.Response.Body.WriteAsync(blob.AsMemory(0, 5000));
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };
        using Rig rig = new(new RegistryOptions { IdleTimeout = TimeSpan.FromSeconds(2) });
        using PullResult result = await rig.PullAsync($"{registry.Host}/a:1");
        Assert.True(stalls > 1, $"{stalls}");
    }

    [Fact]
    public async Task Pull_NobodyListens_SaysConnectionRefused()
    {
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync("127.0.0.1:1/a:1"));
        Assert.Equal((FaultKind.Unavailable, "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused: is the registry running, and is that its port?"), (fault.Kind, fault.Message));
    }

    [Fact]
    public async Task Pull_ForeignLayer_IsRefusedBeforeAnythingIsFetched()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        Descriptor blob = registry.AddBlob(FakeRegistry.Gzip([1]), MediaTypes.DockerForeignLayerGzip) with { Urls = ["http://127.0.0.1:1/x"] };
        registry.AddImage("1", Config(Digest.Of([1])), [blob]);
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1"));
        Assert.Equal(FaultKind.NotSupported, fault.Kind);
        Assert.DoesNotContain(registry.Requests, request => request.EndsWith(blob.Digest.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pull_LayerCountDiffersFromConfig_IsRefused()
    {
        await using FakeRegistry registry = await FakeRegistry.StartAsync();
        registry.AddImage("1", Config(Digest.Of([1]), Digest.Of([2])), [registry.AddBlob([1], MediaTypes.OciLayer)]);
        using Rig rig = new();
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => rig.PullAsync($"{registry.Host}/a:1"));
        Assert.Contains("2 diff IDs for 1 layers", fault.Message, StringComparison.Ordinal);
    }

    internal static ImageConfig Config(params Digest[] diffs) =>
        new() { Os = "linux", Architecture = "amd64", RootFs = new RootFs { DiffIds = diffs } };
}
