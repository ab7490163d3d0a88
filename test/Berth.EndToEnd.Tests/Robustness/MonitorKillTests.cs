using System.Text.Json;

namespace Berth.EndToEnd.Tests.Robustness;

/// <summary>What the engine started for containers is killed at random moments: monitors, first processes, programs of other
/// runtimes.</summary>
/// <remarks><c>BERTH_KILL_ROUNDS</c> sets the rounds, <c>BERTH_KILL_SEED</c> repeats a run's choices.</remarks>
[Collection(nameof(RobustnessCollection))]
public sealed class MonitorKillTests
{
    private const int UsualRounds = 40;
    private const int BusyMillisecondsMax = 60;

    [Theory]
    [InlineData("berth")]
    [InlineData("runc")]
    [InlineData("berth-runtime")]
    public async Task Kill_OfAnyProcessOfAContainer_LeavesNothingOnceItIsRemoved(string runtime)
    {
        Assert.SkipWhen(OwnDaemon.Missing is not null, OwnDaemon.Missing ?? "");
        Assert.SkipUnless(runtime != "runc" || File.Exists("/usr/sbin/runc"), "runc is not installed");
        int rounds = Setting("BERTH_KILL_ROUNDS", UsualRounds);
        int seed = Setting("BERTH_KILL_SEED", Environment.TickCount);
        Random random = new(seed);
        await using OwnDaemon daemon = await OwnDaemon.StartAsync(null, "--add-runtime", "runc=/usr/sbin/runc",
            "--add-runtime", $"berth-runtime={Path.GetDirectoryName(OwnDaemon.Program)}/berth-runtime");
        HostState host = new(daemon);
        int killed = 0;
        for (int round = 1; round <= rounds; round++)
        {
            string about = $"round {round} of seed {seed}";
            string id = (await daemon.PostAsync("/containers/create", new
            {
                Image = "bb", Cmd = new[] { "sleep", "1000" }, HostConfig = new { Runtime = runtime },
            })).GetProperty("Id").GetString()!;
            Task working = random.Next(3) == 0 ? ExecAsync(daemon, id) : daemon.PostAsync($"/containers/{id}/start");
            await Task.WhenAny(working, Task.Delay(random.Next(BusyMillisecondsMax)));
            int[] all = [.. Descendants(daemon.Pid)];
            if (all.Length > 0)
            {
                string victim = random.GetItems(all, 1)[0].ToString(null as IFormatProvider);
                Completed sent = await Program.RunAsync("kill", ["-KILL", victim], daemon.Address);
                killed += sent.Code == 0 ? 1 : 0;
            }
            // It may fail; it must come to an end.
            await Record.ExceptionAsync(() => working.WaitAsync(TimeSpan.FromMinutes(1)));
            Assert.True(working.IsCompleted, $"{about}: the start does not end");
            await daemon.DeleteAsync($"/containers/{id}?force=1");
            IReadOnlyList<string> left = await host.LeftoversAsync();
            Assert.True(left.Count == 0, $"{about}:\n{string.Join('\n', left)}\n{daemon.Errors}");
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {killed} killed");
        Assert.True(killed > 0, "nothing could be killed");
        await daemon.StopAsync();
        Assert.Empty(await host.EverythingAsync());
    }

    private static async Task ExecAsync(OwnDaemon daemon, string id)
    {
        await daemon.PostAsync($"/containers/{id}/start");
        JsonElement exec = await daemon.PostAsync($"/containers/{id}/exec", new { Cmd = new[] { "sleep", "1000" } });
        await daemon.PostAsync($"/exec/{exec.GetProperty("Id").GetString()}/start", new { Detach = true });
    }

    private static int Setting(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out int given) ? given : usual;

    /// <summary>The processes below one.</summary>
    internal static IEnumerable<int> Descendants(int pid)
    {
        List<int> children = [];
        try
        {
            foreach (string task in Directory.GetDirectories($"/proc/{pid}/task"))
                children.AddRange(File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse));
        }
        catch (IOException)
        {
            // It has just ended.
        }
        return children.Concat(children.SelectMany(Descendants));
    }
}
