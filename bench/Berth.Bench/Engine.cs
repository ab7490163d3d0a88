using System.Diagnostics;

namespace Berth.Bench;

/// <summary>One of the compared: its command line and, where it has one, its daemon, with roots of their own below the work tmpfs.</summary>
internal sealed class Engine : IDisposable
{
    private readonly List<Process> _daemons = [];

    public required string Name { get; init; }

    public required string Program { get; init; }

    public string[] Before { get; init; } = [];

    public Dictionary<string, string> Environment { get; init; } = [];

    /// <summary>The daemon's process and its children, for memory.</summary>
    public IEnumerable<int> DaemonPids => _daemons.Where(daemon => !daemon.HasExited).Select(daemon => daemon.Id);

    public static Engine Berth(string work, string bin)
    {
        string socket = $"unix://{work}/berth/berth.sock";
        Directory.CreateDirectory($"{work}/berth");
        Engine engine = new()
        {
            Name = "berth", Program = $"{bin}/berth",
            Environment = { ["BERTH_HOST"] = socket, ["DOCKER_CONFIG"] = $"{work}/config" },
        };
        engine.StartDaemon($"{bin}/berthd", ["-H", socket, "--data-root", $"{work}/berth/data", "--exec-root", $"{work}/berth/run",
            "--pidfile", $"{work}/berth/pid", "--bridge", "berthbench0", "--cgroup-parent", "/berth-bench"], $"{work}/berth.log");
        engine.WaitUntilReady();
        return engine;
    }

    public static Engine Docker(string work)
    {
        string socket = $"unix://{work}/docker/docker.sock";
        Directory.CreateDirectory($"{work}/docker");
        Engine engine = new()
        {
            Name = "docker", Program = "/usr/bin/docker", Before = ["-H", socket],
            Environment = { ["DOCKER_CONFIG"] = $"{work}/config", ["DOCKER_BUILDKIT"] = "0" },
        };
        Command.Shell("ip link show dockerbench0 >/dev/null 2>&1 || { ip link add dockerbench0 type bridge; ip addr add 10.213.0.1/24 dev dockerbench0; ip link set dockerbench0 up; }");
        engine.StartDaemon("/usr/sbin/dockerd", ["-H", socket, "--data-root", $"{work}/docker/data", "--exec-root", $"{work}/docker/run",
            "-p", $"{work}/docker/pid", "--bridge", "dockerbench0", "--default-ulimit", "nofile=20000:20000"], $"{work}/docker.log");
        engine.WaitUntilReady();
        return engine;
    }

    /// <summary>Podman has no daemon. Its crun refuses the version 2 tree beside version 1's, so it runs where that is not mounted; the
    /// step there costs it about a millisecond of its several hundred.</summary>
    public static Engine Podman(string work)
    {
        Directory.CreateDirectory($"{work}/podman");
        File.WriteAllText($"{work}/podman/containers.conf",
            "[containers]\ndefault_ulimits = [\"nofile=20000:20000\", \"nproc=32768:32768\"]\n[engine]\ncgroup_manager = \"cgroupfs\"\nruntime = \"crun\"\n");
        File.WriteAllText($"{work}/podman/storage.conf",
            $"[storage]\ndriver = \"overlay\"\nrunroot = \"{work}/podman/run\"\ngraphroot = \"{work}/podman/data\"\n");
        File.WriteAllText($"{work}/podman/registries.conf", "[[registry]]\nlocation = \"127.0.0.1:5077\"\ninsecure = true\n");
        Process holder = Process.Start(new ProcessStartInfo("unshare",
            ["--mount", "sh", "-c", "umount /sys/fs/cgroup/unified 2>/dev/null; echo ready; exec sleep infinity"]) { RedirectStandardOutput = true })!;
        holder.StandardOutput.ReadLine();
        Engine engine = new()
        {
            Name = "podman", Program = "nsenter", Before = ["--target", holder.Id.ToString(), "--mount", "podman"],
            Environment =
            {
                ["CONTAINERS_CONF"] = $"{work}/podman/containers.conf", ["CONTAINERS_STORAGE_CONF"] = $"{work}/podman/storage.conf",
                ["CONTAINERS_REGISTRIES_CONF"] = $"{work}/podman/registries.conf",
            },
        };
        engine._daemons.Add(holder);
        return engine;
    }

    /// <summary>Imports a root tree as image <c>bench</c>.</summary>
    public void Import(string tar) => Command.Output(this, "import", tar, Name == "podman" ? "localhost/bench:latest" : "bench:latest");

    public void Dispose()
    {
        foreach (Process daemon in Enumerable.Reverse(_daemons))
        {
            if (!daemon.HasExited)
                Command.Shell($"kill -TERM {daemon.Id}");
            daemon.WaitForExit(TimeSpan.FromSeconds(20));
            if (!daemon.HasExited)
                daemon.Kill(entireProcessTree: true);
            daemon.Dispose();
        }
    }

    private void StartDaemon(string program, string[] arguments, string log)
    {
        // exec: the pid is the daemon's own.
        string line = string.Join(' ', arguments.Prepend(program).Select(word => $"'{word}'"));
        _daemons.Add(Process.Start("/bin/sh", ["-c", $"exec {line} >{log} 2>&1"]));
    }

    private void WaitUntilReady()
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                Command.Output(this, "version");
                return;
            }
            catch (InvalidOperationException) when (attempt < 200)
            {
                Thread.Sleep(100);
            }
        }
    }
}
