using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Berth.EndToEnd.Tests;

/// <summary>Every action that Docker's events have, in the order in which things are done, with the attributes that clients read.</summary>
public sealed class EventTests(EngineFixture engine)
{
    private const string Image = "busybox:e2e";
    private readonly string _mark = $"ev{Guid.NewGuid():n}"[..10];

    private readonly string _archive = Path.GetTempFileName();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Scenario_OfEverything_HasEveryActionInOrder()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        double since = Now();
        await ContainerLifeAsync();
        await ImageLifeAsync();
        await DoAsync("network", "rm", $"{_mark}-n");
        await DoAsync("volume", "rm", $"{_mark}-v");
        foreach (string what in (string[])["container", "network", "volume", "image"])
            await DoAsync(what, "prune", "-f", "--filter", $"label={_mark}");
        // Only what is older than this test: others build with the same engine.
        await DoAsync("builder", "prune", "-f", "--filter", "until=24h");
        JsonElement[] events = await EventsAsync(since, Now());

        AssertInOrder(events, "volume", "create", "mount", "unmount", "mount", "unmount", "destroy", "prune");
        AssertInOrder(events, "network", "create", "connect", "disconnect", "connect", "disconnect", "destroy", "prune");
        AssertInOrder(
            events, "container", "create", "start", "exec_create", "exec_start", "exec_die", "health_status", "attach", "detach", "resize",
            "top", "pause", "unpause", "update", "exec_create", "exec_start", "exec_detach", "archive-path", "extract-to-dir", "export",
            "commit", "rename", "kill", "die", "stop", "start", "restart", "kill", "kill", "die", "stop", "destroy", "create", "start",
            "die", "destroy", "prune");
        AssertInOrder(
            events, "image", "tag", "save", "untag", "untag", "delete", "load", "untag", "delete", "import", "untag", "delete", "prune");
        AssertInOrder(events, "builder", "prune");
        AssertAttributes(events);
    }

    [Fact]
    public async Task RegistryAndMemory_HaveTheirEvents()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Assert.SkipUnless(LockedRegistry.IsInstalled, "docker-registry is not installed");
        await using LockedRegistry registry = await LockedRegistry.StartAsync();
        string name = $"{registry.Host}/ann/{_mark}:1";
        double since = Now();
        await DoAsync("login", "-u", "ann", "-p", "secret", registry.Host);
        await DoAsync("tag", Image, name);
        await DoAsync("push", "-q", name);
        await DoAsync("rmi", name);
        await DoAsync("pull", "-q", name);
        await DoAsync("rmi", name);
        await DoAsync("run", "--name", $"{_mark}-o", "-m", "24m", Image, "dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1");
        JsonElement[] events = await EventsAsync(since, Now());
        await DoAsync("rm", $"{_mark}-o");

        JsonElement[] own = [.. events.Where(one => one.GetRawText().Contains(_mark, StringComparison.Ordinal))];
        AssertInOrder(own, "image", "tag", "push", "pull");
        foreach (string action in (string[])["push", "pull"])
        {
            JsonElement done = own.Single(one => one.GetProperty("Action").GetString() == action);
            Assert.Equal(name, done.GetProperty("Actor").GetProperty("ID").GetString());
        }
        AssertInOrder(own, "container", "create", "start", "oom", "die");
        Assert.Equal("137", Attribute(Last(own, "container", "die", $"{_mark}-o"), "exitCode"));
    }

    private async Task ContainerLifeAsync()
    {
        string name = $"{_mark}-c";
        await DoAsync("volume", "create", $"{_mark}-v");
        await DoAsync("network", "create", $"{_mark}-n");
        await DoAsync(
            "create", "--name", name, "-it", "--network", $"{_mark}-n", "-v", $"{_mark}-v:/v", "--health-cmd", "true",
            "--health-interval", "1s", Image, "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done");
        await DoAsync("start", name);
        await Eventually.HoldsAsync(async () => (await DoAsync("inspect", "-f", "{{.State.Health.Status}}", name)).Output == "healthy\n");
        await LetGoAsync($"/v1.41/containers/{name}/attach?stream=1&stdin=1&stdout=1", "");
        await PostAsync($"/v1.41/containers/{name}/resize?h=20&w=30", "");
        await DoAsync("top", name);
        await DoAsync("pause", name);
        await DoAsync("unpause", name);
        await DoAsync("update", "--cpu-shares", "512", name);
        JsonElement exec = JsonDocument.Parse(await PostAsync(
            $"/v1.41/containers/{name}/exec", """{"AttachStdin":true,"AttachStdout":true,"Tty":true,"Cmd":["sleep","5"]}""")).RootElement;
        await LetGoAsync($"/v1.41/exec/{exec.GetProperty("Id").GetString()}/start", """{"Tty":true}""");
        await DoAsync("cp", $"{name}:/etc/passwd", "-");
        await DoAsync("cp", "/etc/hostname", $"{name}:/");
        await DoAsync("export", "-o", _archive, name);
        await DoAsync("commit", name, $"{_mark}-i");
        await DoAsync("rename", name, $"{_mark}-d");
        name = $"{_mark}-d";
        await DoAsync("restart", "-t", "5", name);
        await DoAsync("kill", "-s", "WINCH", name);
        await DoAsync("stop", "-t", "5", name);
        await DoAsync("rm", name);
        await DoAsync("run", "--rm", "--name", $"{_mark}-r", Image, "sh", "-c", "sleep 2; exit 3");
    }

    private async Task ImageLifeAsync()
    {
        await DoAsync("tag", $"{_mark}-i", $"{_mark}-j");
        await DoAsync("save", "-o", _archive, $"{_mark}-i");
        await DoAsync("rmi", $"{_mark}-j", $"{_mark}-i");
        await DoAsync("load", "-i", _archive);
        await DoAsync("rmi", $"{_mark}-i");
        await DoAsync("import", engine.BusyboxArchive, $"{_mark}-k");
        await DoAsync("rmi", $"{_mark}-k");
        File.Delete(_archive);
    }

    private void AssertAttributes(JsonElement[] events)
    {
        // By its ID alone, as from Docker: an archive may have an image under several names.
        foreach (string action in (string[])["save", "load"])
        {
            JsonElement moved = events.Last(one => one.GetProperty("Type").GetString() == "image"
                && one.GetProperty("Action").GetString() == action);
            Assert.Matches("^sha256:[0-9a-f]{64}$", Attribute(moved, "name"));
            Assert.Equal(moved.GetProperty("Actor").GetProperty("ID").GetString(), Attribute(moved, "name"));
        }
        JsonElement died = Last(events, "container", "die", $"{_mark}-r");
        Assert.Equal("3", Attribute(died, "exitCode"));
        // Whole seconds from start to end: of the two that it sleeps nearly one may have passed when its start is noticed, and a busy
        // machine takes more.
        Assert.InRange(int.Parse(Attribute(died, "execDuration")!, null), 1, 60);
        Assert.Equal(Image, Attribute(died, "image"));
        Assert.Equal(64, died.GetProperty("Actor").GetProperty("ID").GetString()!.Length);
        Assert.Equal(("die", Image), (died.GetProperty("status").GetString(), died.GetProperty("from").GetString()));
        Assert.Equal("15", Attribute(Last(events, "container", "kill", $"{_mark}-d"), "signal"));
        Assert.Equal($"/{_mark}-c", Attribute(Last(events, "container", "rename", $"{_mark}-d"), "oldName"));
        Assert.Equal($"{_mark}-i:latest", Attribute(Last(events, "container", "commit", $"{_mark}-c"), "imageRef"));
        JsonElement exec = Last(events, "container", "exec_start: sleep 5", $"{_mark}-c");
        Assert.Equal(64, Attribute(exec, "execID")!.Length);
        Assert.Equal("0", Attribute(Last(events, "container", "exec_die", $"{_mark}-c"), "exitCode"));
        Assert.Contains(events, one => one.GetProperty("Action").GetString() == "health_status: healthy");
        Assert.Equal("bridge", Attribute(Last(events, "network", "connect", $"{_mark}-n"), "type"));
        JsonElement mount = events.Last(one => one.GetProperty("Action").GetString() == "mount");
        Assert.Equal("/v", Attribute(mount, "destination"));
        Assert.Equal(("true", "local"), (Attribute(mount, "read/write"), Attribute(mount, "driver")));
        JsonElement prune = events.Last(one => one.GetProperty("Action").GetString() == "prune"
            && one.GetProperty("Type").GetString() == "volume");
        Assert.Equal("""{"reclaimed":"0"}""", prune.GetProperty("Actor").GetProperty("Attributes").GetRawText());
        long[] times = [.. events.Select(one => one.GetProperty("timeNano").GetInt64())];
        Assert.Equal(times.Order(), times);
    }

    private static JsonElement Last(JsonElement[] events, string type, string action, string name) => events.Last(
        one => one.GetProperty("Type").GetString() == type && one.GetProperty("Action").GetString() == action
            && Attribute(one, "name") == name);

    private static string? Attribute(JsonElement one, string name) =>
        one.GetProperty("Actor").GetProperty("Attributes").TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    // Others use the same engine: their events, and health checks in between, are passed over.
    private static void AssertInOrder(JsonElement[] events, string type, params string[] actions)
    {
        string[] seen = [.. events.Where(one => one.GetProperty("Type").GetString() == type)
            .Select(one => one.GetProperty("Action").GetString()!.Split(':')[0])];
        int at = 0;
        foreach (string action in actions)
        {
            at = Array.IndexOf(seen, action, at) + 1;
            Assert.True(at > 0, $"{type}: {action} is missing in its place among {string.Join(' ', seen)}");
        }
    }

    private async Task<JsonElement[]> EventsAsync(double since, double until) =>
        [.. (await GetAsync(FormattableString.Invariant($"/v1.41/events?since={since:F6}&until={until:F6}")))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(one => one.GetProperty("Type").GetString() is "image" or "builder" || one.GetProperty("Action").GetString() == "prune"
                || one.GetRawText().Contains(_mark, StringComparison.Ordinal))];

    private static double Now() => (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;

    private async Task<Completed> DoAsync(params string[] arguments) =>
        await Program.RunAsync("/usr/bin/docker", arguments, engine.Address);

    private async Task<string> GetAsync(string path) =>
        (await Program.RunAsync("curl", ["-s", "--unix-socket", engine.Socket, $"http://d{path}"], engine.Address)).Output;

    private async Task<string> PostAsync(string path, string body) => (await Program.RunAsync("curl", ["-s", "--unix-socket", engine.Socket,
        "-H", "Content-Type: application/json", "-d", body, $"http://d{path}"], engine.Address)).Output;

    // Connects to a terminal and types the keys that let go of it.
    private async Task LetGoAsync(string path, string body)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(engine.Socket), Cancel);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"), Cancel);
        byte[] buffer = new byte[4096];
        Assert.Contains("101", Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, Cancel)));
        await socket.SendAsync(new byte[] { 0x10, 0x11 }, Cancel);
        while (await socket.ReceiveAsync(buffer, Cancel) > 0)
        {
            // Until the engine has let go.
        }
    }
}
