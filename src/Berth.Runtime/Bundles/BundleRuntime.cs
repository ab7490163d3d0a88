using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Plans;
using Berth.Runtime.Systemd;

namespace Berth.Runtime.Bundles;

/// <summary>
/// Containers as a program's commands see them: made from a bundle, kept in files below a root between two commands, without a monitor;
/// whoever called <see cref="Create"/> holds the streams and is the parent. One for a command; not thread-safe.
/// </summary>
/// <remarks>OCI runtime-spec 1.2, runtime.md. docs/adr/0012 says why there is no monitor.</remarks>
public sealed partial class BundleRuntime : IDisposable
{
    private readonly BundleOptions _options;
    private readonly Lazy<CgroupHierarchy> _hierarchy = new(CgroupHierarchy.Detect);
    private readonly SealedProgram _program;
    private readonly Lazy<SystemdScopes> _scopes;

    /// <summary>Makes one.</summary>
    public BundleRuntime(BundleOptions options)
    {
        _options = options;
        _program = new SealedProgram(options.Program);
        _scopes = new Lazy<SystemdScopes>(() => new SystemdScopes(_program));
    }

    /// <summary>A container as it is now.</summary>
    /// <exception cref="FaultException">NotFound: there is none of that name.</exception>
    public BundleContainer State(string id)
    {
        StateDirectory directory = StateDirectory.Of(_options.Root, id);
        return Describe(directory, directory.Load());
    }

    /// <summary>All containers below the root.</summary>
    /// <exception cref="FaultException">InvalidArgument: the root is no directory, or may not be read.</exception>
    public IReadOnlyList<BundleContainer> List()
    {
        int error = FileCalls.TryOpen(FileCalls.WorkingDirectory, FileCalls.PathOf(_options.Root),
            FileCalls.O_RDONLY | FileCalls.O_DIRECTORY, mode: 0, resolve: 0, out FileDescriptor root);
        using (root)
        {
            if (error == Errno.ENOENT)
                return [];
            if (error != 0)
                throw FaultException.Invalid($"open {_options.Root}: {FileErrors.Words(error)}");
        }
        List<BundleContainer> containers = [];
        foreach (string path in Directory.GetDirectories(_options.Root).Order(StringComparer.Ordinal))
        {
            StateDirectory directory = StateDirectory.Of(_options.Root, Path.GetFileName(path));
            if (directory.TryLoad() is { } state)
                containers.Add(Describe(directory, state));
        }
        return containers;
    }

    private BundleContainer Describe(StateDirectory directory, BundleState state)
    {
        BundleStatus status = StatusOf(directory, state);
        return new BundleContainer
        {
            Id = state.Id,
            OciVersion = state.OciVersion,
            Pid = status is BundleStatus.Stopped ? 0 : state.Pid,
            Status = status,
            Bundle = state.Bundle,
            Rootfs = state.Rootfs,
            Created = state.Created,
            Owner = state.Owner,
            Annotations = state.Annotations,
        };
    }

    private BundleStatus StatusOf(StateDirectory directory, BundleState state)
    {
        if (state.Pid == 0)
            return BundleStatus.Creating;
        if (!ProcessIdentity.IsAlive(state.Pid, state.PidStart))
            return BundleStatus.Stopped;
        // First: what was paused before it was started cannot be started until it goes on.
        if (CgroupOf(state)?.IsFrozen == true)
            return BundleStatus.Paused;
        return File.Exists(directory.StartSocket) ? BundleStatus.Created : BundleStatus.Running;
    }

    private Cgroup? CgroupOf(BundleState state) => state switch
    {
        { CgroupPath: null } => null,
        { SystemdUnit: { } unit } => _scopes.Value.Open(state.CgroupPath, unit),
        _ => _hierarchy.Value.Open(state.CgroupPath),
    };

    private static string StateText(BundleState state, int pid, string status) =>
        $"{{\"pid\":{pid}" + HookPlan.Rest(SpecOf(state), state.Id, state.Bundle, status);

    // What hooks and listeners are told of a container that exists already.
    private static RuntimeSpec SpecOf(BundleState state) => new()
    {
        OciVersion = state.OciVersion,
        Annotations = state.Annotations,
        Linux = new LinuxSpec { Seccomp = new SeccompSpec { ListenerMetadata = state.ListenerMetadata } },
    };

    private static string NameOf(BundleStatus status) => status switch
    {
        BundleStatus.Creating => "creating",
        BundleStatus.Created => "created",
        BundleStatus.Running => "running",
        BundleStatus.Paused => "paused",
        _ => "stopped",
    };

    /// <inheritdoc/>
    public void Dispose() => _program.Dispose();
}
