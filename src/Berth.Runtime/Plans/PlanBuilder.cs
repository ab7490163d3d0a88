using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;
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

    /// <summary>Where the process counts, when that may be full; null: it is made in place or not at all.</summary>
    public CountedPlace? Counted { get; set; }

    /// <summary>How many processes its user may have; null: as many as the maker's.</summary>
    public PlanLimit? ProcessLimit { get; set; }

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
    private const ulong MayRaise = 1UL << 24; // CAP_SYS_RESOURCE
    private const uint DefaultUmask = 0x12;
    private const uint DrainMilliseconds = 1000;

    private const ulong NewNamespace = 0x20000, NewCgroup = 0x02000000, NewUts = 0x04000000, NewIpc = 0x08000000;
    private const ulong NewUser = 0x10000000, NewPid = 0x20000000, NewNet = 0x40000000, NewTime = 0x80;
    private const ulong AllNamespaces = NewNamespace | NewCgroup | NewUts | NewIpc | NewPid | NewNet;

    /// <summary>Plans a container's first process.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="filter">Its system call filter.</param>
    /// <param name="cgroup">Its cgroup; null: the caller's.</param>
    /// <param name="warnings">Takes what is left out.</param>
    /// <param name="unmonitored">How it is made without a monitor; null: with one.</param>
    /// <param name="mapOwners">Makes user namespaces for idmapped mounts; null: there are none.</param>
    public static Plan ForContainer(ContainerRequest request, CallFilter filter, Cgroup? cgroup, IList<string> warnings,
        UnmonitoredOptions? unmonitored = null, Func<MountSpec, FileDescriptor>? mapOwners = null)
    {
        RuntimeSpec spec = request.Spec;
        ProcessSpec process = spec.Process ?? throw FaultException.Invalid("the specification has no process");
        RefuseUnsupported(spec);
        Plan plan = new();
        try
        {
            PlanWriter writer = new();
            AddUnmonitored(plan, writer, unmonitored);
            if (unmonitored is null)
                AddKeyring(writer, request.Id);
            writer.Header.Flags |= (Strictness.IsAsked(spec.Annotations) ? PlanFlags.Strict : 0)
                | (UserNamespace.IsInitial ? 0 : PlanFlags.UserAttributes);
            AddNamespaces(plan, writer, spec.Linux?.Namespaces ?? [], request.NetworkNamespace);
            AddIdMaps(writer, spec.Linux);
            AddMapping(writer, request);
            AddTimeOffsets(writer, spec.Linux?.TimeOffsets);
            AddRoot(writer, request);
            writer.Header.Flags |= (request.OpenStdin ? PlanFlags.Stdin : 0) | (request.StdinOnce ? PlanFlags.StdinOnce : 0)
                | (request.Init ? PlanFlags.Init : 0) | (spec.Root?.Readonly == true ? PlanFlags.ReadOnlyRoot : 0);
            writer.Header.TargetDescriptor = -1;
            writer.Header.RunDirectory = writer.Text(request.RunDirectory);
            AddLog(writer, request.Log);
            bool anyUser = spec.Linux?.Namespaces?.Any(static entry => entry.Type == "user") == true;
            PlanStep[] steps = new MountSteps(writer, cgroup?.ProcsFiles ?? [], anyUser || !UserNamespace.IsInitial, request.Subpaths,
                (mount, options) => MappedMount(plan, mount, options, mapOwners), request.MapsOwners)
            {
                Layers = request.Layers,
            }.Compile(spec);
            writer.Header.Steps = writer.Array<PlanStep>(steps);
            writer.Header.StepCount = (uint)steps.Length;
            writer.Header.MemoryEvents = unmonitored is null ? writer.Text(cgroup?.WatchedMemoryFile) : 0;
            writer.Header.HostName = writer.Text(spec.Hostname);
            writer.Header.DomainName = writer.Text(spec.Domainname);
            AddProcess(writer, process, filter, cgroup?.Place, anyUser, warnings);
            SchedulingPlan.Add(writer, process, SchedulingPlan.Personality(spec.Linux?.Personality));
            HookPlan.Add(writer, request);
            NotifyPlan.Add(plan, writer, spec, request.Id, request.Bundle, "creating", unmonitored?.NotifySocket);
            return Finish(plan, writer);
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    private static void AddUnmonitored(Plan plan, PlanWriter writer, UnmonitoredOptions? options)
    {
        writer.Header.NotifySocket = -1;
        if (options is null)
            return;
        foreach (FileDescriptor preserved in options.Preserved)
            plan.Inherit(preserved.Number);
        writer.Header.PreservedCount = (uint)options.Preserved.Count;
        writer.Header.Keyring = writer.Text(options.Keyring);
        writer.Header.Flags |= PlanFlags.Unmonitored | (options.WaitsAtSocket ? PlanFlags.WaitsAtSocket : 0)
            | (options.NoPivot ? PlanFlags.NoPivot : 0)
            | (options.IsStrict ? PlanFlags.Strict : 0)
            | (options.MappedByUser ? PlanFlags.MappedByUser : 0) | (options.KeepsGroups ? PlanFlags.KeepsGroups : 0);
    }

    /// <summary>A session keyring of the container's own: the maker's may hold keys of the host. Named as runc names it.</summary>
    internal static void AddKeyring(PlanWriter writer, string container) => writer.Header.Keyring = writer.Text(KeyringOf(container));

    /// <summary>The name of a container's session keyring.</summary>
    internal static string KeyringOf(string container) => $"_ses.{container}";

    internal static void AddLog(PlanWriter writer, LogFile? log)
    {
        if (log is null)
            return;
        writer.Header.LogPath = writer.Text(log.Path);
        writer.Header.LogBytes = log.BytesMax > 0 ? (ulong)log.BytesMax : 0;
        writer.Header.LogFiles = (uint)Math.Max(1, log.FilesMax);
        if (log.Attributes is { } attributes)
            writer.Header.LogAttributes = writer.Text(attributes);
    }

    // The owners are mapped here, where the file system's own user namespace is ours; the stage only hangs the mount in.
    private static int MappedMount(Plan plan, MountSpec mount, MountOptions options, Func<MountSpec, FileDescriptor>? mapOwners)
    {
        if (mapOwners is null)
            throw new FaultException(FaultKind.NotSupported, $"mount {mount.Destination}: idmapped mounts are not supported here");
        using FileDescriptor maps = mapOwners(mount);
        FileDescriptor? tree = null;
        try
        {
            tree = DetachedMounts.Clone(mount.Source!, options.IsRecursive || mount.Type == "rbind");
            DetachedMounts.MapOwners(tree, maps, options.IsIdMappedDeep);
            return plan.Inherit(tree.Number, tree);
        }
        catch (LinuxException refused)
        {
            tree?.Dispose();
            throw FaultException.Invalid($"idmapped mount {mount.Source}: {refused.Message}", refused);
        }
    }

    private static void AddTimeOffsets(PlanWriter writer, IReadOnlyDictionary<string, TimeOffset>? offsets)
    {
        if (offsets is not { Count: > 0 })
            return;
        if ((writer.Header.NewNamespaces & NewTime) == 0)
            throw FaultException.Invalid("timeOffsets need a new time namespace");
        foreach (string clock in offsets.Keys)
        {
            if (clock is not ("monotonic" or "boottime"))
                throw FaultException.Invalid($"timeOffsets: there is no clock \"{clock}\": it is monotonic or boottime");
        }
        writer.Header.TimeOffsets = writer.Text(
            string.Concat(offsets.Select(static pair => $"{pair.Key} {pair.Value.Secs} {pair.Value.Nanosecs}\n")));
    }

    // What would otherwise be ignored in silence.
    private static void RefuseUnsupported(RuntimeSpec spec)
    {
        if (!string.IsNullOrEmpty(spec.Linux?.MountLabel))
            throw new FaultException(FaultKind.NotSupported, $"mount label {spec.Linux.MountLabel}: labels of mounts are not supported");
        if (spec.Linux?.IntelRdt is not null)
            throw new FaultException(FaultKind.NotSupported, "intelRdt is not supported: the processor's resource director is not managed");
        if (spec.Linux?.MemoryPolicy is { } policy)
            throw new FaultException(FaultKind.NotSupported, $"memoryPolicy {policy.Mode} is not supported");
        if (spec.Linux?.NetDevices is { Count: > 0 } devices)
            throw new FaultException(FaultKind.NotSupported, $"net device {devices.Keys.First()}: moving network devices is not supported");
    }

    /// <summary>Plans a further process in a running container.</summary>
    public static Plan ForExec(ProcessSpec process, ProcessHandle first, JoinedContainer container,
        CgroupPlace? place, IList<string> warnings, PlanFlags flags, UnmonitoredOptions? unmonitored = null,
        Action<Plan, PlanWriter>? more = null)
    {
        Plan plan = new();
        PlanWriter writer = new();
        AddUnmonitored(plan, writer, unmonitored);
        if (container.Users is not null)
            AddStreamOwner(writer, container.Users, container.Groups ?? [], process.User.Uid);
        writer.Header.Flags |= PlanFlags.Exec | flags;
        writer.Header.JoinedNamespaces = (AllNamespaces & ~(unmonitored?.SharedNamespaces ?? 0))
            | (container.HasUserNamespace ? NewUser : 0) | (container.HasTimeNamespace ? NewTime : 0);
        writer.Header.TargetDescriptor = plan.Inherit(first.Number);
        AddProcess(writer, process, container.Filter, place, container.HasUserNamespace, warnings);
        BirthPlan.Add(plan, writer, process, place, first);
        SchedulingPlan.Add(writer, process, container.Personality);
        if (process.ExecCpuAffinity is { } affinity)
            SchedulingPlan.AddAffinity(writer, affinity);
        more?.Invoke(plan, writer);
        return Finish(plan, writer);
    }

    internal static Plan Finish(Plan plan, PlanWriter writer)
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
        if (namespaces.GroupBy(static entry => entry.Type).FirstOrDefault(static group => group.Count() > 1) is { } twice)
            throw FaultException.Invalid($"the {twice.Key} namespace is named twice");
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
            FileDescriptor opened = OpenNamespace(entry.Path);
            joined.Add(Join(plan.Inherit(opened.Number, opened), type, user));
        }
        if (network is not null)
            joined.Add(Join(plan.Inherit(network.Number), NewNet, user));
        if ((writer.Header.NewNamespaces & NewNamespace) == 0 && joined.All(static entry => entry.Type != NewNamespace))
            throw FaultException.Invalid("the specification has no mount namespace");
        writer.Header.Namespaces = writer.Array<PlanNamespace>([.. joined]);
        writer.Header.NamespaceCount = (uint)joined.Count;
        if ((writer.Header.NewNamespaces & NewPid) != 0)
            writer.Header.Flags |= PlanFlags.PrivateProcesses;
    }

    // A process namespace holds for children only; and from inside a new user namespace others may not be joined any more.
    private static PlanNamespace Join(int descriptor, ulong type, bool user) =>
        new() { Descriptor = descriptor, Type = type, InParent = type is NewPid or NewNamespace || user ? 1 : 0 };

    private static ulong TypeOf(string type) => type switch
    {
        "mount" => NewNamespace,
        "cgroup" => NewCgroup,
        "uts" => NewUts,
        "ipc" => NewIpc,
        "user" => NewUser,
        "pid" => NewPid,
        "network" => NewNet,
        "time" => NewTime,
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
        writer.Header.UidMap = writer.Text(IdMaps.Text(users));
        writer.Header.GidMap = writer.Text(IdMaps.Text(groups));
    }

    // The stage does it all: only it knows the namespace.
    internal static void AddMapping(PlanWriter writer, ContainerRequest request)
    {
        if (!request.MapsOwners)
            return;
        IReadOnlyList<IdMapping> users = request.Spec.Linux?.UidMappings ?? [], groups = request.Spec.Linux?.GidMappings ?? [];
        writer.Header.Flags |= PlanFlags.Mapped;
        writer.Header.MappedUser = IdMaps.Outside(users, 0)
            ?? throw FaultException.Invalid("the id mappings have no root");
        writer.Header.MappedGroup = IdMaps.Outside(groups, 0) ?? throw FaultException.Invalid("the id mappings have no group of root");
        if (request.Overlay is { } overlay)
            writer.Header.MappedLayer = writer.Text(Path.GetDirectoryName(overlay.Upper));
        AddStreamOwner(writer, users, groups, request.Spec.Process!.User.Uid);
    }

    internal static void AddStreamOwner(
        PlanWriter writer, IReadOnlyList<IdMapping> users, IReadOnlyList<IdMapping> groups, uint user)
    {
        writer.Header.StreamUser = IdMaps.Outside(users, user) ?? throw FaultException.Invalid(
            $"user {user} is not among the container's ids: its user namespace has {users.Sum(static map => (long)map.Size)} of them");
        writer.Header.StreamGroup = IdMaps.Outside(groups, 0) ?? 0;
    }

    internal static void AddRoot(PlanWriter writer, ContainerRequest request)
    {
        ref PlanHeader header = ref writer.Header;
        header.RootPropagation = Propagation(request.Spec.Linux?.RootfsPropagation);
        header.OwnPropagation = OwnPropagation(request.Spec.Linux?.RootfsPropagation);
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
            header.PrivateParent = writer.Text(
                request.MapsOwners ? "/" : MountPointOf(request.Overlay?.MountPoint ?? request.Spec.Root!.Path));
    }

    private static ulong Propagation(string? name) => name switch
    {
        null or "" or "private" or "rprivate" or "slave" or "rslave" or "unbindable" or "runbindable" => 1UL << 19 | 1 << 14,
        "shared" or "rshared" => 1UL << 20 | 1 << 14,
        _ => throw new FaultException(FaultKind.NotSupported, $"rootfsPropagation \"{name}\" is not supported"),
    };

    private static ulong OwnPropagation(string? name) => name switch
    {
        "shared" => 1UL << 20,
        "rshared" => 1UL << 20 | 1 << 14,
        "private" => 1UL << 18,
        "rprivate" => 1UL << 18 | 1 << 14,
        "unbindable" => 1UL << 17,
        "runbindable" => 1UL << 17 | 1 << 14,
        _ => 0,
    };

    private static string MountPointOf(string path) => File.ReadLines("/proc/self/mountinfo")
        .Select(static line => line.Split(' ')[4].Replace("\\040", " "))
        .Where(point => point == "/" || path == point || path.StartsWith(point + "/", StringComparison.Ordinal))
        .MaxBy(static point => point.Length) ?? "/";

    private static void AddProcess(PlanWriter writer, ProcessSpec process, CallFilter filter,
        CgroupPlace? place, bool userNamespace, IList<string> warnings)
    {
        if (process.Args is not { Count: > 0 })
            throw FaultException.Invalid("no command specified");
        if (process.Cwd is not ['/', ..])
            throw FaultException.Invalid($"the working directory '{process.Cwd}' is invalid, it needs to be an absolute path");
        ref PlanHeader header = ref writer.Header;
        header.Flags |= (process.Terminal ? PlanFlags.Terminal : 0) | (process.NoNewPrivileges ? PlanFlags.NoNewPrivileges : 0);
        header.Joins = writer.Texts(place?.JoinFiles ?? []);
        header.JoinCount = (uint)(place?.JoinFiles.Count ?? 0);
        header.CgroupDirectory = writer.Text(place?.UnifiedDirectory);
        if (SecurityLabel.Of(process) is { } label)
        {
            header.Label = writer.Text(label.Text);
            header.LabelFile = writer.Text(label.File);
            if ((header.Flags & PlanFlags.Init) != 0)
                (header.InitLabel, header.InitLabelFile) = (writer.Text(label.AtOnce), writer.Text(label.AtOnceFile));
        }
        header.Arguments = writer.Pointers(process.Args);
        IReadOnlyList<string> variables = EnvironmentOf(process);
        header.Environment = writer.Pointers(WithHome(variables, ref header));
        string? path = variables.FirstOrDefault(static entry => entry.StartsWith("PATH=", StringComparison.Ordinal));
        header.SearchPath = writer.Text(path?[5..]);
        header.WorkingDirectory = writer.Text(process.Cwd);
        CheckIds(process.User);
        header.User = process.User.Uid;
        header.Group = process.User.Gid;
        header.Umask = process.User.Umask ?? DefaultUmask;
        uint[] groups = [.. process.User.AdditionalGids ?? []];
        header.Groups = writer.Array<uint>(groups);
        header.GroupCount = (uint)groups.Length;
        header.Rows = (ushort)Math.Min(process.ConsoleSize?.Height ?? 0, ushort.MaxValue);
        header.Columns = (ushort)Math.Min(process.ConsoleSize?.Width ?? 0, ushort.MaxValue);
        OomScores.Check(process.OomScoreAdj);
        if (process.OomScoreAdj is { } score)
            header.OomScore = writer.Text(score.ToString(System.Globalization.CultureInfo.InvariantCulture));
        AddLimits(writer, process.Rlimits ?? [], warnings);
        AddCapabilities(ref header, process.Capabilities, userNamespace, warnings);
        if (filter.Program.Length == 0)
            return;
        header.Filter = writer.Array<byte>(filter.Program);
        header.FilterCount = (uint)(filter.Program.Length / 8);
        header.FilterFlags = filter.Flags;
    }

    // The last of a name holds, and there is no other: getenv(3) would find the first, a shell the last.
    private static List<string> EnvironmentOf(ProcessSpec process)
    {
        List<string> variables = [];
        Dictionary<string, int> places = [];
        foreach (string entry in process.Env ?? [])
        {
            if (places.TryAdd(entry.Split('=', 2)[0], variables.Count))
                variables.Add(entry);
            else
                variables[places[entry.Split('=', 2)[0]]] = entry;
        }
        return variables;
    }

    // Only inside is known whose home is where: the stage puts it in place of the first.
    private static IReadOnlyList<string> WithHome(IReadOnlyList<string> variables, ref PlanHeader header)
    {
        const string home = "HOME=";
        if (variables.LastOrDefault(static entry => entry.StartsWith(home, StringComparison.Ordinal)) is { Length: > 5 })
            return variables;
        header.Flags |= PlanFlags.FindsHome;
        return [home, .. variables.Where(static entry => !entry.StartsWith(home, StringComparison.Ordinal))];
    }

    // The highest number means to the kernel that an id stays what it is: the process would be root.
    private static void CheckIds(UserSpec user)
    {
        if (((uint[])[user.Uid, user.Gid, .. user.AdditionalGids ?? []]).Max() > int.MaxValue)
            throw FaultException.Invalid("uids and gids must be in range 0-2147483647");
    }

    /// <summary>Says what of a process this host will clamp or leave out.</summary>
    /// <exception cref="FaultException">InvalidArgument: an unknown limit or capability.</exception>
    public static void Check(ProcessSpec process, IList<string> warnings)
    {
        _ = PlanLimits(process.Rlimits ?? [], warnings);
        _ = OomScores.Given(process.OomScoreAdj, warnings);
        CapabilityBits.Of(process.Capabilities, unknown: null).Check(Capabilities.Host, warnings);
    }

    private static void AddLimits(PlanWriter writer, IReadOnlyList<RlimitSpec> limits, IList<string> warnings)
    {
        List<PlanLimit> planned = PlanLimits(limits, warnings);
        writer.Header.Limits = writer.Array<PlanLimit>([.. planned]);
        writer.Header.LimitCount = (uint)planned.Count;
    }

    internal static List<PlanLimit> PlanLimits(IReadOnlyList<RlimitSpec> limits, IList<string> warnings)
    {
        List<PlanLimit> planned = [];
        foreach (RlimitSpec limit in limits)
        {
            int number = ResourceLimits.NumberOf(limit.Type) ?? throw FaultException.Invalid($"invalid rlimit type: {limit.Type}");
            if (limit.Soft > limit.Hard)
            {
                throw FaultException.Invalid($"error setting rlimit type {number}: invalid argument: "
                    + $"{limit.Type}: the soft limit {limit.Soft} is above the hard limit {limit.Hard}");
            }
            ulong hard = limit.Hard;
            if ((Capabilities.Host & MayRaise) == 0 && ResourceLimits.Read(number).Hard is var most && hard > most)
            {
                warnings.Add($"{limit.Type}: the hard limit is {most} instead of {hard}: this host lacks CAP_SYS_RESOURCE");
                hard = most;
            }
            planned.Add(new PlanLimit { Resource = (uint)number, Hard = hard, Soft = Math.Min(limit.Soft, hard) });
        }
        return planned;
    }

    private static void AddCapabilities(ref PlanHeader header, CapabilitiesSpec? sets, bool own, IList<string> warnings)
    {
        // The specification wants a warning for what cannot be mapped; an engine's users get an error for what they mistyped.
        List<string>? unknown = (header.Flags & PlanFlags.Unmonitored) != 0 ? [] : null;
        CapabilityBits asked = CapabilityBits.Of(sets, unknown);
        // A process that enters a user namespace has all capabilities there.
        ulong host = own ? ulong.MaxValue : Capabilities.Host;
        asked.Check(host, warnings);
        header.Bounding = asked.Bounding & host;
        header.Permitted = asked.Permitted & host;
        header.Effective = asked.Effective & header.Permitted;
        header.Inheritable = asked.Inheritable & host;
        // Without a word: what "runc spec" writes asks for some that are not inheritable.
        header.Ambient = asked.Ambient & header.Permitted & header.Inheritable;
        // Each once: a name stands in several sets.
        foreach (string name in unknown?.Distinct() ?? [])
            warnings.Add(name);
        header.LastCapability = (uint)Capabilities.Last;
    }
}
