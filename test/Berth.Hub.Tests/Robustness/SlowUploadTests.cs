using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Berth.Registry.Storage;
using Berth.Registry.Tests.Storage;

namespace Berth.Hub.Tests.Robustness;

/// <summary>Very many clients that send next to nothing: the hub stays small and goes on with others.</summary>
public sealed class SlowUploadTests
{
    // Fewer only where a process may not have so many files.
    private const int UsualUploads = 10_000;
    private const int FilesOfOthers = 500;
    // The connection and the file.
    private const int FilesOfAnUpload = 2;
    private const int BaseMegabytes = 130;
    private const int KilobytesEach = 24;
    private const int OpenAtOnce = 50;
    private const int UploadsToS3 = 60;
    private const int PieceMegabytes = 15;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private static int Uploads => int.TryParse(Environment.GetEnvironmentVariable("BERTH_SLOW_UPLOADS"), out int uploads)
        ? uploads
        : Math.Min(UsualUploads, (FilesMax() - FilesOfOthers) / FilesOfAnUpload);

    [Fact]
    public async Task Uploads_OpenAndSlow_TakeBoundedMemory()
    {
        await using HubProgram hub = await HubProgram.StartAsync("--anonymous-push");
        using HttpClient client = new() { BaseAddress = hub.Address };
        List<Socket> open = [];
        using var patience = new CancellationTokenSource(s_patience);
        try
        {
            foreach (int[] group in Enumerable.Range(0, Uploads).Chunk(OpenAtOnce))
                open.AddRange(await Task.WhenAll(group.Select(_ => BeginAsync(client, hub, patience.Token))));
            Assert.Equal(Uploads, open.Count);
            long kilobytes = Resident(hub.Process.Id);
            TestContext.Current.TestOutputHelper?.WriteLine($"{Uploads} uploads: {kilobytes} KB resident");
            Assert.True(kilobytes < (BaseMegabytes * 1024) + (Uploads * (long)KilobytesEach), $"{kilobytes} KB with {Uploads} uploads");
            var images = new ImagePusher(client, "test/other");
            byte[] layer = RandomNumberGenerator.GetBytes(300_000);
            Assert.Equal(HttpStatusCode.Created, await images.PushAsync("latest", layer));
            await images.RequireAsync("latest", layer);
            // None was cut off to get there: there is no answer and no end to read.
            Assert.DoesNotContain(open, socket => socket.Poll(0, SelectMode.SelectRead));
        }
        finally
        {
            open.ForEach(socket => socket.Dispose());
        }
    }

    // On S3 nothing can be added to an object, so what is too short for a part waits in the hub: on its disk, not in its memory.
    [Fact]
    public async Task UploadsToS3_OpenWithLessThanAPart_TakeBoundedMemory()
    {
        S3Options s3 = TestS3.Options($"slow-{Guid.NewGuid():N}/");
        DirectoryInfo directory = Directory.CreateTempSubdirectory("berth-hub-");
        List<Socket> open = [];
        using var patience = new CancellationTokenSource(s_patience);
        try
        {
            string secret = Path.Join(directory.FullName, "secret");
            await File.WriteAllTextAsync(secret, s3.SecretKey, patience.Token);
            await using HubProgram hub = await HubProgram.StartInAsync(
                directory, "--anonymous-push", "--s3-endpoint", s3.Endpoint.ToString(), "--s3-bucket", s3.Bucket, "--s3-prefix", s3.Prefix,
                "--s3-access-key", s3.AccessKey, "--s3-secret-key-file", secret);
            using HttpClient client = new() { BaseAddress = hub.Address };
            byte[] piece = new byte[PieceMegabytes * 1024 * 1024];
            for (int i = 0; i < UploadsToS3; i++)
            {
                open.Add(await BeginAsync(client, hub, patience.Token));
                for (int sent = 0; sent < piece.Length;)
                    sent += await open[^1].SendAsync(piece.AsMemory(sent), patience.Token);
            }
            long kilobytes = Resident(hub.Process.Id);
            TestContext.Current.TestOutputHelper?.WriteLine($"{UploadsToS3} uploads of {PieceMegabytes} MB: {kilobytes} KB resident");
            Assert.True(kilobytes < 2 * BaseMegabytes * 1024, $"{kilobytes} KB with {UploadsToS3} uploads of {PieceMegabytes} MB");
            var images = new ImagePusher(client, "test/other");
            byte[] layer = RandomNumberGenerator.GetBytes(300_000);
            Assert.Equal(HttpStatusCode.Created, await images.PushAsync("latest", layer));
            await images.RequireAsync("latest", layer);
        }
        finally
        {
            open.ForEach(socket => socket.Dispose());
            directory.Delete(recursive: true);
        }
    }

    // A request whose body the hub waits for: it says so by asking for it.
    private static async Task<Socket> BeginAsync(HttpClient client, HubProgram hub, CancellationToken cancellationToken)
    {
        using HttpResponseMessage begun = await client.PostAsync(
            new Uri("/v2/test/slow/blobs/uploads/", UriKind.Relative), null, cancellationToken);
        Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(hub.Address.Host, hub.Address.Port, cancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"PATCH {begun.Headers.Location} HTTP/1.1\r\nHost: {hub.Host}\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n\r\n"), cancellationToken);
        byte[] answer = new byte[256];
        int count = await socket.ReceiveAsync(answer, cancellationToken);
        Assert.StartsWith("HTTP/1.1 100", Encoding.ASCII.GetString(answer, 0, count), StringComparison.Ordinal);
        await socket.SendAsync("x"u8.ToArray(), cancellationToken);
        return socket;
    }

    private static int FilesMax() => int.Parse(
        File.ReadLines("/proc/self/limits").Single(line => line.StartsWith("Max open files", StringComparison.Ordinal))[14..]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1] is var most && most != "unlimited" ? most : "1000000");

    private static long Resident(int pid) => long.Parse(
        File.ReadLines($"/proc/{pid}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))[6..].Trim().Split(' ')[0]);
}
