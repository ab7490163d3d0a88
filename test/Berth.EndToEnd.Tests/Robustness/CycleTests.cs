using System.Text.Json;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>The same thing again and again: nothing of the daemon grows.</summary>
/// <remarks><c>BERTH_CYCLES</c> and <c>BERTH_EXECS</c> set how often; 10,000 and 100,000 take an hour together.</remarks>
[Collection(nameof(RobustnessCollection))]
public sealed class CycleTests
{
    private const int Lanes = 4;
    private const int DescriptorsMax = 16;
    private const int ThreadsMax = 8;
    private const int MemoryKilobytesMax = 12 * 1024;

    [Fact]
    public async Task RunAndRemove_ManyTimes_NothingGrows()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        int cycles = KillTests.Setting("BERTH_CYCLES", 300);
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        await RepeatAsync(daemon, Math.Max(100, cycles / 10), CycleAsync);
        Usage before = await Usage.OfAsync(daemon);
        await RepeatAsync(daemon, cycles, CycleAsync);
        Usage after = await Usage.OfAsync(daemon, HasNotGrownFrom(before));
        TestContext.Current.TestOutputHelper?.WriteLine($"{cycles} cycles: {before} -> {after}");
        AssertNoGrowth(before, after);
        Assert.Empty(await new HostState(daemon).LeftoversAsync());

        static async Task CycleAsync(OwnDaemon daemon, HttpClient client)
        {
            JsonElement made = await daemon.PostAsync("/containers/create", new { Image = "bb", Cmd = new[] { "true" } });
            string id = made.GetProperty("Id").GetString()!;
            Task<JsonElement> ended = daemon.PostAsync($"/containers/{id}/wait?condition=next-exit");
            await daemon.PostAsync($"/containers/{id}/start");
            Assert.Equal(0, (await ended).GetProperty("StatusCode").GetInt32());
            await daemon.DeleteAsync($"/containers/{id}");
        }
    }

    [Fact]
    public async Task Exec_ManyTimes_NothingGrows()
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        int execs = KillTests.Setting("BERTH_EXECS", 600);
        await using OwnDaemon daemon = await OwnDaemon.StartAsync();
        string id = (await daemon.PostAsync("/containers/create", new { Image = "bb", Cmd = new[] { "sleep", "100000" } }))
            .GetProperty("Id").GetString()!;
        await daemon.PostAsync($"/containers/{id}/start");
        int first = (await daemon.GetAsync($"/containers/{id}/json")).GetProperty("State").GetProperty("Pid").GetInt32();
        int monitor = int.Parse((await File.ReadAllTextAsync($"/proc/{first}/stat")).Split(") ")[1].Split(' ')[1], null);
        await RepeatAsync(daemon, Math.Max(200, execs / 10), ExecAsync);
        Usage before = await Usage.OfAsync(daemon);
        Usage monitorBefore = Usage.Read(monitor);
        await RepeatAsync(daemon, execs, ExecAsync);
        Usage after = await Usage.OfAsync(daemon, HasNotGrownFrom(before));
        Usage monitorAfter = Usage.Read(monitor);
        TestContext.Current.TestOutputHelper?.WriteLine($"{execs} execs: {before} -> {after}, monitor {monitorBefore} -> {monitorAfter}");
        AssertNoGrowth(before, after);
        // It has no part in them.
        Assert.Equal((monitorBefore.Descriptors, monitorBefore.Threads), (monitorAfter.Descriptors, monitorAfter.Threads));
        // The kernel may have written some of it to disk.
        Assert.True(monitorAfter.Kilobytes <= monitorBefore.Kilobytes, $"monitor: {monitorBefore} -> {monitorAfter}");
        Assert.Equal([monitor], MonitorKillTests.Descendants(daemon.Pid).Except([first]));

        async Task ExecAsync(OwnDaemon daemon, HttpClient client)
        {
            JsonElement exec = await daemon.PostAsync(
                $"/containers/{id}/exec", new { AttachStdout = true, Cmd = new[] { "echo", "told" } });
            using StringContent body = new("{}", System.Text.Encoding.UTF8, "application/json");
            using HttpResponseMessage answer = await client.PostAsync($"/exec/{exec.GetProperty("Id").GetString()}/start", body);
            Assert.Equal("told\n"u8.ToArray(), Frames.Payload(await answer.Content.ReadAsByteArrayAsync()));
        }
    }

    private static Func<Usage, bool> HasNotGrownFrom(Usage before) => now => now.Descriptors <= before.Descriptors + DescriptorsMax
        && now.Threads <= before.Threads + ThreadsMax && now.Kilobytes <= before.Kilobytes + MemoryKilobytesMax;

    private static void AssertNoGrowth(Usage before, Usage after)
    {
        Assert.True(after.Descriptors <= before.Descriptors + DescriptorsMax, $"descriptors: {before} -> {after}");
        Assert.True(after.Threads <= before.Threads + ThreadsMax, $"threads: {before} -> {after}");
        Assert.True(after.Kilobytes <= before.Kilobytes + MemoryKilobytesMax, $"memory: {before} -> {after}");
    }

    private static async Task RepeatAsync(OwnDaemon daemon, int times, Func<OwnDaemon, HttpClient, Task> work)
    {
        using HttpClient client = daemon.NewClient();
        await Parallel.ForEachAsync(Enumerable.Range(0, times), new ParallelOptions { MaxDegreeOfParallelism = Lanes },
            async (_, _) => await work(daemon, client));
    }

    /// <summary>What a daemon holds when it has been left alone long enough to give back what it does not need.</summary>
    private sealed record Usage(int Descriptors, int Threads, int Kilobytes)
    {
        // It collects some seconds after the last request; the lowest of what is seen in that time counts. On a busy machine that may
        // take longer: what is hoped for is waited for.
        public static async Task<Usage> OfAsync(OwnDaemon daemon, Func<Usage, bool>? hoped = null)
        {
            Usage best = Read(daemon.Pid);
            for (long start = Environment.TickCount64, took = 0; took < 12_000 || (hoped?.Invoke(best) == false && took < 90_000);
                await Task.Delay(500), took = Environment.TickCount64 - start)
            {
                Usage now = Read(daemon.Pid);
                best = new Usage(Math.Min(best.Descriptors, now.Descriptors), Math.Min(best.Threads, now.Threads),
                    Math.Min(best.Kilobytes, now.Kilobytes));
            }
            return best;
        }

        public static Usage Read(int pid)
        {
            string[] lines = File.ReadAllLines($"/proc/{pid}/status");
            return new Usage(Directory.GetFiles($"/proc/{pid}/fd").Length, Number(lines, "Threads:"), Number(lines, "RssAnon:"));
        }

        private static int Number(string[] lines, string field) =>
            int.Parse(lines.First(line => line.StartsWith(field, StringComparison.Ordinal)).Split('\t')[1].Trim().Split(' ')[0], null);
    }
}
