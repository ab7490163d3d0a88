using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Berth.Hub.Tests.Clients;

namespace Berth.Hub.Tests.Robustness;

/// <summary>The disk is full in the midst of pushes: what was acknowledged stays, and what was begun goes on when there is room.</summary>
public sealed class FullDiskTests : IAsyncLifetime
{
    private const int LayerBytes = 400_000;
    private const int PieceBytes = 65_536;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-full-");

    private string Data => Path.Join(_directory.FullName, "data");

    private string Filler => Path.Join(Data, "filler");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting a small file system needs root");
        Directory.CreateDirectory(Data);
        await ClientProgram.RunAsync("mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "berth-full", Data);
    }

    public async ValueTask DisposeAsync()
    {
        await ClientProgram.TryAsync("umount", ["--lazy", Data]);
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Disk_ThatFillsUp_LosesNothingThatWasAcknowledged()
    {
        await using HubProgram hub = await HubProgram.StartInAsync(_directory, "--anonymous-push");
        using HttpClient client = new() { BaseAddress = hub.Address };
        var images = new ImagePusher(client, "test/full");
        List<(string Tag, byte[] Layer)> acknowledged = [];
        HttpStatusCode status;
        do
        {
            (string tag, byte[] layer) = ($"t{acknowledged.Count}", RandomNumberGenerator.GetBytes(LayerBytes));
            status = await images.PushAsync(tag, layer);
            if (status == HttpStatusCode.Created)
                acknowledged.Add((tag, layer));
        }
        while (status == HttpStatusCode.Created);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.True(acknowledged.Count > 10, $"only {acknowledged.Count} images had room");
        await RequireAllAsync(images, acknowledged);
        // So they are after a restart on the full disk, and with room again everything goes on.
        hub.Process.Kill();
        await hub.Process.WaitForExitAsync();
        await ClientProgram.RunAsync("mount", "-o", "remount,size=64m", Data);
        await using HubProgram again = await hub.StartAgainAsync("--anonymous-push");
        await RequireAllAsync(images, acknowledged);
        byte[] more = RandomNumberGenerator.GetBytes(LayerBytes);
        Assert.Equal(HttpStatusCode.Created, await images.PushAsync("more", more));
        await images.RequireAsync("more", more);
    }

    [Fact]
    public async Task Upload_OnAFullDisk_IsRefusedClearly_AndGoesOnWithRoom()
    {
        await using HubProgram hub = await HubProgram.StartInAsync(_directory, "--anonymous-push");
        using HttpClient client = new() { BaseAddress = hub.Address };
        byte[] blob = RandomNumberGenerator.GetBytes(LayerBytes);
        using HttpResponseMessage begun = await client.PostAsync(new Uri("/v2/test/full/blobs/uploads/", UriKind.Relative), null);
        Uri location = begun.Headers.Location!;
        using HttpResponseMessage first = await PatchAsync(client, location, blob, 0, PieceBytes);
        Assert.Equal(HttpStatusCode.Accepted, first.StatusCode);
        Fill();
        using HttpResponseMessage refused = await PatchAsync(client, location, blob, PieceBytes, blob.Length - PieceBytes);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        string said = await refused.Content.ReadAsStringAsync();
        Assert.Contains("UNAVAILABLE", said, StringComparison.Ordinal);
        Assert.Matches("No space left on device|full", said);
        File.Delete(Filler);
        int arrived = await ArrivedAsync(client, location);
        Assert.True(arrived >= PieceBytes, $"{arrived} bytes are left of the {PieceBytes} that were acknowledged");
        using HttpResponseMessage rest = await PatchAsync(client, location, blob, arrived, blob.Length - arrived);
        Assert.Equal(HttpStatusCode.Accepted, rest.StatusCode);
        using HttpResponseMessage end = await client.PutAsync(
            new Uri($"{location}?digest={ImagePusher.Digest(blob)}", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.Created, end.StatusCode);
        Assert.Equal(blob, await client.GetByteArrayAsync(new Uri($"/v2/test/full/blobs/{ImagePusher.Digest(blob)}", UriKind.Relative)));
    }

    private static async Task RequireAllAsync(ImagePusher images, List<(string Tag, byte[] Layer)> acknowledged)
    {
        foreach ((string tag, byte[] layer) in acknowledged)
            await images.RequireAsync(tag, layer);
    }

    private static async Task<HttpResponseMessage> PatchAsync(HttpClient client, Uri location, byte[] blob, int offset, int count)
    {
        var content = new ByteArrayContent(blob, offset, count);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.TryAddWithoutValidation("Content-Range", $"{offset}-{offset + count - 1}");
        return await client.PatchAsync(location, content);
    }

    // "0-65535": so much is there.
    private static async Task<int> ArrivedAsync(HttpClient client, Uri location)
    {
        using HttpResponseMessage status = await client.GetAsync(location);
        Assert.Equal(HttpStatusCode.NoContent, status.StatusCode);
        return int.Parse(status.Headers.GetValues("Range").Single().Split('-')[1]) + 1;
    }

    // To the last byte: the database can write nothing either.
    private void Fill()
    {
        using var file = new FileStream(Filler, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] page = new byte[4096];
        try
        {
            while (true)
                file.Write(page);
        }
        catch (IOException)
        {
            // Full.
        }
    }
}
