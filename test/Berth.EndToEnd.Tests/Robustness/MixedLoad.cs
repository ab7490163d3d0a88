using System.Formats.Tar;
using System.Text;
using System.Text.Json;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>Workers that do what clients do, each with things of its own, until their daemon is gone.</summary>
internal sealed class MixedLoad(OwnDaemon daemon, Model model, MemoryRegistry registry, Random seeds)
{
    /// <summary>Repositories that the registry must have.</summary>
    public const int Repositories = 4;

    private const int ContainerWorkers = 3;
    private const int OwnedMax = 4;
    private int _number;

    /// <summary>Works until the daemon ends under it.</summary>
    /// <exception cref="RefusedException">The daemon refused what is right.</exception>
    public Task RunAsync(CancellationToken stop)
    {
        List<Func<Random, Task>> workers = [PullOrRemoveAsync, BuildOrRemoveAsync, VolumeAsync, NetworkAsync, FollowAsync];
        for (int i = 0; i < ContainerWorkers; i++)
        {
            string owner = $"c{i}";
            workers.Add(random => ContainerAsync(owner, random));
        }
        return Task.WhenAll(workers.Select(worker => WorkAsync(worker, new Random(seeds.Next()), stop)));
    }

    private static async Task WorkAsync(Func<Random, Task> work, Random random, CancellationToken stop)
    {
        await Task.Yield();
        try
        {
            while (!stop.IsCancellationRequested)
                await work(random);
        }
        catch (Exception gone) when (gone is HttpRequestException or IOException)
        {
            // The daemon was killed.
        }
    }

    private string NewName(string prefix) => $"{prefix}-{Interlocked.Increment(ref _number)}";

    private async Task ContainerAsync(string owner, Random random)
    {
        string[] mine = [.. model.Present("container").Where(key => key.StartsWith(owner + '-', StringComparison.Ordinal))];
        // What became of these is not known: they must be whole, and then they go.
        if (mine.FirstOrDefault(key => model.Container(key).Status is null) is { } doubtful)
        {
            await StartDoubtfulAsync(doubtful);
            return;
        }
        string[] running = [.. mine.Where(key => model.Container(key).Status == "running")];
        switch (random.Next(10))
        {
            case 0 or 1 when mine.Length < OwnedMax:
                await StartSleeperAsync(NewName(owner), random);
                break;
            case 2 when mine.Length < OwnedMax:
                await RunShortAsync(NewName(owner), random.Next(1, 100));
                break;
            case 3:
                await RunAndForgetAsync(NewName(owner));
                break;
            case 4 or 5 when running.Length > 0:
                await ExecAsync(running[0], detach: random.Next(3) == 0);
                break;
            case 6 when running.Length > 0:
                await EndAsync(running[0]);
                break;
            case 7 when mine.Length > 0:
                await RenameAsync(mine[0], NewName(owner));
                break;
            case 8 or 9 when mine.Length > 0:
                await RemoveAsync(mine[^1]);
                break;
        }
    }

    private async Task StartDoubtfulAsync(string key)
    {
        ContainerModel container = model.Container(key);
        using HttpResponseMessage started = await daemon.Api.PostAsync($"/containers/{container.Id}/start", null);
        if (container.MayGo)
        {
            (await daemon.Api.DeleteAsync($"/containers/{container.Id}?force=1&v=1")).Dispose();
            model.Set("container " + key, Fate.Absent);
        }
        else if (!started.IsSuccessStatusCode && started.StatusCode != System.Net.HttpStatusCode.NotModified)
            throw new RefusedException($"{key} does not start: {await started.Content.ReadAsStringAsync()}");
        else
            await RemoveAsync(key);
    }

    private async Task CreateAsync(string key, string[] command, object host)
    {
        ContainerModel container = model.Container(key);
        container.Names = [key];
        await model.ChangeAsync("container " + key, Fate.Present, async () =>
        {
            JsonElement created = await daemon.PostAsync($"/containers/create?name={key}", new
            {
                Image = "bb", Cmd = command, Labels = new { key }, HostConfig = host,
                ExposedPorts = new Dictionary<string, object> { ["80/tcp"] = new { } },
            });
            container.Id = created.GetProperty("Id").GetString()!;
        });
    }

    private async Task StartAsync(string key)
    {
        ContainerModel container = model.Container(key);
        container.Status = null;
        await daemon.PostAsync($"/containers/{container.Id}/start");
    }

    private async Task StartSleeperAsync(string key, Random random)
    {
        string[] volumes = model.Present("volume");
        string network = new[] { "none", "kept", "bridge" }[random.Next(3)];
        await CreateAsync(key, ["sleep", "100000"], new
        {
            Mounts = random.Next(2) == 0 ? [] : new object[] { new { Type = "volume", Target = "/data" } },
            Binds = random.Next(2) == 0 || volumes.Length == 0 ? [] : new[] { $"kept:/kept" },
            NetworkMode = network,
            PortBindings = network == "none" || random.Next(2) == 0 ? null
                : new Dictionary<string, object> { ["80/tcp"] = new[] { new { HostIp = "127.0.0.1", HostPort = "0" } } },
        });
        await StartAsync(key);
        ContainerModel container = model.Container(key);
        JsonElement state = (await daemon.GetAsync($"/containers/{container.Id}/json")).GetProperty("State");
        (container.Pid, container.Status) = (state.GetProperty("Pid").GetInt32(), "running");
    }

    private async Task RunShortAsync(string key, int code)
    {
        await CreateAsync(key, ["sh", "-c", $"echo {key}; exit {code}"], new { });
        await StartAsync(key);
        ContainerModel container = model.Container(key);
        JsonElement end = await daemon.PostAsync($"/containers/{container.Id}/wait");
        (container.Status, container.ExitCode) = ("exited", end.GetProperty("StatusCode").GetInt32());
        if (container.ExitCode != code)
            throw new RefusedException($"{key} ended with {container.ExitCode} instead of {code}");
    }

    private async Task RunAndForgetAsync(string key)
    {
        ContainerModel container = model.Container(key);
        // From the beginning: whoever starts it later, because its creation got no answer, lets it go too.
        container.MayGo = true;
        await CreateAsync(key, ["true"], new { AutoRemove = true, Mounts = new object[] { new { Type = "volume", Target = "/data" } } });
        await model.ChangeAsync("container " + key, Fate.Absent, async () =>
        {
            Task<JsonElement> removed = daemon.PostAsync($"/containers/{container.Id}/wait?condition=removed");
            await StartAsync(key);
            await removed;
        });
    }

    private async Task ExecAsync(string key, bool detach)
    {
        JsonElement exec = await daemon.PostAsync($"/containers/{model.Container(key).Id}/exec", new
        {
            AttachStdout = !detach, Cmd = detach ? new[] { "sleep", "100000" } : ["echo", "told"],
        });
        using StringContent body = new(JsonSerializer.Serialize(new { Detach = detach }), Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await daemon.Api.PostAsync($"/exec/{exec.GetProperty("Id").GetString()}/start", body);
        string output = await answer.Content.ReadAsStringAsync();
        // A stream that a killed daemon leaves is as closed as any other: only the daemon that lives must have told everything.
        if (!answer.IsSuccessStatusCode || (!detach && !output.Contains("told", StringComparison.Ordinal) && await LivesAsync()))
            throw new RefusedException($"exec in {key}: {answer.StatusCode}: {output}");
    }

    private async Task<bool> LivesAsync()
    {
        using HttpResponseMessage answer = await daemon.Api.GetAsync("/_ping");
        return answer.IsSuccessStatusCode;
    }

    private async Task EndAsync(string key)
    {
        ContainerModel container = model.Container(key);
        container.Status = null;
        Task<JsonElement> end = daemon.PostAsync($"/containers/{container.Id}/wait");
        await daemon.PostAsync($"/containers/{container.Id}/kill");
        container.ExitCode = (await end).GetProperty("StatusCode").GetInt32();
        container.Status = "exited";
    }

    private async Task RenameAsync(string key, string name)
    {
        ContainerModel container = model.Container(key);
        container.Names = [.. container.Names, name];
        await daemon.PostAsync($"/containers/{container.Id}/rename?name={name}");
        container.Names = [name];
    }

    // Its process is killed first: a removal that got no answer may have come as far as that.
    private Task RemoveAsync(string key)
    {
        ContainerModel container = model.Container(key);
        container.Status = null;
        return model.ChangeAsync("container " + key, Fate.Absent, () => daemon.DeleteAsync($"/containers/{container.Id}?force=1&v=1"));
    }

    private async Task PullOrRemoveAsync(Random random)
    {
        int repository = random.Next(Repositories);
        string name = $"{registry.Host}/r{repository}:latest";
        // A copy's name never moves to another image: the one it left could rightly stay without a name.
        string copy = $"copy{repository}-{random.Next(2)}:latest";
        if (!model.Present("image").Contains(name))
            await model.ChangeAsync("image " + name, Fate.Present, () => ReadProgressAsync($"/images/create?fromImage={name}", null));
        else if (random.Next(2) == 0)
            await model.ChangeAsync("image " + copy, Fate.Present, () => daemon.PostAsync($"/images/{name}/tag?repo={copy}"));
        else if (model.Present("image").Contains(copy))
            await model.ChangeAsync("image " + copy, Fate.Absent, () => daemon.DeleteAsync($"/images/{copy}"));
        else
            await model.ChangeAsync("image " + name, Fate.Absent, () => daemon.DeleteAsync($"/images/{name}"));
    }

    private async Task BuildOrRemoveAsync(Random random)
    {
        string[] built = [.. model.Present("image").Where(name => name.StartsWith("built-", StringComparison.Ordinal))];
        if (built.Length >= OwnedMax)
        {
            string old = built[random.Next(built.Length)];
            await model.ChangeAsync("image " + old, Fate.Absent, () => daemon.DeleteAsync($"/images/{old}"));
            return;
        }
        string tag = NewName("built") + ":latest";
        using ByteArrayContent context = new(Context(tag));
        await model.ChangeAsync("image " + tag, Fate.Present, () => ReadProgressAsync($"/build?t={tag}", context));
    }

    private static byte[] Context(string stamp)
    {
        MemoryStream tar = new();
        using (TarWriter writer = new(tar, leaveOpen: true))
        {
            foreach ((string name, string text) in new[]
            {
                ("Dockerfile", "FROM bb\nCOPY stamp /stamp\nRUN cat /stamp > /made && seq 1 2000 > /many\nRUN cat /made /many > /both\n"),
                ("stamp", stamp),
            })
                writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name)
                {
                    DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)),
                });
        }
        return tar.ToArray();
    }

    private async Task ReadProgressAsync(string path, HttpContent? content)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = content };
        using HttpResponseMessage answer = await daemon.Api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        string lines = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode || lines.Contains("\"error\"", StringComparison.Ordinal))
            throw new RefusedException($"{path}: {answer.StatusCode}: {lines}");
    }

    private async Task VolumeAsync(Random random)
    {
        string name = $"v{random.Next(6)}";
        if (model.Present("volume").Contains(name))
            await model.ChangeAsync("volume " + name, Fate.Absent, () => daemon.DeleteAsync($"/volumes/{name}"));
        else
            await model.ChangeAsync("volume " + name, Fate.Present, () => daemon.PostAsync("/volumes/create", new { Name = name }));
    }

    private async Task NetworkAsync(Random random)
    {
        int number = random.Next(3);
        string name = $"n{number}";
        if (model.Present("network").Contains(name))
            await model.ChangeAsync("network " + name, Fate.Absent, () => daemon.DeleteAsync($"/networks/{name}"));
        else
            await model.ChangeAsync("network " + name, Fate.Present, () => CreateNetworkAsync(daemon, name, $"{daemon.Name}n{number}"));
        await Task.Delay(100);
    }

    /// <summary>Makes a network whose bridge can be told from others.</summary>
    public static Task CreateNetworkAsync(OwnDaemon daemon, string name, string bridge) => daemon.PostAsync("/networks/create", new
    {
        Name = name, Options = new Dictionary<string, string> { ["com.docker.network.bridge.name"] = bridge },
    });

    // A listener that is there when the daemon dies.
    private async Task FollowAsync(Random random)
    {
        using Stream log = await daemon.Api.GetStreamAsync("/containers/chatty/logs?stdout=1&follow=1&tail=100");
        byte[] buffer = new byte[4096];
        for (int i = 0; i < 20 && await log.ReadAsync(buffer) > 0; i++)
            await Task.Delay(10);
    }
}
