using Berth.Bench;
using Berth.Bench.Hub;

int runs = int.TryParse(Environment.GetEnvironmentVariable("RUNS"), out int given) ? given : 20;
string bin = Environment.GetEnvironmentVariable("BERTH_BIN") ?? "out/bin";
string results = Environment.GetEnvironmentVariable("BENCH_OUT") ?? "out/bench";
string work = Directory.CreateTempSubdirectory("berth-bench").FullName;
Command.Shell($"mount -t tmpfs -o size=14g,mode=755 bench {work}");
try
{
    HubCases hub = new(work, bin, runs);
    if (args.Length == 0 || args.Any(name => hub.All.All(one => one.Name != name)))
        MeasureEngines();
    hub.Run(args, Path.Join(results, "hub.md"));
}
finally
{
    Command.Shell($"umount -l {work} || true; rmdir {work} || true; ip link del dockerbench0 2>/dev/null || true");
}

void MeasureEngines()
{
    Table table = new("docker", "podman", "floor");
    using Engine berth = Engine.Berth(work, bin);
    using Engine docker = Engine.Docker(work);
    using Engine podman = Engine.Podman(work);
    Cases cases = new([berth, docker, podman], table, work, Path.GetFullPath(Path.Join(results, "floor")), runs);
    cases.Prepare();
    foreach ((string name, Action run) in cases.All)
    {
        if (args.Length == 0 || args.Contains(name))
            run();
    }
    foreach ((string name, Action run) in cases.Long)
    {
        if (args.Contains(name))
            run();
    }
    table.Save(Path.Join(results, "table.md"));
}
