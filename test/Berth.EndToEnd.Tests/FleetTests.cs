using System.Diagnostics;
using System.Text.Json;

namespace Berth.EndToEnd.Tests;

/// <summary>Many containers at once: what one after the other does not show.</summary>
public sealed class FleetTests(EngineFixture engine)
{
    private const int Containers = 60;
    private const int Lanes = 8;
    private const string Image = "busybox:e2e";

    [Fact]
    public async Task Events_OfManyContainersAtOnce_AreAllThereAndInOrder()
    {
        Assert.SkipUnless(engine.Missing is null, engine.Missing ?? "");
        using Process listener = Listen();
        try
        {
            Task<List<JsonElement>> hearing = HearAsync(listener);
            await Parallel.ForEachAsync(Enumerable.Range(0, Containers), new ParallelOptions { MaxDegreeOfParallelism = Lanes },
                async (i, _) =>
                {
                    Completed run = await Program.RunAsync(EngineFixture.Berth,
                        ["run", "--rm", "--network", "none", "--label", "fleet=order", "--name", $"fleet{i}", Image, "sh", "-c", $"exit {i}"],
                        engine.Address);
                    Assert.True(run.Code == i, $"container {i} ended with {run.Code}: {run.Errors}");
                });
            List<JsonElement> heard = await hearing.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            long[] times = [.. heard.Select(static e => e.GetProperty("timeNano").GetInt64())];
            Assert.Equal(times.Order(), times);
            foreach (IGrouping<string?, JsonElement> one in heard.GroupBy(static e => e.GetProperty("id").GetString()))
                Assert.Equal("create attach start die destroy", string.Join(' ', one.Select(static e => e.GetProperty("Action").GetString())));
            Assert.Equal(Containers, heard.Count(static e => e.GetProperty("Action").GetString() == "die"));
        }
        finally
        {
            listener.Kill();
        }
    }

    private Process Listen()
    {
        ProcessStartInfo start = new("curl",
        [
            "--silent", "--no-buffer", "--unix-socket", engine.Socket,
            $"http://engine/events?filters={Uri.EscapeDataString("{\"label\":[\"fleet=order\"],\"type\":[\"container\"]}")}&since=0",
        ])
        {
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }

    private static async Task<List<JsonElement>> HearAsync(Process listener)
    {
        List<JsonElement> heard = [];
        int destroyed = 0;
        while (destroyed < Containers && await listener.StandardOutput.ReadLineAsync() is { } line)
        {
            using JsonDocument document = JsonDocument.Parse(line);
            heard.Add(document.RootElement.Clone());
            if (heard[^1].GetProperty("Action").GetString() == "destroy")
                destroyed++;
        }
        return heard;
    }
}
