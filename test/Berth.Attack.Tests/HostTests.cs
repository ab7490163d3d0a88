using System.Diagnostics;

namespace Berth.Attack.Tests;

/// <summary>What an engine leaves on its host: nothing. A busy life of a second engine, and the host before and after.</summary>
public sealed class HostTests(AttackEngine engine)
{
    [Fact]
    public async Task BusyEngine_LeavesNothing()
    {
        engine.Skip();
        Host before = await Host.LookAsync();
        AttackEngine busy = new() { Suffix = "b" };
        await busy.InitializeAsync();
        try
        {
            await WorkAsync(busy);
            // One that is killed while it works, and the next one that takes over.
            Task<Completed> interrupted = busy.RunAsync("sleep 2");
            await Shell.RunAsync("kill", ["-KILL", $"{busy.Daemon.Id}"]);
            await busy.Daemon.WaitForExitAsync();
            await interrupted;
            await busy.StartDaemonAsync();
            await WorkAsync(busy);
        }
        finally
        {
            await busy.DisposeAsync();
        }
        // What nobody waits for, as the end of a veth pair, comes a moment later.
        Host after = before;
        await Shell.UntilAsync(async () => (after = await Host.LookAsync()).LeftFrom(before, busy).Count == 0,
            "the host is as it was: " + string.Join("; ", after.LeftFrom(before, busy)));
        Assert.False(Directory.Exists(busy.Root));
    }

    [Fact]
    public async Task WhatATestRunLeaves_IsNamed()
    {
        engine.Skip();
        // The check of eng/run-tests.sh: what it would not see could stay for ever.
        string mark = $"of-{Environment.ProcessId}", before = $"{engine.Root}/before";
        await File.WriteAllTextAsync(before, (await HostStateAsync(mark, 0, "look")).Output);
        string file = Directory.CreateTempSubdirectory("berth-left-").FullName;
        string tree = Directory.Exists("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
        string group = Directory.CreateDirectory($"{tree}/{Path.GetFileName(file)}").FullName;
        (string bridge, string table) = ($"ba{Environment.ProcessId:x4}1", $"berth-left-{Environment.ProcessId}");
        using Process marked = Sleep(mark), unmarked = Sleep("");
        try
        {
            await NeedAsync("mount", "-t", "tmpfs", "left", file);
            await NeedAsync("ip", "link", "add", bridge, "type", "bridge");
            await NeedAsync("nft", "add", "table", "ip", table);
            Completed left = await HostStateAsync(mark, 0, "left", before);
            Assert.Equal(1, left.Code);
            string[] lines = left.Output.Split('\n');
            string[] expected = [$"file {file}", $"mount {file}", $"cgroup {group}", $"link {bridge}", $"table of nft ip {table}"];
            Assert.Equal(expected, expected.Intersect(lines));
            Assert.Contains(lines, line => line.StartsWith($"process {marked.Id} sleep 1000 ", StringComparison.Ordinal));
            Assert.DoesNotContain(lines, line => line.StartsWith($"process {unmarked.Id} ", StringComparison.Ordinal));
        }
        finally
        {
            foreach (Process process in new[] { marked, unmarked })
                process.Kill();
            await NeedAsync("nft", "delete", "table", "ip", table);
            await NeedAsync("ip", "link", "delete", bridge);
            await NeedAsync("umount", file);
            Directory.Delete(group);
        }
        // It waits for what is just ending.
        Task<Completed> waiting = HostStateAsync(mark, 20, "left", before);
        Directory.Delete(file);
        string after = (await waiting).Output;
        foreach (string name in new[] { file, bridge, table, $"process {marked.Id} " })
            Assert.DoesNotContain(name, after);
    }

    private static Process Sleep(string mark) =>
        Process.Start(new ProcessStartInfo("sleep", ["1000"]) { Environment = { ["BERTH_TEST_RUN"] = mark } })!;

    private static Task<Completed> HostStateAsync(string mark, int seconds, params string[] arguments) => Shell.RunAsync("env",
        [$"BERTH_TEST_RUN={mark}", $"BERTH_LEFT_SECONDS={seconds}", AttackEngine.Repository + "/eng/host-state.sh", .. arguments]);

    private static async Task NeedAsync(string program, params string[] arguments)
    {
        Completed done = await Shell.RunAsync(program, arguments);
        Assert.True(done.Code == 0, done.All);
    }

    private static async Task WorkAsync(AttackEngine busy)
    {
        string network = busy.NewName($"n{Environment.ProcessId:x}");
        await busy.DoAsync("network", "create", network);
        string[] names = [.. Enumerable.Range(0, 6).Select(_ => busy.NewName("stay"))];
        await Task.WhenAll(names.Select((name, i) => busy.DoAsync(["run", "-d", "--name", name, "--network", i % 2 == 0 ? network : "bridge",
            "-v", $"{name}:/v", "--tmpfs", "/t", "-p", "127.0.0.1::80", "-m", "64m", "--init", AttackEngine.Image, "sleep", "1000"])));
        await Task.WhenAll(names.Select(name => busy.DoAsync("exec", name, "true")));
        await busy.DoAsync("pause", names[0]);
        await busy.DoAsync("unpause", names[0]);
        await busy.DoAsync("restart", "-t", "0", names[1]);
        await busy.DoAsync("cp", $"{names[2]}:/bin/busybox", $"{busy.Root}/copied");
        await busy.DoAsync("commit", names[3], "committed:1");
        await busy.DoAsync("kill", names[4]);
        Assert.NotEqual(0, (await busy.BerthAsync("run", "--rm", AttackEngine.Image, "/nope")).Code);
        Assert.NotEqual(0, (await busy.BerthAsync("run", "--rm", "-w", "/proc/self/fd/9", AttackEngine.Image, "true")).Code);
        string context = Directory.CreateDirectory($"{busy.Root}/{busy.NewName("context")}").FullName;
        File.WriteAllText($"{context}/Dockerfile", $"FROM {AttackEngine.Image}\nRUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t true\n"
            + "COPY Dockerfile /\n");
        await busy.DoAsync("build", "-t", "built:1", context);
        await busy.RemoveAsync(names);
        await busy.DoAsync(["volume", "rm", .. names]);
        await busy.DoAsync("network", "rm", network);
        await busy.DoAsync("rmi", "committed:1", "built:1");
    }

    /// <summary>The host's lists of what an engine makes.</summary>
    private sealed record Host(IReadOnlyList<string> Mounts, IReadOnlyList<string> Cgroups, IReadOnlyList<string> Links,
        IReadOnlyList<string> Tables, IReadOnlyList<string> Processes, IReadOnlyList<string> Files)
    {
        public static async Task<Host> LookAsync() => new(
            [.. File.ReadLines("/proc/self/mountinfo").Select(static line => line.Split(' ')[4])],
            [.. Directory.EnumerateDirectories("/sys/fs/cgroup", "*berth-attack*", new EnumerationOptions
                { RecurseSubdirectories = true, MaxRecursionDepth = 2 })],
            [.. (await Shell.RunAsync("ip", ["-o", "link"])).Output.Split('\n').Select(static line => line.Split(": ") is [_, var name, ..] ? name : "")],
            (await Shell.RunAsync("nft", ["list", "tables"])).Output.Split('\n'),
            [.. Directory.EnumerateDirectories("/proc").Where(static path => int.TryParse(Path.GetFileName(path), out _)).Select(Describe)],
            [.. new[] { "/run", "/tmp", "/var/lib", "/dev/shm", "/etc", "/var/run/netns" }.Where(Directory.Exists)
                .SelectMany(static path => Directory.EnumerateFileSystemEntries(path))]);

        /// <summary>What is there now, was not, and is of that engine.</summary>
        public IReadOnlyList<string> LeftFrom(Host before, AttackEngine busy)
        {
            string[] marks = [busy.Root, busy.Bridge, busy.CgroupParent[1..]];
            bool IsOurs(string entry) => marks.Any(mark => entry.Contains(mark, StringComparison.Ordinal));
            return
            [
                .. Mounts.Except(before.Mounts).Where(IsOurs).Select(static mount => "mount " + mount),
                .. Cgroups.Except(before.Cgroups).Where(IsOurs).Select(static group => "cgroup " + group),
                .. Links.Except(before.Links).Where(IsOurs).Select(static link => "link " + link),
                .. Tables.Except(before.Tables).Where(IsOurs).Select(static table => "table " + table),
                .. Processes.Except(before.Processes).Where(IsOurs).Select(static process => "process " + process),
                .. Files.Except(before.Files).Where(IsOurs).Select(static file => "file " + file),
            ];
        }

        // A process is of an engine when its program, its cgroup or what it has open says so.
        private static string Describe(string process)
        {
            try
            {
                return $"{process} {File.ReadAllText($"{process}/cmdline").Replace('\0', ' ')} {File.ReadAllText($"{process}/cgroup")} "
                    + string.Join(' ', Directory.EnumerateFiles($"{process}/fd").Select(static file => new FileInfo(file).LinkTarget));
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                return "";
            }
        }
    }
}
