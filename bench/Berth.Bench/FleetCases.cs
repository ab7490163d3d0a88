using System.Diagnostics;

namespace Berth.Bench;

/// <summary>Many containers and many bytes: what one command at a time does not show.</summary>
internal sealed class FleetCases(IReadOnlyList<Engine> engines, Table table, int runs)
{
    private const int Lanes = 8;
    private const int Started = 48;
    private const int Listed = 200;
    private const int StreamedMegabytes = 256;
    private const int Lines = 2_000_000;
    private const int Cycles = 10_000;
    private const int ShortPrograms = 100_000;
    private const int IdleContainers = 500;

    /// <summary>Bytes from a container's output to the client's, without and with a log.</summary>
    public void Attach()
    {
        string bytes = $"busybox dd if=/dev/zero bs=64k count={StreamedMegabytes * 16} 2>/dev/null";
        Streamed($"attach: {StreamedMegabytes} MB of output, `--log-driver none`", ["--log-driver", "none"], bytes);
        Streamed($"attach: {Lines / 1_000_000} million lines of output, the default log", [], $"busybox seq {Lines}");
    }

    /// <summary>Containers started through eight lanes, and a list of two hundred.</summary>
    public void Fleet()
    {
        Dictionary<string, double> perStart = [];
        foreach (Engine engine in engines)
        {
            InLanes(Started, i => Command.Output(engine, "create", "--name", $"benchfleet{i}", "bench", "sleep", "100000"));
            Stopwatch watch = Stopwatch.StartNew();
            InLanes(Started, i => Command.Output(engine, "start", $"benchfleet{i}"));
            perStart[engine.Name] = watch.Elapsed.TotalMilliseconds / Started;
            if (engine.Name == "berth")
                List(engine);
            Command.Output(engine, ["rm", "-f", .. Enumerable.Range(0, Started).Select(i => $"benchfleet{i}")]);
        }
        table.Add($"`start` in {Lanes} lanes, per container", "ms", perStart);
    }

    private void List(Engine engine)
    {
        InLanes(Listed - Started, i => Command.Output(engine, "run", "-d", "--name", $"benchlist{i}", "bench", "sleep", "100000"));
        List<double> times = [.. Enumerable.Range(0, runs).Select(_ => Command.Time(engine, "ps"))];
        table.Add($"`ps` of {Listed} containers", "ms", new Dictionary<string, double> { [engine.Name] = Table.Median(times) });
        Command.Output(engine, ["rm", "-f", .. Enumerable.Range(0, Listed - Started).Select(i => $"benchlist{i}")]);
    }

    /// <summary>Memory of the daemon before and after ten thousand containers have come and gone.</summary>
    public void Soak()
    {
        Engine engine = engines.Single(engine => engine.Name == "berth");
        InLanes(Cycles / 10, _ => Command.Output(engine, "run", "--rm", "--network", "none", "bench", "true"));
        Dictionary<string, double> before = Idle(engine);
        InLanes(Cycles, _ => Command.Output(engine, "run", "--rm", "--network", "none", "bench", "true"));
        Dictionary<string, double> after = Idle(engine);
        table.Add($"idle daemon after {Cycles / 10} containers, PSS", "MB", before);
        table.Add($"idle daemon after {Cycles} more, PSS", "MB", after);
    }

    /// <summary>Memory, descriptors and processes of the daemon and of a container's monitor before and after a hundred thousand short
    /// programs in that container.</summary>
    public void Execs()
    {
        Engine engine = engines.Single(engine => engine.Name == "berth");
        Command.Output(engine, "run", "-d", "--name", "benchexecs", "--network", "none", "bench", "sleep", "100000");
        int monitor = Memory.Find("berth-monitor", "@monitor").Single();
        InLanes(ShortPrograms / 10, _ => Command.Output(engine, "exec", "benchexecs", "true"));
        Add($"after {ShortPrograms / 10} execs");
        InLanes(ShortPrograms, _ => Command.Output(engine, "exec", "benchexecs", "true"));
        Add($"after {ShortPrograms} more");
        Command.Output(engine, "rm", "-f", "benchexecs");

        void Add(string when)
        {
            table.Add($"idle daemon {when}, PSS", "MB", Idle(engine));
            int daemon = engine.DaemonPids.First();
            table.Add("… its descriptors", "", Of(Directory.GetFiles($"/proc/{daemon}/fd").Length));
            table.Add("… monitor, PSS", "MB", Of(Memory.Proportional([monitor])));
            table.Add("… its descriptors", "", Of(Directory.GetFiles($"/proc/{monitor}/fd").Length));
            table.Add("… monitors in all", "", Of(Memory.Find("berth-monitor", "@monitor").Count));
        }

        Dictionary<string, double> Of(double value) => new() { [engine.Name] = value };
    }

    /// <summary>Five hundred containers that do nothing: how long until all run, what each costs beside itself, how long until all are
    /// stopped and gone.</summary>
    public void Crowd()
    {
        Engine engine = engines.Single(engine => engine.Name == "berth");
        Dictionary<string, double> Of(double value) => new() { [engine.Name] = value };
        string[] names = [.. Enumerable.Range(0, IdleContainers).Select(i => $"benchcrowd{i}")];
        Stopwatch watch = Stopwatch.StartNew();
        InLanes(IdleContainers, i => Command.Output(engine, "run", "-d", "--name", names[i], "bench", "sleep", "100000"));
        table.Add($"{IdleContainers} idle containers: `run -d` of all, {Lanes} lanes", "s", Of(watch.Elapsed.TotalSeconds));
        IReadOnlyList<int> monitors = Memory.Find("berth-monitor", "@monitor");
        table.Add("… private memory beside each", "MB", Of(Memory.Private(monitors) / monitors.Count));
        table.Add("… the daemon, PSS", "MB", Of(Memory.Proportional(engine.DaemonPids.Distinct())));
        List<double> lists = [.. Enumerable.Range(0, runs).Select(_ => Command.Time(engine, "ps"))];
        table.Add("… `ps`", "ms", Of(Table.Median(lists)));
        watch.Restart();
        Command.Output(engine, ["stop", "-t", "0", .. names]);
        Command.Output(engine, ["rm", .. names]);
        table.Add("… `stop -t 0` and `rm` of all", "s", Of(watch.Elapsed.TotalSeconds));
    }

    private static Dictionary<string, double> Idle(Engine engine)
    {
        Thread.Sleep(TimeSpan.FromSeconds(10));
        return new() { [engine.Name] = Memory.Proportional(engine.DaemonPids.Distinct()) };
    }

    private void Streamed(string what, string[] options, string script)
    {
        Dictionary<string, List<double>> times = engines.ToDictionary(engine => engine.Name, _ => new List<double>());
        for (int round = -1; round < Math.Min(runs, 5); round++)
        {
            foreach (Engine engine in engines)
            {
                double elapsed = Command.Drain(engine, ["run", "--rm", "--network", "none", .. options, "bench", "sh", "-c", script]);
                if (round >= 0)
                    times[engine.Name].Add(elapsed);
            }
        }
        table.Add(what, "ms", times.ToDictionary(entry => entry.Key, entry => Table.Median(entry.Value)));
    }

    private static void InLanes(int count, Action<int> work) =>
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Lanes }, work);
}
