using System.Net;
using Berth.Oci;
using Berth.Registry.Tests.Hosting;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Tests.Cache;

/// <summary>What many pull at once is asked of the upstream once, whoever of them goes away.</summary>
public sealed class SharedPullTests : CacheRig
{
    private readonly TaskCompletionSource _gate = new();

    [Fact]
    public async Task Blob_WhoseFirstClientGoesAway_IsFetchedOnceForTheOthers()
    {
        (_, byte[] layer) = Serve("v1", "wanted");
        string path = $"{Name}/blobs/{Digest.Of(layer)}";
        HoldBodies();
        using var first = new CancellationTokenSource();
        Task<byte[]> leaving = Hub.Client.GetByteArrayAsync(new Uri(path, UriKind.Relative), first.Token);
        await UntilAsync(() => Waiting == 1);
        Task<byte[]>[] others = [.. Enumerable.Range(0, 5).Select(_ => Hub.Client.GetByteArrayAsync(new Uri(path, UriKind.Relative)))];
        await UntilAsync(() => Waiting == 6);
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        await UntilAsync(() => Waiting == 5);
        _gate.SetResult();
        Assert.All(await Task.WhenAll(others), content => Assert.Equal(layer, content));
        Assert.Equal(1, CountOf("GET /v2/library/app/blobs/"));
        Assert.Equal(0, await UploadsAsync());
    }

    [Fact]
    public async Task Blob_ThatNobodyWaitsForAnyMore_IsGivenUp_AndFetchedAnew()
    {
        (_, byte[] layer) = Serve("v1", "wanted");
        string path = $"{Name}/blobs/{Digest.Of(layer)}";
        HoldBodies();
        using var leave = new CancellationTokenSource();
        Task<byte[]>[] leaving =
            [.. Enumerable.Range(0, 3).Select(_ => Hub.Client.GetByteArrayAsync(new Uri(path, UriKind.Relative), leave.Token))];
        await UntilAsync(() => Waiting == 3 && CountOf("GET /v2/library/app/blobs/") == 1);
        await leave.CancelAsync();
        foreach (Task<byte[]> one in leaving)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        await UntilAsync(() => Waiting == 0);
        _gate.SetResult();
        Assert.Equal(layer, await Hub.Client.GetByteArrayAsync(new Uri(path, UriKind.Relative)));
        Assert.Equal(2, CountOf("GET /v2/library/app/blobs/"));
        Assert.Equal(0, await UploadsAsync());
    }

    [Theory]
    [InlineData("v1"), InlineData("digest")]
    public async Task Manifest_AskedForByManyAtOnce_IsFetchedOnce(string reference)
    {
        (string manifest, _) = Serve("v1", "wanted");
        string path = $"{Name}/manifests/{(reference == "digest" ? HubRig.DigestOf(manifest) : reference)}";
        HoldBodies();
        using var first = new CancellationTokenSource();
        Task<string> leaving = Hub.Client.GetStringAsync(new Uri(path, UriKind.Relative), first.Token);
        await UntilAsync(() => Waiting == 1);
        Task<string>[] others = [.. Enumerable.Range(0, 10).Select(_ => TextAsync(path))];
        await UntilAsync(() => Waiting == 11);
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        await UntilAsync(() => Waiting == 10);
        _gate.SetResult();
        Assert.All(await Task.WhenAll(others), content => Assert.Equal(manifest, content));
        Assert.Equal(1, CountOf("GET /v2/library/app/manifests/"));
        Assert.InRange(CountOf("HEAD /v2/library/app/manifests/"), 0, 1);
    }

    [Fact]
    public async Task Failure_IsToldToAllWhoWaited_AndNotToWhoComesLater()
    {
        (string manifest, _) = Serve("v1", "wanted");
        Upstream.Answer = async context =>
        {
            await _gate.Task;
            context.Response.StatusCode = 404;
            return true;
        };
        Task<HttpResponseMessage>[] pulls = [.. Enumerable.Range(0, 4).Select(_ => Hub.GetAsync($"{Name}/manifests/v1"))];
        await UntilAsync(() => Waiting == 4);
        _gate.SetResult();
        Assert.All(await Task.WhenAll(pulls), answer => Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode));
        Upstream.Answer = _ => Task.FromResult(false);
        Assert.Equal(manifest, await TextAsync($"{Name}/manifests/v1"));
    }

    private int Waiting => Hub.Services.Cache.Waiting;

    private void HoldBodies() => Upstream.Answer = async context =>
    {
        if (HttpMethods.IsGet(context.Request.Method))
            await _gate.Task.WaitAsync(context.RequestAborted);
        return false;
    };

    private Task<long?> UploadsAsync() => Hub.Services.Database.ReadAsync(
        (transaction, token) => transaction.NumberAsync($"select count(*) from uploads", token), default);
}
