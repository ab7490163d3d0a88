using Berth.Registry.Hosting;
using Berth.Registry.Tests.Database;
using Berth.Registry.Tests.Storage;

namespace Berth.Registry.Tests.Hosting;

/// <summary>A hub of which there may be several: PostgreSQL and a bucket, nothing of its own.</summary>
public class ScaledHub : HubRig
{
    private readonly string _prefix = $"hub-{Guid.NewGuid():N}/";

    public override HubOptions Options => base.Options with { S3 = TestS3.Options(_prefix) };

    protected override string? NewDatabase() => TestCluster.NewDatabase();
}
