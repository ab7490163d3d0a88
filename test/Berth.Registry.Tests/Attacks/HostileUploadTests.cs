using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Berth.Oci;
using Berth.Registry.Model;
using Berth.Registry.Protocol;
using Berth.Registry.Repositories;
using Berth.Registry.Tests.Hosting;

namespace Berth.Registry.Tests.Attacks;

/// <summary>Uploads by several writers, broken off, endless and many (attack F3).</summary>
public sealed class HostileUploadTests(EmbeddedHub hub) : IClassFixture<EmbeddedHub>
{
    [Fact]
    public async Task Upload_WithTwoWriters_TakesOne()
    {
        string location = await hub.BeginUploadAsync(hub.NewRepository());
        using Socket first = await BeginPatchAsync(location, contentLength: 10, sent: "12345");
        // The hub has the first half and waits for the second: meanwhile nobody else may write.
        Assert.Equal(HttpStatusCode.Conflict, await ProbeAsync(location));
        await first.SendAsync("67890"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 202", await ReadAsync(first), StringComparison.Ordinal);
        using HttpResponseMessage end = await hub.SendAsync(HttpMethod.Put, $"{location}?digest={HubRig.DigestOf("1234567890")}");
        Assert.Equal(HttpStatusCode.Created, end.StatusCode);
    }

    [Fact]
    public async Task Upload_BrokenOff_GoesOnWhereItWas()
    {
        string location = await hub.BeginUploadAsync(hub.NewRepository());
        using (await BeginPatchAsync(location, contentLength: 1000, sent: "12345"))
            Assert.Equal(HttpStatusCode.Conflict, await ProbeAsync(location));
        await UntilAsync(async () =>
        {
            using HttpResponseMessage status = await hub.GetAsync(location);
            return HubRig.Header(status, "Range") == "0-4";
        });
        using HttpResponseMessage rest = await hub.SendAsync(
            HttpMethod.Patch, location, new ByteArrayContent("67890"u8.ToArray()), ("Content-Range", "5-9"));
        Assert.Equal(HttpStatusCode.Accepted, rest.StatusCode);
        using HttpResponseMessage end = await hub.SendAsync(HttpMethod.Put, $"{location}?digest={HubRig.DigestOf("1234567890")}");
        Assert.Equal(HttpStatusCode.Created, end.StatusCode);
    }

    [Fact]
    public async Task BlobInOneRequest_BrokenOff_LeavesNothing()
    {
        string name = hub.NewRepository();
        string uploads = Path.Join(hub.DataDirectory, "uploads");
        HashSet<string> before = [.. Directory.GetFiles(uploads)];
        string[] New() => [.. Directory.GetFiles(uploads).Where(file => !before.Contains(file))];
        string id;
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(IPAddress.Loopback, hub.Server.Addresses[0].Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(
                $"POST /v2/{name}/blobs/uploads/?digest={HubRig.DigestOf("1234567890")} HTTP/1.1\r\nHost: hub\r\nContent-Length: 10\r\n\r\n12345"));
            await UntilAsync(() => Task.FromResult(New() is [var file] && new FileInfo(file).Length == 5));
            id = Path.GetFileName(New()[0]);
        }
        await UntilAsync(async () => New().Length == 0 && await hub.Services.Database.ReadAsync(
            (transaction, token) => transaction.NumberAsync(
                $"select count(*) from uploads u join repositories r on r.id = u.repository_id where r.name = {name}", token), default) == 0);
        // The hub forgot it, and did not make it a blob.
        using HttpResponseMessage status = await hub.GetAsync($"/v2/{name}/blobs/uploads/{id}");
        Assert.Equal(HttpStatusCode.NotFound, status.StatusCode);
        using HttpResponseMessage blob = await hub.GetAsync($"/v2/{name}/blobs/{HubRig.DigestOf("1234567890")}");
        Assert.Equal(HttpStatusCode.NotFound, blob.StatusCode);
    }

    [Fact]
    public async Task Upload_ByADeadWriter_IsFreeAfterItsLease()
    {
        string location = await hub.BeginUploadAsync(hub.NewRepository());
        string id = location.Split('/')[^1];
        // As a process leaves it that was killed in the midst of a request.
        long until = hub.Time.GetUtcNow().AddMinutes(1).ToUnixTimeMilliseconds();
        await hub.Services.Database.WriteAsync((transaction, token) => transaction.ExecuteAsync(
            $"update uploads set writer = {"dead"}, writer_until = {until} where id = {id}", token), default);
        Assert.Equal(HttpStatusCode.Conflict, await ProbeAsync(location));
        hub.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, await ProbeAsync(location));
    }

    [Fact]
    public async Task Uploads_SameBlobAtOnce_AreAllAnswered_AndItIsStoredOnce()
    {
        byte[] content = RandomNumberGenerator.GetBytes(300_000);
        Digest digest = Digest.Of(content);
        string[] names = [.. Enumerable.Range(0, 8).Select(_ => hub.NewRepository())];
        await Task.WhenAll(names.Select(name => Task.Run(() => hub.PushBlobAsync(name, content))));
        foreach (string name in names)
            Assert.Equal(content, await hub.Client.GetByteArrayAsync(new Uri($"/v2/{name}/blobs/{digest}", UriKind.Relative)));
        await hub.Services.Collector.RunAsync(default);
        Assert.Single(Directory.GetFiles(Path.Join(hub.DataDirectory, "blobs"), $"{digest.Hex}.*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Uploads_TooManyOfOneAccount_AreRefused()
    {
        string name = hub.NewRepository();
        await hub.PushBlobAsync(name, "x");
        var caller = Caller.Anonymous with { AccountId = 7 };
        await hub.Services.Database.WriteAsync(
            async (transaction, token) =>
            {
                long? id = await transaction.NumberAsync($"select id from repositories where name = {name}", token);
                for (int i = 0; i < UploadTable.UploadsPerAccountMax; i++)
                    await UploadTable.AddAsync(
                        transaction, new UploadRow($"many{i}", id!.Value, 0, "sha256"), null, caller, 0, token);
                return true;
            }, default);
        var refusal = await Assert.ThrowsAsync<RegistryException>(() => hub.Services.Database.ReadAsync(
            async (transaction, token) =>
            {
                await UploadTable.RequireRoomAsync(transaction, caller, token);
                return true;
            }, default));
        Assert.Equal(429, refusal.Status);
    }

    // Returns when what was sent lies in the upload's file. Somebody who asks before could be the first writer himself, and what had not
    // been read would be lost with the connection.
    private async Task<Socket> BeginPatchAsync(string location, int contentLength, string sent)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, hub.Server.Addresses[0].Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"PATCH {location} HTTP/1.1\r\nHost: hub\r\nContent-Length: {contentLength}\r\n\r\n{sent}"));
        string file = Path.Join(hub.DataDirectory, "uploads", location.Split('/')[^1]);
        await UntilAsync(() => Task.FromResult(new FileInfo(file).Length == sent.Length));
        return socket;
    }

    private static async Task<string> ReadAsync(Socket socket)
    {
        byte[] buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer));
    }

    // A byte at a place where none belongs, so that asking changes nothing.
    private async Task<HttpStatusCode> ProbeAsync(string location)
    {
        using HttpResponseMessage response = await hub.SendAsync(
            HttpMethod.Patch, location, new ByteArrayContent([1]), ("Content-Range", "999-999"));
        return response.StatusCode;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
