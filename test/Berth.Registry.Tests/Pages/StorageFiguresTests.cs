using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Berth.Registry.Browsing;
using Berth.Registry.Collection;

namespace Berth.Registry.Tests.Pages;

/// <summary>What is said of storage and of freed bytes is what the disk says.</summary>
public sealed partial class StorageFiguresTests : IAsyncLifetime
{
    private const int Images = 6;

    private readonly CollectingHub _hub = new();

    public ValueTask InitializeAsync() => _hub.InitializeAsync();

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Fact]
    public async Task Figures_AreTheDisksBeforeAndAfterEachCollection()
    {
        string repository = await _hub.NewRepositoryAsync();
        List<string> digests = [];
        for (int i = 0; i < Images; i++)
            digests.Add(await _hub.PushAsync(repository, $"t{i}", new string((char)('a' + i), 5000 * (i + 1))));
        using PageReader page = new(_hub.Address);
        await page.SignInAsync("alice");
        await RequireStoredAsync(page);
        // Each way to collect: the button, the call, and the work beside requests, which is the command's, too.
        Assert.Equal(await DeleteAsync(repository, digests[0], digests[1]), await FreedAsync(async () =>
        {
            await page.GetAsync("/admin/storage");
            await page.SubmitAsync("/admin/collect");
            return null;
        }, page));
        Assert.Equal(await DeleteAsync(repository, digests[2]), await FreedAsync(CallAsync, page));
        Assert.Equal(await DeleteAsync(repository, digests[3], digests[4]), await FreedAsync(async () =>
        {
            CollectionReport report = await _hub.Services.Collector.RunAsync(default);
            return report.BytesFreed;
        }, page));
        // Nothing is left over, and nothing is counted twice.
        Assert.Equal(0, await FreedAsync(CallAsync, page));
        await DeleteAsync(repository, digests[5]);
        await FreedAsync(CallAsync, page);
        Assert.Equal(0, OnDisk());
    }

    [Fact]
    public async Task Figures_AreTheDisks_AlsoOfWhatCrashesLeft()
    {
        string repository = await _hub.NewRepositoryAsync();
        await _hub.PushAsync(repository, "stays", "what stays");
        using PageReader page = new(_hub.Address);
        await page.SignInAsync("alice");
        LeaveFiles(7001);
        Assert.Equal(2 * 7001, await FreedAsync(async () =>
        {
            await page.GetAsync("/admin/storage");
            await page.SubmitAsync("/admin/collect");
            Assert.Contains("2 files left by a crash", Spaces().Replace(page.Text, " "), StringComparison.Ordinal);
            return null;
        }, page));
        LeaveFiles(7002);
        Assert.Equal(2 * 7002, await FreedAsync(CallAsync, page));
        LeaveFiles(7003);
        Assert.Equal(2 * 7003, await FreedAsync(
            async () => (await _hub.Services.Collector.RunAsync(default)).BytesFreed, page));
        Assert.Equal(0, await FreedAsync(CallAsync, page));
    }

    // A blob that no row names and an upload that no row names.
    private void LeaveFiles(int bytes)
    {
        FileInfo blob = Files().First();
        string id = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16));
        File.WriteAllBytes(Path.Join(blob.DirectoryName, $"{blob.Name.Split('.')[0]}.{id}"), new byte[bytes]);
        File.WriteAllBytes(Path.Join(_hub.Services.Options.DataDirectory, "uploads", id), new byte[bytes]);
    }

    // How many bytes only these images need.
    private async Task<long> DeleteAsync(string repository, params string[] digests)
    {
        using HttpClient client = _hub.Client("alice");
        HashSet<string> goes = [];
        foreach (string digest in digests)
        {
            foreach (string blob in await BlobsAsync(client, repository, digest))
                goes.Add(blob);
            using HttpResponseMessage deleted = await client.DeleteAsync(new Uri($"/v2/{repository}/manifests/{digest}", UriKind.Relative));
            Assert.True(deleted.IsSuccessStatusCode);
        }
        using HttpResponseMessage list = await client.GetAsync(new Uri($"/v2/{repository}/tags/list", UriKind.Relative));
        using JsonDocument tags = JsonDocument.Parse(await list.Content.ReadAsStringAsync());
        foreach (JsonElement tag in tags.RootElement.GetProperty("tags").EnumerateArray())
            goes.ExceptWith(await BlobsAsync(client, repository, tag.GetString()!));
        return Files().Where(file => goes.Any(digest => file.Name.StartsWith(digest[7..], StringComparison.Ordinal))).Sum(file => file.Length);
    }

    private static async Task<List<string>> BlobsAsync(HttpClient client, string repository, string reference)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri($"/v2/{repository}/manifests/{reference}", UriKind.Relative));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/vnd.oci.image.manifest.v1+json"));
        using HttpResponseMessage answer = await client.SendAsync(request);
        using JsonDocument manifest = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return [.. manifest.RootElement.GetProperty("layers").EnumerateArray().Append(manifest.RootElement.GetProperty("config"))
            .Select(blob => blob.GetProperty("digest").GetString()!)];
    }

    // What the collection says that it freed, which is what the disk has more room by.
    private async Task<long> FreedAsync(Func<Task<long?>> collectAsync, PageReader page)
    {
        long before = OnDisk();
        long? said = await collectAsync();
        long freed = before - OnDisk();
        if (said is not null)
            Assert.Equal(freed, said);
        else
            Assert.Contains($"{Size(freed)} freed", page.Text, StringComparison.Ordinal);
        await RequireStoredAsync(page);
        return freed;
    }

    private async Task<long?> CallAsync()
    {
        using HttpClient client = _hub.Client("alice");
        using HttpResponseMessage answer = await client.PostAsync(new Uri("/api/v1/admin/collect", UriKind.Relative), null);
        using JsonDocument report = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return report.RootElement.GetProperty("bytesFreed").GetInt64();
    }

    private async Task RequireStoredAsync(PageReader page)
    {
        HubFigures figures = await HubFigures.CountAsync(_hub.Services.Database, default);
        Assert.Equal((OnDisk(), Files().Count()), (figures.BlobBytes + figures.WaitingBytes, (int)figures.Blobs));
        Assert.Equal(0, figures.WaitingBytes);
        await page.GetAsync("/admin/storage");
        string text = Spaces().Replace(page.Text, "");
        Assert.Contains(Spaces().Replace($"Stored{Size(OnDisk())}Blobs", ""), text, StringComparison.Ordinal);
    }

    private IEnumerable<FileInfo> Files() => new DirectoryInfo(Path.Join(_hub.Services.Options.DataDirectory, "blobs"))
        .EnumerateFiles("*", SearchOption.AllDirectories);

    // As `du --apparent-size` sums files.
    private long OnDisk() => Files().Concat(
        new DirectoryInfo(Path.Join(_hub.Services.Options.DataDirectory, "uploads")).EnumerateFiles()).Sum(file => file.Length);

    private static string Size(long bytes) => bytes < 1000
        ? $"{bytes} B" : (bytes / 1000.0).ToString(bytes >= 99_950 ? "0" : "0.#", CultureInfo.InvariantCulture) + " kB";

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    private sealed class CollectingHub : PagesHub
    {
        protected override TimeSpan UnusedBlobTime => TimeSpan.Zero;
    }
}
