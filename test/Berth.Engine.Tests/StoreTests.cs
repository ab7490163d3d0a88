using System.Globalization;
using System.IO.Compression;
using System.Text;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Linux;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Json;
using Berth.Oci.References;

namespace Berth.Engine.Tests;

/// <summary>Images and volumes: what is collected, what is listed, what is copied.</summary>
public sealed class StoreTests : IAsyncLifetime
{
    private TestEngine _test = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IImages Images => _test.Engine.Images;

    public async ValueTask InitializeAsync() => _test = await TestEngine.OpenAsync();

    public ValueTask DisposeAsync() => _test.DisposeAsync();

    [Fact]
    public async Task Load_CollectionInTheGap_KeepsTheLayersBlobs()
    {
        (MemoryStream archive, Digest[] layers) = Archive("one", "two");
        int applied = 0;
        _test.Layers.BeforeApply = async () =>
        {
            // The first layer's blob is stored, and no image names it yet.
            if (++applied != 2)
                return;
            await Images.RemoveAsync("base", force: true, noPrune: false, Cancel);
            await _test.Engine.Parts.Background.DrainAsync();
        };
        await Images.LoadAsync(archive, null, new Progress<ProgressMessage>(), Cancel);
        await _test.Engine.Parts.Background.DrainAsync();
        Assert.Equal(2, applied);
        Assert.All(layers, layer => Assert.True(_test.Engine.Parts.Blobs.Contains(layer)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LoadAndSave_CompressedLayersWithTheirManifest_AreKeptByteForByte(bool isHonest)
    {
        byte[] tar = TestEngine.Tar("file").ToArray(), layer = Compressed(tar), other = Compressed(TestEngine.Tar("other").ToArray());
        byte[] config = OciJson.Write(new ImageConfig
        {
            Architecture = Platform.Host.Architecture, Os = "linux", RootFs = new RootFs { DiffIds = [Digest.Of(tar)] },
        }, OciJson.ImageConfig);
        // What lies names a layer that is not what the image's layer came from.
        byte[] manifest = OciJson.Write(new Manifest
        {
            MediaType = MediaTypes.OciManifest,
            Config = new Descriptor { MediaType = MediaTypes.OciConfig, Digest = Digest.Of(config), Size = config.Length },
            Layers = [new Descriptor
            {
                MediaType = MediaTypes.OciLayerGzip, Digest = Digest.Of(isHonest ? layer : other), Size = (isHonest ? layer : other).Length,
            }],
        }, OciJson.Manifest);
        byte[] index = OciJson.Write(new ImageIndex
        {
            MediaType = MediaTypes.OciIndex,
            Manifests = [new Descriptor { MediaType = MediaTypes.OciManifest, Digest = Digest.Of(manifest), Size = manifest.Length }],
        }, OciJson.ImageIndex);
        string Path(byte[] blob) => $"blobs/sha256/{Digest.Of(blob).Hex}";
        byte[] docker = Encoding.UTF8.GetBytes($$"""[{"Config":"{{Path(config)}}","RepoTags":["kept:1"],"Layers":["{{Path(layer)}}"]}]""");
        MemoryStream archive = TarOf(("manifest.json", docker), ("index.json", index), (Path(config), config), (Path(manifest), manifest),
            (Path(layer), layer), (Path(other), other));
        await Images.LoadAsync(archive, null, new Progress<ProgressMessage>(), Cancel);
        MemoryStream saved = new();
        await using (IArchive image = await Images.SaveAsync(["kept:1"], null, Cancel))
            await image.WriteToAsync(saved, Cancel);
        Dictionary<string, byte[]> members = Members(saved);
        Assert.Equal(config, members[Path(config)]);
        Assert.Equal(isHonest ? manifest : null, members.GetValueOrDefault(Path(manifest)));
        Assert.Equal(isHonest ? layer : null, members.GetValueOrDefault(Path(layer)));
        Assert.Equal(isHonest ? null : tar, members.GetValueOrDefault(Path(tar)));
        Assert.DoesNotContain(Path(other), members.Keys);
        Assert.Contains(Digest.Of(members[Path(isHonest ? layer : tar)]).Hex, Encoding.UTF8.GetString(members["manifest.json"]));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("""{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}]}""")]
    public async Task Load_LayoutThatIsNotWhole_IsPassedOver(string index)
    {
        (MemoryStream archive, Digest[] layers) = Archive([("index.json", Encoding.UTF8.GetBytes(index)),
            ("blobs/sha256/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", [])], "one");
        await Images.LoadAsync(archive, null, new Progress<ProgressMessage>(), Cancel);
        Assert.Equal(layers, _test.Engine.Images.Inspect("loaded:1", null).Config.RootFs.DiffIds);
    }

    [Fact]
    public async Task Remove_WhileSomethingArrives_SaysWhatTheImageAloneHad()
    {
        (MemoryStream archive, Digest[] _) = Archive("one", "two");
        IReadOnlyList<ImageDeletion> removed = [];
        ChainId layer = Assert.Single(_test.Layers.List()).Chain;
        bool isThereMeanwhile = false;
        int applied = 0;
        _test.Layers.BeforeApply = async () =>
        {
            // A layer of what arrives is here and named by nothing: it is not the removed image's.
            if (++applied != 2)
                return;
            removed = await Images.RemoveAsync("base", force: true, noPrune: false, Cancel);
            isThereMeanwhile = _test.Layers.Find(layer) is not null;
        };
        await Images.LoadAsync(archive, null, new Progress<ProgressMessage>(), Cancel);
        await _test.Engine.Parts.Background.DrainAsync();
        Assert.Equal([layer.ToString()], removed.Where(item => item.Deleted is not null).Skip(1).Select(item => item.Deleted));
        Assert.True(isThereMeanwhile);
        Assert.Null(_test.Layers.Find(layer));
    }

    [Fact]
    public async Task Remove_WhileALeftLayerWaits_SaysWhatTheImageAloneHad()
    {
        ChainId layer = Assert.Single(_test.Layers.List()).Chain;
        MemoryStream tar = TestEngine.Tar("left");
        ChainId left = (await _test.Layers.ApplyAsync(null, new DiffId(Digest.Of(tar.ToArray())), tar, Cancel)).Chain;
        IReadOnlyList<ImageDeletion> removed = await Images.RemoveAsync("base", force: true, noPrune: false, Cancel);
        Assert.Equal([layer.ToString()], removed.Where(item => item.Deleted is not null).Skip(1).Select(item => item.Deleted));
        Assert.Null(_test.Layers.Find(left));
    }

    [Fact]
    public async Task Remove_LastImage_CollectsItsBlobs()
    {
        await Images.RemoveAsync("base", force: false, noPrune: false, Cancel);
        await _test.Engine.Parts.Background.DrainAsync();
        Assert.Empty(_test.Engine.Parts.Blobs.List());
        Assert.Empty(_test.Layers.List());
    }

    [Fact]
    public async Task List_ImageOnTheWay_IsShownWithAllOnly()
    {
        (Digest _, Digest child) = await CommitAsync();
        Assert.Equal([child], (await Images.ListAsync(new ImageQuery(), Cancel)).Select(image => image.Id));
        Assert.Equal(2, (await Images.ListAsync(new ImageQuery { All = true }, Cancel)).Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Remove_NoPrune_KeepsUnnamedParents(bool noPrune)
    {
        (Digest parent, Digest _) = await CommitAsync();
        await Images.RemoveAsync("child", force: false, noPrune, Cancel);
        Assert.Equal(noPrune ? [parent] : [], (await Images.ListAsync(new ImageQuery { All = true }, Cancel)).Select(image => image.Id));
    }

    [Fact]
    public async Task CopyUp_LinkOutOfTheImage_CopiesNothingOfTheHost()
    {
        string host = Directory.CreateTempSubdirectory("berth-host-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(host, "secret"), "x");
            await ImportAsync("evil", new TarEntry
            {
                Type = TarEntryType.SymbolicLink, Path = "data"u8.ToArray(), LinkTarget = Encoding.UTF8.GetBytes(host),
            });
            Assert.Empty(await CopiedAsync("evil", "/data"));
            Assert.Empty(await CopiedAsync("evil", "/../../../.." + host));
        }
        finally
        {
            Directory.Delete(host, recursive: true);
        }
    }

    [Fact]
    public async Task CopyUp_LinkWithinTheImage_CopiesItsTarget()
    {
        await ImportAsync("linked",
            new TarEntry { Type = TarEntryType.Directory, Path = "real/"u8.ToArray(), Mode = 0x1ED },
            new TarEntry { Type = TarEntryType.Directory, Path = "real/inside/"u8.ToArray(), Mode = 0x1C0 },
            new TarEntry { Type = TarEntryType.SymbolicLink, Path = "data"u8.ToArray(), LinkTarget = "/real"u8.ToArray() });
        Assert.Equal(["inside"], await CopiedAsync("linked", "/data"));
    }

    /// <summary>A process between fork and exec holds a copy of every descriptor, also of those that are meant to close on exec.</summary>
    [Fact]
    public void DataRoot_GivenFree_CanBeTakenWhileAnotherProcessHoldsACopy()
    {
        string root = Directory.CreateTempSubdirectory("berth-lock-").FullName;
        DataRootLock first = DataRootLock.Take(root);
        Assert.Throws<FaultException>(() => DataRootLock.Take(root));
        using FileDescriptor copy = CopyOf(Path.Combine(root, "engine.lock"));
        first.Dispose();
        DataRootLock.Take(root).Dispose();
        first.Dispose();
        Directory.Delete(root, recursive: true);
    }

    private static FileDescriptor CopyOf(string file)
    {
        string number = Directory.GetFiles("/proc/self/fd").First(own => new FileInfo(own).LinkTarget == file);
        using FileDescriptor own = new(int.Parse(Path.GetFileName(number), CultureInfo.InvariantCulture), ownsHandle: false);
        return own.Duplicate();
    }

    private async Task<string[]> CopiedAsync(string image, string destination)
    {
        string id = (await _test.CreateAsync(
            host: new HostSettings { Binds = [$"{RandomIds.Next()}:{destination}"] },
            config: new ContainerSettings { Image = image, Cmd = ["run"] })).Id;
        ContainerDetails details = await _test.Engine.Containers.InspectAsync(id, false, Cancel);
        return [.. Directory.GetFileSystemEntries(Assert.Single(details.Mounts).Source).Select(path => Path.GetFileName(path)!)];
    }

    private Task ImportAsync(string name, params TarEntry[] entries)
    {
        MemoryStream tar = new();
        TarWriter writer = new(tar);
        foreach (TarEntry entry in entries)
            writer.Write(entry);
        writer.Finish();
        tar.Position = 0;
        return Images.ImportAsync(new ImportRequest { Reference = ImageReference.Parse(name) }, tar, Cancel);
    }

    // An image without a name below one with a name.
    private async Task<(Digest Parent, Digest Child)> CommitAsync()
    {
        string id = (await _test.CreateAsync()).Id;
        Digest child = await _test.Engine.Containers.CommitAsync(
            new CommitRequest { Container = id, Repository = "child", Comment = "child" }, Cancel);
        Digest parent = Images.Inspect("base", null).Summary.Id;
        await Images.RemoveAsync("base", force: true, noPrune: false, Cancel);
        await _test.Engine.Containers.RemoveAsync(id, false, false, Cancel);
        return (parent, child);
    }

    private static (MemoryStream Archive, Digest[] Layers) Archive(params string[] files) => Archive([], files);

    private static (MemoryStream Archive, Digest[] Layers) Archive((string Name, byte[] Bytes)[] others, params string[] files)
    {
        byte[][] layers = [.. files.Select(file => TestEngine.Tar(file).ToArray())];
        Digest[] digests = [.. layers.Select(layer => Digest.Of(layer))];
        byte[] config = OciJson.Write(new ImageConfig
        {
            Architecture = Platform.Host.Architecture, Os = "linux", RootFs = new RootFs { DiffIds = digests },
        }, OciJson.ImageConfig);
        string names = string.Join(',', files.Select(file => $"\"{file}.tar\""));
        byte[] manifest = Encoding.UTF8.GetBytes($$"""[{"Config":"config.json","RepoTags":["loaded:1"],"Layers":[{{names}}]}]""");
        return (TarOf([.. others, ("manifest.json", manifest), ("config.json", config), .. files.Zip(layers, (file, layer) => (file + ".tar", layer))]), digests);
    }

    private static byte[] Compressed(byte[] bytes)
    {
        MemoryStream stream = new();
        using (GZipStream gzip = new(stream, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return stream.ToArray();
    }

    private static Dictionary<string, byte[]> Members(MemoryStream tar)
    {
        Dictionary<string, byte[]> members = [];
        TarReader reader = new(tar.ToArray());
        while (reader.Next() is { } entry)
            members[entry.PathText] = reader.ReadWhole().ToArray();
        return members;
    }

    private static MemoryStream TarOf(params (string Name, byte[] Bytes)[] members)
    {
        MemoryStream archive = new();
        TarWriter writer = new(archive);
        foreach ((string name, byte[] bytes) in members)
            writer.Write(new TarEntry
            {
                Type = TarEntryType.RegularFile, Path = Encoding.UTF8.GetBytes(name), Mode = 0x1A4, Size = bytes.Length,
            }, bytes);
        writer.Finish();
        archive.Position = 0;
        return archive;
    }
}
