// Measures the first process of ADR 0001 as it is built: milliseconds of create, start, exec and delete, and an idle monitor's memory.
// usage (root): dotnet run -c Release --project bench/FirstProcess [times]
using System.Diagnostics;
using System.Globalization;
using Berth.Oci.Runtime;
using Berth.Runtime;
using Berth.Runtime.Defaults;
using Berth.Runtime.Seccomp;

int times = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 100;
string root = Directory.CreateTempSubdirectory("berth-first-").FullName;
string layer = Directory.CreateDirectory(Path.Join(root, "layer")).FullName;
File.Copy("/bin/busybox", Path.Join(layer, "busybox"));
using ContainerRuntime runtime = new(new RuntimeOptions { RuntimeBinary = Path.GetFullPath("out/bin/berth-runtime") });
SortedDictionary<string, List<double>> figures = [];
List<double> memory = [];
for (int i = 0; i < times + 5; i++)
    await RunOnceAsync(i, isMeasured: i >= 5);
foreach ((string name, List<double> values) in figures)
{
    values.Sort();
    Console.WriteLine($"{name,-28} min {values[0]:F2}  p10 {values[values.Count / 10]:F2}  median {values[values.Count / 2]:F2} ms");
}
memory.Sort();
Console.WriteLine($"idle monitor, PSS            median {memory[memory.Count / 2]:F0} KiB");
Directory.Delete(root, recursive: true);

async Task RunOnceAsync(int number, bool isMeasured)
{
    string id = number.ToString("x64", CultureInfo.InvariantCulture);
    string own = Path.Join(root, id);
    foreach (string name in new[] { "upper", "work", "root", "run" })
        Directory.CreateDirectory(Path.Join(own, name));
    ProcessSpec process = new()
    {
        Args = ["/busybox", "sleep", "100"], Env = ["PATH=/"],
        Capabilities = DefaultSpec.CapabilitiesFor(DefaultSpec.CapabilityNames, 0),
    };
    RuntimeSpec spec = new()
    {
        Process = process,
        Hostname = "bench",
        Mounts = DefaultSpec.Mounts(privileged: false),
        Linux = new LinuxSpec
        {
            Namespaces = DefaultSpec.Namespaces(network: true, cgroup: true),
            CgroupsPath = $"/berth-bench/{id}",
            Resources = new LinuxResources { Devices = DefaultSpec.DeviceRules },
            MaskedPaths = DefaultSpec.MaskedPaths,
            ReadonlyPaths = DefaultSpec.ReadonlyPaths,
            Seccomp = DefaultSeccomp.Profile(DefaultSpec.CapabilityNames),
        },
    };
    ContainerRequest request = new()
    {
        Id = id, Spec = spec, RunDirectory = Path.Join(own, "run"),
        Overlay = new OverlayRoot([layer], Path.Join(own, "upper"), Path.Join(own, "work"), Path.Join(own, "root")),
        Log = new LogFile(Path.Join(own, "log"), -1, 1),
    };
    long start = Stopwatch.GetTimestamp();
    await using IContainer container = await runtime.CreateAsync(request, CancellationToken.None);
    Note("1 create", ref start, isMeasured);
    await container.StartAsync(CancellationToken.None);
    Note("2 start", ref start, isMeasured);
    await using (IExecProcess exec = await container.ExecAsync(new ExecRequest
    {
        Id = id, Process = process with { Args = ["/busybox", "true"] }, Detached = true,
    }, CancellationToken.None))
    {
        Note("3 exec until it executes", ref start, isMeasured);
        await exec.Exited;
        Note("4 exec until its exit", ref start, isMeasured);
    }
    if (isMeasured)
        memory.Add(Memory(container.Pid));
    start = Stopwatch.GetTimestamp();
    await container.DeleteAsync(CancellationToken.None);
    Note("5 kill and delete", ref start, isMeasured);
}

void Note(string name, ref long start, bool isMeasured)
{
    double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    if (isMeasured)
    {
        if (!figures.TryGetValue(name, out List<double>? values))
            figures[name] = values = [];
        values.Add(milliseconds);
    }
    start = Stopwatch.GetTimestamp();
}

static double Memory(int pid)
{
    string parent = File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1].Split(' ')[1];
    return File.ReadLines($"/proc/{parent}/smaps_rollup").Where(static line => line.StartsWith("Pss:", StringComparison.Ordinal))
        .Select(static line => double.Parse(line[4..^2], CultureInfo.InvariantCulture)).First();
}
