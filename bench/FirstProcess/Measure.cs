using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;
using Berth.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Defaults;
using Berth.Runtime.Seccomp;

namespace Berth.Bench.FirstProcess;

/// <summary>One run of all cases, interleaved: the machine's noise falls on all alike.</summary>
internal sealed class Measure(string program, string tools, int times)
{
    private const int Warmups = 5;
    private const int Monitors = 10;

    private readonly string _root = Directory.CreateTempSubdirectory("berth-first-").FullName;
    private readonly SortedDictionary<string, List<double>> _figures = new(StringComparer.Ordinal);
    private readonly SeccompSpec _seccomp = DefaultSeccomp.Profile(DefaultSpec.CapabilityNames);
    private int _count;
    private bool _isMeasured;

    public async Task<int> RunAsync()
    {
        MakeLayer();
        File.WriteAllBytes(Path.Join(_root, "filter"), SeccompCompiler.Compile(_seccomp));
        using (ContainerRuntime runtime = new(new RuntimeOptions { RuntimeBinary = program }))
        {
            for (int i = -Warmups; i < times; i++)
            {
                _isMeasured = i >= 0;
                Spawned("a two NativeAOT stages", Environment.ProcessPath!, ["first-process", "@one"]);
                await BuiltAsync(runtime);
                Spawned("d C program", Path.Join(tools, "floor"), ["floor"]);
                await FurtherAsync(runtime);
            }
            PrintTimes();
            await PrintMemoryAsync(runtime);
        }
        CgroupHierarchy.Detect().Open("/berth-bench").Remove();
        Directory.Delete(_root, recursive: true);
        return 0;
    }

    private void MakeLayer()
    {
        foreach (string name in new[] { "layer/proc", "layer/sys", "layer/dev" })
            Directory.CreateDirectory(Path.Join(_root, name));
        File.Copy("/bin/busybox", Path.Join(_root, "layer/busybox"));
        File.Copy(Path.Join(tools, "stamp"), Path.Join(_root, "layer/stamp"));
    }

    private string NewDirectory()
    {
        string own = Path.Join(_root, (++_count).ToString("x64", CultureInfo.InvariantCulture));
        foreach (string name in new[] { "upper", "work", "root", "run" })
            Directory.CreateDirectory(Path.Join(own, name));
        return own;
    }

    /// <summary>A program that makes the first process by itself: (a) and (d).</summary>
    private void Spawned(string name, string path, string[] arguments)
    {
        string own = NewDirectory();
        using AnonymousPipeServerStream pipe = new(PipeDirection.In);
        long start = Stopwatch.GetTimestamp();
        int pid = ProcessSpawner.Spawn(path,
            [.. arguments, "-s", $"{_root}/filter", $"{_root}/layer", $"{own}/upper", $"{own}/work", $"{own}/root", "/stamp"],
            [0, (int)pipe.ClientSafePipeHandle.DangerousGetHandle(), 2]);
        pipe.DisposeLocalCopyOfClientHandle();
        byte[] stamp = new byte[16];
        pipe.ReadExactly(stamp);
        ProcessSpawner.Reap(pid);
        Note($"{name}: whole run", start, Stopwatch.GetTimestamp());
        Note($"{name}: to the payload", start, TimeOf(stamp));
        Directory.Delete(own, recursive: true);
    }

    /// <summary>As an engine does <c>run --rm</c>: create, attach, start, read to the end, exit, delete.</summary>
    private async Task BuiltAsync(ContainerRuntime runtime)
    {
        ContainerRequest request = Request(["/stamp"]);
        byte[] stamp = new byte[64];
        long start = Stopwatch.GetTimestamp();
        await using (IContainer container = await runtime.CreateAsync(request, CancellationToken.None))
        {
            Note("c as built: create", start, Stopwatch.GetTimestamp());
            await using (IContainerStreams streams = await container.AttachAsync(stdin: false, CancellationToken.None))
            {
                await container.StartAsync(CancellationToken.None);
                Note("c as built: create, start", start, Stopwatch.GetTimestamp());
                await streams.ReadAsync(stamp, CancellationToken.None);
                await streams.ReadAsync(new byte[64], CancellationToken.None);
            }
            await container.Exited;
            Note("c as built: exit known", start, Stopwatch.GetTimestamp());
            await container.DeleteAsync(CancellationToken.None);
        }
        Note("c as built: whole run, with cgroups and delete", start, Stopwatch.GetTimestamp());
        Note("c as built: to the payload", start, TimeOf(stamp));
        Directory.Delete(Path.GetDirectoryName(request.RunDirectory)!, recursive: true);
    }

    private async Task FurtherAsync(ContainerRuntime runtime)
    {
        ContainerRequest request = Request(["/busybox", "sleep", "100"]);
        await using IContainer container = await runtime.CreateAsync(request, CancellationToken.None);
        await container.StartAsync(CancellationToken.None);
        long start = Stopwatch.GetTimestamp();
        await using (IExecProcess exec = await container.ExecAsync(
            new ExecRequest { Id = request.Id, Process = Process(["/stamp"]), Detached = true }, CancellationToken.None))
        {
            Note("e exec: executes", start, Stopwatch.GetTimestamp());
            await exec.Exited;
        }
        Note("e exec: exit known", start, Stopwatch.GetTimestamp());
        start = Stopwatch.GetTimestamp();
        await container.DeleteAsync(CancellationToken.None);
        Note("f kill and delete", start, Stopwatch.GetTimestamp());
        Directory.Delete(Path.GetDirectoryName(request.RunDirectory)!, recursive: true);
    }

    private static ProcessSpec Process(string[] arguments) => new()
    {
        Args = arguments, Env = ["PATH=/"],
        Capabilities = DefaultSpec.CapabilitiesFor(DefaultSpec.CapabilityNames, 0),
    };

    private ContainerRequest Request(string[] arguments)
    {
        string own = NewDirectory();
        string id = Path.GetFileName(own);
        RuntimeSpec spec = new()
        {
            Process = Process(arguments),
            Hostname = "bench",
            Mounts = DefaultSpec.Mounts(privileged: false),
            Linux = new LinuxSpec
            {
                Namespaces = DefaultSpec.Namespaces(network: true, cgroup: true),
                CgroupsPath = $"/berth-bench/{id}",
                Resources = new LinuxResources { Devices = DefaultSpec.DeviceRules },
                MaskedPaths = DefaultSpec.MaskedPaths,
                ReadonlyPaths = DefaultSpec.ReadonlyPaths,
                Seccomp = _seccomp,
            },
        };
        return new ContainerRequest
        {
            Id = id, Spec = spec, RunDirectory = $"{own}/run",
            Overlay = new OverlayRoot([$"{_root}/layer"], $"{own}/upper", $"{own}/work", $"{own}/root"),
            Log = new LogFile($"{own}/log", -1, 1),
        };
    }

    private async Task PrintMemoryAsync(ContainerRuntime runtime)
    {
        List<IContainer> containers = [];
        for (int i = 0; i < Monitors; i++)
        {
            containers.Add(await runtime.CreateAsync(Request(["/busybox", "sleep", "1000"]), CancellationToken.None));
            await containers[i].StartAsync(CancellationToken.None);
        }
        foreach (string field in new[] { "Rss:", "Pss:", "Private_Clean:", "Private_Dirty:", "Anonymous:" })
        {
            double average = containers.Average(container => Memory(container.Pid, field));
            Console.WriteLine($"{Monitors} idle monitors, each {field,-15} {average:F0} KiB");
        }
        foreach (IContainer container in containers)
        {
            await container.DeleteAsync(CancellationToken.None);
            await container.DisposeAsync();
        }
    }

    private static double Memory(int pid, string field)
    {
        string parent = File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1].Split(' ')[1];
        return File.ReadLines($"/proc/{parent}/smaps_rollup").Where(line => line.StartsWith(field, StringComparison.Ordinal))
            .Select(line => double.Parse(line[field.Length..^2], CultureInfo.InvariantCulture)).First();
    }

    private void PrintTimes()
    {
        foreach ((string name, List<double> values) in _figures)
        {
            values.Sort();
            Console.WriteLine($"{name,-48} n {values.Count}  min {values[0]:F2}  p10 {values[values.Count / 10]:F2}  "
                + $"median {values[values.Count / 2]:F2} ms");
        }
    }

    // Stopwatch counts CLOCK_MONOTONIC in nanoseconds, as the stamp does.
    private static long TimeOf(byte[] stamp) => BinaryPrimitives.ReadInt64LittleEndian(stamp) * 1_000_000_000
        + BinaryPrimitives.ReadInt64LittleEndian(stamp.AsSpan(8));

    private void Note(string name, long start, long end)
    {
        if (!_isMeasured)
            return;
        if (!_figures.TryGetValue(name, out List<double>? values))
            _figures[name] = values = [];
        values.Add(Stopwatch.GetElapsedTime(start, end).TotalMilliseconds);
    }
}
