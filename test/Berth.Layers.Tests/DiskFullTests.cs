using Berth.Content;
using Berth.Faults;
using Berth.Oci;

namespace Berth.Layers.Tests;

/// <summary>A full disk is an answer: nothing half-made is kept, and with space freed the same call works.</summary>
public sealed class DiskFullTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public DiskFullTests()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting a small tmpfs needs root");
        Shell.Run($"mkdir {_scratch["disk"]}; mount -t tmpfs -o size=4m tmpfs {_scratch["disk"]}");
    }

    public void Dispose()
    {
        // Lazily: a process that another class is just starting may hold a copy of what was open there, until its exec.
        if (Directory.Exists(_scratch["disk"]))
            Shell.Run($"umount -l {_scratch["disk"]}");
        _scratch.Dispose();
    }

    [Fact]
    public async Task Apply_DiskFull_KeepsNothingAndTheStoreGoesOn()
    {
        await using OverlayLayerStore store = new(_scratch["disk/store"]);
        byte[] large = Tars.Of([(Tars.File("a"), "x"), (Tars.File("b"), new string('b', 6 << 20))]);
        await AssertFullAsync(() => Tars.ApplyAsync(store, null, large));
        Assert.Empty(store.List());
        Assert.Empty(Directory.GetFileSystemEntries(_scratch["disk/store/tmp"]));
        await Tars.ApplyAsync(store, null, Tars.Of([(Tars.File("a"), new string('a', 1 << 20))]));
    }

    [Fact]
    public async Task EveryCall_DiskFull_IsUnavailableUntilThereIsSpace()
    {
        await using OverlayLayerStore store = new(_scratch["disk/store"]);
        byte[] tar = Tars.Of([(Tars.Dir("d"), ""), (Tars.File("d/a"), "x")]);
        WritableLayer writable = store.CreateWritable("c1", null);
        await File.WriteAllTextAsync(Path.Combine(writable.UpperDirectory, "f"), "content", Tars.Cancel);
        Fill();
        await AssertFullAsync(() => store.CommitAsync("c1", Tars.Cancel));
        await AssertFullAsync(() => store.CommitCopyAsync("c1", null, Tars.Cancel));
        await AssertFullAsync(() => Tars.ApplyAsync(store, null, tar));
        await AssertFullAsync(() => Task.FromResult(store.CreateWritable("c2", null)));
        Assert.Empty(store.List());
        Assert.Equal(["c1"], store.ListWritable().Select(layer => layer.Name));
        await store.SettleAsync();
        Assert.Empty(Directory.GetFileSystemEntries(_scratch["disk/store/tmp"]));
        File.Delete(_scratch["disk/filler"]);
        Layer layer = await store.CommitAsync("c1", Tars.Cancel);
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(layer.Directories[0], "f"), Tars.Cancel));
        await Tars.ApplyAsync(store, layer.Chain, tar);
        store.CreateWritable("c2", layer.Chain);
    }

    [Fact]
    public async Task Ingest_DiskFull_KeepsNothingAndTheStoreGoesOn()
    {
        FileBlobStore store = new(_scratch["disk/blobs"]);
        await using (IBlobIngest ingest = store.Begin())
        {
            await AssertFullAsync(async () =>
            {
                for (int i = 0; i < 6; i++)
                    await ingest.WriteAsync(new byte[1 << 20], Tars.Cancel);
            });
        }
        Assert.Empty(store.List());
        Assert.Empty(Directory.GetFiles(_scratch["disk/blobs/ingest"]));
        await using IBlobIngest small = store.Begin();
        await small.WriteAsync(new byte[1 << 20], Tars.Cancel);
        await small.CommitAsync(Tars.Cancel);
        Assert.Single(store.List());
    }

    [Fact]
    public async Task Ingest_DiskFullThenFreed_GoesOnWhereItWas()
    {
        FileBlobStore store = new(_scratch["disk/blobs"]);
        byte[] content = new byte[2 << 20];
        Random.Shared.NextBytes(content);
        await File.WriteAllBytesAsync(_scratch["disk/filler"], new byte[3 << 20], Tars.Cancel);
        await using (IBlobIngest ingest = store.Resume(Digest.Of(content)))
        {
            await ingest.WriteAsync(content.AsMemory(0, 512 << 10), Tars.Cancel);
            await AssertFullAsync(async () => await ingest.WriteAsync(content.AsMemory(512 << 10), Tars.Cancel));
            File.Delete(_scratch["disk/filler"]);
            await ingest.WriteAsync(content.AsMemory(512 << 10), Tars.Cancel);
            await ingest.CommitAsync(Digest.Of(content), Tars.Cancel);
        }
        Assert.Equal(content.Length, store.SizeOf(Digest.Of(content)));
    }

    private void Fill() => Shell.Run($"dd if=/dev/zero of={_scratch["disk/filler"]} bs=4k count=2000 2>/dev/null || true");

    private static async Task AssertFullAsync(Func<Task> call)
    {
        FaultException fault = await Assert.ThrowsAsync<FaultException>(call);
        Assert.Equal(FaultKind.Unavailable, fault.Kind);
        Assert.Contains("no space left on device", fault.Message);
    }
}
