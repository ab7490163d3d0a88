using Berth.Registry.Storage;

namespace Berth.Registry.Tests.Storage;

public sealed class S3BlobStorageTests : BlobStorageContract
{
    private readonly string _prefix = $"contract-{NewId()}/";
    private readonly DirectoryInfo _spool = Directory.CreateTempSubdirectory("berth-spool-");

    // Listings in answers of some names.
    protected override Task<IBlobStorage> OpenAsync() =>
        Task.FromResult<IBlobStorage>(new S3BlobStorage(TestS3.Options(_prefix), _spool.FullName) { ListedAtOnce = 7 });

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _spool.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    // A service does not say whether there was something to delete.
    protected override bool CountsEachRemoval => false;
}
