using System.Globalization;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Processes;
using Berth.Linux.Sockets;
using Berth.Oci.Runtime;
using Berth.Runtime.Bus;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Monitors;
using Berth.Stage;

namespace Berth.Runtime.Systemd;

/// <summary>Makes containers' cgroups as scopes of systemd: the machine's, or without the machine's root the user's.</summary>
/// <remarks>docs/adr/0020-systemd-cgroup-driver.md.</remarks>
internal sealed class SystemdScopes(IStageProgram program)
{
    private readonly Lazy<CgroupHierarchy> _machine = new(CgroupHierarchy.Detect);

    private bool IsUnified => _machine.Value.Mode == CgroupMode.Version2;

    /// <summary>The cgroup of a unit, whether or not it exists.</summary>
    public SystemdCgroup Open(string path, string unit) =>
        new(_machine.Value.OpenUnit(path), unit, IsUnified, SystemdManager.Connect);

    /// <summary>Looks whether systemd is there, and brings this process where it may put others from.</summary>
    /// <exception cref="FaultException">Unavailable: it is not. NotSupported: a user's systemd, and cgroups of version 1.</exception>
    public static void Prepare()
    {
        if (SystemdManager.IsUser && CgroupHierarchy.Detect().Mode != CgroupMode.Version2)
        {
            throw new FaultException(FaultKind.NotSupported,
                "cgroup driver systemd: without root it needs cgroup version 2 alone: boot with systemd.unified_cgroup_hierarchy=1");
        }
        using SystemdManager manager = SystemdManager.Connect();
        if (SystemdManager.IsUser)
            MoveBelow(manager);
    }

    /// <summary>Where the cgroup of a scope is.</summary>
    /// <exception cref="FaultException">Unavailable: no systemd.</exception>
    public static string PathOf(ScopeName name)
    {
        using SystemdManager manager = SystemdManager.Connect();
        return manager.ControlGroup + name.Path;
    }

    /// <summary>Makes a scope with its limits.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="id">The container.</param>
    /// <param name="resources">Limits; null: none.</param>
    /// <param name="annotations">The configuration's notes, which may name further settings.</param>
    /// <param name="warnings">Takes a sentence for each limit that cannot be set.</param>
    /// <param name="isKnown">Called with the cgroup's path before anything exists.</param>
    /// <exception cref="FaultException">Unavailable: no systemd. Internal: it refuses. InvalidArgument: a limit is refused.</exception>
    public SystemdScope Create(ScopeName name, string id, LinuxResources? resources, IReadOnlyDictionary<string, string>? annotations,
        IList<string> warnings, Action<string> isKnown)
    {
        IReadOnlyList<UnitProperty> noted = UnitAnnotations.Of(annotations);
        using SystemdManager manager = SystemdManager.Connect();
        if (SystemdManager.IsUser)
            MoveBelow(manager);
        string path = manager.ControlGroup + name.Path;
        isKnown(path);
        SystemdCgroup cgroup = Open(path, name.Unit);
        LinuxResources limits = resources ?? new LinuxResources();
        // One place for the placeholder; the limit is set when that has gone.
        LinuxResources first = limits.Pids is { Limit: 1 } ? limits with { Pids = new PidsLimits { Limit = 2 } } : limits;
        ScopePlaceholder placeholder = new(program);
        bool isStarted = false;
        try
        {
            manager.Start(name.Unit,
            [
                .. Standing(name, id, placeholder.Pid), .. new UnitResources(IsUnified, manager.Version).Of(first),
                .. Devices(limits), .. noted,
            ]);
            isStarted = true;
            // A user's manager hands down what it was given itself: what is missing is said when it is asked for.
            cgroup.Make(SystemdManager.IsUser ? [] : warnings);
            cgroup.Write(SystemdManager.IsUser ? first with { Devices = null } : first, warnings);
            return new SystemdScope(cgroup, placeholder, ReferenceEquals(first, limits) ? null : limits);
        }
        catch
        {
            placeholder.Dispose();
            // What was there before us is somebody else's.
            if (isStarted)
                TryRemove(cgroup);
            throw;
        }
    }

    /// <summary>
    /// An ordinary user may put processes only where the common parent of the old and the new group is his: this process goes to a scope
    /// of its own below his manager, which may be asked to fetch it, as Podman does it. Nothing when it is there already.
    /// </summary>
    public static void MoveBelowManager()
    {
        if (!SystemdManager.IsUser)
            return;
        using SystemdManager manager = SystemdManager.Connect();
        MoveBelow(manager);
    }

    private static void MoveBelow(SystemdManager manager)
    {
        string own = File.ReadLines("/proc/self/cgroup")
            .FirstOrDefault(static line => line.StartsWith("0::", StringComparison.Ordinal)) ?? "";
        if (own.StartsWith($"0::{manager.ControlGroup}/", StringComparison.Ordinal))
            return;
        int pid = Environment.ProcessId;
        manager.Start(string.Create(CultureInfo.InvariantCulture, $"berth-process-{pid}.scope"),
        [
            new UnitProperty("Description", BusValue.Of("Berth, which makes containers")),
            new UnitProperty("PIDs", BusValue.Array("u", [BusValue.Of((uint)pid)])),
        ]);
    }

    private IEnumerable<UnitProperty> Standing(ScopeName name, string id, int pid)
    {
        yield return new UnitProperty("Description", BusValue.Of($"berth container {id}"));
        yield return new UnitProperty("Slice", BusValue.Of(name.Slice));
        yield return new UnitProperty("Delegate", BusValue.Of(true));
        yield return new UnitProperty("PIDs", BusValue.Array("u", [BusValue.Of((uint)pid)]));
        foreach (string controller in new[] { "Memory", "CPU", "Tasks", IsUnified ? "IO" : "BlockIO" })
            yield return new UnitProperty(controller + "Accounting", BusValue.Of(true));
        // Not stopped with others at shutdown before who runs the container says so.
        yield return new UnitProperty("DefaultDependencies", BusValue.Of(false));
    }

    // A user's manager may load no programs into the kernel.
    private static IReadOnlyList<UnitProperty> Devices(LinuxResources limits) =>
        SystemdManager.IsUser || limits.Devices is not { Count: > 0 } rules ? [] : UnitDevices.Of(rules, File.ReadAllText("/proc/devices"));

    private static void TryRemove(SystemdCgroup cgroup)
    {
        try
        {
            cgroup.Kill();
            cgroup.Remove();
        }
        catch (FaultException)
        {
            // The reason why it was not made is the one to be told.
        }
    }
}

/// <summary>A scope that was just made and holds nothing but a placeholder. Whoever made it settles it once its first process is in it.
/// </summary>
internal sealed class SystemdScope(SystemdCgroup cgroup, ScopePlaceholder placeholder, LinuxResources? late) : IDisposable
{
    /// <summary>The cgroup.</summary>
    public SystemdCgroup Cgroup => cgroup;

    /// <summary>Takes the placeholder out, and sets the limit that it would have broken.</summary>
    public void Settle()
    {
        placeholder.Dispose();
        if (late?.Pids is { } pids)
            cgroup.Update(new LinuxResources { Pids = pids }, []);
    }

    /// <summary>Takes the placeholder out.</summary>
    public void Dispose() => placeholder.Dispose();
}

/// <summary>
/// A process that does nothing: systemd makes no scope without one, and a container's first process is born in its cgroup. It ends with
/// this, also when this process is killed.
/// </summary>
internal sealed class ScopePlaceholder : IDisposable
{
    private readonly FileDescriptor _word;
    private bool _isReaped;

    /// <summary>Starts it.</summary>
    public ScopePlaceholder(IStageProgram program)
    {
        (_word, FileDescriptor other) = DescriptorSockets.CreatePair();
        using (other)
            Pid = ProcessSpawner.Spawn(program.Executable, ["berth-scope", StageContract.PlaceholderVerb], [other.Number, -1, -1]);
    }

    /// <summary>Its number.</summary>
    public int Pid { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isReaped)
            return;
        _isReaped = true;
        _word.Dispose();
        // It may stand in a frozen group, or one that is out of memory.
        Signals.TrySend(Pid, Signals.SIGKILL);
        ProcessSpawner.Reap(Pid);
    }
}
