using Berth.Registry.Storage;

namespace Berth.Registry.Tests.Storage;

public sealed class S3BlobStorageTests : BlobStorageContract
{
    private readonly string _prefix = $"contract-{NewId()}/";

    // Listings in answers of some names.
    protected override Task<IBlobStorage> OpenAsync() =>
        Task.FromResult<IBlobStorage>(new S3BlobStorage(TestS3.Options(_prefix)) { ListedAtOnce = 7 });

    // A service does not say whether there was something to delete.
    protected override bool CountsEachRemoval => false;
}
