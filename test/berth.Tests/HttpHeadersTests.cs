namespace Berth.Cli.Tests;

/// <summary><c>HttpHeaders</c> of the configuration go with every request, by Docker's client and by ours.</summary>
public sealed class HttpHeadersTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-headers-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory(Timeout = 60_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HeadersOfTheConfiguration_GoWithARequest(bool ours)
    {
        if (!ours)
            DockerClient.Require();
        CancellationToken stop = TestContext.Current.CancellationToken;
        await File.WriteAllTextAsync(
            $"{_directory}/config.json", """{"HttpHeaders":{"X-Course":"statistics","X-Meta-Data":"a b"}}""", stop);
        await using RecordingEngine engine = new(RecordedAnswers.Answer);
        string[] arguments = ["--config", _directory, "-H", engine.Host, "ps", "-q"];
        ClientResult done = await (ours ? DockerClient.RunOursAsync(arguments, stop) : DockerClient.RunTheirsAsync(arguments, stop));
        Assert.Equal(0, done.Code);
        Assert.Contains("GET /v1.50/containers/json", engine.TakeRequests().Select(static r => r.Request));
        Assert.Contains("X-Course: statistics", engine.LastHeaders);
        Assert.Contains("X-Meta-Data: a b", engine.LastHeaders);
    }
}
