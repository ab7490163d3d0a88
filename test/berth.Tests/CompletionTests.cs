namespace Berth.Cli.Tests;

/// <summary>What is offered for the last word of a line, by the engine's recorded answers.</summary>
public sealed class CompletionTests
{
    private const string Containers = "web other/alias quiet_pare";

    [Theory]
    [InlineData("run|--network|", "bridge")]
    [InlineData("run|--net|", "bridge")]
    [InlineData("run|--network=", "--network=bridge")]
    [InlineData("run|-itd|--network|", "bridge")]
    [InlineData("run|--pull|", "always missing never")]
    [InlineData("run|--pull|ne", "never")]
    [InlineData("run|--restart|", "always no on-failure unless-stopped")]
    [InlineData("run|-v|", "")]
    [InlineData("run|-itv|", "")]
    [InlineData("run|--name|x|", "nginx:1.25")]
    [InlineData("run|--name=x|", "nginx:1.25")]
    [InlineData("run|-it|", "nginx:1.25")]
    [InlineData("run|nginx|", "")]
    [InlineData("run|nginx|--network|", "")]
    [InlineData("run|--volumes-from|", Containers)]
    [InlineData("--context|", "default")]
    [InlineData("-c|", "default")]
    [InlineData("-c|default|network|connect|", "bridge")]
    [InlineData("-l|wa", "warn")]
    [InlineData("-H|", "")]
    [InlineData("kill|-s|KI", "KILL")]
    [InlineData("kill|-s|KILL|", Containers)]
    [InlineData("network|connect|", "bridge")]
    [InlineData("network|connect|bridge|", Containers)]
    [InlineData("network|connect|bridge|web|", "")]
    [InlineData("inspect|", Containers)]
    [InlineData("inspect|web|", Containers)]
    [InlineData("inspect|--type|", "container image network volume")]
    [InlineData("rm|web|", Containers)]
    [InlineData("rm|--|", Containers)]
    [InlineData("exec|web|", "")]
    [InlineData("cp|", Containers)]
    [InlineData("cp|web:/x|", Containers)]
    [InlineData("volume|rm|", "data")]
    public async Task Word_IsCompletedByWhatStandsBeforeIt(string line, string offered)
    {
        await using RecordingEngine engine = new(RecordedAnswers.Answer);
        // What else there is in the lists is no matter of this test.
        string[] known = ["web", "other/alias", "quiet_pare", "nginx:1.25", "bridge", "--network=bridge", "data"];
        string[] found = await CompleteAsync(engine, line.Split('|'));
        string[] expected = offered.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected, found.Where(f => expected.Contains(f) || known.Contains(f)));
        if (expected.Length == 0)
            Assert.Empty(found);
    }

    [Theory]
    [InlineData("exec", false)]
    [InlineData("kill", false)]
    [InlineData("start", true)]
    [InlineData("logs", true)]
    public async Task Container_OfAVerbForThoseThatRun_IsOneThatRuns(string verb, bool all)
    {
        await using RecordingEngine engine = new(RecordedAnswers.Answer);
        await CompleteAsync(engine, verb, "");
        string request = Assert.Single(engine.TakeRequests()).Request;
        Assert.Equal(all, request.Contains("all=", StringComparison.Ordinal));
    }

    private static async Task<string[]> CompleteAsync(RecordingEngine engine, params string[] words)
    {
        ClientResult result = await DockerClient.RunOursAsync(["-H", engine.Host, "__complete", .. words], TestContext.Current.CancellationToken);
        Assert.Equal(0, result.Code);
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
