using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Hub.Tests.Robustness;

/// <summary>
/// The program is killed again and again while images are pushed, deleted and collected: what was acknowledged is so afterwards, and
/// no image lacks a blob.
/// </summary>
public sealed class KillMixTests
{
    private const int Workers = 4;
    private const int TagsPerWorker = 6;
    private const int StepsPerRoundMax = 60;

    private static readonly string[] s_options = ["--anonymous-push", "--unused-blob-time", "1s"];

    // Layers of which images are made: the same ones come and go.
    private readonly byte[][] _layers = [.. Enumerable.Range(0, 12).Select(i => RandomNumberGenerator.GetBytes(1 + (i * 20_000)))];
    private readonly List<Worker> _workers = [];
    private int _collections;

    private static int Rounds => int.TryParse(Environment.GetEnvironmentVariable("BERTH_KILL_ROUNDS"), out int rounds) ? rounds : 20;

    [Fact]
    public async Task Hub_KilledAmongPushesDeletesAndCollections_IsConsistent()
    {
        for (int i = 0; i < Workers; i++)
            _workers.Add(new Worker($"test/w{i}", new Random(i), _layers));
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
                foreach (Worker worker in _workers)
                    await worker.CheckAsync(client);
            }
            Assert.True(_workers.Sum(worker => worker.Acknowledged) >= Rounds, "too little was done");
            Assert.True(_collections > 0, "nothing was collected");
        }
        finally
        {
            if (hub != first)
                await hub.DisposeAsync();
            await first.DisposeAsync();
        }
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

    /// <summary>One client with tags of its own, and what each of them must be.</summary>
    private sealed class Worker(string repository, Random random, byte[][] layers)
    {
        // What each tag may name; more than one thing while a request is unanswered. Null: nothing.
        private readonly Dictionary<string, List<byte[][]?>> _tags = [];

        public int Acknowledged { get; private set; }

        public async Task StepAsync(HttpClient client)
        {
            string tag = $"t{random.Next(TagsPerWorker)}";
            var images = new ImagePusher(client, repository);
            List<byte[][]?> states = _tags.TryGetValue(tag, out List<byte[][]?>? known) ? known : _tags[tag] = [null];
            byte[][]? wanted = random.Next(2) == 0 && states[0] is not null ? null : NewImage();
            states.Add(wanted);
            HttpStatusCode status = wanted is null ? await DeleteAsync(images, states[0]!) : await images.PushAsync(tag, wanted);
            // A blob that was there when it was asked for may have been collected before the manifest came: that push is refused.
            if (status == HttpStatusCode.Created || (wanted is null && status is (HttpStatusCode.Accepted or HttpStatusCode.NotFound)))
            {
                _tags[tag] = [wanted];
                Acknowledged++;
            }
            else
            {
                Assert.True(status is HttpStatusCode.NotFound or HttpStatusCode.BadRequest, $"{repository}:{tag}: {status}");
                states.Remove(wanted);
            }
        }

        public async Task CheckAsync(HttpClient client)
        {
            var images = new ImagePusher(client, repository);
            foreach ((string tag, List<byte[][]?> states) in _tags)
            {
                using HttpResponseMessage found = await images.SendAsync(HttpMethod.Get, $"manifests/{tag}");
                string? manifest = found.StatusCode == HttpStatusCode.NotFound ? null : await found.Content.ReadAsStringAsync();
                int at = states.FindIndex(state => (state is null ? null : ImagePusher.Manifest(state)) == manifest);
                Assert.True(at >= 0, $"{repository}:{tag} is neither what it was nor what it was to be: {found.StatusCode}");
                if (states[at] is { } there)
                    await images.RequireAsync(tag, there);
                _tags[tag] = [states[at]];
            }
        }

        // Shared layers and one that nobody else has: no two images are the same, and each leaves garbage.
        private byte[][] NewImage() =>
            [RandomNumberGenerator.GetBytes(100), .. Enumerable.Range(0, random.Next(1, 4)).Select(_ => layers[random.Next(layers.Length)])];

        private static async Task<HttpStatusCode> DeleteAsync(ImagePusher images, byte[][] image)
        {
            string digest = ImagePusher.Digest(Encoding.UTF8.GetBytes(ImagePusher.Manifest(image)));
            using HttpResponseMessage deleted = await images.SendAsync(HttpMethod.Delete, $"manifests/{digest}");
            return deleted.StatusCode;
        }
    }
}
