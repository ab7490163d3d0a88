using System.IO.Compression;
using System.Text.Json;
using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Layers.Trees;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Oci;

namespace Berth.Layers.Tests;

/// <summary>What layers must carry unchanged, and layers that other tools made.</summary>
public sealed class RoundTripTests : IDisposable
{
    private static readonly byte[] s_notText = [0xff, 0x00, 0xfe, 0x0a, 0x80];
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task Capabilities_AndAttributesThatAreNoText_AreKept()
    {
        await using OverlayLayerStore store = new(_scratch["store"]);
        WritableLayer writable = store.CreateWritable("c1", null);
        string file = Path.Combine(writable.UpperDirectory, "ping");
        File.WriteAllText(file, "x");
        Shell.Run($"setcap cap_net_raw+ep {file}");
        using (FileDescriptor upper = FileCalls.OpenDirectory(writable.UpperDirectory))
        {
            Assert.Equal(0, FileCalls.TrySetAttribute(upper, "ping\0"u8, "user.bin\0"u8, s_notText));
            Assert.Equal(0, FileCalls.TrySetAttribute(upper, "ping\0"u8, "trusted.overlay.origin\0"u8, s_notText));
            Assert.Equal(0, FileCalls.TrySetAttribute(upper, "ping\0"u8, "trusted.machine\0"u8, s_notText));
        }
        Layer layer = await store.CommitAsync("c1", Tars.Cancel);
        using MemoryStream tar = new();
        await store.WriteTarAsync(layer.Chain, tar, Tars.Cancel);
        await using OverlayLayerStore other = new(_scratch["other"]);
        Layer copy = await Tars.ApplyAsync(other, null, tar.ToArray());
        Assert.Contains("cap_net_raw=ep", Shell.Run($"getcap {copy.Directories[0]}/ping"));
        using FileDescriptor tree = FileCalls.OpenDirectory(copy.Directories[0]);
        Assert.Equal(s_notText, FileCalls.GetAttribute(tree, "ping\0"u8, "user.bin\0"u8));
        Assert.Null(FileCalls.GetAttribute(tree, "ping\0"u8, "trusted.machine\0"u8));
    }

    [Fact]
    public async Task Capabilities_OfGnuTar_AreKept()
    {
        Shell.Run($"mkdir {_scratch["t"]}; cp /bin/true {_scratch["t"]}/p; setcap cap_net_bind_service+ep {_scratch["t"]}/p; "
            + $"tar -c --xattrs --xattrs-include='*' -f {_scratch["t.tar"]} -C {_scratch["t"]} .");
        await using OverlayLayerStore store = new(_scratch["store"]);
        Layer layer = await Tars.ApplyAsync(store, null, await File.ReadAllBytesAsync(_scratch["t.tar"], Tars.Cancel));
        Assert.Contains("cap_net_bind_service=ep", Shell.Run($"getcap {layer.Directories[0]}/p"));
    }

    [Fact]
    public async Task Extract_SetIdDuplicatesAndEntriesBehindTheEnd_AreAsInTar()
    {
        byte[] behind = Tars.Of([(Tars.File("behind"), "x")]);
        byte[] tar = [.. Tars.Of([
            (Tars.File("su") with { Mode = 0x9ED, Uid = 0 }, "x"), (Tars.File("sg") with { Mode = 0x5ED, Uid = 7, Gid = 8 }, "x"),
            (Tars.File("twice") with { Mode = 0x9ED }, "first"), (Tars.File("twice"), "second"),
            (Tars.Dir("d") with { Mode = 0x3FF, Uid = 5 }, ""), (Tars.File("d/kept"), "x"), (Tars.Dir("d") with { Mode = 0x1C0 }, "")]), .. behind];
        await using OverlayLayerStore store = new(_scratch["store"]);
        Layer layer = await Tars.ApplyAsync(store, null, tar);
        Assert.Equal("d 700 0 0\nd/kept 644 0 0\nsg 2755 7 8\nsu 4755 0 0\ntwice 644 0 0\n",
            Shell.Run($"cd {layer.Directories[0]}; find . -mindepth 1 -printf '%P %m %U %G\\n' | sort"));
        Assert.Equal("second", File.ReadAllText(Path.Combine(layer.Directories[0], "twice")));
    }

    [Fact]
    public async Task Commit_NamesLikeWhiteouts_AreRefused()
    {
        await using OverlayLayerStore store = new(_scratch["store"]);
        WritableLayer writable = store.CreateWritable("c1", null);
        File.WriteAllText(Path.Combine(writable.UpperDirectory, ".wh.etc"), "");
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => store.CommitAsync("c1", Tars.Cancel));
        Assert.Contains(".wh.etc", fault.Message);
        Assert.NotNull(store.FindWritable("c1"));
    }

    [Fact]
    public void Read_AttributesWithoutEnd_AreRefusedQuickly()
    {
        TarAttribute[] attributes = [.. Enumerable.Range(0, 40_000).Select(i => new TarAttribute(Tars.Bytes($"user.{i}"), []))];
        TarReader reader = new(new MemoryStream(Tars.Of([Tars.File("x") with { Attributes = attributes }])));
        Assert.Equal(FaultKind.InvalidArgument, Assert.Throws<FaultException>(() => reader.Next()).Kind);
    }

    [Fact]
    public async Task Apply_ImageOfUmociAndSkopeo_HasTheTreeThatUmociUnpacks()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/umoci") && File.Exists("/usr/bin/skopeo"), "umoci and skopeo are not installed");
        string work = _scratch["work"];
        Shell.Run($"mkdir {work}; cd {work}; umoci init --layout img; umoci new --image img:a; umoci unpack --image img:a b1; cd b1/rootfs; "
            + "mkdir -p etc/deep usr; echo one > etc/a; echo two > etc/b; ln etc/a usr/hard; ln -s ../etc/a usr/soft; echo x > etc/deep/f; "
            + "chmod 4711 etc/b; chown 3:4 etc/b; mkfifo usr/pipe; setcap cap_chown+p etc/a; cd ../..; umoci repack --image img:a b1; "
            + "umoci unpack --image img:a b2; cd b2/rootfs; rm etc/b; rm -r etc/deep; mkdir etc/deep; echo y > etc/deep/g; rm usr/soft; "
            + "echo now-a-file > usr/soft; cd ../..; umoci repack --image img:a b2; umoci unpack --image img:a b3; "
            + "skopeo copy -q oci:img:a oci:copied:a");
        await using OverlayLayerStore store = new(_scratch["store"]);
        ChainId? parent = null;
        foreach ((string blob, DiffId diff) in Layers(Path.Combine(work, "copied")))
        {
            await using GZipStream tar = new(File.OpenRead(blob), CompressionMode.Decompress);
            parent = (await store.ApplyAsync(parent, diff, tar, Tars.Cancel)).Chain;
        }
        WritableLayer w = store.CreateWritable("c1", parent);
        string options = $"lowerdir={string.Join(':', w.LowerDirectories)},upperdir={w.UpperDirectory},workdir={w.WorkDirectory}";
        Shell.Run($"mount -t overlay overlay -o {options} {w.MountPoint}");
        try
        {
            const string List = "find . -mindepth 1 -printf '%P %y %m %U %G %n %s %l\\n' | grep -v ' d ' | sort; find . -type d | sort; getcap -r .";
            Assert.Equal(Shell.Run($"cd {work}/b3/rootfs; {List}"), Shell.Run($"cd {w.MountPoint}; {List}"));
        }
        finally
        {
            Shell.Run($"umount {w.MountPoint}");
        }
    }

    private static IEnumerable<(string Blob, DiffId Diff)> Layers(string layout)
    {
        JsonElement Read(string digest) =>
            JsonDocument.Parse(File.ReadAllText(Path.Combine(layout, "blobs", digest.Replace(':', '/')))).RootElement;
        using JsonDocument index = JsonDocument.Parse(File.ReadAllText(Path.Combine(layout, "index.json")));
        JsonElement manifest = Read(index.RootElement.GetProperty("manifests")[0].GetProperty("digest").GetString()!);
        JsonElement config = Read(manifest.GetProperty("config").GetProperty("digest").GetString()!);
        return manifest.GetProperty("layers").EnumerateArray().Zip(
            config.GetProperty("rootfs").GetProperty("diff_ids").EnumerateArray(), (layer, diff) => (
                Path.Combine(layout, "blobs", layer.GetProperty("digest").GetString()!.Replace(':', '/')),
                new DiffId(Digest.Parse(diff.GetString()!))));
    }
}
