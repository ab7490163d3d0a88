using System.Buffers;
using System.Net;
using System.Security.Cryptography;
using Berth.Faults;
using Berth.Oci;
using Berth.Registry.Collection;
using Berth.Registry.Hosting;
using Berth.Registry.Protocol;
using Berth.Registry.Repositories;
using Berth.Registry.Storage;
using Berth.Registry.Tests.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Registry.Tests.Collection;

/// <summary>What crashes leave in a storage is found and freed; what is under way, young or another database's is not.</summary>
/// <remarks>Nothing is spared for its age here, unless a test says so: what stays, stays because a row names it.</remarks>
public abstract class UnnamedFilesContract : HubRig
{
    public override HubOptions Options => base.Options with { UnusedBlobTime = TimeSpan.Zero };

    [Fact]
    public async Task LeftByACrash_IsShown_Removed_AndCounted()
    {
        string document = await PushImageAsync(NewRepository(), "latest");
        string blob = await LeaveBlobAsync(UploadIds.Next(), 1234);
        string upload = UploadIds.Next();
        await LeaveUploadAsync(upload, 4321);
        long held = await StoredBytesAsync();
        CollectionPlan plan = await CollectionPlan.LookAsync(Services, default);
        Assert.Contains((blob, 1234), plan.Examples);
        Assert.Null(plan.SweepRefusal);
        Assert.Equal(held, await StoredBytesAsync());
        CollectionReport report = await Services.Collector.RunAsync(default);
        Assert.Equal((plan.Unnamed, plan.UnnamedBytes, null), (report.UnnamedRemoved, report.BytesFreed, report.SweepRefusal));
        Assert.Equal(held - plan.UnnamedBytes, await StoredBytesAsync());
        Assert.DoesNotContain(await FilesAsync(), file => file.Location == blob || file.UploadId == upload);
        Assert.True(plan.UnnamedBytes >= 1234 + 4321, $"only {plan.UnnamedBytes} bytes");
        Assert.Equal(0, (await Services.Collector.RunAsync(default)).BytesFreed);
        using HttpResponseMessage pulled = await GetAsync($"/v2/test/r1/blobs/{DigestOf("layer")}");
        Assert.Equal(HttpStatusCode.OK, pulled.StatusCode);
        Assert.NotEmpty(document);
    }

    [Fact]
    public async Task UnderWay_Stays()
    {
        await PushImageAsync(NewRepository(), "latest");
        byte[] blob = RandomNumberGenerator.GetBytes(100_000);
        string location = await BeginUploadAsync(NewRepository());
        Assert.Equal(0, (await Services.Collector.RunAsync(default)).UnnamedRemoved);
        using (HttpResponseMessage sent = await SendAsync(HttpMethod.Patch, location, new ByteArrayContent(blob)))
            Assert.Equal(HttpStatusCode.Accepted, sent.StatusCode);
        Assert.Equal(0, (await Services.Collector.RunAsync(default)).UnnamedRemoved);
        using HttpResponseMessage end = await SendAsync(HttpMethod.Put, $"{location}?digest={Digest.Of(blob)}");
        Assert.Equal(HttpStatusCode.Created, end.StatusCode);
    }

    [Fact]
    public async Task OfAnImportOrARestore_WhichHaveNoRow_StaysForDays()
    {
        await PushImageAsync(NewRepository(), "latest");
        string[] blobs = [await LeaveBlobAsync(UploadIds.NextOfImport(), 10), await LeaveBlobAsync(UploadIds.NextOfRestore(), 10)];
        Assert.Equal(0, (await Services.Collector.RunAsync(default)).UnnamedRemoved);
        Assert.Superset(blobs.ToHashSet(), (await FilesAsync()).Select(file => file.Location).ToHashSet());
    }

    [Fact]
    public async Task OfAnotherDatabase_Stays()
    {
        string document = await PushImageAsync(NewRepository(), "latest");
        List<StoredFile> before = await FilesAsync();
        // As "berth-hub gc" with the right storage and the wrong database, before and after the right one has made the storage its own.
        await using HubServices stranger = await HubServices.OpenAsync(
            Options with { Database = NewDatabase(), DataDirectory = Directory.CreateTempSubdirectory("berth-hub-").FullName },
            NullLoggerFactory.Instance, Time, default);
        var wrong = new Collector(stranger.Database, Services.Storage, Time, Options);
        CollectionReport report = await wrong.RunAsync(default);
        Assert.Contains("is it the right one", report.SweepRefusal, StringComparison.Ordinal);
        Assert.Null((await Services.Collector.RunAsync(default)).SweepRefusal);
        FaultException refused = await Assert.ThrowsAsync<FaultException>(() => wrong.RunAsync(default));
        Assert.Equal(FaultKind.Conflict, refused.Kind);
        Assert.Contains("belongs to another database", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before.Select(file => file.Location).Order(), (await FilesAsync()).Select(file => file.Location).Order());
        Assert.NotEmpty(document);
        Directory.Delete(stranger.Options.DataDirectory, recursive: true);
    }

    [Fact]
    public async Task Young_ByTheStoragesClock_Stays_WhateverTheHubsClockSays()
    {
        await PushImageAsync(NewRepository(), "latest");
        await LeaveBlobAsync(UploadIds.Next(), 10);
        Time.Advance(TimeSpan.FromDays(20));
        var patient = new Collector(Services.Database, Services.Storage, Time, Options with { UnusedBlobTime = TimeSpan.FromHours(1) });
        Assert.Equal(0, (await patient.RunAsync(default)).UnnamedRemoved);
        Assert.Equal(1, (await Services.Collector.RunAsync(default)).UnnamedRemoved);
    }

    [Fact]
    public async Task GivenUp_IsNeverNamedAgain()
    {
        string location = await LeaveBlobAsync(UploadIds.Next(), 10);
        await Services.Database.WriteAsync(
            (transaction, token) => BlobTable.DiscardAsync(transaction, location, 10, 0, token), default);
        var refusal = await Assert.ThrowsAsync<RegistryException>(() => Services.Database.WriteAsync(
            (transaction, token) => BlobTable.AddAsync(transaction, DigestOf("x"), 10, location, 0, token), default));
        Assert.Equal(RegistryCode.BLOB_UPLOAD_UNKNOWN, refusal.Code);
        await Services.Collector.RunAsync(default);
    }

    [Fact]
    public async Task MoreThanAPage_AmongNamedOnes_AreAllFound()
    {
        string repository = NewRepository();
        for (int i = 0; i < 30; i++)
            await PushBlobAsync(repository, $"named {i}");
        await Services.Database.WriteAsync(
            (transaction, token) => transaction.ExecuteAsync($"update repository_blobs set used_at = {long.MaxValue / 2}", token), default);
        for (int i = 0; i < 120; i++)
            await LeaveBlobAsync(UploadIds.Next(), 1);
        CollectionReport report = await Services.Collector.RunAsync(default);
        Assert.Equal((120, 120), (report.UnnamedRemoved, report.BytesFreed));
        for (int i = 0; i < 30; i++)
            Assert.Equal($"named {i}", await Client.GetStringAsync(new Uri($"/v2/{repository}/blobs/{DigestOf($"named {i}")}", UriKind.Relative)));
    }

    private async Task<string> LeaveBlobAsync(string id, int bytes)
    {
        byte[] content = RandomNumberGenerator.GetBytes(bytes);
        await using IBlobWriter writer = await Services.Storage.BeginAsync(id, "sha256", default);
        await writer.WriteAsync(new ReadOnlySequence<byte>(content), default);
        return await writer.FinishAsync(Digest.Of(content), default);
    }

    private async Task LeaveUploadAsync(string id, int bytes)
    {
        await using IBlobWriter writer = await Services.Storage.BeginAsync(id, "sha256", default);
        await writer.WriteAsync(new ReadOnlySequence<byte>(new byte[bytes]), default);
        await writer.SuspendAsync(default);
    }

    private async Task<List<StoredFile>> FilesAsync()
    {
        List<StoredFile> all = [];
        await foreach (StoredFile file in Services.Storage.FilesAsync(default))
            all.Add(file);
        return all;
    }

    private async Task<long> StoredBytesAsync()
    {
        long bytes = 0;
        foreach (StoredFile file in await FilesAsync())
            bytes += (await Services.Storage.LookAsync(file, default))?.Bytes ?? 0;
        return bytes;
    }
}

public sealed class UnnamedFilesTests : UnnamedFilesContract;

public sealed class UnnamedFilesOnPostgreSqlTests : UnnamedFilesContract
{
    protected override string? NewDatabase() => Database.TestCluster.NewDatabase();
}

public sealed class UnnamedFilesOnPostgreSqlAndS3Tests : UnnamedFilesContract
{
    private readonly string _prefix = $"unnamed-{Guid.NewGuid():N}/";

    public override HubOptions Options => base.Options with { S3 = Storage.TestS3.Options(_prefix) };

    protected override string? NewDatabase() => Database.TestCluster.NewDatabase();
}
