using System.Diagnostics;

namespace Berth.Bench;

/// <summary>What is measured. In each round every engine takes its turn, so that noise falls on all alike.</summary>
internal sealed class Cases(IReadOnlyList<Engine> engines, Table table, string work, string floorProgram, int runs)
{
    private const int Warmups = 3;
    private const int RegistryPort = 5077;
    private const int PullLayers = 6;
    private const int FilesPerLayer = 1000;
    private const int FileBytes = 100_000;

    public IReadOnlyList<(string Name, Action Run)> All =>
    [
        ("run-bridge", () => Interleaved("`run --rm … true`, bridge network", ["run", "--rm", "bench", "true"])),
        ("run-none", () => Interleaved("`run --rm … true`, `--network none`", ["run", "--rm", "--network", "none", "bench", "true"], Floor)),
        ("exec", Exec),
        ("call", () => Interleaved("a trivial call and back (`ps -q`)", ["ps", "-q"])),
        ("memory", DaemonMemory),
        ("per-container", ContainerMemory),
        ("rebuild", Rebuild),
        ("pull", Pull),
        ("attach", new FleetCases(engines, table, runs).Attach),
        ("fleet", new FleetCases(engines, table, runs).Fleet),
    ];

    /// <summary>Run only when they are named: they take many minutes.</summary>
    public IReadOnlyList<(string Name, Action Run)> Long =>
    [
        ("soak", new FleetCases(engines, table, runs).Soak), ("execs", new FleetCases(engines, table, runs).Execs),
        ("crowd", new FleetCases(engines, table, runs).Crowd),
    ];

    /// <summary>Puts a small busybox image into every engine.</summary>
    public void Prepare()
    {
        Command.Shell($"mkdir -p {work}/tree/bin {work}/tree/etc {work}/tree/tmp {work}/tree/proc {work}/tree/dev {work}/tree/sys "
            + $"{work}/floor/upper {work}/floor/work {work}/floor/root && cp /bin/busybox {work}/tree/bin/ "
            + $"&& for a in sh true sleep cat ls echo; do ln -sf busybox {work}/tree/bin/$a; done "
            + $"&& echo root:x:0:0:root:/:/bin/sh > {work}/tree/etc/passwd && tar -C {work}/tree -cf {work}/bench.tar .");
        foreach (Engine engine in engines)
            engine.Import($"{work}/bench.tar");
    }

    private void Interleaved(string what, string[] arguments, Func<double>? floor = null) =>
        Interleaved(what, engine => Command.Time(engine, arguments), floor);

    private void Interleaved(string what, Func<Engine, double> measure, Func<double>? floor = null, int? rounds = null)
    {
        Dictionary<string, List<double>> times = engines.ToDictionary(engine => engine.Name, _ => new List<double>());
        if (floor is not null)
            times["floor"] = [];
        int warmups = rounds is null ? Warmups : 0;
        for (int round = -warmups; round < (rounds ?? runs); round++)
        {
            foreach (Engine engine in engines)
            {
                double elapsed = measure(engine);
                if (round >= 0)
                    times[engine.Name].Add(elapsed);
            }
            if (floor?.Invoke() is { } least && round >= 0)
                times["floor"].Add(least);
        }
        table.Add(what, "ms", times.ToDictionary(pair => pair.Key, pair => Table.Median(pair.Value)));
    }

    // The least that the kernel needs: a small C program that makes the same container around the same program and nothing else.
    private double Floor()
    {
        long before = Stopwatch.GetTimestamp();
        using Process process = Process.Start(floorProgram,
            [$"{work}/tree", $"{work}/floor/upper", $"{work}/floor/work", $"{work}/floor/root", "/bin/true"]);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{floorProgram} ended with {process.ExitCode}");
        return Stopwatch.GetElapsedTime(before).TotalMilliseconds;
    }

    private void Exec()
    {
        foreach (Engine engine in engines)
            Command.Output(engine, "run", "-d", "--name", "benchexec", "--network", "none", "bench", "sleep", "100000");
        Interleaved("`exec … true`", ["exec", "benchexec", "true"]);
        foreach (Engine engine in engines)
            Command.Output(engine, "rm", "-f", "benchexec");
    }

    // Ten seconds after the last request: what the engines keep while nobody asks for anything.
    private void DaemonMemory()
    {
        Thread.Sleep(TimeSpan.FromSeconds(10));
        Dictionary<string, double> memory = [];
        foreach (Engine engine in engines.Where(engine => engine.Name != "podman"))
        {
            IEnumerable<int> pids = engine.DaemonPids;
            if (engine.Name == "docker")
                pids = pids.Concat(Memory.Find("containerd", $"{work}/docker/run"));
            memory[engine.Name] = Memory.Proportional(pids.Distinct());
        }
        table.Add("idle daemon, PSS", "MB", memory);
    }

    private void ContainerMemory()
    {
        const int containers = 10;
        Dictionary<string, double> memory = [];
        (string Engine, string[] Words)[] helpers =
        [
            ("berth", ["berth-monitor"]), ("docker", ["containerd-shim", $"{work}/docker"]), ("podman", ["conmon", $"{work}/podman"]),
        ];
        foreach ((string name, string[] words) in helpers)
        {
            Engine engine = engines.Single(engine => engine.Name == name);
            for (int i = 0; i < containers; i++)
                Command.Output(engine, "run", "-d", "--name", $"benchmem{i}", "--network", "none", "bench", "sleep", "100000");
            memory[name] = Memory.Private(Memory.Find(words)) / containers;
            for (int i = 0; i < containers; i++)
                Command.Output(engine, "rm", "-f", $"benchmem{i}");
        }
        table.Add("private memory beside a running container", "MB", memory);
    }

    private void Rebuild()
    {
        string context = $"{work}/context";
        Directory.CreateDirectory(context);
        File.WriteAllText($"{context}/Dockerfile",
            "FROM bench\nENV A=1\nRUN echo one > /one\nCOPY data /data\nRUN echo two > /two\nRUN echo three > /three\nCMD [\"true\"]\n");
        Command.Shell($"mkdir -p {context}/data && for i in $(seq 500); do echo $i > {context}/data/$i; done");
        string[] build = ["build", "-q", "-t", "benchbuild", context];
        foreach (Engine engine in engines)
            Command.Output(engine, build);
        Interleaved("`build` with nothing changed (6 steps, 500 files)", build);
    }

    private void Pull()
    {
        string context = $"{work}/bigcontext";
        for (int layer = 1; layer <= PullLayers; layer++)
            FillLayer($"{context}/layer{layer}/opt/l{layer}", layer);
        File.WriteAllText($"{context}/Dockerfile", "FROM bench\n" + string.Concat(Enumerable.Range(1, PullLayers).Select(i => $"COPY layer{i} /\n")));
        using Process registry = StartRegistry();
        Engine docker = engines.Single(engine => engine.Name == "docker");
        string image = $"127.0.0.1:{RegistryPort}/big:latest";
        Command.Output(docker, "build", "-q", "-t", image, context);
        Command.Output(docker, "push", image);
        Command.Output(docker, "rmi", image);
        string size = Command.Shell($"du -sm {context} | cut -f1");
        Interleaved($"`pull` of {size} MB in 6 layers, loopback registry", engine =>
        {
            double elapsed = Command.Time(engine, "pull", image);
            Command.Output(engine, "rmi", image);
            return elapsed;
        }, rounds: runs);
        registry.Kill();
    }

    // A third does not compress, the rest is text: about what a data-science image is made of.
    private static void FillLayer(string directory, int seed)
    {
        Random random = new(seed);
        byte[] noise = new byte[FileBytes];
        for (int i = 0; i < FilesPerLayer; i++)
        {
            string path = $"{directory}/{i / 100}";
            Directory.CreateDirectory(path);
            if (i % 3 == 0)
                random.NextBytes(noise);
            else
                System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, FileBytes / 9).Select(_ => $"word{random.Next(9999):D4} ")), noise);
            File.WriteAllBytes($"{path}/{i}", noise);
        }
    }

    private Process StartRegistry()
    {
        File.WriteAllText($"{work}/registry.yml",
            $"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {work}/registry}}}}\nhttp: {{addr: \"127.0.0.1:{RegistryPort}\"}}\n");
        Process registry = Process.Start("/bin/sh", ["-c", $"exec docker-registry serve {work}/registry.yml >{work}/registry.log 2>&1"]);
        Command.Shell($"for i in $(seq 100); do curl -sf http://127.0.0.1:{RegistryPort}/v2/ >/dev/null && exit 0; sleep 0.1; done; exit 1");
        return registry;
    }
}
