using System.Net;
using Berth.Faults;
using Berth.Oci;
using Berth.Registry.Collection;
using Berth.Registry.Hosting;
using Berth.Registry.Storage;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Collection;

/// <summary>A database with a storage that is not its own: refused before a row goes.</summary>
public abstract class StorageBindingContract : HubRig
{
    public override HubOptions Options => base.Options with { UnusedBlobTime = TimeSpan.Zero };

    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task StorageWithoutTheBlobs_IsRefused_AndNothingGoes(bool wasCollected)
    {
        await PushImageAsync(NewRepository(), "latest");
        if (wasCollected)
            await Services.Collector.RunAsync(default);
        // What a collection would take.
        await PushBlobAsync(NewRepository(), "nobody needs it");
        long before = await BlobsAsync();
        string directory = Directory.CreateTempSubdirectory("berth-hub-").FullName;
        await using (var other = new FileBlobStorage(directory))
        {
            // As a hub on S3 that was started without the settings of the bucket, or on a directory that is not mounted.
            var wrong = new Collector(Services.Database, other, Time, Options with { DataDirectory = directory, S3 = null });
            FaultException refused = await Assert.ThrowsAsync<FaultException>(() => wrong.RunAsync(default));
            Assert.Equal(FaultKind.Conflict, refused.Kind);
            Assert.Contains("has none of this database's blobs: name its storage, or mount it", refused.Message, StringComparison.Ordinal);
            Assert.Null(await other.OwnerAsync(default));
        }
        Directory.Delete(directory, recursive: true);
        Assert.Equal(before, await BlobsAsync());
        await Services.RequireStorageAsync(default);
        CollectionReport report = await Services.Collector.RunAsync(default);
        Assert.Equal((1, null), (report.BlobsRemoved, report.SweepRefusal));
    }

    [Fact]
    public async Task StorageOfAnotherDatabase_IsRefused()
    {
        await PushImageAsync(NewRepository(), "latest");
        string directory = Directory.CreateTempSubdirectory("berth-hub-").FullName;
        await using (var other = new FileBlobStorage(directory))
        {
            await other.SetOwnerAsync("another", default);
            var wrong = new Collector(Services.Database, other, Time, Options with { DataDirectory = directory, S3 = null });
            FaultException refused = await Assert.ThrowsAsync<FaultException>(() => wrong.RunAsync(default));
            Assert.Contains($"the storage {directory} belongs to another database", refused.Message, StringComparison.Ordinal);
        }
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task DatabaseWithoutBlobs_FitsAnyStorageThatIsNobodys()
    {
        await Services.RequireStorageAsync(default);
        Assert.Equal(0, (await Services.Collector.RunAsync(default)).BlobsRemoved);
    }

    private async Task<long> BlobsAsync() => (await Services.Database.ReadAsync(
        (transaction, token) => transaction.NumberAsync($"select count(*) from blobs", token), default))!.Value;
}

public sealed class StorageBindingTests : StorageBindingContract;

public sealed class StorageBindingOnPostgreSqlAndS3Tests : StorageBindingContract
{
    private readonly string _prefix = $"binding-{Guid.NewGuid():N}/";

    public override HubOptions Options => base.Options with { S3 = Storage.TestS3.Options(_prefix) };

    protected override string? NewDatabase() => Database.TestCluster.NewDatabase();
}
