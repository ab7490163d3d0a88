using System.Diagnostics;
using System.Security.Cryptography;
using Berth.Registry.Database;

namespace Berth.Hub.Tests.Robustness;

/// <summary>
/// The program is killed again and again while images are pushed, deleted and collected: what was acknowledged is so afterwards, and
/// no image lacks a blob.
/// </summary>
public sealed class KillMixTests
{
    private const int Workers = 4;
    private const int StepsPerRoundMax = 60;

    private static readonly string[] s_options = ["--anonymous-push", "--unused-blob-time", "1s"];

    // Layers of which images are made: the same ones come and go.
    private readonly byte[][] _layers = [.. Enumerable.Range(0, 12).Select(i => RandomNumberGenerator.GetBytes(1 + (i * 20_000)))];
    private readonly List<TagWorker> _workers = [];
    private int _collections;

    private static int Rounds => int.TryParse(Environment.GetEnvironmentVariable("BERTH_KILL_ROUNDS"), out int rounds) ? rounds : 20;

    [Fact]
    public async Task Hub_KilledAmongPushesDeletesAndCollections_IsConsistent()
    {
        for (int i = 0; i < Workers; i++)
            _workers.Add(new TagWorker($"test/w{i}", new Random(i), _layers));
        var random = new Random(11);
        HubProgram first = await HubProgram.StartAsync(s_options);
        HubProgram hub = first;
        try
        {
            for (int round = 0; round < Rounds; round++)
            {
                await RunUntilKilledAsync(hub, random.Next(1, StepsPerRoundMax));
                HubProgram former = hub;
                hub = await former.StartAgainAsync(s_options);
                if (former != first)
                    await former.DisposeAsync();
                using HttpClient client = new() { BaseAddress = hub.Address };
                foreach (TagWorker worker in _workers)
                    await worker.CheckAsync(client);
            }
            Assert.True(_workers.Sum(worker => worker.Acknowledged) >= Rounds, "too little was done");
            Assert.True(_collections > 0, "nothing was collected");
            hub.Process.Kill();
            await hub.Process.WaitForExitAsync();
            await RequireOnlyNamedFilesAsync(hub.DataDirectory);
        }
        finally
        {
            if (hub != first)
                await hub.DisposeAsync();
            await first.DisposeAsync();
        }
    }

    // Whatever the kills left, and what is left here by hand in case that they left nothing.
    private static async Task RequireOnlyNamedFilesAsync(string data)
    {
        string[] left =
        [
            Path.Join(data, "uploads", new string('a', 32)),
            Path.Join(data, "blobs", "sha256", "ab", $"ab{new string('0', 62)}.{new string('b', 32)}"),
        ];
        Directory.CreateDirectory(Path.GetDirectoryName(left[1])!);
        foreach (string path in left)
            await File.WriteAllTextAsync(path, "left");
        // What was written within the last second stays.
        await Task.Delay(TimeSpan.FromSeconds(1.5), TestContext.Current.CancellationToken);
        string configuration = Path.Join(data, "sweep.json");
        await File.WriteAllTextAsync(configuration, """{ "unused-blob-time": "1s", "upload-time": "1s" }""");
        string shown = await HubTool.OnAsync(data, "", "gc", "--dry-run", "--config", configuration);
        Assert.Contains($"uploads/{new string('a', 32)} 4", shown, StringComparison.Ordinal);
        // Leases of requests that were killed hold their uploads for two minutes more: those have rows.
        string[] rows = await NamedAsync(data);
        string said = await HubTool.OnAsync(data, "", "gc", "--config", configuration);
        TestContext.Current.TestOutputHelper?.WriteLine($"{shown}{said}");
        string[] named = await NamedAsync(data);
        Assert.NotEmpty(named);
        string[] files = [.. Files(data, "uploads"), .. Files(data, "blobs")];
        Assert.All(files, file => Assert.True(named.Any(name => file.EndsWith(name, StringComparison.Ordinal)), $"no row names {file}"));
        Assert.All(rows.Where(row => row.Contains('/')).Intersect(named), row => Assert.True(File.Exists(Path.Join(data, "blobs", row)), row));
        string again = await HubTool.OnAsync(data, "", "gc", "--dry-run", "--config", configuration);
        Assert.Contains("0 files of 0 bytes, which no row names", again, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Files(string data, string directory) =>
        Directory.EnumerateFiles(Path.Join(data, directory), "*", SearchOption.AllDirectories);

    // Locations of blobs and IDs of uploads.
    private static async Task<string[]> NamedAsync(string data)
    {
        await using HubDatabase database = HubDatabase.OpenSqlite(Path.Join(data, "hub.db"));
        return [.. await database.ReadAsync(
            (transaction, token) => transaction.ListAsync(
                $"select location from blobs union all select id from uploads", reader => reader.GetString(0), token),
            TestContext.Current.CancellationToken)];
    }

    private async Task RunUntilKilledAsync(HubProgram hub, int steps)
    {
        using HttpClient client = new() { BaseAddress = hub.Address };
        Task collecting = CollectUntilKilledAsync(hub);
        try
        {
            await WorkUntilKilledAsync(hub, client, steps);
        }
        finally
        {
            // What a worker found wrong must not be hidden by a collector that still writes.
            hub.Process.Kill();
            await collecting;
        }
    }

    private async Task WorkUntilKilledAsync(HubProgram hub, HttpClient client, int steps)
    {
        int done = 0;
        await Task.WhenAll(_workers.Select(async worker =>
        {
            while (!hub.Process.HasExited)
            {
                try
                {
                    await worker.StepAsync(client);
                }
                catch (Exception brokenOff) when (brokenOff is HttpRequestException or IOException)
                {
                    return;
                }
                if (Interlocked.Increment(ref done) == steps)
                    hub.Process.Kill();
            }
        }));
        await hub.Process.WaitForExitAsync();
    }

    // By other processes on the same data, which are killed with the hub: what is unused for a second goes.
    private async Task CollectUntilKilledAsync(HubProgram hub)
    {
        string configuration = Path.Join(hub.DataDirectory, "gc.json");
        await File.WriteAllTextAsync(configuration, """{ "unused-blob-time": "1s" }""");
        while (!hub.Process.HasExited)
        {
            using Process collector = Process.Start(new ProcessStartInfo(
                HubTool.Hub, ["gc", "--config", configuration, "--data", hub.DataDirectory]) { RedirectStandardOutput = true })!;
            Task<string> output = collector.StandardOutput.ReadToEndAsync();
            await Task.WhenAny(hub.Process.WaitForExitAsync(), collector.WaitForExitAsync());
            if (hub.Process.HasExited)
                collector.Kill();
            await collector.WaitForExitAsync();
            // "12 blobs removed, …"
            if (int.TryParse((await output).Split(' ')[0], out int removed))
                _collections += Math.Sign(removed);
        }
    }
}
