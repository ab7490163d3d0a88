namespace Berth.EndToEnd.Tests;

/// <summary>Command lines that are refused, or nearly: our command line says what docker's says, with its exit code.</summary>
public sealed class RefusedOptionTests(EngineFixture engine)
{
    private const string Newer = "/usr/local/bin/docker";

    [Theory]
    [InlineData("network create --label bad= --label =x net")]
    [InlineData("network create --label 'a b=c' net")]
    [InlineData("volume create --label =x vol")]
    [InlineData("volume create --name other vol")]
    [InlineData("volume prune -a -f --filter all=1")]
    [InlineData("run --rm -l =x nosuch true")]
    [InlineData("run --rm --expose 80-70 nosuch true")]
    [InlineData("run --rm --expose x nosuch true")]
    [InlineData("run --rm --mount type=tmpfs,dst=/x,tmpfs-size=bogus nosuch true")]
    [InlineData("run --rm --device-cgroup-rule bogus nosuch true")]
    [InlineData("run --rm --health-interval 1 nosuch true")]
    [InlineData("run --rm --health-interval x nosuch true")]
    [InlineData("run --rm --sysctl bogus nosuch true")]
    [InlineData("run --rm --sysctl kernel.bogus=1 nosuch true")]
    [InlineData("run --rm --device-read-bps /dev/null:bogus nosuch true")]
    [InlineData("run --rm --device-read-iops /dev/null:1kb nosuch true")]
    [InlineData("run --rm --network bridge --network net nosuch true")]
    [InlineData("run --rm --network host --network net nosuch true")]
    [InlineData("run --rm --oom-score-adj 5000 busybox:e2e true")]
    [InlineData("run --rm --network host --network bridge busybox:e2e true")]
    public async Task CommandLine_IsAnsweredAsByDocker(string line)
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        Assert.SkipUnless(File.Exists(Newer), $"{Newer} is not installed: ./dev setup");
        string[] arguments = [.. Words(line)];
        Completed theirs = await Program.RunAsync(Newer, arguments, engine.Address);
        Completed ours = await Program.RunAsync(EngineFixture.Berth, arguments, engine.Address);
        Assert.Equal((theirs.Code, theirs.Output, theirs.Errors), (ours.Code, ours.Output, ours.Errors
            .Replace("berth:", "docker:", StringComparison.Ordinal).Replace("berth ", "docker ", StringComparison.Ordinal)));
    }

    private static IEnumerable<string> Words(string line) => line.Split('\'')
        .SelectMany((part, index) => index % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
