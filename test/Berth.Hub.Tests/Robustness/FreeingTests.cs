using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Berth.Hub.Tests.Robustness;

/// <summary>A disk that is full to the last byte is freed by the hub itself: by the protocol, the pages, the API and the command
/// line.</summary>
public sealed partial class FreeingTests
{
    private const string Administrator = "alice";
    private const string Password = "correct horse";
    private const int LayerBytes = 2_000_000;
    private const long ReserveBytes = 8 * 1024 * 1024;

    // What was deleted goes with the next collection, not hours later.
    private static readonly string[] s_options = ["--unused-blob-time", "1s"];

    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    [InlineData("tmpfs")]
    public async Task FullDisk_IsFreedByTheHub(string kind)
    {
        await using SmallDisk disk = await SmallDisk.MakeAsync(kind);
        (HubProgram first, List<(string Tag, byte[] Layer)> kept) = await FillAsync(disk);
        await using HubProgram begun = first;
        Assert.Equal(ReserveBytes, new FileInfo(disk.Reserve).Length);
        begun.Process.Kill();
        await begun.Process.WaitForExitAsync();
        disk.Fill("more");

        await using HubProgram hub = await begun.StartAgainAsync(s_options);
        using HttpClient client = ClientOf(hub);
        var images = new ImagePusher(client, "alice/full");
        Assert.Contains("the disk is full", await client.GetStringAsync(Relative("/ready")), StringComparison.Ordinal);
        await RequireSignInAsync(client);
        foreach ((string tag, byte[] layer) in kept)
            await images.RequireAsync(tag, layer);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await images.PushAsync("late", RandomNumberGenerator.GetBytes(LayerBytes)));

        // By the protocol, and the API collects.
        await DeleteAsync(images, kept);
        await DeleteAsync(images, kept);
        using (HttpResponseMessage collected = await client.PostAsync(Relative("/api/v1/admin/collect"), null))
        {
            string said = await collected.Content.ReadAsStringAsync();
            Assert.True(collected.StatusCode == HttpStatusCode.OK, said);
            Assert.True(JsonElement.Parse(said).GetProperty("bytesFreed").GetInt64() >= 2 * LayerBytes, said);
        }
        // A session of a browser, and the page collects.
        disk.Fill("still more");
        await DeleteAsync(images, kept);
        await CollectOnPageAsync(hub);
        // Beside the server, and without it.
        disk.Fill("ever more");
        await DeleteAsync(images, kept);
        await CollectByCommandAsync(disk);
        disk.Fill("most of all");
        await DeleteAsync(images, kept);
        hub.Process.Kill();
        await hub.Process.WaitForExitAsync();
        for (int i = 0; i < 2; i++)
            await CollectByCommandAsync(disk);

        // With room again everything goes on, and what is kept for the next time is whole.
        await using HubProgram last = await hub.StartAgainAsync(s_options);
        foreach (string filler in new[] { "more", "still more", "ever more", "most of all" })
            File.Delete(Path.Join(disk.Data, filler));
        byte[] more = RandomNumberGenerator.GetBytes(LayerBytes);
        Assert.Equal(HttpStatusCode.Created, await images.PushAsync("more", more));
        await images.RequireAsync("more", more);
        foreach ((string tag, byte[] layer) in kept)
            await images.RequireAsync(tag, layer);
        Assert.Equal(ReserveBytes, new FileInfo(disk.Reserve).Length);
        Assert.DoesNotContain("the disk is full", await client.GetStringAsync(Relative("/ready")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kill_WhileRoomIsGivenUp_LosesNothing_AndTheRoomIsKeptAgain()
    {
        await using SmallDisk disk = await SmallDisk.MakeAsync("ext4");
        (HubProgram hub, List<(string Tag, byte[] Layer)> kept) = await FillAsync(disk);
        for (int round = 0; round < 3; round++)
        {
            hub.Process.Kill();
            await hub.Process.WaitForExitAsync();
            await using HubProgram before = hub;
            disk.Fill($"more{round}");
            hub = await hub.StartAgainAsync(s_options);
            using HttpClient client = ClientOf(hub);
            var images = new ImagePusher(client, "alice/full");
            (string tag, byte[] layer) = kept[^1];
            kept.RemoveAt(kept.Count - 1);
            long length = new FileInfo(disk.Reserve).Length;
            Task<HttpStatusCode> deleted = TryDeleteAsync(images, $"manifests/{ImagePusher.Digest(ManifestOf(layer))}");
            // Killed when a piece is gone, or when it needed none.
            while (!deleted.IsCompleted && new FileInfo(disk.Reserve).Length == length)
                await Task.Yield();
            hub.Process.Kill();
            await hub.Process.WaitForExitAsync();
            HttpStatusCode answer = await deleted;
            await using HubProgram killed = hub;
            hub = await hub.StartAgainAsync(s_options);
            using HttpClient again = ClientOf(hub);
            images = new ImagePusher(again, "alice/full");
            if (answer == HttpStatusCode.Accepted)
                Assert.Equal(HttpStatusCode.NotFound, await TryAsync(images, HttpMethod.Head, $"manifests/{tag}"));
            else
                await DeleteManifestAsync(images, layer);
            await DeleteLayerAsync(images, layer);
        }
        using HttpClient end = ClientOf(hub);
        var left = new ImagePusher(end, "alice/full");
        foreach ((string tag, byte[] layer) in kept)
            await left.RequireAsync(tag, layer);
        for (int round = 0; round < 3; round++)
            File.Delete(Path.Join(disk.Data, $"more{round}"));
        await CollectByCommandAsync(disk);
        Assert.Equal(HttpStatusCode.Created, await left.PushAsync("more", RandomNumberGenerator.GetBytes(1000)));
        Assert.Equal(ReserveBytes, new FileInfo(disk.Reserve).Length);
        await hub.DisposeAsync();
    }

    // A hub with an administrator, and images until no more is taken.
    private static async Task<(HubProgram Hub, List<(string Tag, byte[] Layer)> Images)> FillAsync(SmallDisk disk)
    {
        await HubTool.OnAsync(disk.Data, Password + "\n", "user", "add", Administrator, "--admin", "--password-stdin");
        HubProgram hub = await HubProgram.StartInAsync(disk.Directory, s_options);
        using HttpClient client = ClientOf(hub);
        var images = new ImagePusher(client, "alice/full");
        List<(string Tag, byte[] Layer)> acknowledged = [];
        while (true)
        {
            (string tag, byte[] layer) = ($"t{acknowledged.Count}", RandomNumberGenerator.GetBytes(LayerBytes));
            HttpStatusCode status = await images.PushAsync(tag, layer);
            if (status != HttpStatusCode.Created)
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
                break;
            }
            acknowledged.Add((tag, layer));
        }
        Assert.True(acknowledged.Count > 8, $"only {acknowledged.Count} images had room");
        return (hub, acknowledged);
    }

    // As `docker login` asks: the answer is a token, with which an image is pulled.
    private static async Task RequireSignInAsync(HttpClient client)
    {
        JsonElement answer = JsonElement.Parse(await client.GetStringAsync(
            Relative("/auth/token?offline_token=true&scope=repository:alice/full:pull")));
        using var request = new HttpRequestMessage(HttpMethod.Head, Relative("/v2/alice/full/manifests/t0"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", answer.GetProperty("token").GetString());
        using HttpResponseMessage head = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
    }

    private static async Task DeleteAsync(ImagePusher images, List<(string Tag, byte[] Layer)> kept)
    {
        (_, byte[] layer) = kept[^1];
        kept.RemoveAt(kept.Count - 1);
        await DeleteManifestAsync(images, layer);
        await DeleteLayerAsync(images, layer);
    }

    private static async Task DeleteManifestAsync(ImagePusher images, byte[] layer) => Assert.Equal(
        HttpStatusCode.Accepted, await TryAsync(images, HttpMethod.Delete, $"manifests/{ImagePusher.Digest(ManifestOf(layer))}"));

    private static async Task DeleteLayerAsync(ImagePusher images, byte[] layer) => Assert.Equal(
        HttpStatusCode.Accepted, await TryAsync(images, HttpMethod.Delete, $"blobs/{ImagePusher.Digest(layer)}"));

    private static byte[] ManifestOf(byte[] layer) => System.Text.Encoding.UTF8.GetBytes(ImagePusher.Manifest(layer));

    private static async Task<HttpStatusCode> TryAsync(ImagePusher images, HttpMethod method, string what)
    {
        using HttpResponseMessage answer = await images.SendAsync(method, what);
        return answer.StatusCode;
    }

    // No answer: the hub was killed before.
    private static async Task<HttpStatusCode> TryDeleteAsync(ImagePusher images, string what)
    {
        try
        {
            return await TryAsync(images, HttpMethod.Delete, what);
        }
        catch (HttpRequestException)
        {
            return 0;
        }
    }

    private static async Task CollectOnPageAsync(HubProgram hub)
    {
        using HttpClient browser = new(new SocketsHttpHandler { CookieContainer = new CookieContainer() }) { BaseAddress = hub.Address };
        browser.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
        string token = FormToken().Match(await browser.GetStringAsync(Relative("/signin"))).Groups[1].Value;
        using HttpResponseMessage signedIn = await browser.PostAsync(
            Relative("/signin"), Form(("form-token", token), ("name", Administrator), ("password", Password)));
        Assert.Equal(HttpStatusCode.OK, signedIn.StatusCode);
        string page = await browser.GetStringAsync(Relative("/admin/storage"));
        Match form = CollectForm().Match(page);
        Assert.True(form.Success, page);
        using HttpResponseMessage collected = await browser.PostAsync(
            Relative(form.Groups[1].Value), Form(("form-token", FormToken().Match(page).Groups[1].Value)));
        string said = await collected.Content.ReadAsStringAsync();
        Assert.True(collected.StatusCode == HttpStatusCode.OK, said);
    }

    private static async Task CollectByCommandAsync(SmallDisk disk)
    {
        (int code, string said) = await HubTool.RunAsync(HubTool.Hub, ["gc", "--data", disk.Data]);
        Assert.True(code == 0, said);
    }

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    private static HttpClient ClientOf(HubProgram hub)
    {
        var client = new HttpClient { BaseAddress = hub.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", HubTool.Base64($"{Administrator}:{Password}"));
        return client;
    }

    private static Uri Relative(string path) => new(path, UriKind.Relative);

    [GeneratedRegex("name=\"form-token\" value=\"([^\"]*)\"")]
    private static partial Regex FormToken();

    [GeneratedRegex("action=\"([^\"]*collect[^\"]*)\"")]
    private static partial Regex CollectForm();
}
