using Berth.Faults;
using Berth.Oci;

namespace Berth.Content.Tests;

/// <summary>What every blob store promises.</summary>
public abstract class BlobStoreContract
{
    private static readonly byte[] s_hello = "hello"u8.ToArray();
    private static readonly Digest s_helloDigest = Digest.Of(s_hello);

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract IBlobStore CreateStore();

    [Fact]
    public async Task Commit_RightDigest_IsReadable()
    {
        IBlobStore store = CreateStore();
        await PutAsync(store, s_hello);
        Assert.Equal(5, store.SizeOf(s_helloDigest));
        using StreamReader reader = new(store.OpenRead(s_helloDigest));
        Assert.Equal("hello", await reader.ReadToEndAsync(Cancel));
        Assert.Equal([s_helloDigest], store.List());
        Assert.True(store.Delete(s_helloDigest));
        Assert.False(store.Delete(s_helloDigest));
    }

    [Fact]
    public async Task Commit_WrongDigest_KeepsNothing()
    {
        IBlobStore store = CreateStore();
        await using (IBlobIngest ingest = store.Resume(Digest.Of("world"u8)))
        {
            await ingest.WriteAsync(s_hello, Cancel);
            FaultException fault = await Assert.ThrowsAsync<FaultException>(
                async () => await ingest.CommitAsync(Digest.Of("world"u8), Cancel));
            Assert.Equal(FaultKind.InvalidArgument, fault.Kind);
        }
        Assert.Empty(store.List());
        await using IBlobIngest again = store.Resume(Digest.Of("world"u8));
        Assert.Equal(0, again.Written);
    }

    [Fact]
    public async Task Resume_AfterGivingUp_GoesOnAndIsExclusive()
    {
        IBlobStore store = CreateStore();
        await using (IBlobIngest first = store.Resume(s_helloDigest))
        {
            await first.WriteAsync("hel"u8.ToArray(), Cancel);
            Assert.Equal(FaultKind.Conflict, Assert.Throws<FaultException>(() => store.Resume(s_helloDigest)).Kind);
        }
        await using IBlobIngest second = store.Resume(s_helloDigest);
        Assert.Equal(3, second.Written);
        await second.WriteAsync("lo"u8.ToArray(), Cancel);
        await second.CommitAsync(s_helloDigest, Cancel);
        Assert.True(store.Contains(s_helloDigest));
    }

    [Fact]
    public async Task Restart_AfterBytes_ForgetsThem()
    {
        IBlobStore store = CreateStore();
        await using IBlobIngest ingest = store.Begin();
        await ingest.WriteAsync("a longer beginning"u8.ToArray(), Cancel);
        await ingest.RestartAsync(Cancel);
        await ingest.WriteAsync(s_hello, Cancel);
        Assert.Equal(s_helloDigest, await ingest.CommitAsync(Cancel));
        Assert.Equal(5, store.SizeOf(s_helloDigest));
    }

    [Fact]
    public async Task Collect_KeepsLiveLeasedAndOpen()
    {
        IBlobStore store = CreateStore();
        byte[][] contents = ["live"u8.ToArray(), "leased"u8.ToArray(), "garbage"u8.ToArray()];
        foreach (byte[] content in contents)
            await PutAsync(store, content);
        using IBlobLease lease = store.Lease();
        lease.Add(Digest.Of(contents[1]));
        await using IBlobIngest open = store.Resume(s_helloDigest);
        await open.WriteAsync(s_hello, Cancel);
        long freed = await store.CollectAsync(() => new HashSet<Digest> { Digest.Of(contents[0]) }, Cancel);
        Assert.Equal(7, freed);
        Assert.Equal(2, store.List().Count());
        await open.CommitAsync(s_helloDigest, Cancel);
        lease.Dispose();
        await store.CollectAsync(() => new HashSet<Digest>(), Cancel);
        Assert.Empty(store.List());
    }

    [Fact]
    public async Task Commit_SameBlobFromManyAndCollected_IsNeverTorn()
    {
        IBlobStore store = CreateStore();
        byte[] content = new byte[100_000];
        using IBlobLease lease = store.Lease();
        lease.Add(Digest.Of(content));
        Task[] writers = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(() => PutAsync(store, content), Cancel))];
        for (int i = 0; i < 5; i++)
            await store.CollectAsync(() => new HashSet<Digest>(), Cancel);
        await Task.WhenAll(writers);
        Assert.Equal(content.Length, store.SizeOf(Digest.Of(content)));
    }

    [Fact]
    public void OpenRead_Missing_IsNotFound() =>
        Assert.Equal(FaultKind.NotFound, Assert.Throws<FaultException>(() => CreateStore().OpenRead(s_helloDigest)).Kind);

    protected static async Task PutAsync(IBlobStore store, byte[] content)
    {
        await using IBlobIngest ingest = store.Begin();
        await ingest.WriteAsync(content, Cancel);
        await ingest.CommitAsync(Digest.Of(content), Cancel);
    }
}

public sealed class FileBlobStoreTests : BlobStoreContract, IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("blobs-").FullName;

    protected override IBlobStore CreateStore() => new FileBlobStore(_root);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Open_AfterCrash_KeepsPartialsAndDropsNameless()
    {
        Digest digest = Digest.Of("hello"u8);
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(_root, "ingest")).FullName, "new-x"), "lost");
        File.WriteAllText(Path.Combine(_root, "ingest", $"sha256-{digest.Hex}"), "he");
        FileBlobStore store = new(_root);
        Assert.False(File.Exists(Path.Combine(_root, "ingest", "new-x")));
        await using IBlobIngest ingest = store.Resume(digest);
        Assert.Equal(2, ingest.Written);
        await ingest.WriteAsync("llo"u8.ToArray(), Cancel);
        await ingest.CommitAsync(digest, Cancel);
        Assert.Equal("hello", File.ReadAllText(Path.Combine(_root, "blobs", "sha256", digest.Hex)));
    }
}
