using System.Net.Sockets;
using System.Text;
using Berth.BuildKit.Sessions;
using Berth.Daemon.Streams;

namespace Berth.Daemon.Tests;

/// <summary>The doors of a BuildKit session; what goes on behind them, real clients show in the end-to-end tests.</summary>
public sealed class SessionTests : IAsyncLifetime
{
    private const string Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    private RunningServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(Cancel);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Session_Upgrade_MakesTheDaemonTheClient()
    {
        await using NetworkStream stream = await OpenAsync("s1");
        byte[] begin = new byte[Preface.Length];
        await stream.ReadExactlyAsync(begin, Cancel);
        Assert.Equal(Preface, Encoding.ASCII.GetString(begin));
        Assert.Equal(1, _server.Services.Sessions.Count);
        string second = await _server.AskAsync("POST", "/session", Cancel, headers: Headers("s1"));
        Assert.StartsWith("HTTP/1.1 409 ", second);
        stream.Close();
        await IsEmptyAsync();
    }

    [Fact]
    public async Task Session_OfSomethingElse_EndsAtOnce()
    {
        await using NetworkStream stream = await OpenAsync("s2");
        await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n\r\nthis is not HTTP/2 and never will be"), Cancel);
        using StreamReader reader = new(stream);
        await reader.ReadToEndAsync(Cancel);
        await IsEmptyAsync();
    }

    [Theory]
    [InlineData("", "no upgrade proto in request")]
    [InlineData("Upgrade: tcp\r\nX-Docker-Expose-Session-Uuid: x\r\n", "upgrade to tcp is not supported: use h2c")]
    [InlineData("Upgrade: h2c\r\n", "X-Docker-Expose-Session-Uuid: an ID of 1 to 128 characters is expected")]
    public async Task Session_NotAsItMustBe_IsRefused(string headers, string message)
    {
        string answer = await _server.AskAsync("POST", "/session", Cancel, headers: headers);
        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains(message, answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version=2", 400, "needs a session")]
    [InlineData("version=1&session=x", 501, "a session without version=2")]
    [InlineData("outputs=[{\"Type\":\"local\"}]", 501, "build outputs need a build session")]
    [InlineData("version=2&session=none&outputs=[{\"Type\":\"local\"},{\"Type\":\"tar\"}]", 400, "multiple outputs not supported")]
    [InlineData("version=2&session=none&outputs=[{\"Type\":\"moon\"}]", 400, "exporter \\\"moon\\\" could not be found")]
    [InlineData("version=2&session=none&remote=client-session", 404, "no active session for none")]
    public async Task Build_WithoutWhatASessionNeeds_IsRefused(string query, int status, string message)
    {
        string answer = await _server.AskAsync("POST", "/build?" + query.Replace("\"", "%22", StringComparison.Ordinal), Cancel);
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.Contains(message, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_BeyondTheirNumber_AreRefused()
    {
        SessionTable table = _server.Services.Sessions;
        using CancellationTokenSource stop = new();
        // Nobody answers on these connections, so all stay at their first call.
        Task[] waiting = [.. Enumerable.Range(0, SessionTable.SessionsMax).Select(number => table.RunAsync(
            new SessionOffer($"{number}", new HashSet<string>()), new SilentStream(), stop.Token))];
        Assert.Equal(FaultKind.Unavailable, Assert.Throws<FaultException>(() => table.Check("one more")).Kind);
        await stop.CancelAsync();
        await Task.WhenAll(waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await IsEmptyAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Upload_WhicheverComesFirst_MeetsItsBuild(bool uploadFirst)
    {
        UploadTable table = new(TimeProvider.System);
        using MemoryStream body = new();
        Task<UploadedBody> taking = uploadFirst ? null! : table.TakeAsync("b", Cancel);
        Task offering = table.OfferAsync("b", body, Cancel);
        taking ??= table.TakeAsync("b", Cancel);
        using (UploadedBody taken = await taking)
        {
            Assert.Same(body, taken.Body);
            Assert.False(offering.IsCompleted);
            Assert.Equal(FaultKind.Conflict, (await Assert.ThrowsAsync<FaultException>(() => table.OfferAsync("b", body, Cancel))).Kind);
            Assert.False(offering.IsCompleted);
        }
        await offering;
    }

    private static string Headers(string id) => $"Upgrade: h2c\r\nX-Docker-Expose-Session-Uuid: {id}\r\n"
        + "X-Docker-Expose-Session-Grpc-Method: /grpc.health.v1.Health/Check\r\n";

    private async Task<NetworkStream> OpenAsync(string id)
    {
        NetworkStream stream = await _server.SendAsync(
            $"POST /session HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\n{Headers(id)}\r\n", Cancel);
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, Cancel);
            head.Append((char)one[0]);
        }
        Assert.StartsWith("HTTP/1.1 101 UPGRADED\r\n", head.ToString());
        Assert.Contains("Upgrade: h2c\r\n", head.ToString());
        return stream;
    }

    private async Task IsEmptyAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (_server.Services.Sessions.Count > 0)
            await Task.Delay(10, patience.Token);
    }

    /// <summary>A connection on which nothing ever comes.</summary>
    private sealed class SilentStream : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }
}
