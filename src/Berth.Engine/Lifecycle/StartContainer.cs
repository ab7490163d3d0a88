using System.Net;
using Berth.Engine.Cdi;
using Berth.Engine.Specs;
using Berth.Engine.State;
using Berth.Engine.Users;
using Berth.Faults;
using Berth.Layers;
using Berth.Linux;
using Berth.Network;
using Berth.Oci.Runtime;
using Berth.Runtime;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    private const int ExitNotFound = 127;
    private const int ExitNotExecutable = 126;
    private const int ExitNotStarted = 128;

    public async Task<bool> StartAsync(string id, CancellationToken cancellationToken)
    {
        Container container = Find(id);
        await container.Gate.WaitAsync(cancellationToken);
        try
        {
            switch (container.State.Status)
            {
                case ContainerStatus.Running:
                    return false;
                case ContainerStatus.Paused:
                    throw FaultException.Conflict("cannot start a paused container, try unpause instead");
                case ContainerStatus.Removing or ContainerStatus.Dead:
                    throw FaultException.Conflict("container is marked for removal and cannot be started");
            }
            await container.Run.CancelAsync();
            container.Backoff = TimeSpan.Zero;
            // Written with the state that the start ends in.
            container.Record = container.Record with { RestartCount = 0 };
            await StartLockedAsync(container, cancellationToken);
            return true;
        }
        finally
        {
            container.Gate.Release();
        }
    }

    /// <summary>Starts a container whose gate is held. When it fails, nothing of it runs, and its state says why.</summary>
    private async Task StartLockedAsync(Container container, CancellationToken cancellationToken)
    {
        container.StopRequested = false;
        IContainer? running = null;
        bool holdsTree = false;
        try
        {
            await container.Cleanup;
            await container.Tree.WaitAsync(cancellationToken);
            holdsTree = true;
            running = await LaunchAsync(container, cancellationToken);
            container.Runtime = running;
            container.StartedTimestamp = parts.Time.GetTimestamp();
            container.ExitHandled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            container.Run = CancellationTokenSource.CreateLinkedTokenSource(parts.Closing.Token);
            Update(container, record => record with
            {
                StoppedByUser = false,
                Endpoints = [.. container.Sandbox?.Endpoints ?? []],
                State = record.State with
                {
                    Status = ContainerStatus.Running, Pid = running.Pid, StartedAt = running.StartedAt ?? parts.Time.GetUtcNow(),
                    ExitCode = 0, Error = "", OutOfMemory = false,
                    Health = HealthMonitor.Initial(record.Config.Healthcheck, record.State.Health),
                },
            });
            foreach (MountRecord mount in container.Record.Mounts.Where(mount => mount.Point.Type == "volume"))
                volumes.PublishMount("mount", mount.Point.Name, container.Id, mount.Point);
            Publish(container.Record, "start");
            WatchExit(container, running);
            ShipLogs(container, running);
            health.Watch(container, running, container.Run.Token);
        }
        catch (Exception exception) when (exception is FaultException or LinuxException or IOException or OperationCanceledException)
        {
            FaultException fault = StartFault(container, exception);
            container.Pending.Abandon();
            if (running is not null)
                await TakeBackAsync(container.Id, running, container.Sandbox);
            FailStart(container, fault);
            throw fault;
        }
        finally
        {
            if (holdsTree)
                container.Tree.Release();
        }
    }

    private async Task TakeBackAsync(string id, IContainer? made, ISandbox? sandbox)
    {
        if (made is not null)
        {
            await made.DeleteAsync(CancellationToken.None);
            await made.DisposeAsync();
        }
        if (sandbox is not null)
            await sandbox.DisposeAsync();
        _hostMounts.Remove(id);
    }

    private async Task<IContainer> LaunchAsync(Container container, CancellationToken cancellationToken)
    {
        FollowJoined(container);
        ContainerRecord record = container.Record;
        WritableLayer layer = Layer(container);
        List<string> warnings = [];
        // A network namespace belongs to the user namespace that it is made in, so there it is the runtime that makes it.
        bool isMapped = record.UserMaps is not null;
        ISandbox? sandbox = NeedsSandbox(record) && !isMapped ? parts.Networks.CreateSandbox(record.Id) : null;
        IContainer? made = null;
        try
        {
            ManagedFiles files = new(parts.ContainerDirectory(record.Id));
            WriteFiles(record, files, []);
            Task<IReadOnlyList<Endpoint>> connecting = ConnectAsync(sandbox, record, cancellationToken);
            try
            {
                made = await parts.Runtime.CreateAsync(Request(record, layer, files, sandbox, warnings), cancellationToken);
                CheckJoined(record);
            }
            finally
            {
                // Both halves are done before anything is taken back.
                await ((Task)connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            IReadOnlyList<Endpoint> endpoints = await connecting;
            if (isMapped && NeedsSandbox(record))
            {
                sandbox = parts.Networks.OpenSandbox(record.Id, made.Pid);
                endpoints = await ConnectAsync(made.TrySignal(0) ? sandbox : throw FaultException.Conflict(
                    $"container {record.Id} has ended"), record, cancellationToken);
            }
            if (endpoints.Count > 0)
            {
                WriteFiles(record, files, endpoints);
                // Before it runs: an engine that finds it running must know what it is connected to.
                Update(container, known => known with { Endpoints = endpoints });
            }
            foreach (Attachment attachment in container.Pending.Take())
                attachment.Connect(await made.AttachAsync(attachment.Request.Stdin, cancellationToken));
            await made.StartAsync(cancellationToken);
            foreach (string warning in warnings.ToArray())
                Log.StartedWith(_logger, record.Name, record.Id[..12], warning);
            container.Sandbox = sandbox;
            return made;
        }
        catch
        {
            await TakeBackAsync(record.Id, made, sandbox);
            throw;
        }
    }

    private ContainerRequest Request(
        ContainerRecord record, WritableLayer layer, ManagedFiles files, ISandbox? sandbox, List<string> warnings)
    {
        UserDatabase users = Users(layer);
        (UserSpec user, string home) = users.Resolve(record.Config.User ?? "", record.Host.GroupAdd ?? []);
        string run = parts.RunDirectory(record.Id);
        Directory.CreateDirectory(run);
        Dictionary<HookSpec, string> hookOwners = new(ReferenceEqualityComparer.Instance);
        RuntimeSpec spec = WithDevices(record, hookOwners, SpecBuilder.Build(new SpecInputs
        {
            Container = record,
            Options = parts.Options,
            User = user,
            Home = home,
            HostName = record.Config.Hostname ?? record.Id[..12],
            LinkVariables = LinkVariables.Of(record, parts.Containers),
            AppArmorProfile = parts.Confinement.Ensure(),
            Mounts = MountSpecs.Build(record, files, SharedMemoryOf(record), mount => MountOf(record, mount)),
            UserNamespaceOf = UserNamespaceOf(record),
            IpcNamespaceOf = PidOfOther(record.Host.IpcMode, "IPC"),
            PidNamespaceOf = PidOfOther(record.Host.PidMode, "PID"),
            NetworkNamespaceOf = PidOfOther(record.Host.NetworkMode, "network"),
        }));
        return new ContainerRequest
        {
            Id = record.Id,
            Spec = layer.IsPlainDirectory ? spec with { Root = spec.Root! with { Path = layer.UpperDirectory } } : spec,
            Overlay = layer.IsPlainDirectory ? null
                : new OverlayRoot(layer.LowerDirectories, layer.UpperDirectory, layer.WorkDirectory, layer.MountPoint),
            RunDirectory = run,
            HookOwners = hookOwners,
            Subpaths = record.Mounts.Where(static mount => mount.Subpath.Length > 0)
                .ToDictionary(static mount => mount.Point.Destination, static mount => mount.Subpath),
            NetworkNamespace = sandbox?.Namespace,
            MapsOwners = record.UserMaps is not null,
            Layers = record.UserMaps is null ? new Dictionary<string, IReadOnlyList<string>>()
                : record.Mounts.Where(static mount => mount.Point.Type == "image")
                    .ToDictionary(static mount => mount.Point.Destination, mount => LayersOf(mount).Directories),
            OpenStdin = record.Config.OpenStdin,
            StdinOnce = record.Config.StdinOnce,
            Log = LogFileOf(record),
            Runtime = RuntimeNames.Find(parts.Options, record.Host.Runtime),
            Init = record.Host.Init ?? parts.Options.Init,
            Warnings = warnings,
        };
    }

    private RuntimeSpec WithDevices(ContainerRecord record, Dictionary<HookSpec, string> hookOwners, RuntimeSpec spec) =>
        record.Host.Resources.DeviceRequests is not { Count: > 0 } requests ? spec
            : CdiInjection.Apply(spec, DeviceRequests.Resolve(requests, CdiDevices.Read(parts.Options.CdiDirectories)), hookOwners);

    // Its own unless others may join it or it joins another's: then it is a mount that both see.
    private string? SharedMemoryOf(ContainerRecord record)
    {
        string mode = record.Host.IpcMode ?? "";
        if (mode == "shareable")
            return _hostMounts.MakeSharedMemory(record.Id, record.Host.ShmSize);
        if (!mode.StartsWith("container:", StringComparison.Ordinal))
            return null;
        Container donor = Find(mode["container:".Length..]);
        _ = PidOfOther(mode, "IPC");
        return donor.Record.Host.IpcMode == "shareable" ? _hostMounts.SharedMemoryOf(donor.Id) : throw FaultException.Invalid(
            $"can't join IPC of container {donor.Id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
    }

    // A view has an upper layer in it neither for the container nor for who made the image.
    private MountSpec ImageMount(ContainerRecord record, MountRecord mount)
    {
        Layer top = LayersOf(mount);
        string view = record.UserMaps is not null ? top.Directories[0]
            : _hostMounts.MakeView(record.Id, record.Mounts.ToList().IndexOf(mount), top);
        if (mount.Subpath.Length > 0)
            VolumePaths.CheckSubpath(view, mount.Subpath);
        return new MountSpec
        {
            Destination = mount.Point.Destination, Type = "bind", Source = view,
            Options = ["rbind", "rprivate", "ro", "nosuid", "nodev"],
        };
    }

    private Layer LayersOf(MountRecord mount) => images.Find(mount.Point.Source).Top is { } chain
        ? parts.Layers.Find(chain) ?? throw FaultException.NotFound($"mount image {mount.Point.Source}: its layers are gone")
        : throw FaultException.Invalid($"mount image {mount.Point.Source}: it has no files");

    private MountSpec MountOf(ContainerRecord record, MountRecord mount)
    {
        MountPoint point = mount.Point;
        if (point.Type == "image")
            return ImageMount(record, mount);
        if (point.Type == "tmpfs")
            return new MountSpec { Destination = point.Destination, Type = "tmpfs", Source = "tmpfs", Options = mount.Options };
        string source = point.Source;
        bool isMapped = mount.Options.Contains(UserNamespaceRules.BindOption);
        if (point.Type == "volume" && volumes.TryGet(point.Name) is { } volume)
        {
            if (LocalVolumeOptions.TmpfsOptions(volume) is { } tmpfs)
                return new MountSpec { Destination = point.Destination, Type = "tmpfs", Source = "tmpfs", Options = tmpfs };
            // A volume that is a directory of the host's is the host's, as a bind mount is.
            string? bound = LocalVolumeOptions.BoundDirectory(volume);
            isMapped |= bound is null;
            source = bound ?? volume.Mountpoint;
            if (mount.Subpath.Length > 0)
                VolumePaths.CheckSubpath(source, mount.Subpath);
        }
        else if (mount.Options.Contains("create") && !Path.Exists(source))
            Directory.CreateDirectory(source);
        string propagation = point.Propagation.Length > 0 ? point.Propagation : "rprivate";
        MountSpec bind = new()
        {
            Destination = point.Destination,
            Type = "bind",
            Source = source,
            Options = [mount.NonRecursive ? "bind" : "rbind", propagation, Access(record, mount)],
        };
        return isMapped && record.UserMaps is not null ? MountSpecs.Mapped(bind) : bind;
    }

    // Read-only all the way down, as Docker does it since 25, unless somebody asked for the old way. A runtime of others that does not
    // say that it can, gets the plain option, as from Docker.
    private string Access(ContainerRecord record, MountRecord mount)
    {
        if (mount.Point.ReadWrite)
            return "rw";
        if (mount.ReadOnlyNonRecursive)
            return "ro";
        if (RuntimeNames.Find(parts.Options, record.Host.Runtime) is not { } runtime || _runtimeFeatures.HasMountOption(runtime, "rro"))
            return "rro";
        return !mount.ReadOnlyForceRecursive ? "ro" : throw FaultException.Invalid(
            $"rro is not supported by runtime \"{runtime.Name}\": its command \"features\" does not name it");
    }

    // The files of a layer that nobody has started yet are those of its image: read once for each.
    private UserDatabase Users(WritableLayer layer)
    {
        bool isTouched = layer.IsPlainDirectory || layer.Parent is null || Path.Exists(Path.Combine(layer.UpperDirectory, "etc"));
        if (!isTouched && _users.TryGetValue(layer.Parent!.Value, out UserDatabase? known))
            return known;
        using ContainerRoot root = ContainerRoot.OfLayer(layer);
        UserDatabase users = root.ReadUsers();
        if (!isTouched)
        {
            if (_users.Count > 256)
                _users.Clear();
            _users[layer.Parent!.Value] = users;
        }
        return users;
    }

    // Its namespaces were joined by the number of its first process: when that has ended meanwhile, the number may be another's,
    // and its namespaces the host's.
    private void CheckJoined(ContainerRecord record)
    {
        foreach (string? mode in UserNamespaceRules.Joined(record.Host))
            if (OtherContainer(mode) is { } other && other.Runtime?.TrySignal(0) != true)
                throw FaultException.Conflict($"cannot join namespace of a non running container: {other.Id}");
    }

    // Namespaces of others belong to the user namespace that they were made in: one that is in another is nobody to them.
    private int? UserNamespaceOf(ContainerRecord record)
    {
        if (record.UserMaps is null)
            return null;
        int[] others = [.. UserNamespaceRules.Joined(record.Host).Select(mode => PidOfOther(mode, "USER")).OfType<int>()];
        string?[] namespaces = [.. others.Select(static pid => new FileInfo($"/proc/{pid}/ns/user").LinkTarget).Distinct()];
        return namespaces.Length <= 1 ? others.Cast<int?>().FirstOrDefault() : throw FaultException.Conflict(
            "cannot join namespaces of several containers that are in different user namespaces");
    }

    // Records of earlier engines have the name of whose namespaces it joins, and who has it now may have other ids. On disk are none of
    // them.
    private void FollowJoined(Container container)
    {
        if (container.Record.UserMaps is { } own && UserNamespaceRules.MapsOfJoined(container.Record.Host, RecordOf) is { } maps
            && maps.RootUser != own.RootUser)
            Update(container, record => record with { UserMaps = maps });
    }

    private Container? OtherContainer(string? mode) =>
        mode?.StartsWith("container:", StringComparison.Ordinal) == true ? Find(mode["container:".Length..]) : null;

    private int? PidOfOther(string? mode, string what)
    {
        if (OtherContainer(mode) is not { } other)
            return null;
        return other.State is { Status: ContainerStatus.Running or ContainerStatus.Paused, Pid: > 0 } state ? state.Pid
            : throw FaultException.Conflict($"cannot join {what} of a non running container: {other.Id}");
    }

    private static bool NeedsSandbox(ContainerRecord record) =>
        record.Host.NetworkMode != "host" && record.Host.NetworkMode?.StartsWith("container:", StringComparison.Ordinal) != true;

    private async Task<IReadOnlyList<Endpoint>> ConnectAsync(ISandbox? sandbox, ContainerRecord record, CancellationToken cancellationToken)
    {
        if (sandbox is null)
            return [];
        bool isPublished = false;
        List<Endpoint> all = [];
        foreach ((string network, EndpointSettings settings) in record.Networks.OrderByDescending(entry => entry.Value.GatewayPriority)
            .ThenByDescending(entry => entry.Key == record.Host.NetworkMode))
        {
            bool publishes = !isPublished && CarriesPorts(network);
            all.Add(await ConnectOneAsync(sandbox, record, network, settings, publishes, cancellationToken));
            isPublished |= publishes;
        }
        return all;
    }

    /// <summary>Whether ports of containers are published at a network: at internal ones and at those without a bridge none are.</summary>
    internal bool CarriesPorts(string network) => parts.Networks.Find(network) is { Driver: "bridge", Internal: false };

    /// <summary>Publishes a running container's ports at the network that is its way out now, if it has one.</summary>
    internal async Task MovePortsAsync(ISandbox sandbox, ContainerRecord record, CancellationToken cancellationToken)
    {
        if (sandbox.Endpoints.FirstOrDefault(static endpoint => endpoint.HasGateway) is { } next)
            await parts.Networks.PublishAsync(sandbox, next.NetworkId, PortsOf(record), cancellationToken);
    }

    private IReadOnlyList<Network.PortBinding> PortsOf(ContainerRecord record) =>
        PublishRules.Bindings(record.Host, record.Config.ExposedPorts ?? [], parts.Options.DefaultPublishAddress);

    internal async Task<Endpoint> ConnectOneAsync(
        ISandbox sandbox, ContainerRecord record, string network, EndpointSettings settings, bool publish,
            CancellationToken cancellationToken)
    {
        EndpointOptions options = EndpointOptions.Parse(settings.DriverOptions);
        Endpoint endpoint = await parts.Networks.ConnectAsync(sandbox, network, new EndpointRequest
        {
            ContainerName = record.Name,
            Address = settings.IPv4Address.Length > 0 ? InternetAddress.Parse(settings.IPv4Address) : null,
            IPv6Address = settings.IPv6Address.Length > 0 ? InternetAddress.Parse(settings.IPv6Address) : null,
            LinkLocalAddresses = [.. settings.LinkLocalAddresses.Select(InternetAddress.Parse)],
            Mac = settings.MacAddress.Length > 0 ? MacAddress.Parse(settings.MacAddress) : null,
            Aliases = ContainerNetworking.Aliases(record, settings),
            Links = LinksOn(record, network, settings),
            Ports = publish ? PortsOf(record) : [],
            Dns = [.. (record.Host.Dns ?? []).Select(IPAddress.Parse)],
            InterfaceName = options.InterfaceName,
            ReservedInterfaceNames = [.. record.Networks.Where(other => other.Key != network)
                .Select(other => other.Value.DriverOptions.GetValueOrDefault(EndpointOptions.NameOption, ""))],
            Parameters = options.Parameters,
        }, cancellationToken);
        parts.Events.Publish("network", "connect", endpoint.NetworkId, new Dictionary<string, string>
        {
            ["container"] = record.Id, ["name"] = endpoint.NetworkName, ["type"] =
                parts.Networks.Find(endpoint.NetworkId)?.Driver ?? "bridge",
        });
        return endpoint;
    }

    internal void WriteFiles(ContainerRecord record, ManagedFiles files, IReadOnlyList<Endpoint> endpoints)
    {
        string hostName = record.Config.Hostname ?? record.Id[..12];
        if (record.Host.NetworkMode?.StartsWith("container:", StringComparison.Ordinal) == true)
        {
            CopyFilesOfOther(record, files);
            return;
        }
        IReadOnlyList<IPAddress> gateways = HostGateways(endpoints);
        File.WriteAllText(files.Hosts, HostsFile.Content(hostName, record.Config.Domainname ?? "",
            endpoints.SelectMany(endpoint => endpoint.Addresses),
            (record.Host.ExtraHosts ?? []).SelectMany(text => HostsFile.ParseExtraHost(text, gateways)).Concat(LinkedHosts(record))));
        if (endpoints.Count > 0)
            return;
        File.WriteAllText(files.Hostname, HostsFile.HostName(hostName));
        string hostFile = File.Exists("/etc/resolv.conf") ? File.ReadAllText("/etc/resolv.conf") : "";
        File.WriteAllText(files.ResolvConf, ResolvConf.For(hostFile, new ResolvConfOptions
        {
            CopyHost = record.Host.NetworkMode == "host" && record.Host.Dns is not { Count: > 0 },
            UsesEmbeddedServer = record.Networks.Keys.Any(name => parts.Networks.Find(name)?.HasNames == true),
            HasIPv6 = record.Networks.Keys.Any(name => parts.Networks.Find(name)?.IPv6 is not null),
            Servers = [.. (record.Host.Dns is { Count: > 0 } own ? own : parts.Options.Dns).Select(IPAddress.Parse)],
            Search = record.Host.DnsSearch is { Count: > 0 } search ? search : parts.Options.DnsSearch,
            Options = record.Host.DnsOptions is { Count: > 0 } options ? options : parts.Options.DnsOptions,
        }));
    }

    // The host as the container reaches it: by the networks that lead out, else by the default one.
    private IReadOnlyList<IPAddress> HostGateways(IReadOnlyList<Endpoint> endpoints)
    {
        InternetAddress?[] own = [endpoints.FirstOrDefault(endpoint => endpoint.Gateway is not null)?.Gateway,
            endpoints.FirstOrDefault(endpoint => endpoint.IPv6Gateway is not null)?.IPv6Gateway];
        IEnumerable<InternetAddress> gateways = own.Any(gateway => gateway is not null) ? own.OfType<InternetAddress>()
            : parts.Networks.Find("bridge")?.Plans.Select(plan => plan.Gateway).OfType<InternetAddress>() ?? [];
        return [.. gateways.Select(gateway => gateway.ToIPAddress())];
    }

    private void CopyFilesOfOther(ContainerRecord record, ManagedFiles files)
    {
        // One that never ran has no files yet.
        _ = PidOfOther(record.Host.NetworkMode, "network");
        ManagedFiles other = new(parts.ContainerDirectory(Find(record.Host.NetworkMode!["container:".Length..]).Id));
        foreach ((string from, string to) in (
            (string, string)[])[(other.Hosts, files.Hosts), (other.Hostname, files.Hostname), (other.ResolvConf, files.ResolvConf)])
            File.Copy(from, to, overwrite: true);
    }

    private void FailStart(Container container, FaultException fault)
    {
        int code = fault.Data["exit"] as int? ?? ExitNotStarted;
        container.Runtime = null;
        container.Sandbox = null;
        ContainerRecord record = container.Record;
        Settle(container, record with
        {
            Endpoints = [],
            State = record.State with
            {
                Status = record.State.StartedAt is null ? ContainerStatus.Created : ContainerStatus.Exited,
                Pid = 0, ExitCode = code, Error = fault.Message,
            },
        });
        container.CompleteExit(new WaitOutcome(code, null));
        if (container.Record.Host.AutoRemove)
            RemoveLocked(container, removeVolumes: true);
    }

    // The runtime says what is wrong; what to do about it is ours to say.
    private static string WithNextStep(string message)
    {
        string hint = message.Contains("(CRLF)", StringComparison.Ordinal)
            ? " (convert the script, for example with: sed -i 's/\\r$//' SCRIPT, and build the image again)"
            : message.Contains(": exec format error", StringComparison.Ordinal)
            ? " (begin a script with a line such as #!/bin/sh; a program must be built for this machine's processor)"
            : message.Contains("of the script not found", StringComparison.Ordinal)
            ? " (install that interpreter in the image, or change the first line of the script)" : "";
        const string Unknown = ": unknown";
        if (IsWrongKind(message))
            return message + ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists "
                + "and is the expected type";
        return hint.Length == 0 ? message
            : message.EndsWith(Unknown, StringComparison.Ordinal) ? message[..^Unknown.Length] + hint + Unknown : message + hint;
    }

    // Docker's sign of it, as its runtimes say it, ours among them.
    private static bool IsWrongKind(string message) => message.Contains("mount", StringComparison.Ordinal)
        && message.Contains("not a directory", StringComparison.OrdinalIgnoreCase);

    private FaultException StartFault(Container container, Exception exception)
    {
        const string Prefix =
            "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: "
            + "unable to start container process: ";
        string message = exception.Message;
        int code = exception is not FaultException fault ? ExitNotStarted
            : fault.Kind switch { FaultKind.NotFound => ExitNotFound, FaultKind.Forbidden => ExitNotExecutable, _ => ExitNotStarted };
        int otherwise = IsWrongKind(message) ? ExitNotFound : ExitNotStarted;
        bool isProgram = code != ExitNotStarted && message.Contains("exec", StringComparison.Ordinal);
        if (isProgram && !message.StartsWith("failed to create task", StringComparison.Ordinal))
            message = (message.StartsWith("OCI runtime", StringComparison.Ordinal)
                ? Prefix[..Prefix.IndexOf("OCI", StringComparison.Ordinal)] : Prefix) + message
                + (message.EndsWith(": unknown", StringComparison.Ordinal) ? "" : ": unknown");
        FaultKind kind = isProgram ? FaultKind.InvalidArgument : (exception as FaultException)?.Kind
            ?? (exception is OperationCanceledException ? FaultKind.Cancelled : FaultKind.Internal);
        message = WithNextStep(message);
        string attempt = $"start container {container.Name}";
        FaultException result = exception is IOException ? DiskFull.Explain(attempt, parts.Options.DataRoot, exception)
            : new(kind, exception is FaultException ? message : $"{attempt}: {message}", exception);
        result.Data["exit"] = isProgram ? code : otherwise;
        return result;
    }
}
