using System.Globalization;
using Berth.Faults;
using Berth.Layers.Stores;
using Berth.Layers.Tar;
using Berth.Linux;
using Berth.Oci;

namespace Berth.Layers.Tests;

/// <summary>What every layer store promises.</summary>
public abstract class LayerStoreContract : IAsyncDisposable
{
    private readonly List<LayerStore> _stores = [];

    protected Scratch Scratch { get; } = new();

    protected abstract LayerStore Create(string root);

    protected LayerStore Open()
    {
        LayerStore store = Create(Scratch["store"]);
        _stores.Add(store);
        return store;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (LayerStore store in _stores)
            await store.DisposeAsync();
        Scratch.Dispose();
    }

    private static byte[] Base => Tars.Of([
        (Tars.Dir("etc/"), ""), (Tars.File("etc/a"), "one"), (Tars.File("etc/b"), "two"), (Tars.Dir("var/"), ""), (Tars.File("var/c"), "three"),
        (Tars.Link(TarEntryType.HardLink, "etc/same", "etc/a"), "")]);

    [Fact]
    public async Task Commit_ManyAtOnceToTheSameChain_AllGetTheOneLayer()
    {
        LayerStore store = Open();
        for (int round = 0; round < 20; round++)
        {
            string[] names = [.. Enumerable.Range(0, 6).Select(number => $"same-{round}-{number}")];
            foreach (string name in names)
            {
                string upper = store.CreateWritable(name, null).UpperDirectory;
                File.WriteAllText(Path.Combine(upper, "f"), $"{round}");
                File.SetLastWriteTimeUtc(Path.Combine(upper, "f"), DateTime.UnixEpoch);
                Directory.SetLastWriteTimeUtc(upper, DateTime.UnixEpoch);
            }
            Layer[] layers = await Task.WhenAll(names.Select(name => store.CommitAsync(name, Tars.Cancel)));
            Assert.Single(layers.Select(layer => layer.Chain).Distinct());
            Assert.All(names, name => Assert.Null(store.FindWritable(name)));
        }
    }

    [Fact]
    public async Task Apply_ThenReopen_IsStillThere()
    {
        LayerStore store = Open();
        Layer layer = await Tars.ApplyAsync(store, null, Base);
        Assert.Same(layer, await Tars.ApplyAsync(store, null, Base));
        Assert.Equal(11, layer.Size);
        await store.DisposeAsync();
        Assert.Equal(layer.Directories, Open().Find(layer.Chain)!.Directories);
    }

    [Fact]
    public async Task Apply_WrongDiffIdOrParent_KeepsNothing()
    {
        LayerStore store = Open();
        DiffId wrong = new(Digest.Of("x"u8));
        FaultException fault = await Assert.ThrowsAsync<FaultException>(
            () => store.ApplyAsync(null, wrong, new MemoryStream(Base), Tars.Cancel));
        Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        fault = await Assert.ThrowsAsync<FaultException>(
            () => store.ApplyAsync(new ChainId(wrong.Digest), wrong, new MemoryStream(Base), Tars.Cancel));
        Assert.Equal(FaultKind.NotFound, fault.Kind);
        Assert.Empty(store.List());
        Assert.Empty(Directory.GetFileSystemEntries(Scratch["store/tmp"]));
    }

    [Fact]
    public async Task Commit_Moved_IsReproducedByItsTarAndApplied()
    {
        LayerStore store = Open();
        Layer below = await Tars.ApplyAsync(store, null, Base);
        WritableLayer writable = store.CreateWritable("c1", below.Chain);
        Directory.CreateDirectory(Path.Combine(writable.UpperDirectory, "new"));
        File.WriteAllText(Path.Combine(writable.UpperDirectory, "new/file"), "content");
        Assert.Contains(new TreeChange("/new/file", TreeChangeKind.Added), store.Changes("c1"));
        Assert.Equal(7, store.SizeOf(writable));
        Layer copy = await store.CommitCopyAsync("c1", null, Tars.Cancel);
        Layer layer = await store.CommitAsync("c1", Tars.Cancel);
        Assert.Equal(copy.Chain, layer.Chain);
        Assert.Null(store.FindWritable("c1"));
        MemoryStream tar = new();
        await store.WriteTarAsync(layer.Chain, tar, Tars.Cancel);
        Assert.Equal(layer.DiffId.Digest, Digest.Of(tar.ToArray()));
        await using LayerStore other = Create(Scratch["other"]);
        await Tars.ApplyAsync(other, null, Base);
        Assert.Equal(layer.Chain, (await Tars.ApplyAsync(other, below.Chain, tar.ToArray())).Chain);
    }

    [Fact]
    public async Task Remove_WithUsers_IsAConflict()
    {
        LayerStore store = Open();
        Layer below = await Tars.ApplyAsync(store, null, Base);
        store.CreateWritable("c1", below.Chain);
        Assert.Equal(FaultKind.Conflict, Assert.Throws<FaultException>(() => store.CreateWritable("c1", null)).Kind);
        Assert.Equal(FaultKind.Conflict, Assert.Throws<FaultException>(() => store.Remove(below.Chain)).Kind);
        Assert.True(store.RemoveWritable("c1"));
        Assert.False(store.RemoveWritable("c1"));
        Assert.True(store.Remove(below.Chain));
        Assert.False(store.Remove(below.Chain));
        await store.SettleAsync();
        Assert.Empty(Directory.GetFileSystemEntries(Scratch["store/tmp"]));
    }

    [Fact]
    public async Task Open_ParentLost_DropsWhatStandsOnIt()
    {
        LayerStore store = Open();
        Layer below = await Tars.ApplyAsync(store, null, Base);
        byte[] change = Tars.Of([(Tars.File("x"), "1")]);
        Layer top = await Tars.ApplyAsync(store, below.Chain, change);
        store.CreateWritable("c1", top.Chain);
        await store.DisposeAsync();
        File.Delete(Path.Combine(Path.GetDirectoryName(below.Directories[0])!, "layer.json"));
        store = Open();
        await store.SettleAsync();
        Assert.Empty(store.List());
        Assert.Empty(Directory.GetFileSystemEntries(Scratch["store/l"]));
        Assert.Empty(Directory.GetFileSystemEntries(Scratch["store/tmp"]));
        await Tars.ApplyAsync(store, null, Base);
        Assert.Equal(top.Directories, (await Tars.ApplyAsync(store, below.Chain, change)).Directories);
        Assert.Equal(FaultKind.Conflict, Assert.Throws<FaultException>(() => store.CreateWritable("c1", null)).Kind);
        Assert.True(store.RemoveWritable("c1"));
        store.CreateWritable("c1", null);
    }

    [Fact]
    public async Task Open_AfterPowerWasLost_DropsWhatWasNotFlushed()
    {
        LayerStore store = Open();
        Layer flushed = await Tars.ApplyAsync(store, null, Base);
        Layer lost = await Tars.ApplyAsync(store, flushed.Chain, Tars.Of([(Tars.File("x"), "1")]));
        store.CreateWritable("c1", flushed.Chain);
        await store.DisposeAsync();
        foreach (string record in Directory.GetFiles(Scratch["store/l"], "layer.json", SearchOption.AllDirectories))
            File.WriteAllText(record, File.ReadAllText(record).Replace("\"Boot\":\"", "\"Boot\":\"earlier"));
        File.Delete(Path.Combine(Path.GetDirectoryName(lost.Directories[0])!, "synced"));
        File.WriteAllBytes(Scratch["store/w/c1/writable.json"], []);
        store = Open();
        Assert.Equal(flushed.Chain, Assert.Single(store.List()).Chain);
        Assert.Empty(store.ListWritable());
        Assert.True(store.RemoveWritable("c1"));
        Assert.False(store.RemoveWritable(".."));
    }

    [Fact]
    public async Task Apply_TheSameTwiceAtOnce_UnpacksOnce()
    {
        LayerStore store = Open();
        DiffId diff = new(Digest.Of(Base));
        GatedStream gated = new(Base);
        Task<Layer> first = store.ApplyAsync(null, diff, gated, Tars.Cancel);
        await gated.Reached;
        Task<Layer> second = store.ApplyAsync(null, diff, new GatedStream([]) { Unread = true }, Tars.Cancel);
        Assert.False(second.IsCompleted);
        gated.Open.SetResult();
        Assert.Same(await first, await second);
    }

    [Fact]
    public async Task Apply_TheOtherFails_GoesOnWithItsOwnStream()
    {
        LayerStore store = Open();
        DiffId diff = new(Digest.Of(Base));
        GatedStream gated = new(Base);
        Task<Layer> first = store.ApplyAsync(null, diff, gated, Tars.Cancel);
        await gated.Reached;
        Task<Layer> second = store.ApplyAsync(null, diff, new MemoryStream(Base), Tars.Cancel);
        gated.Open.SetException(new IOException("the connection broke"));
        Assert.Equal("the connection broke", (await Assert.ThrowsAsync<IOException>(() => first)).Message);
        Assert.Equal(store.Find((await second).Chain), await second);
        Assert.Empty(Directory.GetFileSystemEntries(Scratch["store/tmp"]));
    }

    [Fact]
    public async Task Settle_RemovalFailed_SaysSoOnce()
    {
        LayerStore store = Open();
        List<FaultException> told = [];
        store.BackgroundFailed += told.Add;
        WritableLayer writable = store.CreateWritable("c1", null);
        string file = Path.Combine(writable.UpperDirectory, "stubborn");
        File.WriteAllText(file, "");
        Shell.Run($"chattr +i {file}");
        Assert.True(store.RemoveWritable("c1"));
        FaultException failure = await Assert.ThrowsAsync<FaultException>(store.SettleAsync);
        Assert.Contains("stubborn", failure.Message);
        Assert.Equal([failure], told);
        await store.SettleAsync();
        Shell.Run($"chattr -i {Scratch["store/tmp"]}/*/d/stubborn");
    }

    [Fact]
    public void Open_Twice_IsAConflict()
    {
        Open();
        Assert.Equal(FaultKind.Conflict, Assert.Throws<FaultException>(Open).Kind);
    }

    /// <summary>A process between fork and exec holds a copy of every descriptor, also of those that are meant to close on exec.</summary>
    [Fact]
    public async Task Open_GivenFreeWhileAnotherProcessHoldsACopy_Works()
    {
        LayerStore store = Open();
        string number = Directory.GetFiles("/proc/self/fd").First(file => new FileInfo(file).LinkTarget == Scratch["store/lock"]);
        using FileDescriptor own = new(int.Parse(Path.GetFileName(number), CultureInfo.InvariantCulture), ownsHandle: false);
        using FileDescriptor copy = own.Duplicate();
        await store.DisposeAsync();
        Open();
    }
}

public sealed class CopyLayerStoreTests : LayerStoreContract
{
    protected override LayerStore Create(string root) => new CopyLayerStore(root);
}

public sealed class OverlayLayerStoreTests : LayerStoreContract
{
    protected override LayerStore Create(string root) => new OverlayLayerStore(root);

    [Fact]
    public async Task Mounted_WithWhiteouts_ShowsTheRightTreeAndItsDiff()
    {
        LayerStore store = Open();
        Layer below = await Tars.ApplyAsync(store, null, Tars.Of([
            (Tars.Dir("etc/"), ""), (Tars.File("etc/a"), "one"), (Tars.File("etc/b"), "two"), (Tars.Dir("var/"), ""), (Tars.File("var/c"), "3")]));
        Layer top = await Tars.ApplyAsync(store, below.Chain, Tars.Of([
            Tars.Dir("etc/"), Tars.File("etc/.wh.a"), Tars.Dir("var/"), Tars.File("var/.wh..wh..opq"), Tars.File("var/d")]));
        WritableLayer w = store.CreateWritable("c1", top.Chain);
        string options = $"lowerdir={string.Join(':', w.LowerDirectories)},upperdir={w.UpperDirectory},workdir={w.WorkDirectory}";
        Shell.Run($"mount -t overlay overlay -o {options} {w.MountPoint}");
        try
        {
            Assert.Equal("etc\netc/b\nvar\nvar/d\n", Shell.Run($"cd {w.MountPoint}; find . -mindepth 1 -printf '%P\\n' | sort"));
            Shell.Run($"cd {w.MountPoint}; rm etc/b; echo x > var/d; mkdir n; echo y > n/f");
        }
        finally
        {
            Shell.Run($"umount {w.MountPoint}");
        }
        Assert.Equal("M /etc D /etc/b A /n A /n/f M /var/d", string.Join(' ', store.Changes("c1")
            .Select(change => $"{change.Kind.ToString()[0]} {change.Path}")));
        Layer layer = await store.CommitAsync("c1", Tars.Cancel);
        MemoryStream tar = new();
        await store.WriteTarAsync(layer.Chain, tar, Tars.Cancel);
        Assert.Equal(layer.DiffId.Digest, Digest.Of(tar.ToArray()));
        await File.WriteAllBytesAsync(Scratch["layer.tar"], tar.ToArray(), Tars.Cancel);
        Assert.Equal("etc/\netc/.wh.b\nn/\nn/f\nvar/\nvar/d\n", Shell.Run($"tar tf {Scratch["layer.tar"]}"));
    }

    [Theory]
    [InlineData("gnu", "")]
    [InlineData("posix", "")]
    [InlineData("gnu", "-S")]
    [InlineData("posix", "-S --sparse-version=0.0")]
    [InlineData("posix", "-S --sparse-version=0.1")]
    [InlineData("posix", "-S --sparse-version=1.0")]
    public async Task Apply_ArchiveOfGnuTar_HasTheSameTree(string format, string options)
    {
        string tree = Scratch["tree"];
        string name = new('n', 120);
        Shell.Run($"mkdir -p {tree}/{name}/{name}; cd {tree}; echo x > {name}/{name}/f; ln {name}/{name}/f hard; ln -s ../{name} soft; "
            + "mkfifo pipe; mknod dev c 1 3; touch -d @1.5 old; chmod 4755 old; chown 12:34 old; printf x > $(printf 'bad\\377'); "
            + "printf data | dd of=sparse bs=1 seek=1000000 conv=notrunc status=none; truncate -s 3000000 sparse; "
            + $"tar -c --format={format} {options} -f {Scratch["t.tar"]} .");
        LayerStore store = Open();
        Layer layer = await Tars.ApplyAsync(store, null, await File.ReadAllBytesAsync(Scratch["t.tar"], Tars.Cancel));
        Shell.Run($"tar -d --format={format} -f {Scratch["t.tar"]} -C {layer.Directories[0]}");
        Shell.Run($"cmp {tree}/sparse {layer.Directories[0]}/sparse; test {tree}/hard -ef {tree}/{name}/{name}/f");
    }
}
