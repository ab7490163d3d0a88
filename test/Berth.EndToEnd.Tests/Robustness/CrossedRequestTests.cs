using System.Collections.Concurrent;
using System.Formats.Tar;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>Requests of many clients for the same few containers, each in the way of the others: every one has an answer that says what is,
/// none is the engine's own failure, and nothing is left behind.</summary>
/// <remarks><c>BERTH_CROSSED</c> sets how many requests are made.</remarks>
[Collection(nameof(RobustnessCollection))]
public sealed class CrossedRequestTests
{
    private const int Lanes = 10;
    private const int Names = 5;
    private static readonly string[][] s_programs =
    [
        ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"], ["sleep", "0.2"], ["true"],
        ["sh", "-c", "echo hi; sleep 0.3; exit 3"], ["sleep", "1000"], ["nosuchprogram"],
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null, 1200)]
    [InlineData("/usr/sbin/runc", 400)]
    public async Task Requests_InEachOthersWay_HaveAnAnswerThatSaysWhatIs(string? runtime, int times)
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        Assert.SkipUnless(runtime is null || File.Exists(runtime), $"{runtime} is not installed");
        times = KillTests.Setting("BERTH_CROSSED", times);
        await using OwnDaemon daemon = await OwnDaemon.StartAsync(null, runtime is null ? [] : ["--add-runtime", $"other={runtime}"]);
        foreach (string network in (string[])["one", "two"])
            await daemon.PostAsync("/networks/create", new { Name = network });
        ConcurrentQueue<string> wrong = [];
        ConcurrentDictionary<HttpStatusCode, int> answers = [];
        ParallelOptions lanes = new() { MaxDegreeOfParallelism = Lanes, CancellationToken = Cancel };
        await Parallel.ForEachAsync(Enumerable.Range(0, times), lanes, async (number, stop) =>
        {
            using HttpRequestMessage request = Any(new Random(number), runtime is null ? null : "other");
            string what = $"{request.Method} {request.RequestUri}";
            using HttpResponseMessage answer = await daemon.Api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            answers.AddOrUpdate(answer.StatusCode, 1, static (_, count) => count + 1);
            if ((int)answer.StatusCode >= 500)
                wrong.Enqueue($"{what}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(stop)}");
            else
                await ReadAsync(answer, stop);
        });
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join(", ", answers.OrderBy(static pair => pair.Key)));
        Assert.True(wrong.IsEmpty, string.Join('\n', wrong));
        // They met each other at all.
        Assert.All((HttpStatusCode[])[HttpStatusCode.NoContent, HttpStatusCode.Conflict, HttpStatusCode.NotFound, HttpStatusCode.Created],
            code => Assert.True(answers.ContainsKey(code), code.ToString()));
        Assert.DoesNotContain(" fail: ", daemon.Errors, StringComparison.Ordinal);
        // What was removed stays so, also for the next engine.
        await RemoveAllAsync(daemon);
        Assert.Empty(await new HostState(daemon).LeftoversAsync());
        await daemon.KillAsync();
        await daemon.StartAsync();
        Assert.Empty((await daemon.GetAsync("/containers/json?all=1")).EnumerateArray());
    }

    [Fact]
    public async Task Archives_IntoOneContainerThatIsBeingStarted_ArriveWhole()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        for (int round = 0; round < 5; round++)
        {
            string id = (await daemon.PostAsync("/containers/create", new { Image = "bb", Cmd = new[] { "sleep", "1000" } }))
                .GetProperty("Id").GetString()!;
            Pipe slow = new();
            byte[] archive = Archive("slow", 100_000);
            await slow.Writer.WriteAsync(archive.AsMemory(0, 1000), Cancel);
            // All three want the container's tree; who comes second waits for who came first.
            Task<HttpStatusCode> first = PutAsync(daemon, id, new StreamContent(slow.Reader.AsStream()));
            Task<HttpStatusCode> second = PutAsync(daemon, id, new ByteArrayContent(Archive("quick", 50)));
            Task started = daemon.PostAsync($"/containers/{id}/start");
            await slow.Writer.WriteAsync(archive.AsMemory(1000), Cancel);
            await slow.Writer.CompleteAsync();
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (await first, await second));
            await started;
            Completed listed = await daemon.BerthAsync("exec", id, "busybox", "stat", "-c", "%n %s", "/bin/slow", "/bin/quick");
            Assert.Equal("/bin/slow 100000\n/bin/quick 50\n", listed.Output);
            await daemon.DeleteAsync($"/containers/{id}?force=1");
        }
    }

    private static async Task RemoveAllAsync(OwnDaemon daemon)
    {
        foreach (JsonElement container in (await daemon.GetAsync("/containers/json?all=1")).EnumerateArray())
        {
            string id = container.GetProperty("Id").GetString()!;
            using HttpResponseMessage gone = await daemon.Api.DeleteAsync($"/containers/{id}?force=1", Cancel);
            // One with --rm may have gone by itself.
            Assert.Contains(gone.StatusCode, (HttpStatusCode[])[HttpStatusCode.NoContent, HttpStatusCode.NotFound]);
        }
    }

    private static async Task<HttpStatusCode> PutAsync(OwnDaemon daemon, string id, HttpContent content)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        using HttpResponseMessage answer = await daemon.Api.PutAsync($"/containers/{id}/archive?path=/bin", content, Cancel);
        return answer.StatusCode;
    }

    // An export of a container that goes meanwhile ends early: clients see that it is not whole.
    private static async Task ReadAsync(HttpResponseMessage answer, CancellationToken stop)
    {
        try
        {
            await answer.Content.CopyToAsync(Stream.Null, stop);
        }
        catch (HttpRequestException)
        {
            Assert.Contains("/export", answer.RequestMessage!.RequestUri!.ToString(), StringComparison.Ordinal);
        }
    }

    private static HttpRequestMessage Any(Random random, string? runtime)
    {
        string name = $"c{random.Next(Names)}";
        string other = $"c{random.Next(Names)}";
        bool isRestarted = random.Next(3) == 0;
        return random.Next(30) switch
        {
            <= 3 => Post($"/containers/create?name={name}", new
            {
                Image = "bb", Cmd = s_programs[random.Next(s_programs.Length)], Tty = random.Next(3) == 0,
                HostConfig = new
                {
                    AutoRemove = !isRestarted && random.Next(3) == 0, Runtime = runtime,
                    NetworkMode = ((string[])["none", "bridge", "one"])[random.Next(3)],
                    RestartPolicy = new { Name = isRestarted ? "always" : "no" },
                    Binds = new[] { $"v{random.Next(2)}:/v" },
                },
            }),
            <= 7 => Post($"/containers/{name}/start"),
            8 or 9 => Post($"/containers/{name}/stop?t={random.Next(2)}"),
            10 or 11 => Post($"/containers/{name}/restart?t=0"),
            12 => Post($"/containers/{name}/kill?signal={((string[])["KILL", "TERM", "USR1"])[random.Next(3)]}"),
            13 or 14 => new HttpRequestMessage(HttpMethod.Delete, $"/containers/{name}?force={random.Next(3) % 2}&v=1"),
            15 => Post($"/containers/{name}/exec", new { Cmd = new[] { "true" }, AttachStdout = true }),
            16 => new HttpRequestMessage(HttpMethod.Put, $"/containers/{name}/archive?path=/bin")
            {
                Content = new ByteArrayContent(Archive("f", 3))
                {
                    Headers = { ContentType = new MediaTypeHeaderValue("application/x-tar") },
                },
            },
            17 => Get($"/containers/{name}/archive?path=/data"),
            18 => Get($"/containers/{name}/changes"),
            19 => Get($"/containers/{name}/export"),
            20 => Get($"/containers/{name}/logs?stdout=1&tail=5"),
            21 => Get($"/containers/{name}/stats?stream=0&one-shot=1"),
            22 => Get($"/containers/{name}/top"),
            23 => Post($"/containers/{name}/{(random.Next(3) == 0 ? "pause" : "unpause")}"),
            24 => Post($"/containers/{name}/rename?name={other}"),
            25 => Post($"/networks/two/{(random.Next(2) == 0 ? "connect" : "disconnect")}", new { Container = name }),
            26 => Post($"/commit?container={name}&repo=kept&tag={other}"),
            27 => new HttpRequestMessage(HttpMethod.Delete, $"/volumes/v{random.Next(2)}"),
            28 => Post("/volumes/prune?filters=%7B%22all%22%3A%5B%221%22%5D%7D"),
            _ => Get("/containers/json?all=1&size=1"),
        };
    }

    private static HttpRequestMessage Get(string path) => new(HttpMethod.Get, path);

    private static HttpRequestMessage Post(string path, object? body = null) => new(HttpMethod.Post, path)
    {
        Content = body is null ? null : new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"),
    };

    private static byte[] Archive(string name, int bytes)
    {
        MemoryStream tar = new();
        using (TarWriter writer = new(tar, leaveOpen: true))
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(new byte[bytes]) });
        return tar.ToArray();
    }
}
