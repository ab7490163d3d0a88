using System.Text.Json;
using Berth.Oci.Json;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Defaults;

namespace Berth.RuntimeProgram.Tests.Commands;

/// <summary>Bundles over one busybox tree, and the program's commands over a root of the test's own.</summary>
public sealed class BundleFixture : IAsyncLifetime
{
    private static readonly string[] s_capabilities = [.. DefaultSpec.CapabilityNames];
    private int _count;

    /// <summary>Everything of this fixture.</summary>
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("berth-bundle-").FullName;

    /// <summary>The program's root.</summary>
    public string Root => Path.Join(Directory, "state");

    /// <summary>The tree that containers get copies of.</summary>
    public string Tree => Path.Join(Directory, "tree");

    public string Cgroup { get; } = $"/berth-test-{Guid.NewGuid():n}";

    public async ValueTask InitializeAsync()
    {
        if (Command.Missing is null)
            await BusyboxTree.MakeAsync(Tree);
        File.SetUnixFileMode(Directory, (UnixFileMode)0x1ED);
    }

    public async ValueTask DisposeAsync()
    {
        if (Command.Missing is null)
        {
            foreach (string id in (await RunAsync("list", "-q")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                await RunAsync("delete", "--force", id);
            CgroupHierarchy hierarchy = CgroupHierarchy.Detect();
            hierarchy.Open(Cgroup).Remove();
            // Runc, which runs beside it in some tests, makes the parent in all trees and removes its own groups only.
            hierarchy.RemoveFromNamedTrees(Cgroup);
        }
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    public string NewId() => $"c{Interlocked.Increment(ref _count)}";

    /// <summary>A configuration that runs a script.</summary>
    public RuntimeSpec Spec(string id, params string[] arguments) => new()
    {
        OciVersion = "1.2.0",
        Process = new ProcessSpec
        {
            Args = arguments,
            Env = ["PATH=/bin"],
            Cwd = "/",
            Capabilities = new CapabilitiesSpec { Bounding = s_capabilities, Effective = s_capabilities, Permitted = s_capabilities },
        },
        Root = new RootSpec { Path = "rootfs" },
        Hostname = "bundle",
        Mounts = DefaultSpec.Mounts(privileged: false),
        Linux = new LinuxSpec
        {
            CgroupsPath = $"{Cgroup}/{id}",
            Namespaces = DefaultSpec.Namespaces(network: true, cgroup: true),
            MaskedPaths = DefaultSpec.MaskedPaths,
            ReadonlyPaths = DefaultSpec.ReadonlyPaths,
        },
    };

    /// <summary>Writes a bundle; its root is a copy of the tree by hard links.</summary>
    public async Task<string> BundleAsync(string id, RuntimeSpec spec)
    {
        string bundle = System.IO.Directory.CreateDirectory(Path.Join(Directory, "bundles", id)).FullName;
        await Command.NeedAsync("cp", ["-al", Tree, Path.Join(bundle, "rootfs")]);
        await File.WriteAllBytesAsync(Path.Join(bundle, "config.json"), JsonSerializer.SerializeToUtf8Bytes(spec, RuntimeJson.Spec));
        return bundle;
    }

    /// <summary>One command of the program.</summary>
    public Task<Completed> RunAsync(params string[] arguments) =>
        Command.RunAsync(Command.Runtime, ["--root", Root, .. arguments]);

    /// <summary>Runs a script in a container to its end.</summary>
    public async Task<Completed> RunContainerAsync(string script, Func<RuntimeSpec, RuntimeSpec>? change = null, params string[] options)
    {
        string id = NewId();
        RuntimeSpec spec = Spec(id, "/bin/sh", "-c", script);
        string bundle = await BundleAsync(id, change is null ? spec : change(spec));
        return await RunAsync(["run", "--bundle", bundle, .. options, id]);
    }

    /// <summary>Creates a container; its streams are files of the bundle.</summary>
    public async Task<(string Id, string Bundle)> CreateAsync(
        string script, Func<RuntimeSpec, RuntimeSpec>? change = null, params string[] options)
    {
        string id = NewId();
        RuntimeSpec spec = Spec(id, "/bin/sh", "-c", script);
        string bundle = await BundleAsync(id, change is null ? spec : change(spec));
        // The container holds what the program was called with: pipes of ours would never end.
        Completed created = await Command.RunAsync("/bin/sh",
            ["-c", "exec \"$0\" \"$@\" </dev/null >>out 2>>err", Command.Runtime, "--root", Root, "create", "--bundle", bundle, .. options, id],
            directory: bundle);
        if (created.Code != 0)
            throw new InvalidOperationException(await File.ReadAllTextAsync(Path.Join(bundle, "err")));
        return (id, bundle);
    }

    /// <summary>The container's state.</summary>
    public async Task<JsonElement> StateAsync(string id)
    {
        Completed state = await RunAsync("state", id);
        return state.Code == 0 ? JsonDocument.Parse(state.Output).RootElement : throw new InvalidOperationException(state.Errors);
    }

    public async Task<string> StatusAsync(string id) => (await StateAsync(id)).GetProperty("status").GetString()!;

    public Task UntilAsync(string id, string status) =>
        Command.UntilAsync($"{id} is {status}", async () => await StatusAsync(id) == status);
}
