using System.Buffers;
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

    [Theory]
    [InlineData("../../etc/passwd"), InlineData("sha256/../../x")]
    public async Task Location_OutsideTheDirectory_IsRefused(string location)
    {
        await using IBlobStorage storage = await OpenAsync();
        await Assert.ThrowsAsync<Berth.Faults.FaultException>(async () => await storage.OpenAsync(location, default));
    }
}
