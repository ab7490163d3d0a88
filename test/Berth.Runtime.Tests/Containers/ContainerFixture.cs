using System.Diagnostics;
using System.Text;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Defaults;
using Berth.Runtime.Seccomp;

namespace Berth.Runtime.Tests.Containers;

/// <summary>A busybox root as a layer, and the runtime over the program that <c>./dev build</c> has made.</summary>
public sealed class ContainerFixture : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("berth-runtime-").FullName;
    // An engine that is killed cannot tidy up: it uses the cgroup of the test that started it.
    private readonly string _cgroup = Environment.GetEnvironmentVariable(CgroupVariable) ?? $"/berth-test-{Guid.NewGuid():n}";
    private int _count;

    public ContainerFixture()
    {
        Binary = Environment.GetEnvironmentVariable("BERTH_BIN") is { Length: > 0 } bin
            ? Path.Join(bin, "berth-runtime")
            : Path.Join(RepositoryRoot(), "out", "bin", "berth-runtime");
        Runtime = new ContainerRuntime(new RuntimeOptions { RuntimeBinary = Binary });
        Layer = Path.Join(_root, "layer");
        if (!IsUsable)
            return;
        foreach (string directory in new[] { "bin", "etc", "tmp", "proc", "sys", "dev" })
            Directory.CreateDirectory(Path.Join(Layer, directory));
        File.Copy("/bin/busybox", Path.Join(Layer, "bin/busybox"));
        foreach (string applet in Run("/bin/busybox", "--list").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (applet != "busybox")
                File.CreateSymbolicLink(Path.Join(Layer, "bin", applet), "busybox");
        }
        File.WriteAllText(Path.Join(Layer, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n");
    }

    public const string CgroupVariable = "BERTH_TEST_CGROUP";

    public string Cgroup => _cgroup;

    public string Binary { get; }

    public string Layer { get; }

    public ContainerRuntime Runtime { get; }

    public string Root => _root;

    public bool IsUsable => Environment.IsPrivilegedProcess && File.Exists(Binary) && File.Exists("/bin/busybox");

    public string NewId() => $"{Interlocked.Increment(ref _count):x8}{Guid.NewGuid():n}{Guid.NewGuid():n}"[..64];

    public ContainerRequest Request(string script, Func<RuntimeSpec, RuntimeSpec>? change = null) =>
        Request(["/bin/sh", "-c", script], change);

    public ContainerRequest Request(string[] arguments, Func<RuntimeSpec, RuntimeSpec>? change = null)
    {
        string id = NewId();
        string own = Path.Join(_root, id);
        foreach (string directory in new[] { "upper", "work", "root", "run" })
            Directory.CreateDirectory(Path.Join(own, directory));
        RuntimeSpec spec = Spec(arguments, id);
        return new ContainerRequest
        {
            Id = id,
            Spec = change is null ? spec : change(spec),
            Overlay = new OverlayRoot([Layer], Path.Join(own, "upper"), Path.Join(own, "work"), Path.Join(own, "root")),
            RunDirectory = Path.Join(own, "run"),
            Log = new LogFile(Path.Join(own, "log"), -1, 1),
            Warnings = new List<string>(),
        };
    }

    public static ProcessSpec Process(params string[] arguments) => new()
    {
        Args = arguments,
        Env = ["PATH=/usr/bin:/bin", "HOME=/"],
        Capabilities = DefaultSpec.CapabilitiesFor(DefaultSpec.CapabilityNames, 0),
    };

    private RuntimeSpec Spec(string[] arguments, string id) => new()
    {
        Process = Process(arguments),
        Hostname = "berth-test",
        Mounts = DefaultSpec.Mounts(privileged: false),
        Linux = new LinuxSpec
        {
            Namespaces = DefaultSpec.Namespaces(network: true, cgroup: true),
            CgroupsPath = $"{_cgroup}/{id}",
            Resources = new LinuxResources { Devices = DefaultSpec.DeviceRules },
            MaskedPaths = DefaultSpec.MaskedPaths,
            ReadonlyPaths = DefaultSpec.ReadonlyPaths,
            Seccomp = DefaultSeccomp.Profile(DefaultSpec.CapabilityNames),
        },
    };

    /// <summary>Creates, attaches, starts, reads all, deletes.</summary>
    public async Task<Outcome> RunAsync(ContainerRequest request, CancellationToken cancellationToken)
    {
        await using IContainer container = await Runtime.CreateAsync(request, cancellationToken);
        try
        {
            await using IContainerStreams streams = await container.AttachAsync(stdin: false, cancellationToken);
            await container.StartAsync(cancellationToken);
            (string output, string error) = await ReadAllAsync(streams, cancellationToken);
            ContainerExit exit = await container.Exited.WaitAsync(cancellationToken);
            return new Outcome(exit.Code, output, error);
        }
        finally
        {
            await container.DeleteAsync(CancellationToken.None);
        }
    }

    /// <summary>Creates, does something, deletes; nothing is left.</summary>
    public async Task WithAsync(ContainerRequest request, Func<IContainer, Task> body, CancellationToken cancellationToken)
    {
        await using IContainer container = await Runtime.CreateAsync(request, cancellationToken);
        try
        {
            await body(container);
        }
        finally
        {
            await container.DeleteAsync(CancellationToken.None);
        }
        Assert.False(Directory.Exists(request.RunDirectory));
    }

    /// <summary>A mount of a host directory.</summary>
    public static MountSpec Bind(string source, string target, params string[] options) =>
        new() { Destination = target, Type = "bind", Source = source, Options = ["bind", .. options] };

    /// <summary>The specification with further mounts.</summary>
    public static RuntimeSpec With(RuntimeSpec spec, params MountSpec[] mounts) => spec with { Mounts = [.. spec.Mounts!, .. mounts] };

    public static async Task<(string Output, string Error)> ReadAllAsync(IContainerStreams streams, CancellationToken cancellationToken)
    {
        StringBuilder output = new(), error = new();
        byte[] buffer = new byte[64 * 1024];
        while (await streams.ReadAsync(buffer, cancellationToken) is { Count: > 0 } piece)
            (piece.Source == OutputSource.Stderr ? error : output).Append(Encoding.Latin1.GetString(buffer, 0, piece.Count));
        return (output.ToString(), error.ToString());
    }

    public static string Run(string program, params string[] arguments)
    {
        using Process process = System.Diagnostics.Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return text;
    }

    private static string RepositoryRoot()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Join(directory.FullName, "Berth.slnx")))
            directory = directory.Parent;
        return directory?.FullName ?? "/";
    }

    public void Dispose()
    {
        Runtime.Dispose();
        if (IsUsable)
            CgroupHierarchy.Detect().Open(_cgroup).Remove();
        Directory.Delete(_root, recursive: true);
    }
}

/// <summary>What came of a container.</summary>
public sealed record Outcome(int Code, string Output, string Error);
