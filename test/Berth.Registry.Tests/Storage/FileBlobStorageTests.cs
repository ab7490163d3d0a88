using System.Buffers;
using Berth.Faults;
using Berth.Oci;
using Berth.Registry.Storage;

namespace Berth.Registry.Tests.Storage;

public sealed class FileBlobStorageTests : BlobStorageContract
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-hub-");

    protected override Task<IBlobStorage> OpenAsync() => Task.FromResult<IBlobStorage>(new FileBlobStorage(_directory.FullName));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Blob_IsAFileNamedAfterItsDigest_ForItsOwnerAlone()
    {
        byte[] content = [1, 2, 3];
        await using IBlobStorage storage = await OpenAsync();
        await using IBlobWriter writer = await storage.BeginAsync("id", "sha256", default);
        await writer.WriteAsync(new ReadOnlySequence<byte>(content), default);
        Digest digest = Digest.Of(content);
        await writer.FinishAsync(digest, default);
        string path = Path.Join(_directory.FullName, "blobs", "sha256", digest.Hex[..2], $"{digest.Hex}.id");
        Assert.Equal(content, await File.ReadAllBytesAsync(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Empty(Directory.GetFiles(Path.Join(_directory.FullName, "uploads")));
    }

    [Fact]
    public async Task Upload_LongerThanAgreedAfterACrash_IsCutThere()
    {
        await using IBlobStorage storage = await OpenAsync();
        await using (IBlobWriter writer = await storage.BeginAsync("id", "sha256", default))
            await writer.WriteAsync(new ReadOnlySequence<byte>(new byte[100]), default);
        await File.AppendAllTextAsync(Path.Join(_directory.FullName, "uploads", "id"), "what a killed process had written");
        await using IBlobStorage next = await OpenAsync();
        await using IBlobWriter resumed = await next.ResumeAsync("id", "sha256", 100, default);
        Assert.Equal(Digest.Of(new byte[100]), await resumed.DigestAsync("sha256", default));
        Assert.Equal(100, new FileInfo(Path.Join(_directory.FullName, "uploads", "id")).Length);
    }

    [Fact]
    public async Task Upload_ShorterThanAgreedAfterALossOfPower_SaysSo()
    {
        await using IBlobStorage storage = await OpenAsync();
        await using (IBlobWriter writer = await storage.BeginAsync("id", "sha256", default))
            await writer.WriteAsync(new ReadOnlySequence<byte>(new byte[60]), default);
        await using IBlobStorage next = await OpenAsync();
        await using IBlobWriter resumed = await next.ResumeAsync("id", "sha256", 100, default);
        Assert.Equal(60, resumed.Bytes);
    }

    [Fact]
    public async Task Upload_ThatIsWritten_IsNobodyElses_UntilItIsABlob()
    {
        await using IBlobStorage storage = await OpenAsync();
        await using IBlobStorage other = await OpenAsync();
        await using (IBlobWriter writer = await storage.BeginAsync("id", "sha256", default))
        {
            await writer.WriteAsync(new ReadOnlySequence<byte>(new byte[10]), default);
            Assert.Equal(FaultKind.Conflict, (await Assert.ThrowsAsync<FaultException>(
                async () => await other.ResumeAsync("id", "sha256", 5, default))).Kind);
        }
        await using IBlobWriter resumed = await other.ResumeAsync("id", "sha256", 10, default);
        string location = await resumed.FinishAsync(Digest.Of(new byte[10]), default);
        // Its writer is not closed yet, and it is read.
        await using IBlobReader? reader = await storage.OpenAsync(location, default);
        Assert.Equal(10, reader!.Bytes);
        Assert.Equal(FaultKind.NotFound, (await Assert.ThrowsAsync<FaultException>(
            async () => await storage.ResumeAsync("id", "sha256", 5, default))).Kind);
    }

    [Fact]
    public async Task Upload_ThatTheDiskDidNotTake_IsNotFinishedByASecondAttempt()
    {
        int syncs = 0;
        await using var storage = new FileBlobStorage(_directory.FullName)
        {
            Flush = _ =>
            {
                // As the kernel does: it tells of pages that it could not write once.
                if (syncs++ == 0)
                    throw new IOException("Input/output error");
            },
        };
        byte[] content = [1, 2, 3];
        await using (IBlobWriter writer = await storage.BeginAsync("id", "sha256", default))
        {
            await writer.WriteAsync(new ReadOnlySequence<byte>(content), default);
            Assert.Equal(FaultKind.Unavailable, (await Assert.ThrowsAsync<FaultException>(
                async () => await writer.FinishAsync(Digest.Of(content), default))).Kind);
        }
        Assert.Equal(FaultKind.NotFound, (await Assert.ThrowsAsync<FaultException>(
            async () => await storage.ResumeAsync("id", "sha256", 3, default))).Kind);
    }

    [Fact]
    public async Task Blob_InADirectoryThatAnotherProcessHasJustMade_BringsTheDirectorysNameToTheDisk()
    {
        List<string> synced = [];
        await using var storage = new FileBlobStorage(_directory.FullName) { SyncDirectory = synced.Add };
        byte[] content = [1, 2, 3];
        Digest digest = Digest.Of(content);
        string directory = Path.Join(_directory.FullName, "blobs", "sha256", digest.Hex[..2]);
        Directory.CreateDirectory(directory);
        for (int i = 0; i < 2; i++)
        {
            await using IBlobWriter writer = await storage.BeginAsync($"id{i}", "sha256", default);
            await writer.WriteAsync(new ReadOnlySequence<byte>(content), default);
            await writer.FinishAsync(digest, default);
        }
        // Names before what is named by them; the second time only what is new.
        string blobs = Path.Join(_directory.FullName, "blobs");
        Assert.Equal([Path.Join(blobs, "sha256"), blobs, _directory.FullName, directory, directory], synced);
    }

    [Fact]
    public async Task Files_ThatAreNotAHubs_AreNotTold()
    {
        await using IBlobStorage storage = await OpenAsync();
        string hex = new('a', 64);
        foreach (string strange in new[]
        {
            "uploads/README", $"uploads/{hex}", "blobs/README", "blobs/sha256/README", $"blobs/sha256/aa/{hex}", $"blobs/sha256/aa/{hex}.id",
            $"blobs/sha256/bb/{hex}.{new string('1', 32)}", $"blobs/md5/aa/{hex}.{new string('1', 32)}", $"blobs/{hex}.{new string('1', 32)}",
        })
        {
            string path = Path.Join(_directory.FullName, strange);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllTextAsync(path, "a stranger's");
        }
        await foreach (StoredFile file in storage.FilesAsync(default))
            Assert.Fail($"{file.Location} was told");
    }

    [Theory]
    [InlineData("../../etc/passwd"), InlineData("sha256/../../x"), InlineData("uploads/../hub.db")]
    public async Task Location_OutsideTheDirectory_IsRefused(string location)
    {
        await using IBlobStorage storage = await OpenAsync();
        await Assert.ThrowsAsync<FaultException>(async () => await storage.OpenAsync(location, default));
        await Assert.ThrowsAsync<FaultException>(async () => await storage.DeleteAsync(location, default));
    }
}
