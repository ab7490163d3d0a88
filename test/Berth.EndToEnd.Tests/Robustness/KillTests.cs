using System.Text;
using System.Text.Json;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>A daemon that is killed at random moments of a mixed load, and its successors.</summary>
/// <remarks><c>BERTH_KILL_ROUNDS</c> sets the rounds; 200 take some twenty minutes. <c>BERTH_KILL_SEED</c> repeats a run's
/// choices.</remarks>
[Collection(nameof(RobustnessCollection))]
public sealed class KillTests
{
    private const int UsualRounds = 15;
    private const int BusyMillisecondsMax = 1500;
    private const string Chatter = "i=0; while true; do echo line $i; i=$((i+1)); usleep 3000; done";

    [Fact]
    public async Task Kill_AtRandomMomentsOfAMixedLoad_LosesNothingAndLeavesNothing()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        int rounds = Setting("BERTH_KILL_ROUNDS", UsualRounds);
        int seed = Setting("BERTH_KILL_SEED", Environment.TickCount);
        Random random = new(seed);
        await using MemoryRegistry registry = new(MixedLoad.Repositories);
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        Model model = new();
        model.Set("image bb:latest", Fate.Present);
        await PrepareAsync(daemon, model);
        MixedLoad load = new(daemon, model, registry, random);
        HostState host = new(daemon);
        for (int round = 1; round <= rounds; round++)
        {
            using CancellationTokenSource stop = new();
            Task working = load.RunAsync(stop.Token);
            await Task.WhenAny(working, Task.Delay(random.Next(10, BusyMillisecondsMax)));
            await daemon.KillAsync();
            await stop.CancelAsync();
            string about = $"round {round} of seed {seed}";
            Exception? refused = await Record.ExceptionAsync(() => working);
            Assert.True(refused is null, $"{about}: {refused}\n{daemon.Errors}");
            await daemon.StartAsync();
            None(await CompareAsync(daemon, model), about, daemon);
            None(await host.LeftoversAsync(), about, daemon);
            await CheckLogAsync(daemon, "?stdout=1&tail=300", about);
        }
        await CheckLogAsync(daemon, "?stdout=1", "the whole log");
        await RemoveEverythingAsync(daemon);
        Assert.Empty(await host.LeftoversAsync());
        await daemon.StopAsync();
        Assert.Empty(await host.EverythingAsync());
        Assert.Empty(Directory.GetDirectories(Path.Combine(daemon.DataRoot, "layers/l")));
    }

    private static void None(IReadOnlyList<string> wrong, string about, OwnDaemon daemon) =>
        Assert.True(wrong.Count == 0, $"{about}:\n{string.Join('\n', wrong)}\n{daemon.Errors}");

    private static async Task PrepareAsync(OwnDaemon daemon, Model model)
    {
        await daemon.PostAsync("/volumes/create", new { Name = "kept" });
        model.Set("volume kept", Fate.Present);
        await MixedLoad.CreateNetworkAsync(daemon, "kept", daemon.Name + "k");
        model.Set("network kept", Fate.Present);
        ContainerModel chatty = model.Container("chatty");
        JsonElement made = await daemon.PostAsync("/containers/create?name=chatty", new
        {
            Image = "bb", Cmd = new[] { "sh", "-c", Chatter }, Labels = new { key = "chatty" },
        });
        chatty.Id = made.GetProperty("Id").GetString()!;
        await daemon.PostAsync($"/containers/{chatty.Id}/start");
        model.Set("container chatty", Fate.Present);
        JsonElement state = (await daemon.GetAsync($"/containers/{chatty.Id}/json")).GetProperty("State");
        (chatty.Names, chatty.Status, chatty.Pid) = (["chatty"], "running", state.GetProperty("Pid").GetInt32());
    }

    private static async Task<List<string>> CompareAsync(OwnDaemon daemon, Model model)
    {
        List<string> wrong = [];
        JsonElement[] containers = [.. (await daemon.GetAsync("/containers/json?all=1")).EnumerateArray()];
        wrong.AddRange(model.Compare("container", containers.Select(Key)));
        foreach (JsonElement container in containers)
            wrong.AddRange(await CompareAsync(daemon, container, model.Container(Key(container))));
        JsonElement[] images = [.. (await daemon.GetAsync("/images/json")).EnumerateArray()];
        wrong.AddRange(model.Compare("image", images.SelectMany(NamesOf)));
        wrong.AddRange(await CompareVolumesAsync(daemon, model, containers));
        wrong.AddRange(model.Compare("network", (await daemon.GetAsync("/networks")).EnumerateArray()
            .Select(network => network.GetProperty("Name").GetString()!).Where(name => name is not ("bridge" or "host" or "none"))));
        foreach (string image in model.Present("image"))
            wrong.AddRange(await CheckImageAsync(daemon, image));
        return wrong;
    }

    // One without a name shows by its ID.
    private static IEnumerable<string> NamesOf(JsonElement image) =>
        image.GetProperty("RepoTags") is { ValueKind: JsonValueKind.Array } tags && tags.GetArrayLength() > 0
            ? tags.EnumerateArray().Select(tag => tag.GetString()!) : [image.GetProperty("Id").GetString()!];

    private static string Key(JsonElement container) => container.GetProperty("Labels").GetProperty("key").GetString()!;

    private static async Task<List<string>> CompareAsync(OwnDaemon daemon, JsonElement shown, ContainerModel container)
    {
        List<string> wrong = [];
        string key = Key(shown);
        container.Id = shown.GetProperty("Id").GetString()!;
        JsonElement state = (await daemon.GetAsync($"/containers/{container.Id}/json")).GetProperty("State");
        string name = shown.GetProperty("Names")[0].GetString()![1..];
        if (!container.Names.Contains(name))
            wrong.Add($"container {key}: is called {name}, not {string.Join(" or ", container.Names)}");
        container.Names = [name];
        string status = state.GetProperty("Status").GetString()!;
        int pid = state.GetProperty("Pid").GetInt32();
        int code = state.GetProperty("ExitCode").GetInt32();
        if (container.Status is { } expected && expected != status)
            wrong.Add($"container {key}: is {status} ({code}), not {expected}");
        if (container.Status == "running" && pid != container.Pid)
            wrong.Add($"container {key}: runs as {pid}, not {container.Pid}");
        if (container.Status == "exited" && code != container.ExitCode)
            wrong.Add($"container {key}: ended with {code}, not {container.ExitCode}");
        if (status is not ("created" or "running" or "exited"))
            wrong.Add($"container {key}: is {status}");
        return wrong;
    }

    // Anonymous volumes belong to a container that shows, or nobody has heard of them.
    private static async Task<List<string>> CompareVolumesAsync(OwnDaemon daemon, Model model, JsonElement[] containers)
    {
        HashSet<string> mounted = [.. containers.SelectMany(container => container.GetProperty("Mounts").EnumerateArray())
            .Where(mount => mount.GetProperty("Type").GetString() == "volume").Select(mount => mount.GetProperty("Name").GetString()!)];
        string[] volumes = [.. (await daemon.GetAsync("/volumes")).GetProperty("Volumes").EnumerateArray()
            .Select(volume => volume.GetProperty("Name").GetString()!)];
        List<string> wrong = [.. model.Compare("volume", volumes.Where(name => !(name.Length == 64 && mounted.Contains(name))))];
        wrong.AddRange(mounted.Except(volumes).Select(name => $"volume {name}: is mounted and lost"));
        return wrong;
    }

    // Every byte of it is there: saving reads them all.
    private static async Task<List<string>> CheckImageAsync(OwnDaemon daemon, string image)
    {
        try
        {
            using HttpResponseMessage answer = await daemon.Api.GetAsync($"/images/{image}/get");
            byte[] tar = await answer.Content.ReadAsByteArrayAsync();
            return answer.IsSuccessStatusCode ? [] : [$"image {image}: cannot be saved: {Encoding.UTF8.GetString(tar)}"];
        }
        catch (HttpRequestException broken)
        {
            return [$"image {image}: cannot be saved: {broken.Message}"];
        }
    }

    private static async Task CheckLogAsync(OwnDaemon daemon, string query, string about)
    {
        byte[] frames = await daemon.Api.GetByteArrayAsync($"/containers/chatty/logs{query}");
        int[] numbers = [.. Encoding.ASCII.GetString(Frames.Payload(frames)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => int.Parse(line["line ".Length..], null))];
        Assert.NotEmpty(numbers);
        Assert.True(numbers.SequenceEqual(Enumerable.Range(numbers[0], numbers.Length)), $"{about}: lines are missing or there twice");
    }

    private static async Task RemoveEverythingAsync(OwnDaemon daemon)
    {
        foreach (JsonElement container in (await daemon.GetAsync("/containers/json?all=1")).EnumerateArray())
            await daemon.DeleteAsync($"/containers/{container.GetProperty("Id").GetString()}?force=1&v=1");
        await daemon.PostAsync("/images/prune?filters=" + Uri.EscapeDataString("""{"dangling":["false"]}"""));
        await daemon.PostAsync("/build/prune?all=1");
        await daemon.PostAsync("/volumes/prune?filters=" + Uri.EscapeDataString("""{"all":["true"]}"""));
        await daemon.PostAsync("/networks/prune");
        Assert.Empty((await daemon.GetAsync("/images/json?all=1")).EnumerateArray());
    }

    internal static int Setting(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out int set) ? set : usual;
}

/// <summary>These load the machine: one after the other.</summary>
[CollectionDefinition(nameof(RobustnessCollection))]
public sealed class RobustnessCollection;
