using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>Clients that hold, flood and garble: the daemon stays small, says what is wrong, and serves everybody else.</summary>
[Collection(nameof(RobustnessCollection))]
public sealed class AbuseTests : IAsyncLifetime
{
    private const int HalfOpen = 10_000;
    private const int MemoryMegabytesMax = 400;
    private const string Create = "POST /containers/create HTTP/1.1\r\nHost: b\r\n";
    private OwnDaemon _daemon = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        _daemon = await OwnDaemon.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
            await _daemon.DisposeAsync();
    }

    [Fact]
    public async Task HalfOpenConnections_TenThousand_KeepNobodyOut()
    {
        List<Socket> sockets = [];
        try
        {
            byte[] half = "GET /_ping HTTP/1.1\r\nHost: b"u8.ToArray();
            for (int i = 0; i < HalfOpen; i++)
            {
                Socket socket = await _daemon.ConnectAsync();
                sockets.Add(socket);
                // Those that were sent away for others find out here or later.
                await TrySendAsync(socket, half);
            }
            using HttpClient other = _daemon.NewClient();
            Assert.Equal("OK", await other.GetStringAsync("/_ping"));
            Assert.Equal("told\n", (await _daemon.BerthAsync("run", "--rm", "--network", "none", "bb", "echo", "told")).Output);
            AssertSmall();
            Assert.InRange(Directory.GetFiles($"/proc/{_daemon.Pid}/fd").Length, 1, 5000);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    [Fact]
    public async Task SlowHeadersAndBodies_AreLetGoWithAStatus()
    {
        string[] answers = await Task.WhenAll(
            AskAsync("GET /_ping HTTP/1.1\r\nHost: b\r\nX-Slow: "),
            AskAsync("GET /_pi"),
            AskAsync(Create + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"),
            AskAsync(Create + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"));
        Assert.All(answers, answer => Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal));
    }

    public static TheoryData<string, int> Absurd => new()
    {
        { $"GET /{new string('a', 100_000)} HTTP/1.1\r\nHost: b\r\n\r\n", 414 },
        { $"POST /containers/create?name={new string('a', 10_000_000)} HTTP/1.1\r\nHost: b\r\nContent-Length: 0\r\n\r\n", 414 },
        { $"GET /_ping HTTP/1.1\r\nHost: b\r\nX-Long: {new string('a', 100_000)}\r\n\r\n", 431 },
        { $"GET /_ping HTTP/1.1\r\nHost: b\r\n{string.Concat(Enumerable.Range(0, 1000).Select(i => $"X-{i}: 1\r\n"))}\r\n", 431 },
        { $"GET /containers/json?filters={new string('%', 30_000)} HTTP/1.1\r\nHost: b\r\n\r\n", 400 },
        { $"GET /containers/json?filters={Uri.EscapeDataString(Deep(9000))} HTTP/1.1\r\nHost: b\r\n\r\n", 400 },
        { $"GET /containers/{new string('a', 60_000)}/json HTTP/1.1\r\nHost: b\r\n\r\n", 404 },
        { $"POST /containers/create?name={new string('a', 60_000)} HTTP/1.1\r\nHost: b\r\n{Json("{\"Image\":\"bb\"}")}", 400 },
        { Create + Json(Deep(100_000)), 400 },
        { Create + Json("{\"Image\":\"" + new string('a', 9_000_000) + "\"}"), 413 },
        { Create + Json("{\"Image\":\"" + new string('a', 1_000_000) + "\"}"), 400 },
        { Create + Json("{\"Image\":\"bb\",\"Env\":[" + Repeat("\"A=BCDEF\",", 999_999) + "\"A=B\"]}"), 413 },
        { Create + Json("{\"Image\":\"bb\""), 400 },
        { Create + Json("[]"), 400 },
        { Create + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", 400 },
        { Create + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400 },
        { Create + "Content-Length: -1\r\n\r\n", 400 },
        { Create + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400 },
        { "GET /_ping HTTP/1.1\r\n\r\n", 400 },
        { "GET /_ping HTTP/9.9\r\nHost: b\r\n\r\n", 505 },
        { "\0\u0001\u0002 nothing that was ever HTTP\r\n\r\n", 400 },
    };

    [Fact]
    public async Task AbsurdRequests_GetAStatusAndASentence()
    {
        List<string> wrong = [];
        foreach ((string request, int status) in Absurd.Select(row => row.Data))
        {
            string answer = await AskAsync(request);
            string shown = $"{request[..Math.Min(60, request.Length)]}… ({request.Length} bytes)";
            if (!answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal))
                wrong.Add($"{shown}: {answer[..Math.Min(200, answer.Length)]}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal("OK", await _daemon.Api.GetStringAsync("/_ping"));
        AssertSmall();
    }

    [Fact]
    public async Task Http2OfNonsense_IsEndedWithTheReason()
    {
        using Socket socket = await _daemon.ConnectAsync();
        // RFC 9113, 3.4 and 4.1: the preface, empty settings, and a frame of a length that nobody agreed to.
        await TrySendAsync(socket, [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]);
        using NetworkStream stream = new(socket);
        byte[] head = new byte[9];
        do
        {
            await stream.ReadExactlyAsync(head);
            await stream.ReadExactlyAsync(new byte[(head[0] << 16) | (head[1] << 8) | head[2]]);
        }
        while (head[3] != 7);
        Assert.Equal(0, await stream.ReadAsync(head));
        Assert.Equal("OK", await _daemon.Api.GetStringAsync("/_ping"));
    }

    [Fact]
    public async Task EnvironmentTooLargeForTheKernel_IsSaidAtStart()
    {
        JsonElement made = await _daemon.PostAsync("/containers/create", new
        {
            Image = "bb", Cmd = new[] { "true" }, Env = Enumerable.Range(0, 500_000).Select(i => $"V{i}=1").ToArray(),
        });
        RefusedException refused = await Assert.ThrowsAsync<RefusedException>(
            () => _daemon.PostAsync($"/containers/{made.GetProperty("Id").GetString()}/start"));
        Assert.Contains("argument list too long", refused.Message, StringComparison.OrdinalIgnoreCase);
        AssertSmall();
    }

    [Fact]
    public async Task ListenersThatNeverRead_CostLittleAndDelayNobody()
    {
        const string Flood = "while true; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done";
        JsonElement made = await _daemon.PostAsync(
            "/containers/create?name=flood", new { Image = "bb", Cmd = new[] { "sh", "-c", Flood } });
        string id = made.GetProperty("Id").GetString()!;
        await _daemon.PostAsync($"/containers/{id}/start");
        List<Socket> deaf = [];
        try
        {
            foreach (string path in new[]
            {
                "GET /events", $"GET /containers/{id}/logs?stdout=1&follow=1", $"GET /containers/{id}/stats",
                $"POST /containers/{id}/attach?stream=1&stdout=1&logs=1",
            })
            {
                for (int i = 0; i < 10; i++)
                {
                    Socket socket = await _daemon.ConnectAsync();
                    deaf.Add(socket);
                    await TrySendAsync(socket, Encoding.ASCII.GetBytes($"{path} HTTP/1.1\r\nHost: b\r\n\r\n"));
                }
            }
            // More events than a listener's queue and its socket hold.
            for (int i = 0; i < 4000; i++)
            {
                await _daemon.PostAsync("/volumes/create", new { Name = "vol" });
                await _daemon.DeleteAsync("/volumes/vol");
            }
            Assert.Equal("told\n", (await _daemon.BerthAsync("run", "--rm", "--network", "none", "bb", "echo", "told")).Output);
            AssertSmall();
        }
        finally
        {
            deaf.ForEach(socket => socket.Dispose());
        }
        // Held back as long as somebody attached did not read, and not a moment longer.
        long before = await WrittenAsync(id);
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        while (await WrittenAsync(id) <= before)
            await Task.Delay(20, patience.Token);
        await _daemon.PostAsync($"/containers/{id}/kill");
    }

    // The processor time that its processes have used: they work when they are not held back.
    private async Task<long> WrittenAsync(string id)
    {
        JsonElement statistics = await _daemon.GetAsync($"/containers/{id}/stats?stream=0&one-shot=1");
        return statistics.GetProperty("cpu_stats").GetProperty("cpu_usage").GetProperty("total_usage").GetInt64();
    }

    private void AssertSmall()
    {
        string line = File.ReadLines($"/proc/{_daemon.Pid}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        int megabytes = int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], null) / 1024;
        Assert.True(megabytes < MemoryMegabytesMax, $"the daemon has grown to {megabytes} MB");
    }

    /// <summary>Sends bytes and reads until the daemon closes.</summary>
    private async Task<string> AskAsync(string request)
    {
        using Socket socket = await _daemon.ConnectAsync();
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(100));
        Task sending = TrySendAsync(socket, Encoding.Latin1.GetBytes(request));
        StringBuilder answer = new();
        byte[] buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, patience.Token) is > 0 and int count)
            {
                answer.Append(Encoding.Latin1.GetString(buffer, 0, count));
                // A connection that stays open for another request has answered this one.
                if (IsWhole(answer.ToString()))
                    break;
            }
        }
        catch (SocketException)
        {
            // It closed with bytes of ours unread.
        }
        socket.Close();
        await sending;
        return answer.ToString();
    }

    private static bool IsWhole(string answer)
    {
        int end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
            return false;
        string head = answer[..end];
        int at = head.IndexOf("Content-Length: ", StringComparison.Ordinal);
        return at >= 0 && answer.Length >= end + 4 + int.Parse(head[(at + 16)..].Split('\r')[0], null);
    }

    private static async Task TrySendAsync(Socket socket, byte[] bytes)
    {
        try
        {
            for (int sent = 0; sent < bytes.Length;)
                sent += await socket.SendAsync(bytes.AsMemory(sent));
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The daemon has heard enough.
        }
    }

    private static string Json(string body) => $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    private static string Deep(int levels) => new string('[', levels) + new string(']', levels);

    private static string Repeat(string text, int times) => new StringBuilder(text.Length * times).Insert(0, text, times).ToString();
}
