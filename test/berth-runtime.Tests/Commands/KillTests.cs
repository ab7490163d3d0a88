using System.Diagnostics;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>Any of the program's processes may be killed at any moment: <c>delete --force</c> removes what it had made by then.</summary>
/// <remarks><c>BERTH_KILL_ROUNDS</c> sets the rounds, <c>BERTH_KILL_SEED</c> repeats a run's choices.</remarks>
public sealed class KillTests(BundleFixture bundles) : IClassFixture<BundleFixture>
{
    private const int UsualRounds = 40;
    private static readonly TimeSpan s_endTime = TimeSpan.FromSeconds(30);

    private static int Setting(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out int given) ? given : usual;

    [Fact]
    public async Task Kill_AtAnyMoment_LeavesNothingThatDeleteCannotRemove()
    {
        Assert.SkipUnless(Command.Missing is null, Command.Missing ?? "");
        int seed = Setting("BERTH_KILL_SEED", Environment.TickCount);
        Random random = new(seed);
        // The shortest: what the first takes on a cold or busy machine, the rest are done long before.
        TimeSpan usual = new[] { await UndisturbedAsync(), await UndisturbedAsync(), await UndisturbedAsync() }.Min();
        int killed = 0;
        for (int round = 1; round <= Setting("BERTH_KILL_ROUNDS", UsualRounds); round++)
        {
            string id = bundles.NewId();
            string bundle = await bundles.BundleAsync(id, Spec(id, random.Next(2) == 0));
            string verb = await PrepareAsync(id, bundle, random);
            string about = $"round {round} of seed {seed}, {verb}";
            killed += await DisturbAsync(id, bundle, verb, usual * (random.NextDouble() * 0.9), random, about) ? 1 : 0;
            Completed removed = await bundles.RunAsync("delete", "--force", id);
            Assert.True(removed.Code == 0, $"{about}: {removed}");
            string[] left = [];
            await UntilAsync(() => (left = [.. Leftovers(id)]).Length == 0);
            Assert.True(left.Length == 0, $"{about}:\n{string.Join('\n', left)}");
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {killed} killed");
        Assert.True(killed > 0, "every command was done before it could be killed");
    }

    // What is killed dies in the kernel's own time.
    private static async Task UntilAsync(Func<bool> condition)
    {
        for (long start = Environment.TickCount64; !condition() && Environment.TickCount64 - start < 20_000;)
            await Task.Delay(5);
    }

    private RuntimeSpec Spec(string id, bool hooks)
    {
        RuntimeSpec spec = bundles.Spec(id, "/bin/sleep", "1000");
        HookSpec[] hook = [new HookSpec { Path = "/bin/true", Args = ["true"] }];
        return hooks ? spec with { Hooks = new HooksSpec { CreateRuntime = hook, CreateContainer = hook, StartContainer = hook } } : spec;
    }

    private async Task<TimeSpan> UndisturbedAsync()
    {
        string id = bundles.NewId();
        string bundle = await bundles.BundleAsync(id, Spec(id, hooks: true));
        long start = Stopwatch.GetTimestamp();
        using (Process process = Start(id, bundle, "create"))
            await process.WaitForExitAsync();
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        Assert.Equal("created", await bundles.StatusAsync(id));
        // What is looked for is found where it is.
        Assert.Equal(["cgroup", "process", "state"], Leftovers(id).Select(static line => line.Split(' ')[0]).Distinct().Order());
        Assert.Equal(0, (await bundles.RunAsync("delete", "--force", id)).Code);
        return took;
    }

    /// <summary>Brings the container to where the command that is killed begins.</summary>
    private async Task<string> PrepareAsync(string id, string bundle, Random random)
    {
        string verb = random.GetItems(["create", "create", "create", "run", "start", "exec", "delete", "kill"], 1)[0];
        if (verb is "create" or "run")
            return verb;
        using (Process process = Start(id, bundle, "create"))
            await process.WaitForExitAsync();
        if (verb != "start")
            Assert.Equal(0, (await bundles.RunAsync("start", id)).Code);
        return verb;
    }

    private async Task<bool> DisturbAsync(string id, string bundle, string verb, TimeSpan after, Random random, string about)
    {
        long start = Stopwatch.GetTimestamp();
        using Process process = Start(id, bundle, verb);
        while (Stopwatch.GetElapsedTime(start) < after && !process.HasExited)
            Thread.SpinWait(200);
        int[] all = [process.Id, .. Descendants(process.Id)];
        // The program itself half of the time: it has most to leave behind.
        int victim = random.Next(2) == 0 ? process.Id : random.GetItems(all, 1)[0];
        bool isKilled = !process.HasExited && Signals.TrySend(victim, Signals.SIGKILL);
        using CancellationTokenSource patience = new(s_endTime);
        await Record.ExceptionAsync(() => process.WaitForExitAsync(patience.Token));
        if (process.HasExited)
            return isKilled;
        string[] stuck = [.. new[] { process.Id }.Concat(Descendants(process.Id)).Select(pid => ReadOrNothing($"/proc/{pid}/status"))];
        process.Kill(entireProcessTree: true);
        Assert.Fail($"{about}: does not end when {victim} of {string.Join(' ', all)} was killed:\n{string.Join('\n', stuck)}");
        return isKilled;
    }

    private Process Start(string id, string bundle, string verb)
    {
        string[] words = verb switch
        {
            "create" => ["create", "--bundle", bundle, "--pid-file", Path.Join(bundle, "pid"), id],
            "run" => ["run", "--detach", "--bundle", bundle, id],
            "exec" => ["exec", "--detach", id, "/bin/sleep", "1000"],
            "delete" => ["delete", "--force", id],
            "kill" => ["kill", id, "KILL"],
            _ => [verb, id],
        };
        ProcessStartInfo start = new("/bin/sh",
            ["-c", "exec \"$0\" \"$@\" </dev/null >>out 2>>err", Command.Runtime, "--root", bundles.Root, .. words])
        {
            WorkingDirectory = bundle,
        };
        return Process.Start(start)!;
    }

    private static IEnumerable<int> Descendants(int pid)
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

    private IEnumerable<string> Leftovers(string id)
    {
        if (Directory.Exists(Path.Join(bundles.Root, id)))
            yield return $"state {Path.Join(bundles.Root, id)}: "
                + $"{string.Join(' ', Directory.GetFileSystemEntries(Path.Join(bundles.Root, id)))}";
        string cgroup = $"{bundles.Cgroup}/{id}";
        foreach (string tree in Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup"))
        {
            if (Directory.Exists(tree + cgroup))
                yield return $"cgroup {tree + cgroup}";
        }
        string bundle = $"/bundles/{id}/rootfs";
        foreach (string line in File.ReadLines("/proc/self/mountinfo")
            .Where(line => line.Contains(bundles.Directory, StringComparison.Ordinal)))
            yield return $"mount {line}";
        foreach (string process in Directory.GetDirectories("/proc").Where(static name => char.IsAsciiDigit(Path.GetFileName(name)[0])))
        {
            if (Mentions(process, bundles.Directory, bundle))
                yield return $"process {process}: {ReadOrNothing($"{process}/status")}";
        }
    }

    // Its mounts tell a container's process in the making and a running one alike; those of other rounds are gone by now.
    private static bool Mentions(string process, string directory, string bundle)
    {
        string mounts = ReadOrNothing($"{process}/mountinfo");
        return mounts.Contains(bundle, StringComparison.Ordinal) && mounts.Contains(Path.GetFileName(directory), StringComparison.Ordinal);
    }

    private static string ReadOrNothing(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
