using System.Buffers;
using System.Net;
using System.Security.Cryptography;
using Berth.Oci;
using Berth.Registry.Collection;
using Berth.Registry.Hosting;
using Berth.Registry.Storage;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Collection;

/// <summary>Collectors of several processes that remove the same at once: what they say together that they freed is what the storage lost.</summary>
public abstract class CollectorsAtOnceContract : HubRig
{
    private const int Bytes = 20_000;

    public override HubOptions Options => base.Options with { UnusedBlobTime = TimeSpan.Zero };

    [Theory]
    [InlineData("blob"), InlineData("upload"), InlineData("unnamed blob"), InlineData("unnamed upload")]
    public async Task Removed_ByTwoAtOnce_IsCountedOnce(string what)
    {
        await LeaveAsync(what);
        long held = await StoredBytesAsync();
        Assert.True(held >= Bytes, $"only {held} bytes");
        Collector[] collectors = [.. Meeting(2).Select(storage => new Collector(Services.Database, storage, Time, Options))];
        CollectionReport[] reports = await Task.WhenAll(collectors.Select(collector => Task.Run(() => collector.RunAsync(default))));
        Assert.Equal(0, await StoredBytesAsync());
        Assert.Equal(held, reports.Sum(report => report.BytesFreed));
        Assert.Equal(
            what.StartsWith("unnamed", StringComparison.Ordinal),
            reports.Sum(report => report.UnnamedRemoved) > 0);
        Assert.Equal(what == "upload" ? 1 : 0, reports.Sum(report => report.UploadsExpired));
        Assert.Equal(0, (await Services.Collector.RunAsync(default)).BytesFreed);
    }

    [Theory]
    [InlineData("blob"), InlineData("upload"), InlineData("unnamed blob"), InlineData("unnamed upload")]
    public async Task Removed_ByOneThatThenDies_IsCountedByTheNext(string what)
    {
        await LeaveAsync(what);
        long held = await StoredBytesAsync();
        await using var dying = new HookedStorage(Services.Storage)
        {
            Removed = () => throw new InvalidOperationException("the process was killed"),
        };
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => new Collector(Services.Database, dying, Time, Options).RunAsync(default));
        Assert.True(await StoredBytesAsync() < held, "nothing was removed");
        Assert.Equal(held, (await Services.Collector.RunAsync(default)).BytesFreed);
        Assert.Equal(0, await StoredBytesAsync());
        Assert.Equal(0, (await Services.Collector.RunAsync(default)).BytesFreed);
    }

    [Fact]
    public async Task Listing_FromBeforeAnothersCollection_CountsNothingAgain()
    {
        await LeaveAsync("unnamed blob");
        long held = await StoredBytesAsync();
        // The other collects between this one's listing and what it writes down of it.
        long other = 0;
        await using var late = new HookedStorage(Services.Storage)
        {
            Looked = async () => other += (await Services.Collector.RunAsync(default)).BytesFreed,
        };
        CollectionReport report = await new Collector(Services.Database, late, Time, Options).RunAsync(default);
        Assert.Equal((held, 0L, 0L), (other, report.BytesFreed, report.UnnamedRemoved));
        Assert.Equal(0, (await Services.Collector.RunAsync(default)).BytesFreed);
    }

    [Fact]
    public async Task DryRun_TellsUploadsThatNobodyWentOnWith()
    {
        await LeaveAsync("upload");
        CollectionPlan plan = await CollectionPlan.LookAsync(Services, default);
        Assert.Equal((1, await StoredBytesAsync(), 0), (plan.Uploads, plan.UploadBytes, plan.Unnamed));
        CollectionReport report = await Services.Collector.RunAsync(default);
        Assert.Equal((plan.Uploads, plan.UploadBytes), (report.UploadsExpired, report.BytesFreed));
        plan = await CollectionPlan.LookAsync(Services, default);
        Assert.Equal((0, 0), (plan.Uploads, plan.UploadBytes));
    }

    // One thing that the next collection removes, and nothing else.
    private async Task LeaveAsync(string what)
    {
        byte[] content = RandomNumberGenerator.GetBytes(Bytes);
        switch (what)
        {
            case "blob":
                await PushBlobAsync(NewRepository(), content);
                break;
            case "upload":
                string location = await BeginUploadAsync(NewRepository());
                using (HttpResponseMessage sent = await SendAsync(HttpMethod.Patch, location, new ByteArrayContent(content)))
                    Assert.Equal(HttpStatusCode.Accepted, sent.StatusCode);
                Time.Advance(TimeSpan.FromHours(3));
                break;
            default:
                // While the storage is empty, it becomes this database's.
                Assert.Null((await Services.Collector.RunAsync(default)).SweepRefusal);
                await using (IBlobWriter writer = await Services.Storage.BeginAsync(UploadIds.Next(), "sha256", default))
                {
                    await writer.WriteAsync(new ReadOnlySequence<byte>(content), default);
                    if (what == "unnamed blob")
                        await writer.FinishAsync(Digest.Of(content), default);
                    else
                        await writer.SuspendAsync(default);
                }
                break;
        }
    }

    // Storages of so many collectors, each of whom waits at its first removal until all stand at theirs.
    private IEnumerable<HookedStorage> Meeting(int collectors)
    {
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int waiting = 0;
        for (int i = 0; i < collectors; i++)
        {
            bool hasMet = false;
            yield return new HookedStorage(Services.Storage)
            {
                Removing = async () =>
                {
                    if (hasMet)
                        return;
                    hasMet = true;
                    if (Interlocked.Increment(ref waiting) == collectors)
                        all.SetResult();
                    await all.Task.WaitAsync(TimeSpan.FromMinutes(2));
                },
            };
        }
    }

    private async Task<long> StoredBytesAsync()
    {
        long bytes = 0;
        await foreach (StoredFile file in Services.Storage.FilesAsync(default))
            bytes += await Services.Storage.BytesAsync(file.Location, default) ?? 0;
        return bytes;
    }
}

public sealed class CollectorsAtOnceTests : CollectorsAtOnceContract;

public sealed class CollectorsAtOnceOnPostgreSqlTests : CollectorsAtOnceContract
{
    protected override string? NewDatabase() => Database.TestCluster.NewDatabase();
}

public sealed class CollectorsAtOnceOnPostgreSqlAndS3Tests : CollectorsAtOnceContract
{
    private readonly string _prefix = $"at-once-{Guid.NewGuid():N}/";

    public override HubOptions Options => base.Options with { S3 = Storage.TestS3.Options(_prefix) };

    protected override string? NewDatabase() => Database.TestCluster.NewDatabase();
}
