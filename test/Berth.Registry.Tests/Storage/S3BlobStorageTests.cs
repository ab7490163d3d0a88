using Berth.Registry.Storage;

namespace Berth.Registry.Tests.Storage;

public sealed class S3BlobStorageTests : BlobStorageContract
{
    protected override Task<IBlobStorage> OpenAsync() => Task.FromResult<IBlobStorage>(new S3BlobStorage(TestS3.Options("contract/")));
}
