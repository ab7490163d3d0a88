using System.Text.Json;
using Berth.Faults;
using Berth.Oci.Json;
using Berth.Oci.Runtime;
using Berth.Runtime.Defaults;
using Berth.RuntimeProgram.CommandLine;

namespace Berth.RuntimeProgram.Verbs;

/// <summary><c>spec</c>: a configuration to begin with.</summary>
internal static class SpecVerb
{
    private static readonly string[] s_capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

    /// <summary>The command.</summary>
    public static Verb Definition => new()
    {
        Name = "spec",
        Usage = "",
        Summary = "writes a configuration to begin with to config.json",
        Options =
        [
            Option.Value("bundle", "the bundle's directory (default: the current one)", "b"),
            Option.Flag("rootless", "for an ordinary user"),
        ],
        ArgumentsMin = 0,
        ArgumentsMax = 0,
        Run = Write,
    };

    private static int Write(Call call)
    {
        string path = Path.GetFullPath(Path.Join(call.Arguments.Value("bundle") ?? ".", "config.json"));
        if (File.Exists(path))
            throw FaultException.Conflict("File config.json exists. Remove it first");
        RuntimeSpec spec = call.Arguments.Has("rootless") ? Rootless(Default()) : Default();
        using FileStream file = new(path, FileMode.CreateNew, FileAccess.Write);
        using Utf8JsonWriter json = new(file, new JsonWriterOptions { Indented = true, IndentCharacter = '\t', IndentSize = 1 });
        JsonSerializer.Serialize(json, spec, RuntimeJson.Spec);
        return 0;
    }

    private static RuntimeSpec Default() => new()
    {
        OciVersion = "1.2.0",
        Process = new ProcessSpec
        {
            Terminal = true,
            Args = ["sh"],
            Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            Cwd = "/",
            Capabilities = new CapabilitiesSpec
            {
                Bounding = s_capabilities, Effective = s_capabilities, Permitted = s_capabilities,
            },
            Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Hard = 1024, Soft = 1024 }],
            NoNewPrivileges = true,
        },
        Root = new RootSpec { Path = "rootfs", Readonly = true },
        Hostname = "berth",
        Mounts = DefaultSpec.Mounts(privileged: false),
        Linux = new LinuxSpec
        {
            Resources = new LinuxResources { Devices = [new DeviceRule { Allow = false, Access = "rwm" }, .. DefaultSpec.DeviceRules] },
            Namespaces = DefaultSpec.Namespaces(network: true, cgroup: true),
            MaskedPaths = DefaultSpec.MaskedPaths,
            ReadonlyPaths = DefaultSpec.ReadonlyPaths,
        },
    };

    // An ordinary user maps itself alone, shares the host's network, and may not give devices, groups or limits.
    private static RuntimeSpec Rootless(RuntimeSpec spec) => spec with
    {
        Mounts = [.. spec.Mounts!.Where(static mount => mount.Type is not "cgroup").Select(Rootless)],
        Linux = spec.Linux! with
        {
            Resources = null,
            Namespaces = [.. DefaultSpec.Namespaces(network: false, cgroup: true), new NamespaceSpec { Type = "user" }],
            UidMappings = [new IdMapping { ContainerID = 0, HostID = Berth.Linux.Files.FileCalls.EffectiveUser, Size = 1 }],
            GidMappings = [new IdMapping { ContainerID = 0, HostID = Berth.Linux.Files.FileCalls.EffectiveGroup, Size = 1 }],
        },
    };

    private static MountSpec Rootless(MountSpec mount) => mount.Type == "sysfs"
        ? new MountSpec
        {
            Destination = mount.Destination, Type = "bind", Source = "/sys", Options = ["rbind", "nosuid", "noexec", "nodev", "ro"],
        }
        : mount with { Options = [.. (mount.Options ?? []).Where(static option => !option.StartsWith("gid=", StringComparison.Ordinal))] };
}
