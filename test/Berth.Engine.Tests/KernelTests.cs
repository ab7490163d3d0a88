using System.Text;
using Berth.Faults;
using Berth.Layers.Tar;
using Berth.Oci.References;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Engine.Tests;

/// <summary>The engine with the real runtime, layers and network: needs root, busybox-static and the runtime's program.</summary>
public sealed class KernelTests : IAsyncLifetime
{
    private readonly string _root = Directory.CreateTempSubdirectory("berth-engine-").FullName;
    private BerthEngine? _engine;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly string? Program = FindProgram("berth-runtime");

    /// <summary>A published program: where BERTH_RUNTIME or BERTH_BIN say, or in out/bin of the repository.</summary>
    internal static string? FindProgram(string name)
    {
        string? above = AppContext.BaseDirectory;
        while (above is not null && !File.Exists(Path.Combine(above, "Berth.slnx")))
            above = Path.GetDirectoryName(above);
        string?[] candidates =
        [
            name == "berth-runtime" ? Environment.GetEnvironmentVariable("BERTH_RUNTIME") : null,
            Environment.GetEnvironmentVariable("BERTH_BIN") is { } bin ? Path.Combine(bin, name) : null,
            above is null ? null : Path.Combine(above, "out", "bin", name),
        ];
        return candidates.FirstOrDefault(File.Exists);
    }

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.UserName == "root", "needs root");
        Assert.SkipUnless(File.Exists("/bin/busybox"), "needs the package busybox-static");
        Assert.SkipUnless(Program is not null, "needs berth-runtime in out/bin (./dev build), or BERTH_BIN");
        _engine = await OpenAsync();
        await ImportAsync(_engine);
    }

    public async ValueTask DisposeAsync()
    {
        if (_engine is not null)
        {
            foreach (ContainerSummary left in await _engine.Containers.ListAsync(new ContainerQuery { All = true }, CancellationToken.None))
                await _engine.Containers.RemoveAsync(left.Details.Id, force: true, volumes: true, CancellationToken.None);
            await _engine.Parts.Background.DrainAsync();
            await _engine.Parts.Networks.TearDownAsync(CancellationToken.None);
            await _engine.DisposeAsync();
        }
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Run_EchoWithoutNetwork_WritesLogAndExits()
    {
        string id = await CreateAsync(["sh", "-c", "echo out; echo err >&2; exit 7"]);
        Task<WaitOutcome> ended = _engine!.Containers.Wait(id, WaitCondition.NextExit, Cancel);
        await using IAttachment attachment =
            await _engine.Containers.AttachAsync(id, new AttachRequest { Stdout = true, Stderr = true, Stream = true }, Cancel);
        Assert.True(await _engine.Containers.StartAsync(id, Cancel));
        Assert.Equal(7, (await ended).StatusCode);
        string output = await ReadAllAsync(attachment);
        Assert.Contains("out\n", output);
        Assert.Contains("err\n", output);
        List<string> lines = [];
        await foreach (LogEntry entry in _engine.Containers.Logs(id, new LogQuery(), Cancel))
            lines.Add(Encoding.UTF8.GetString(entry.Bytes.Span));
        Assert.Equal(["err\n", "out\n"], lines.Order());
        await _engine.Containers.RemoveAsync(id, false, false, Cancel);
        await Assert.ThrowsAsync<FaultException>(() => _engine.Containers.InspectAsync(id, false, Cancel));
    }

    [Fact]
    public async Task Log_RotatedByTheMonitorAndCompressedMeanwhile_IsReadWhole()
    {
        const int Lines = 4000;
        string id = await CreateAsync(["sh", "-c", $"i=0; while [ $i -lt {Lines} ]; do echo line-$i; i=$((i+1)); done"], new HostSettings
        {
            LogConfig = new LogSettings("json-file", new Dictionary<string, string>
            {
                ["max-size"] = "20k", ["max-file"] = "40", ["compress"] = "true", ["tag"] = "{{.Name}}-\"t\"",
            }),
        });
        Task<WaitOutcome> ended = _engine!.Containers.Wait(id, WaitCondition.NextExit, Cancel);
        Task<List<string>> followed = Task.Run(() => LogAsync(id, new LogQuery { Follow = true }), Cancel);
        await _engine.Containers.StartAsync(id, Cancel);
        string path = _engine.Parts.LogPath(id);
        // As fast as it can, and not only every few seconds: what could go wrong between two renames shall.
        while (!ended.IsCompleted)
            LogCompression.Run(path, null);
        await ended;
        await _engine.Parts.Containers.Find(id).Shipping;
        List<string> expected = [.. Enumerable.Range(0, Lines).Select(number => $"line-{number}")];
        Assert.Equal(expected, await followed);
        Assert.Equal(expected, await LogAsync(id, new LogQuery()));
        Assert.True(Directory.GetFiles(Path.GetDirectoryName(path)!, "*.gz").Length > 10);
        Assert.Contains(",\"attrs\":{\"tag\":", await File.ReadAllTextAsync(path, Cancel), StringComparison.Ordinal);
    }

    private async Task<List<string>> LogAsync(string id, LogQuery query)
    {
        List<string> lines = [];
        await foreach (LogEntry entry in _engine!.Containers.Logs(id, query, Cancel))
            lines.Add(Encoding.UTF8.GetString(entry.Bytes.Span).TrimEnd('\n'));
        return lines;
    }

    [Fact]
    public async Task Statistics_BusyContainer_AreTheKernelsFigures()
    {
        string id = await CreateAsync(["sh", "-c", "dd if=/dev/zero of=/dev/shm/f bs=1M count=20; echo ready; while :; do :; done"],
            new HostSettings { Resources = new ResourceLimits { Memory = 256 << 20 } });
        await using IAttachment attachment =
            await _engine!.Containers.AttachAsync(id, new AttachRequest { Stdout = true, Stream = true }, Cancel);
        await _engine.Containers.StartAsync(id, Cancel);
        await attachment.ReadAsync(new byte[64], Cancel);
        int pid = (await _engine.Containers.InspectAsync(id, false, Cancel)).State.Pid;
        (ulong cpuBefore, ulong _) = KernelFigures(pid);
        StatisticsSample sample = await _engine.Containers.Statistics(id, stream: false, oneShot: false, Cancel).FirstAsync(Cancel);
        (ulong cpuAfter, ulong memory) = KernelFigures(pid);
        Assert.InRange(sample.Counts!.CpuTotalNanoseconds, cpuBefore, cpuAfter);
        Assert.InRange(sample.Counts.MemoryUsage, (ulong)(20 << 20), memory + (4 << 20));
        Assert.Equal(256UL << 20, sample.Counts.MemoryLimit);
        Assert.Equal(1UL, sample.Counts.Pids);
        // What every client computes: the share of all processors' time between the two samples. The container's figure and the machine's
        // are read one behind the other: who is kept from it in between, on a busy machine, reads the next ones.
        List<double> shares = [Share(sample)];
        await foreach (StatisticsSample next in _engine.Containers.Statistics(id, stream: true, oneShot: false, Cancel))
        {
            if (shares[^1] is > 0.02 and < 1.3 || shares.Count == 20)
                break;
            if (next.Previous is not null)
                shares.Add(Share(next));
        }
        Assert.InRange(shares[^1], 0.02, 1.3);

        static double Share(StatisticsSample sample) => (sample.Counts!.CpuTotalNanoseconds - sample.Previous!.CpuTotalNanoseconds)
            / (double)(sample.SystemCpuNanoseconds - sample.PreviousSystemCpuNanoseconds) * sample.OnlineCpus;
    }

    // CPU time in nanoseconds and bytes of memory, as the cgroup of a process says, version 1 or 2.
    private static (ulong Cpu, ulong Memory) KernelFigures(int pid)
    {
        string[] lines = File.ReadAllLines($"/proc/{pid}/cgroup");
        string? PathOf(string controller) => lines.Select(line => line.Split(':', 3))
            .Where(parts => parts[1].Split(',').Contains(controller)).Select(parts => parts[2]).FirstOrDefault();
        if (PathOf("memory") is { } memory)
            return (ulong.Parse(File.ReadAllText($"/sys/fs/cgroup/cpuacct{PathOf("cpuacct")}/cpuacct.usage")),
                ulong.Parse(File.ReadAllText($"/sys/fs/cgroup/memory{memory}/memory.usage_in_bytes")));
        string unified = "/sys/fs/cgroup" + PathOf("");
        string usage = File.ReadLines(unified + "/cpu.stat").First(line => line.StartsWith("usage_usec", StringComparison.Ordinal));
        return (ulong.Parse(usage.Split(' ')[1]) * 1000, ulong.Parse(File.ReadAllText(unified + "/memory.current")));
    }

    [Fact]
    public async Task Attach_SeveralAtOnce_EachGetsAll()
    {
        string id = await CreateAsync(["sh", "-c", "seq 1 20000"]);
        AttachRequest request = new() { Stdout = true, Stderr = true, Stream = true };
        List<Task<string>> readers = [];
        for (int i = 0; i < 4; i++)
        {
            IAttachment attachment = await _engine!.Containers.AttachAsync(id, request, Cancel);
            readers.Add(Task.Run(() => ReadAllAsync(attachment), Cancel));
        }
        await _engine!.Containers.StartAsync(id, Cancel);
        string expected = string.Concat(Enumerable.Range(1, 20000).Select(number => $"{number}\n"));
        foreach (string read in await Task.WhenAll(readers))
            Assert.Equal(expected, read);
        // Who comes late gets it from the log.
        await using IAttachment late = await _engine.Containers.AttachAsync(id, request with { Stream = false, Logs = true }, Cancel);
        Assert.Equal(expected, await ReadAllAsync(late));
    }

    // CVE-2018-15664, CVE-2021-41089: the container swaps a directory for a link to a place of the host while files are copied.
    [Fact]
    public async Task Archive_LinkSwappedMeanwhile_NeverTouchesTheHost()
    {
        string place = Directory.CreateDirectory(Path.Combine(_root, "host")).FullName;
        string secret = Path.Combine(place, "secret");
        await File.WriteAllTextAsync(secret, "the host's own", Cancel);
        File.SetUnixFileMode(secret, UnixFileMode.UserRead);
        string id = await CreateAsync(["sh", "-c", $"while :; do mkdir /s; rm -rf /s; ln -s {place} /s; rm /s; done"]);
        await _engine!.Containers.StartAsync(id, Cancel);
        int read = 0;
        for (int round = 0; round < 300; round++)
        {
            using MemoryStream tar = new();
            TarWriter writer = new(tar);
            writer.Write(new TarEntry { Type = TarEntryType.RegularFile, Path = "secret"u8.ToArray(), Mode = 0x1FF, Size = 5 }, "wrong"u8);
            writer.Finish();
            tar.Position = 0;
            try
            {
                await _engine.Containers.WriteArchiveAsync(id, "/s", tar, new ArchiveOptions(false, false), Cancel);
                await using IArchive archive = await _engine.Containers.ReadArchiveAsync(id, "/s/secret", Cancel);
                using MemoryStream content = new();
                await archive.WriteToAsync(content, Cancel);
                Assert.DoesNotContain("the host's own", Encoding.UTF8.GetString(content.ToArray()), StringComparison.Ordinal);
                read++;
            }
            catch (Exception gone) when (gone is FaultException or IOException or Linux.LinuxException)
            {
                // It was a link just then, or nothing.
            }
        }
        Assert.Equal("the host's own", await File.ReadAllTextAsync(secret, Cancel));
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(secret));
        Assert.True(read < 300, "the container never swapped anything");
    }

    [Fact]
    public async Task Wait_EachCondition_CompletesWhenItSays()
    {
        string id = await CreateAsync(["sh", "-c", "exit 3"]);
        Assert.Equal(0, (await _engine!.Containers.Wait(id, WaitCondition.NotRunning, Cancel)).StatusCode);
        Task<WaitOutcome> next = _engine.Containers.Wait(id, WaitCondition.NextExit, Cancel);
        Task<WaitOutcome> removed = _engine.Containers.Wait(id, WaitCondition.Removed, Cancel);
        Assert.False(next.IsCompleted);
        await _engine.Containers.StartAsync(id, Cancel);
        Assert.Equal(3, (await next).StatusCode);
        Assert.False(removed.IsCompleted);
        Task<WaitOutcome> second = _engine.Containers.Wait(id, WaitCondition.NextExit, Cancel);
        await _engine.Containers.RemoveAsync(id, false, false, Cancel);
        Assert.Equal(3, (await removed).StatusCode);
        Assert.Equal(3, (await second).StatusCode);
    }

    [Fact]
    public async Task DiskUsage_ImageContainerAndVolume_AddUp()
    {
        VolumeDetails volume = await _engine!.Volumes.CreateAsync(new CreateVolume { Name = "data" }, Cancel);
        string id = await CreateAsync(["sh", "-c", "dd if=/dev/zero of=/f bs=1000 count=700; dd if=/dev/zero of=/data/g bs=1000 count=300"],
            new HostSettings { Binds = ["data:/data"] });
        Task<WaitOutcome> ended = _engine.Containers.Wait(id, WaitCondition.NextExit, Cancel);
        await _engine.Containers.StartAsync(id, Cancel);
        Assert.Equal(0, (await ended).StatusCode);
        DiskUsage usage = await _engine.System.DiskUsageAsync(Cancel);
        long busybox = new FileInfo("/bin/busybox").Length;
        ImageSummary image = Assert.Single(usage.Images);
        Assert.Equal(usage.LayersSize, image.Size + BytesIn("content"));
        Assert.InRange(image.Size, busybox, busybox + 4096);
        Assert.Equal((0, 1), (image.SharedSize, image.Containers));
        ContainerDetails container = Assert.Single(usage.Containers).Details;
        Assert.InRange(container.SizeRw!.Value, 700_000, 720_000);
        Assert.Equal(image.Size + container.SizeRw.Value, container.SizeRootFs!.Value);
        VolumeDetails used = Assert.Single(usage.Volumes);
        Assert.Equal(volume.Name, used.Name);
        Assert.InRange(used.Size, 300_000, 320_000);
        Assert.Equal(1, used.References);
        // As the disk says: names and records of layers are some kilobytes beside them.
        long told = usage.LayersSize + container.SizeRw.Value + used.Size + usage.BuildCache.Sum(entry => entry.Size);
        Assert.InRange(BytesIn("layers") + BytesIn("content") + BytesIn("volumes") + BytesIn("build/cache"), told, told + 20_000);
        // Pruning frees what was said.
        PruneReport pruned = await _engine.Containers.PruneAsync(FilterSet.None, Cancel);
        Assert.Equal(container.SizeRw.Value, pruned.SpaceReclaimed);
    }

    private long BytesIn(string directory) => new DirectoryInfo(Path.Combine(_root, "data", directory)).EnumerateFiles("*", new EnumerationOptions
    {
        RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint,
    }).Sum(file => file.Length);

    [Fact]
    public async Task Start_MissingProgram_Is127WithDockersText()
    {
        string id = await CreateAsync(["nonsense"]);
        FaultException fault = await Assert.ThrowsAsync<FaultException>(() => _engine!.Containers.StartAsync(id, Cancel));
        Assert.Contains("exec: \"nonsense\": executable file not found in $PATH", fault.Message);
        Assert.Equal(127, (await _engine!.Containers.InspectAsync(id, false, Cancel)).State.ExitCode);
    }

    [Fact]
    public async Task Reopen_RunningContainer_IsFoundAgain()
    {
        string id = await CreateAsync(["sleep", "1000"]);
        await _engine!.Containers.StartAsync(id, Cancel);
        await _engine.DisposeAsync();
        _engine = await OpenAsync();
        Assert.Equal(ContainerStatus.Running, (await _engine.Containers.InspectAsync(id, false, Cancel)).State.Status);
        Assert.True(await _engine.Containers.StopAsync(id, "SIGKILL", 5, Cancel));
        Assert.Equal(137, (await _engine.Containers.InspectAsync(id, false, Cancel)).State.ExitCode);
    }

    // Docker's rules for what an engine starts when it opens: always and unless-stopped what it has to, on-failure what failed.
    [Fact]
    public async Task Reopen_RestartPolicies_StartWhatTheySay()
    {
        HostSettings Policy(string name) => new() { RestartPolicy = new RestartPolicy(name, 0) };
        // It ended in between two tries: the engine goes away while it waits for the next.
        string waiting = await CreateAsync(["sh", "-c", "exit 1"], Policy("on-failure"));
        string stopped = await CreateAsync(["sleep", "1000"], Policy("unless-stopped"));
        string always = await CreateAsync(["sleep", "1000"], Policy("always"));
        foreach (string id in new[] { waiting, stopped, always })
            await _engine!.Containers.StartAsync(id, Cancel);
        foreach (string id in new[] { stopped, always })
            await _engine!.Containers.StopAsync(id, "SIGKILL", 5, Cancel);
        while (await _engine!.Containers.InspectAsync(waiting, false, Cancel)
            is not { RestartCount: > 2, State.Status: ContainerStatus.Restarting })
            await Task.Delay(5, Cancel);
        await _engine.DisposeAsync();
        _engine = await OpenAsync();
        while ((await StateAsync(always)).Status != ContainerStatus.Running || (await CountAsync(waiting)) < 4)
            await Task.Delay(5, Cancel);
        Assert.Equal(ContainerStatus.Exited, (await StateAsync(stopped)).Status);
        Assert.True(await _engine.Containers.StopAsync(waiting, null, 5, Cancel));
        Assert.Equal(ContainerStatus.Exited, (await StateAsync(waiting)).Status);

        async Task<ContainerState> StateAsync(string id) => (await _engine.Containers.InspectAsync(id, false, Cancel)).State;
        async Task<int> CountAsync(string id) => (await _engine.Containers.InspectAsync(id, false, Cancel)).RestartCount;
    }

    [Fact]
    public async Task Exec_InRunningContainer_AnswersOutputAndCode()
    {
        string id = await CreateAsync(["sleep", "1000"]);
        await _engine!.Containers.StartAsync(id, Cancel);
        string exec =
            await _engine.Execs.CreateAsync(id, new ExecSettings { Cmd = ["sh", "-c", "echo hi; exit 3"], AttachStdout = true }, Cancel);
        await using IAttachment? attachment = await _engine.Execs.StartAsync(exec, new ExecStart(false, default), Cancel);
        Assert.Equal("hi\n", await ReadAllAsync(attachment!));
        while (_engine.Execs.Inspect(exec).Running)
            await Task.Yield();
        Assert.Equal(3, _engine.Execs.Inspect(exec).ExitCode);
    }

    [Fact]
    public async Task Build_RunAndCopy_MakesAnImageThatRuns()
    {
        using MemoryStream context = new();
        TarWriter writer = new(context);
        byte[] dockerfile = "FROM bb\nRUN echo made > /made\nCOPY Dockerfile /copied\nCMD [\"cat\", \"/made\"]\n"u8.ToArray();
        writer.Write(new TarEntry { Type = TarEntryType.RegularFile, Path = "Dockerfile"u8.ToArray(), Mode = 0x1A4,
            Size = dockerfile.Length }, dockerfile);
        writer.Finish();
        context.Position = 0;
        await _engine!.Builds.BuildAsync(new BuildSettings { Tags = [ImageReference.Parse("built")], NetworkMode = "none" }, context,
            new Progress<ProgressMessage>(), Cancel);
        string id = (await _engine.Containers.CreateAsync(new CreateContainer
        {
            Config = new ContainerSettings { Image = "built" }, Host = new HostSettings { NetworkMode = "none" },
        }, Cancel)).Id;
        await using IAttachment attachment =
            await _engine.Containers.AttachAsync(id, new AttachRequest { Stdout = true, Stream = true }, Cancel);
        await _engine.Containers.StartAsync(id, Cancel);
        Assert.Equal("made\n", await ReadAllAsync(attachment));
    }

    [Fact]
    public async Task SaveAndLoad_RemovedImage_ComesBackWithItsId()
    {
        Oci.Digest before = _engine!.Images.Inspect("bb", null).Summary.Id;
        using MemoryStream tar = new();
        await using (IArchive archive = await _engine.Images.SaveAsync(["bb"], null, Cancel))
            await archive.WriteToAsync(tar, Cancel);
        await _engine.Images.RemoveAsync("bb", false, false, Cancel);
        Assert.Throws<FaultException>(() => _engine.Images.Inspect("bb", null));
        tar.Position = 0;
        await _engine.Images.LoadAsync(tar, null, new Progress<ProgressMessage>(), Cancel);
        Assert.Equal(before, _engine.Images.Inspect("bb:latest", null).Summary.Id);
    }

    [Fact]
    public async Task Archive_PutAndGet_RunningAndStopped()
    {
        string id = await CreateAsync(["sleep", "1000"]);
        foreach (bool isRunning in (bool[])[false, true])
        {
            if (isRunning)
                await _engine!.Containers.StartAsync(id, Cancel);
            await PutFileAsync(id, "/bin", "hi");
            Assert.Equal(2, (await _engine!.Containers.StatPathAsync(id, "/bin/file", Cancel)).Size);
            Assert.Contains("hi", await GetAsync(id, "/bin/file"));
        }
        Assert.Contains(await _engine!.Containers.ChangesAsync(id, Cancel), change => change.Path == "/bin/file");
    }

    // The way to fill a volume: make a container that has it, and copy.
    [Fact]
    public async Task Archive_OfAContainerThatDoesNotRun_ReachesVolumesAndBinds()
    {
        string bind = Directory.CreateDirectory(Path.Combine(_root, "bind")).FullName;
        string file = Path.Combine(_root, "single");
        await File.WriteAllTextAsync(file, "of the host", Cancel);
        Directory.CreateDirectory(Path.Combine(_root, "fixed"));
        // Mount points that the image does not have, one within another volume, one behind a link of the image.
        HostSettings host = new()
        {
            Binds = ["outer:/deep/vol", "inner:/deep/vol/below", $"{bind}:/bin/bind", $"{file}:/etc/single", $"{_root}/fixed:/fixed:ro"],
        };
        string id = await CreateAsync(["ls", "/deep/vol", "/deep/vol/below", "/bin/bind"], host);
        string[] places = ["/deep/vol", "/deep/vol/below", "/bin/bind"];
        foreach (bool hasRun in (bool[])[false, true])
        {
            if (hasRun)
            {
                Task<WaitOutcome> ended = _engine!.Containers.Wait(id, WaitCondition.NextExit, Cancel);
                await _engine.Containers.StartAsync(id, Cancel);
                Assert.Equal(0, (await ended).StatusCode);
            }
            Assert.Contains("of the host", await GetAsync(id, "/etc/single"));
            foreach (string place in places)
                await PutFileAsync(id, place, $"{place} {hasRun}");
            foreach (string place in places)
                Assert.Contains($"{place} {hasRun}", await GetAsync(id, place + "/file"));
            Assert.Equal($"/bin/bind {hasRun}", await File.ReadAllTextAsync(Path.Combine(bind, "file"), Cancel));
            Assert.Equal("mounted volume is marked read-only",
                (await Assert.ThrowsAsync<FaultException>(() => PutFileAsync(id, "/fixed", "no"))).Message);
        }
        foreach ((string volume, string place) in ((string, string)[])[("outer", "/deep/vol"), ("inner", "/deep/vol/below")])
        {
            string content = Path.Combine(_engine!.Volumes.Inspect(volume).Mountpoint, "file");
            Assert.Equal($"{place} True", await File.ReadAllTextAsync(content, Cancel));
        }
        // In the layer are the mount points alone, and nothing is mounted for others to see.
        Assert.DoesNotContain(await _engine!.Containers.ChangesAsync(id, Cancel),
            static change => change.Path.EndsWith("/file", StringComparison.Ordinal));
        Assert.DoesNotContain(Path.GetFileName(_root), await File.ReadAllTextAsync("/proc/self/mountinfo", Cancel), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_root, "fixed")));
        string unfit = await CreateAsync(["true"], new HostSettings { Binds = ["outer:/bin/busybox"] });
        FaultException refused = await Assert.ThrowsAsync<FaultException>(() => GetAsync(unfit, "/bin/sh"));
        Assert.Equal(FaultKind.InvalidArgument, refused.Kind);
        Assert.Contains("mounted on /bin/busybox is a directory and that is a file", refused.Message, StringComparison.Ordinal);
    }

    private async Task PutFileAsync(string id, string directory, string content)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(content);
        using MemoryStream tar = new();
        TarWriter writer = new(tar);
        writer.Write(new TarEntry { Type = TarEntryType.RegularFile, Path = "file"u8.ToArray(), Mode = 0x1A4, Size = bytes.Length }, bytes);
        writer.Finish();
        tar.Position = 0;
        await _engine!.Containers.WriteArchiveAsync(id, directory, tar, new ArchiveOptions(false, false), Cancel);
    }

    private async Task<string> GetAsync(string id, string path)
    {
        await using IArchive archive = await _engine!.Containers.ReadArchiveAsync(id, path, Cancel);
        using MemoryStream read = new();
        await archive.WriteToAsync(read, Cancel);
        return Encoding.UTF8.GetString(read.ToArray());
    }

    private async Task<BerthEngine> OpenAsync() => await BerthEngine.OpenAsync(new EngineOptions
    {
        DataRoot = Path.Combine(_root, "data"), ExecRoot = Path.Combine(_root, "exec"), Bridge = "none",
        CgroupParent = "/" + Path.GetFileName(_root), RuntimeBinary = Program,
    }, NullLoggerFactory.Instance, Cancel);

    private async Task<string> CreateAsync(IReadOnlyList<string> command, HostSettings? host = null) =>
        (await _engine!.Containers.CreateAsync(new CreateContainer
        {
            Config = new ContainerSettings { Image = "bb", Cmd = command },
            Host = (host ?? new HostSettings()) with { NetworkMode = "none" },
        }, Cancel)).Id;

    private static async Task ImportAsync(BerthEngine engine)
    {
        using MemoryStream tar = BusyboxTar();
        await engine.Images.ImportAsync(new ImportRequest { Reference = ImageReference.Parse("bb") }, tar, Cancel);
    }

    /// <summary>A root with a shell and a few programs.</summary>
    internal static MemoryStream BusyboxTar()
    {
        MemoryStream tar = new();
        TarWriter writer = new(tar);
        byte[] busybox = File.ReadAllBytes("/bin/busybox");
        writer.Write(new TarEntry { Type = TarEntryType.Directory, Path = "bin/"u8.ToArray(), Mode = 0x1ED });
        writer.Write(new TarEntry { Type = TarEntryType.RegularFile, Path = "bin/busybox"u8.ToArray(), Mode = 0x1ED,
            Size = busybox.Length }, busybox);
        foreach (string name in (string[])["sh", "echo", "sleep", "true", "cat", "ls", "usleep", "dd", "ln", "rm", "mkdir", "seq"])
            writer.Write(new TarEntry { Type = TarEntryType.SymbolicLink, Path =
                Encoding.UTF8.GetBytes("bin/" + name), LinkTarget = "busybox"u8.ToArray() });
        writer.Finish();
        tar.Position = 0;
        return tar;
    }

    private static async Task<string> ReadAllAsync(IAttachment attachment)
    {
        MemoryStream all = new();
        byte[] buffer = new byte[4096];
        while (await attachment.ReadAsync(buffer, Cancel) is (_, > 0 and int count))
            all.Write(buffer, 0, count);
        return Encoding.UTF8.GetString(all.ToArray());
    }
}
