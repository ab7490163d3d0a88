using System.Net;
using Berth.Registry.Accounts;
using Berth.Registry.Browsing;
using Berth.Registry.Model;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Repositories;

/// <summary>Uploads that are not finished need space as blobs do, so a quota counts them.</summary>
public abstract class UploadQuotaContract(HubRig hub)
{
    private const int QuotaBytes = 1000;

    private static readonly Caller s_operator = new() { Name = "operator", IsAdministrator = true };

    [Theory]
    [InlineData("sized", false), InlineData("chunked", true)]
    public async Task Uploads_TogetherBeyondTheQuota_AreDenied(string space, bool isChunked)
    {
        await LimitAsync(space);
        string first = await hub.BeginUploadAsync($"{space}/app");
        Assert.Equal(HttpStatusCode.Accepted, (await PatchAsync(first, 400, isChunked)).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await PatchAsync(first, 200, isChunked)).Status);
        string second = await hub.BeginUploadAsync($"{space}/other");
        Assert.Equal((HttpStatusCode.Forbidden, "DENIED"), await PatchAsync(second, 401, isChunked));
        // It holds nothing any more, in no table and on no disk.
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(second));
        Assert.False(File.Exists(FileOf(second)));
        string third = await hub.BeginUploadAsync($"{space}/other");
        Assert.Equal(HttpStatusCode.Accepted, (await PatchAsync(third, 400, isChunked)).Status);
        Assert.Equal((HttpStatusCode.Forbidden, "DENIED"), await PatchAsync(first, 1, isChunked));
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NoContent), (await StatusAsync(first), await StatusAsync(third)));
        using HttpResponseMessage end = await hub.SendAsync(
            HttpMethod.Put, $"{third}?digest={HubRig.DigestOf(new string('x', 400))}");
        Assert.Equal(HttpStatusCode.Created, end.StatusCode);
    }

    [Fact]
    public async Task BlobInOneRequest_BeyondTheQuota_IsDeniedAndGone()
    {
        await LimitAsync("whole");
        string waiting = await hub.BeginUploadAsync("whole/app");
        Assert.Equal(HttpStatusCode.Accepted, (await PatchAsync(waiting, 600, isChunked: false)).Status);
        long held = await HeldAsync();
        using HttpResponseMessage denied = await hub.SendAsync(
            HttpMethod.Post, $"/v2/whole/app/blobs/uploads/?digest={HubRig.DigestOf(new string('y', 401))}", Body(401, isChunked: false, 'y'));
        Assert.Equal((HttpStatusCode.Forbidden, "DENIED"), (denied.StatusCode, await HubRig.CodeAsync(denied)));
        Assert.Equal(held, await HeldAsync());
        await hub.PushBlobAsync("whole/app", new string('z', 400));
    }

    [Fact]
    public async Task Upload_ThatNobodyGoesOnWith_GivesWay()
    {
        await LimitAsync("idle");
        string left = await hub.BeginUploadAsync("idle/app");
        Assert.Equal(HttpStatusCode.Accepted, (await PatchAsync(left, 900, isChunked: false)).Status);
        hub.Time.Advance(TimeSpan.FromMinutes(11));
        string small = await hub.BeginUploadAsync("idle/app");
        Assert.Equal(HttpStatusCode.Accepted, (await PatchAsync(small, 100, isChunked: false)).Status);
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(left));
        string again = await hub.BeginUploadAsync("idle/app");
        Assert.Equal(HttpStatusCode.Accepted, (await PatchAsync(again, 900, isChunked: false)).Status);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NoContent), (await StatusAsync(left), await StatusAsync(small)));
        Assert.False(File.Exists(FileOf(left)));
    }

    [Fact]
    public async Task Figures_TellWhatUploadsHold()
    {
        long before = await HeldAsync();
        string location = await hub.BeginUploadAsync("figures/app");
        Assert.Equal(HttpStatusCode.Accepted, (await PatchAsync(location, 700, isChunked: false)).Status);
        Assert.Equal(before + 700, await HeldAsync());
    }

    private async Task LimitAsync(string space)
    {
        await hub.Services.Accounts.Users.CreateAsync(s_operator, new NewUser(space, "correct horse battery"), default);
        await hub.Services.Operation.Quotas.SetAsync(s_operator, space, QuotaBytes, default);
    }

    private async Task<long> HeldAsync() => (await HubFigures.CountAsync(hub.Services.Database, default)).UploadBytes;

    private string FileOf(string location) => Path.Join(hub.DataDirectory, "uploads", location.Split('/')[^1]);

    private async Task<(HttpStatusCode Status, string? Code)> PatchAsync(string location, int bytes, bool isChunked)
    {
        using HttpResponseMessage answer = await hub.SendAsync(HttpMethod.Patch, location, Body(bytes, isChunked, 'x'));
        return (answer.StatusCode, answer.IsSuccessStatusCode ? null : await HubRig.CodeAsync(answer));
    }

    private async Task<HttpStatusCode> StatusAsync(string location)
    {
        using HttpResponseMessage answer = await hub.GetAsync(location);
        return answer.StatusCode;
    }

    private static HttpContent Body(int bytes, bool isChunked, char with)
    {
        byte[] body = [.. Enumerable.Repeat((byte)with, bytes)];
        return isChunked ? new Unsized(body) : new ByteArrayContent(body);
    }

    // Sent in chunks, as Docker does.
    private sealed class Unsized(byte[] body) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(body).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
