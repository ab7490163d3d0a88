using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Berth.Hub.Tests;

/// <summary>The log as JSON, which programs read: one request is one line, whatever a stranger sends.</summary>
public sealed class LogTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("berth-log-");
    private readonly ConcurrentQueue<string> _lines = [];

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("/v2/", 200)]
    [InlineData("/v2/test/app/manifests/latest", 404)]
    [InlineData("/v2/Test/App/manifests/latest", 400)]
    [InlineData("/v2/test/a%0A%7B%22LogLevel%22%3A%22Forged%22%7D%0A/manifests/x", 0)]
    [InlineData("/v2/test/%0D%0A2026-01-01T00:00:00.000Z%20Forged/manifests/x", 0)]
    [InlineData("/v2/test/%1B[2J%07%E2%80%A8%E2%80%A9%C2%85Forged/manifests/x", 0)]
    [InlineData("/v2/test/%FF%C0%80%ED%A0%80/manifests/x", 0)]
    [InlineData("/v2/test/\"},{\"a\":\"/manifests/x", 0)]
    public async Task Request_IsOneLineOfJson(string path, int status)
    {
        await using HubProgram hub = await HubProgram.StartHeardAsync(
            _directory, _lines.Enqueue, "--anonymous-push", "--log-format", "json", "--log-level", "debug");
        int answered = await AskAsync(hub, path, agent: "a\tb {\"LogLevel\":\"Forged\"}");
        if (status != 0)
            Assert.Equal(status, answered);
        // The server refuses a header of other bytes, and nothing is said of it.
        Assert.Equal(400, await AskAsync(hub, "/v2/", agent: "\u00FF\u00C0\u0080"));
        const string Last = "/v2/the-end/tags/list";
        await AskAsync(hub, Last);
        // Where the server refuses the request itself, the hub never sees it.
        int least = answered == 400 && status == 0 ? 1 : 2;
        List<JsonElement> requests = await RequestsAsync(Last, least);
        Assert.InRange(requests.Count, least, 2);
        if (requests.Count == 2)
        {
            // A line comes after its answer, so perhaps after the next request's.
            JsonElement state = Assert.Single(requests, line => PathOf(line) != Last).GetProperty("State");
            Assert.Equal("GET", state.GetProperty("Method").GetString());
            Assert.Equal(answered, state.GetProperty("Status").GetInt32());
            Assert.True(state.GetProperty("Milliseconds").GetInt64() >= 0);
            Assert.Equal("127.0.0.1", state.GetProperty("Address").GetString());
            Assert.DoesNotContain(state.GetProperty("Path").GetString()!, char.IsControl);
        }
    }

    [Fact]
    public async Task Failure_IsOneLineOfJson_WithItsCause()
    {
        await using HubProgram hub = await HubProgram.StartHeardAsync(
            _directory, _lines.Enqueue, "--anonymous-push", "--log-format", "json");
        // The storage's directory is none any more: the upload cannot begin.
        string uploads = Path.Join(hub.DataDirectory, "uploads");
        Directory.Delete(uploads);
        await File.WriteAllTextAsync(uploads, "");
        Assert.Equal(503, await AskAsync(hub, "/v2/test/app/blobs/uploads/", "POST"));
        JsonElement line = await LineAsync(6002);
        Assert.Equal("Warning", line.GetProperty("LogLevel").GetString());
        Assert.Equal("POST", line.GetProperty("State").GetProperty("Method").GetString());
        Assert.Equal("/v2/test/app/blobs/uploads/", line.GetProperty("State").GetProperty("Path").GetString());
        Assert.NotEmpty(line.GetProperty("State").GetProperty("Problem").GetString()!);
    }

    private async Task<JsonElement> LineAsync(int id)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (true)
        {
            JsonElement found = _lines.Select(Parse).FirstOrDefault(line => line.GetProperty("EventId").GetInt32() == id);
            if (found.ValueKind == JsonValueKind.Object)
                return found;
            await Task.Delay(10, patience.Token);
        }
    }

    private static string? PathOf(JsonElement line) => line.GetProperty("State").GetProperty("Path").GetString();

    // Those of the client, until one of them has come and there are so many.
    private async Task<List<JsonElement>> RequestsAsync(string last, int least)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (true)
        {
            List<JsonElement> requests = [.. _lines.Select(Parse).Where(line => line.GetProperty("EventId").GetInt32() == 6211)];
            if (requests.Count >= least && requests.Any(line => PathOf(line) == last))
                return requests;
            await Task.Delay(10, patience.Token);
        }
    }

    // Every line that was said is one object, with when, how bad, from where, and what.
    private static JsonElement Parse(string line)
    {
        JsonElement said = JsonElement.Parse(line);
        Assert.InRange(DateTimeOffset.UtcNow - said.GetProperty("Timestamp").GetDateTimeOffset(), TimeSpan.FromMinutes(-1), s_patience * 10);
        Assert.Contains(said.GetProperty("LogLevel").GetString(), new[] { "Debug", "Information", "Warning", "Error" });
        // The server itself complains where the machine stands still for a while.
        Assert.Matches("^(Berth|Microsoft[.]AspNetCore)[.]", said.GetProperty("Category").GetString());
        Assert.NotEmpty(said.GetProperty("Message").GetString()!);
        return said;
    }

    // As bytes of one's own: a client library would not send what a stranger can.
    private static async Task<int> AskAsync(HubProgram hub, string path, string method = "GET", string agent = "a")
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(hub.Address.Host, hub.Address.Port);
        await socket.SendAsync(Encoding.Latin1.GetBytes(
            $"{method} {path} HTTP/1.1\r\nHost: {hub.Host}\r\nConnection: close\r\nContent-Length: 0\r\nUser-Agent: {agent}\r\n\r\n"));
        byte[] answer = new byte[4096];
        int count = await socket.ReceiveAsync(answer);
        return int.Parse(Encoding.ASCII.GetString(answer, 0, count).Split(' ')[1]);
    }
}
