using System.Formats.Tar;
using System.Text;
using System.Text.Json;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>A data root whose disk is full or takes no more writes.</summary>
[Collection(nameof(RobustnessCollection))]
public sealed class DiskTests
{
    private const string Chatter = "i=0; while true; do echo line $i; i=$((i+1)); usleep 2000; done";

    [Theory, InlineData("ext4"), InlineData("tmpfs")]
    public async Task FullDisk_SaysSoLivesAndGoesOnWhenThereIsRoomAgain(string kind)
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        Assert.SkipUnless(kind != "ext4" || File.Exists("/sbin/mkfs.ext4"), "e2fsprogs is not installed");
        await using MemoryRegistry registry = new(MixedLoad.Repositories, layers: 2, layerBytes: 4 * 1024 * 1024);
        await using SmallDisk disk = await SmallDisk.MakeAsync(kind);
        await using OwnDaemon daemon = await OwnDaemon.StartAsync(disk.Path + "/data");
        byte[] archive = await daemon.Api.GetByteArrayAsync("/images/bb/get");
        string chatty = await RunAsync(daemon, "chatty", ["sh", "-c", Chatter]);
        string ended = await RunAsync(daemon, "ended", ["true"]);
        await daemon.PostAsync($"/containers/{ended}/wait");
        await UntilLinesAsync(daemon, chatty, 20);

        disk.Fill();
        await AssertFullAsync(daemon, registry, chatty, ended, archive);
        // It has no room to begin with, and begins.
        disk.Fill();
        await daemon.KillAsync();
        await daemon.StartAsync();
        disk.Fill();
        Assert.Equal("running", await StatusAsync(daemon, chatty));
        await AssertRefusedAsync(daemon, "/volumes/create", new { Name = "vol" });
        // What makes room works.
        await daemon.PostAsync($"/containers/{chatty}/kill");
        await daemon.PostAsync($"/containers/{chatty}/wait");
        await daemon.DeleteAsync($"/containers/{ended}");
        Assert.Equal("exited", await StatusAsync(daemon, chatty));

        disk.Free();
        await daemon.PostAsync($"/containers/{chatty}/start");
        int before = (await LinesAsync(daemon, chatty)).Length;
        await UntilLinesAsync(daemon, chatty, before + 20);
        Assert.DoesNotContain("\"error\"", await PullAsync(daemon, registry, 1), StringComparison.Ordinal);
        Assert.DoesNotContain("\"error\"", await BuildAsync(daemon, "FROM bb\nRUN echo made > /made\n"), StringComparison.Ordinal);
        string after = await RunAsync(daemon, "after", ["echo", "works"]);
        await daemon.PostAsync($"/containers/{after}/wait");
        Assert.Equal(["works"], await LinesAsync(daemon, after));
        await daemon.KillAsync();
        await daemon.StartAsync();
        Assert.Empty(await new HostState(daemon).LeftoversAsync());
        Assert.Equal("running", await StatusAsync(daemon, chatty));
        Assert.Equal(["after", "chatty"], (await daemon.GetAsync("/containers/json?all=1")).EnumerateArray()
            .Select(container => container.GetProperty("Names")[0].GetString()![1..]).Order());
        await EndAsync(daemon);
    }

    [Fact]
    public async Task ReadOnlyDisk_SaysSoAndLivesAndTheNextStartHasEverything()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        Assert.SkipUnless(File.Exists("/sbin/mkfs.ext4"), "e2fsprogs is not installed");
        await using MemoryRegistry registry = new(MixedLoad.Repositories);
        await using SmallDisk disk = await SmallDisk.MakeAsync("ext4");
        await using OwnDaemon daemon = await OwnDaemon.StartAsync(disk.Path + "/data");
        string chatty = await RunAsync(daemon, "chatty", ["sh", "-c", Chatter]);
        string sleeper = await RunAsync(daemon, "sleeper", ["sleep", "100000"]);
        await UntilLinesAsync(daemon, chatty, 20);

        await disk.BreakAsync();
        await AssertRefusedAsync(daemon, "/containers/create", new { Image = "bb", Cmd = new[] { "true" } }, "read-only");
        await AssertRefusedAsync(daemon, "/volumes/create", new { Name = "vol" }, "read-only");
        await AssertRefusedAsync(daemon, "/networks/create", new { Name = "net" }, "ead-only");
        Assert.Contains("ead-only", await PullAsync(daemon, registry, 0), StringComparison.Ordinal);
        Assert.Contains("ead-only", await BuildAsync(daemon, "FROM bb\nRUN true\n"), StringComparison.Ordinal);
        Assert.NotEmpty(await LinesAsync(daemon, chatty));
        Assert.Equal("told\n", (await daemon.BerthAsync("exec", sleeper, "echo", "told")).Output);
        Task<JsonElement> end = daemon.PostAsync($"/containers/{sleeper}/wait");
        await daemon.PostAsync($"/containers/{sleeper}/kill");
        Assert.Equal(137, (await end).GetProperty("StatusCode").GetInt32());
        Assert.Equal("exited", await StatusAsync(daemon, sleeper));
        await daemon.PostAsync($"/containers/{chatty}/kill");
        await daemon.PostAsync($"/containers/{chatty}/wait");

        await daemon.StopAsync();
        await disk.UnmountAsync();
        await disk.MountAsync();
        await daemon.StartAsync();
        Assert.Equal("exited", await StatusAsync(daemon, sleeper));
        Assert.NotEmpty(await LinesAsync(daemon, chatty));
        Assert.Empty(await new HostState(daemon).LeftoversAsync());
        await daemon.PostAsync($"/containers/{sleeper}/start");
        await EndAsync(daemon);
    }

    private static async Task AssertFullAsync(OwnDaemon daemon, MemoryRegistry registry, string chatty, string ended, byte[] archive)
    {
        const string Full = "no space left on device";
        Assert.Contains(Full, await PullAsync(daemon, registry, 0), StringComparison.OrdinalIgnoreCase);
        Assert.Contains(Full, await BuildAsync(daemon, "FROM bb\nRUN echo made > /made\n"), StringComparison.OrdinalIgnoreCase);
        Assert.Contains(Full, await SendAsync(daemon, "/images/load", archive), StringComparison.OrdinalIgnoreCase);
        byte[] layer = MemoryRegistry.Layer("f", new Random(1), 100_000);
        Assert.Contains(Full, await SendAsync(daemon, "/images/create?fromSrc=-&repo=other", layer), StringComparison.OrdinalIgnoreCase);
        await AssertRefusedAsync(daemon, "/containers/create", new { Image = "bb", Cmd = new[] { "true" } });
        await AssertRefusedAsync(daemon, "/networks/create", new { Name = "net" });
        await AssertRefusedAsync(daemon, $"/commit?container={chatty}", new { });
        await AssertRefusedAsync(daemon, $"/containers/{ended}/start", null);
        Assert.NotEmpty(await LinesAsync(daemon, chatty));
        Assert.Equal("told\n", (await daemon.BerthAsync("exec", chatty, "echo", "told")).Output);
        Assert.Equal("running", await StatusAsync(daemon, chatty));
        Assert.Equal("exited", await StatusAsync(daemon, ended));
        JsonElement image = Assert.Single((await daemon.GetAsync("/images/json?all=1")).EnumerateArray());
        Assert.Equal("bb:latest", image.GetProperty("RepoTags")[0].GetString());
    }

    private static async Task AssertRefusedAsync(OwnDaemon daemon, string path, object? body, string why = "no space left on device")
    {
        RefusedException refused = await Assert.ThrowsAsync<RefusedException>(() => daemon.PostAsync(path, body));
        Assert.Contains(why, refused.Message, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<string> RunAsync(OwnDaemon daemon, string name, string[] command)
    {
        JsonElement made = await daemon.PostAsync($"/containers/create?name={name}", new { Image = "bb", Cmd = command });
        string id = made.GetProperty("Id").GetString()!;
        await daemon.PostAsync($"/containers/{id}/start");
        return id;
    }

    private static async Task EndAsync(OwnDaemon daemon)
    {
        foreach (JsonElement container in (await daemon.GetAsync("/containers/json?all=1")).EnumerateArray())
            await daemon.DeleteAsync($"/containers/{container.GetProperty("Id").GetString()}?force=1");
        await daemon.StopAsync();
    }

    private static async Task<string> StatusAsync(OwnDaemon daemon, string id) =>
        (await daemon.GetAsync($"/containers/{id}/json")).GetProperty("State").GetProperty("Status").GetString()!;

    private static async Task<string[]> LinesAsync(OwnDaemon daemon, string id)
    {
        byte[] frames = await daemon.Api.GetByteArrayAsync($"/containers/{id}/logs?stdout=1");
        return Encoding.ASCII.GetString(Frames.Payload(frames)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static async Task UntilLinesAsync(OwnDaemon daemon, string id, int lines)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        while ((await LinesAsync(daemon, id)).Length < lines)
            await Task.Delay(20, patience.Token);
    }

    private static Task<string> PullAsync(OwnDaemon daemon, MemoryRegistry registry, int number) =>
        SendAsync(daemon, $"/images/create?fromImage={registry.Host}/r{number}:latest", []);

    private static Task<string> BuildAsync(OwnDaemon daemon, string dockerfile)
    {
        MemoryStream tar = new();
        using (TarWriter writer = new(tar, leaveOpen: true))
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "Dockerfile")
            {
                DataStream = new MemoryStream(Encoding.UTF8.GetBytes(dockerfile)),
            });
        return SendAsync(daemon, "/build?t=built", tar.ToArray());
    }

    private static async Task<string> SendAsync(OwnDaemon daemon, string path, byte[] body)
    {
        using ByteArrayContent content = new(body);
        using HttpResponseMessage answer = await daemon.Api.PostAsync(path, content);
        return await answer.Content.ReadAsStringAsync();
    }
}
