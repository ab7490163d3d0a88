namespace Berth.EndToEnd.Tests;

/// <summary>The image that stands in for the reaper of the Testcontainers libraries, which cannot be had without a hub: it says that
/// it has started and acknowledges what it is told to reap, and reaps nothing. That it is started with the engine's socket in it and
/// reached over a published port is what the tests are about.</summary>
internal static class Reaper
{
    public const string Image = "berth/reaper:stand-in";

    private const string Dockerfile = """
        FROM busybox:e2e
        EXPOSE 8080
        CMD ["sh", "-c", "echo Started; exec nc -ll -p 8080 -e sh -c 'while read line; do echo ACK; done'"]

        """;

    public static async Task NeedAsync(string address)
    {
        Completed built = await Program.RunAsync("/usr/bin/docker", ["build", "-q", "-t", Image, "-"], address, Dockerfile);
        Assert.True(built.Code == 0, built.Errors);
    }
}
