using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;
using Berth.Runtime.Cgroups;
using Berth.Runtime.Monitors;
using Berth.Stage;

namespace Berth.Runtime.Plans;

/// <summary>A plan and the descriptors it names. Disposing closes those that were opened for it.</summary>
internal sealed class Plan : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    /// <summary>The bytes for the stage.</summary>
    public byte[] Bytes { get; set; } = [];

    /// <summary>Handed to the stage from <see cref="StageContract.FirstDescriptor"/> on.</summary>
    public List<int> Descriptors { get; } = [];

    /// <summary>Adds a descriptor and returns its number in the stage.</summary>
    public int Inherit(int descriptor, IDisposable? owned = null)
    {
        if (owned is not null)
            _owned.Add(owned);
        Descriptors.Add(descriptor);
        return StageContract.FirstDescriptor + Descriptors.Count - 1;
    }

    /// <inheritdoc/>
    public void Dispose() => _owned.ForEach(static owned => owned.Dispose());
}

/// <summary>Decides everything that the stage then only does: makes a plan of a specification.</summary>
internal static class PlanBuilder
{
    private const uint DefaultUmask = 0x12;
    private const uint DrainMilliseconds = 1000;

    private const ulong NewNamespace = 0x20000, NewCgroup = 0x02000000, NewUts = 0x04000000, NewIpc = 0x08000000;
    private const ulong NewUser = 0x10000000, NewPid = 0x20000000, NewNet = 0x40000000;
    private const ulong AllNamespaces = NewNamespace | NewCgroup | NewUts | NewIpc | NewPid | NewNet;

    /// <summary>Plans a container's first process.</summary>
    public static Plan ForContainer(
        ContainerRequest request, CallFilter filter, Cgroup cgroup, IList<string> warnings)
    {
        RuntimeSpec spec = request.Spec;
        ProcessSpec process = spec.Process ?? throw FaultException.Invalid("the specification has no process");
        RefuseUnsupported(spec);
        Plan plan = new();
        try
        {
            PlanWriter writer = new();
            AddNamespaces(plan, writer, spec.Linux?.Namespaces ?? [], request.NetworkNamespace);
            AddIdMaps(writer, spec.Linux);
            AddRoot(writer, request);
            writer.Header.Flags |= (request.OpenStdin ? PlanFlags.Stdin : 0) | (request.StdinOnce ? PlanFlags.StdinOnce : 0)
                | (request.Init ? PlanFlags.Init : 0) | (spec.Root?.Readonly == true ? PlanFlags.ReadOnlyRoot : 0);
            writer.Header.TargetDescriptor = -1;
            writer.Header.RunDirectory = writer.Text(request.RunDirectory);
            if (request.Log is { } log)
            {
                writer.Header.LogPath = writer.Text(log.Path);
                writer.Header.LogBytes = log.BytesMax > 0 ? (ulong)log.BytesMax : 0;
                writer.Header.LogFiles = (uint)Math.Max(1, log.FilesMax);
                if (log.Attributes is { } attributes)
                    writer.Header.LogAttributes = writer.Text(attributes);
            }
            bool user = (writer.Header.NewNamespaces & NewUser) != 0;
            PlanStep[] steps = new MountSteps(writer, cgroup.ProcsFiles, user, request.Subpaths).Compile(spec);
            writer.Header.Steps = writer.Array<PlanStep>(steps);
            writer.Header.StepCount = (uint)steps.Length;
            writer.Header.HostName = writer.Text(spec.Hostname);
            writer.Header.DomainName = writer.Text(spec.Domainname);
            AddProcess(writer, process, filter, cgroup, warnings);
            return Finish(plan, writer);
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    // What would otherwise be ignored in silence.
    private static void RefuseUnsupported(RuntimeSpec spec)
    {
        HooksSpec? hooks = spec.Hooks;
        (string Name, IReadOnlyList<HookSpec>? Hooks)[] kinds =
        [
            ("prestart", hooks?.Prestart), ("createRuntime", hooks?.CreateRuntime), ("createContainer", hooks?.CreateContainer),
            ("startContainer", hooks?.StartContainer), ("poststart", hooks?.Poststart), ("poststop", hooks?.Poststop),
        ];
        foreach ((string name, IReadOnlyList<HookSpec>? list) in kinds)
        {
            if (list is { Count: > 0 })
                throw new FaultException(FaultKind.NotSupported, $"{name} hook {list[0].Path}: hooks are not supported");
        }
        if (!string.IsNullOrEmpty(spec.Linux?.MountLabel))
            throw new FaultException(FaultKind.NotSupported, $"mount label {spec.Linux.MountLabel}: labels of mounts are not supported");
    }

    /// <summary>Plans a further process in a running container.</summary>
    public static Plan ForExec(
        ExecRequest request, ProcessHandle first, ContainerState state, Cgroup cgroup, IList<string> warnings)
    {
        Plan plan = new();
        PlanWriter writer = new();
        writer.Header.Flags = PlanFlags.Exec | (request.Stdin ? PlanFlags.Stdin | PlanFlags.StdinOnce : 0)
            | (request.Detached ? PlanFlags.Detached : 0);
        writer.Header.JoinedNamespaces = AllNamespaces | (state.HasUserNamespace ? NewUser : 0);
        writer.Header.TargetDescriptor = plan.Inherit(first.Number);
        AddProcess(writer, request.Process, state.Filter, cgroup, warnings);
        return Finish(plan, writer);
    }

    private static Plan Finish(Plan plan, PlanWriter writer)
    {
        writer.Header.InheritedCount = (uint)plan.Descriptors.Count;
        writer.Header.DrainMilliseconds = DrainMilliseconds;
        plan.Bytes = writer.ToBytes();
        return plan;
    }

    private static void AddNamespaces(
        Plan plan, PlanWriter writer, IReadOnlyList<NamespaceSpec> namespaces, FileDescriptor? network)
    {
        List<PlanNamespace> joined = [];
        bool user = namespaces.Any(static entry => entry.Type == "user");
        foreach (NamespaceSpec entry in namespaces)
        {
            ulong type = TypeOf(entry.Type);
            if (type == NewNet && network is not null)
                continue;
            if (string.IsNullOrEmpty(entry.Path))
            {
                writer.Header.NewNamespaces |= type;
                continue;
            }
            if (type is NewNamespace or NewUser)
                throw new FaultException(FaultKind.NotSupported, $"joining a {entry.Type} namespace is not supported");
            FileDescriptor opened = OpenNamespace(entry.Path);
            joined.Add(Join(plan.Inherit(opened.Number, opened), type, user));
        }
        if (network is not null)
            joined.Add(Join(plan.Inherit(network.Number), NewNet, user));
        if ((writer.Header.NewNamespaces & NewNamespace) == 0)
            throw FaultException.Invalid("the specification has no mount namespace");
        writer.Header.Namespaces = writer.Array<PlanNamespace>([.. joined]);
        writer.Header.NamespaceCount = (uint)joined.Count;
        if ((writer.Header.NewNamespaces & NewPid) != 0)
            writer.Header.Flags |= PlanFlags.PrivateProcesses;
    }

    // A process namespace holds for children only; and from inside a new user namespace others may not be joined any more.
    private static PlanNamespace Join(int descriptor, ulong type, bool user) =>
        new() { Descriptor = descriptor, Type = type, InParent = type == NewPid || user ? 1 : 0 };

    private static ulong TypeOf(string type) => type switch
    {
        "mount" => NewNamespace,
        "cgroup" => NewCgroup,
        "uts" => NewUts,
        "ipc" => NewIpc,
        "user" => NewUser,
        "pid" => NewPid,
        "network" => NewNet,
        _ => throw new FaultException(FaultKind.NotSupported, $"{type} namespaces are not supported"),
    };

    private static FileDescriptor OpenNamespace(string path)
    {
        try
        {
            return FileCalls.Open(FileCalls.WorkingDirectory, FileCalls.PathOf(path), FileCalls.O_RDONLY);
        }
        catch (LinuxException refused)
        {
            throw FaultException.Invalid($"cannot join namespace {path}: {refused.Message}", refused);
        }
    }

    private static void AddIdMaps(PlanWriter writer, LinuxSpec? linux)
    {
        if ((writer.Header.NewNamespaces & NewUser) == 0)
            return;
        if (linux?.UidMappings is not { Count: > 0 } users || linux.GidMappings is not { Count: > 0 } groups)
            throw FaultException.Invalid("a user namespace needs uid and gid mappings");
        writer.Header.UidMap = writer.Text(Map(users));
        writer.Header.GidMap = writer.Text(Map(groups));
    }

    private static string Map(IReadOnlyList<IdMapping> mappings) =>
        string.Concat(mappings.Select(static map => $"{map.ContainerID} {map.HostID} {map.Size}\n"));

    private static void AddRoot(PlanWriter writer, ContainerRequest request)
    {
        ref PlanHeader header = ref writer.Header;
        header.RootPropagation = Propagation(request.Spec.Linux?.RootfsPropagation);
        if (request.Overlay is { } overlay)
        {
            if (overlay.Lower.Count == 0)
                throw FaultException.Invalid("the root has no layer");
            header.RootPath = writer.Text(overlay.MountPoint);
            header.Lower = writer.Texts(overlay.Lower);
            header.LowerCount = (uint)overlay.Lower.Count;
            header.Upper = writer.Text(overlay.Upper);
            header.Work = writer.Text(overlay.Work);
        }
        else
        {
            if (request.Spec.Root?.Path is not ['/', ..] || !Directory.Exists(request.Spec.Root.Path))
                throw FaultException.Invalid($"invalid rootfs: \"{request.Spec.Root?.Path}\" is not an existing absolute directory");
            header.RootPath = writer.Text(request.Spec.Root.Path);
        }
        if ((header.RootPropagation & 1 << 20) != 0)
            header.PrivateParent = writer.Text(MountPointOf(request.Overlay?.MountPoint ?? request.Spec.Root!.Path));
    }

    private static ulong Propagation(string? name) => name switch
    {
        null or "" or "private" or "rprivate" or "slave" or "rslave" => 1UL << 19 | 1 << 14,
        "shared" or "rshared" => 1UL << 20 | 1 << 14,
        _ => throw new FaultException(FaultKind.NotSupported, $"rootfsPropagation \"{name}\" is not supported"),
    };

    private static string MountPointOf(string path) => File.ReadLines("/proc/self/mountinfo")
        .Select(static line => line.Split(' ')[4].Replace("\\040", " "))
        .Where(point => point == "/" || path == point || path.StartsWith(point + "/", StringComparison.Ordinal))
        .MaxBy(static point => point.Length) ?? "/";

    private static void AddProcess(PlanWriter writer, ProcessSpec process, CallFilter filter,
        Cgroup cgroup, IList<string> warnings)
    {
        if (process.Args is not { Count: > 0 })
            throw FaultException.Invalid("no command specified");
        if (process.Cwd is not ['/', ..])
            throw FaultException.Invalid($"the working directory '{process.Cwd}' is invalid, it needs to be an absolute path");
        ref PlanHeader header = ref writer.Header;
        header.Flags |= (process.Terminal ? PlanFlags.Terminal : 0) | (process.NoNewPrivileges ? PlanFlags.NoNewPrivileges : 0);
        header.Joins = writer.Texts(cgroup.JoinFiles);
        header.JoinCount = (uint)cgroup.JoinFiles.Count;
        header.CgroupDirectory = writer.Text(cgroup.UnifiedDirectory);
        if (SecurityLabel.Of(process) is { } label)
        {
            header.Label = writer.Text(label.Text);
            header.LabelFile = writer.Text(label.File);
        }
        header.Arguments = writer.Pointers(process.Args);
        header.Environment = writer.Pointers(process.Env ?? []);
        string? path = process.Env?.LastOrDefault(static entry => entry.StartsWith("PATH=", StringComparison.Ordinal));
        header.SearchPath = writer.Text(path?[5..]);
        header.WorkingDirectory = writer.Text(process.Cwd);
        header.User = process.User.Uid;
        header.Group = process.User.Gid;
        header.Umask = process.User.Umask ?? DefaultUmask;
        uint[] groups = [.. process.User.AdditionalGids ?? []];
        header.Groups = writer.Array<uint>(groups);
        header.GroupCount = (uint)groups.Length;
        header.Rows = (ushort)Math.Min(process.ConsoleSize?.Height ?? 0, ushort.MaxValue);
        header.Columns = (ushort)Math.Min(process.ConsoleSize?.Width ?? 0, ushort.MaxValue);
        if (process.OomScoreAdj is { } score)
            header.OomScore = writer.Text(score.ToString(System.Globalization.CultureInfo.InvariantCulture));
        AddLimits(writer, process.Rlimits ?? [], warnings);
        AddCapabilities(ref header, process.Capabilities, warnings);
        if (filter.Program.Length == 0)
            return;
        header.Filter = writer.Array<byte>(filter.Program);
        header.FilterCount = (uint)(filter.Program.Length / 8);
        header.FilterFlags = filter.Flags;
    }

    /// <summary>Says what of a process this host will clamp or leave out.</summary>
    /// <exception cref="FaultException">InvalidArgument: an unknown limit or capability.</exception>
    public static void Check(ProcessSpec process, IList<string> warnings)
    {
        _ = PlanLimits(process.Rlimits ?? [], warnings);
        WarnOfMissing(Capabilities.Parse(process.Capabilities?.Bounding), warnings);
    }

    private static void AddLimits(PlanWriter writer, IReadOnlyList<RlimitSpec> limits, IList<string> warnings)
    {
        List<PlanLimit> planned = PlanLimits(limits, warnings);
        writer.Header.Limits = writer.Array<PlanLimit>([.. planned]);
        writer.Header.LimitCount = (uint)planned.Count;
    }

    private static List<PlanLimit> PlanLimits(IReadOnlyList<RlimitSpec> limits, IList<string> warnings)
    {
        const ulong mayRaise = 1UL << 24;
        List<PlanLimit> planned = [];
        foreach (RlimitSpec limit in limits)
        {
            int number = ResourceLimits.NumberOf(limit.Type) ?? throw FaultException.Invalid($"invalid rlimit type: {limit.Type}");
            ulong hard = limit.Hard;
            if ((Capabilities.Host & mayRaise) == 0 && ResourceLimits.Read(number).Hard is var most && hard > most)
            {
                warnings.Add($"{limit.Type}: the hard limit is {most} instead of {hard}: this host lacks CAP_SYS_RESOURCE");
                hard = most;
            }
            planned.Add(new PlanLimit { Resource = (uint)number, Hard = hard, Soft = Math.Min(limit.Soft, hard) });
        }
        return planned;
    }

    private static void WarnOfMissing(ulong bounding, IList<string> warnings)
    {
        ulong missing = bounding & ~Capabilities.Host;
        if (missing != 0)
            warnings.Add($"capabilities left out, this host lacks them: {string.Join(", ", Capabilities.Names(missing))}");
    }

    private static void AddCapabilities(ref PlanHeader header, CapabilitiesSpec? sets, IList<string> warnings)
    {
        ulong bounding = Capabilities.Parse(sets?.Bounding);
        WarnOfMissing(bounding, warnings);
        header.Bounding = bounding & Capabilities.Host;
        header.Permitted = Capabilities.Parse(sets?.Permitted) & Capabilities.Host;
        header.Effective = Capabilities.Parse(sets?.Effective) & header.Permitted;
        header.Inheritable = Capabilities.Parse(sets?.Inheritable) & Capabilities.Host;
        header.Ambient = Capabilities.Parse(sets?.Ambient) & header.Permitted & header.Inheritable;
        header.LastCapability = (uint)Capabilities.Last;
    }
}
