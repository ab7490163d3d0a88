using Berth.Builder;
using Berth.Engine.Specs;
using Berth.Engine.State;
using Berth.Faults;
using Berth.Layers;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Network;
using Berth.Oci.Runtime;
using Berth.Runtime;

namespace Berth.Engine;

/// <summary>Runs the commands of builds as containers that nobody else sees.</summary>
internal sealed class StepRunner(EngineParts parts, ContainerService containers) : IStepRunner
{
    public async Task<StepResult> RunAsync(StepRequest request, IStepOutput output, CancellationToken cancellationToken)
    {
        ContainerRecord record = RecordOf(request);
        string run = parts.RunDirectory(request.Id);
        Directory.CreateDirectory(run);
        IReadOnlyList<string> missing;
        UserSpec user;
        string home;
        using (ContainerRoot root = ContainerRoot.OfLayer(request.Layer))
        {
            missing = Missing(root, [.. MountStubs.Own, .. request.Mounts.Select(mount => mount.Target)]);
            (user, home) = root.ReadUsers().Resolve(request.User, []);
        }
        string directory = parts.ContainerDirectory(request.Id);
        Directory.CreateDirectory(directory);
        // A step that is in a user namespace gets a network namespace of that one, which is made with it.
        ISandbox? sandbox = request.Network == "host" || record.UserMaps is not null ? null : parts.Networks.CreateSandbox(request.Id);
        try
        {
            ManagedFiles files = new(directory);
            containers.WriteFiles(record, files, []);
            if (sandbox is not null && request.Network != "none")
                containers.WriteFiles(record, files, [await ConnectAsync(sandbox, record, cancellationToken)]);
            return await RunAsync(request, record, files, sandbox, (user, home), output, cancellationToken);
        }
        finally
        {
            if (sandbox is not null)
                await sandbox.DisposeAsync();
            Directory.Delete(directory, recursive: true);
            MountStubs.Remove(request.Layer.UpperDirectory, missing);
        }
    }

    private async Task<StepResult> RunAsync(
        StepRequest request, ContainerRecord record, ManagedFiles files, ISandbox? sandbox, (UserSpec User, string Home) who,
        IStepOutput output, CancellationToken cancellationToken)
    {
        IContainer container = await parts.Runtime.CreateAsync(Request(request, record, files, sandbox, who), cancellationToken);
        ISandbox? own = null;
        await using (container)
        {
            try
            {
                if (record.UserMaps is not null)
                {
                    own = parts.Networks.OpenSandbox(request.Id, container.Pid);
                    if (request.Network != "none" && container.TrySignal(0))
                        containers.WriteFiles(record, files, [await ConnectAsync(own, record, cancellationToken)]);
                }
                await using IContainerStreams streams = await container.AttachAsync(stdin: false, cancellationToken);
                await container.StartAsync(cancellationToken);
                byte[] buffer = new byte[16 * 1024];
                while (true)
                {
                    (OutputSource source, int count) = await streams.ReadAsync(buffer, cancellationToken);
                    if (count == 0)
                        break;
                    await output.WriteAsync(buffer.AsMemory(0, count), source == OutputSource.Stderr, cancellationToken);
                }
                ContainerExit exit = await container.Exited.WaitAsync(cancellationToken);
                return new StepResult(exit.Code, exit.OutOfMemory);
            }
            catch (FaultException fault) when (fault.Kind is FaultKind.NotFound or FaultKind.Forbidden)
            {
                await output.WriteAsync(System.Text.Encoding.UTF8.GetBytes(fault.Message + "\n"), true, cancellationToken);
                return new StepResult(fault.Kind == FaultKind.NotFound ? 127 : 126);
            }
            finally
            {
                container.TrySignal(9);
                await container.DeleteAsync(CancellationToken.None);
                if (own is not null)
                    await own.DisposeAsync();
            }
        }
    }

    private ContainerRequest Request(
        StepRequest request, ContainerRecord record, ManagedFiles files, ISandbox? sandbox, (UserSpec User, string Home) who)
    {
        List<MountSpec> mounts = MountSpecs.Build(record, files, sharedMemory: null, _ => new MountSpec());
        mounts.AddRange(request.Mounts.Select(mount => record.UserMaps is null || mount.Source is null
            ? MountOf(mount) : MountSpecs.Mapped(MountOf(mount))));
        RuntimeSpec spec = SpecBuilder.Build(new SpecInputs
        {
            Container = record, Options = parts.Options, User = who.User, Home = who.Home,
            HostName = record.Config.Hostname!, Mounts = mounts, AppArmorProfile = parts.Confinement.Ensure(),
        });
        WritableLayer layer = request.Layer;
        return new ContainerRequest
        {
            Id = request.Id,
            Spec = layer.IsPlainDirectory ? spec with { Root = spec.Root! with { Path = layer.UpperDirectory } } : spec,
            Overlay = layer.IsPlainDirectory ? null
                : new OverlayRoot(layer.LowerDirectories, layer.UpperDirectory, layer.WorkDirectory, layer.MountPoint),
            RunDirectory = parts.RunDirectory(request.Id),
            NetworkNamespace = sandbox?.Namespace,
            MapsOwners = record.UserMaps is not null,
        };
    }

    private static MountSpec MountOf(StepMount mount) => mount.Source is { } source
        ? new MountSpec { Destination = mount.Target, Type = "bind", Source = source, Options =
            ["rbind", "rprivate", mount.ReadOnly ? "ro" : "rw"] }
        : new MountSpec
        {
            Destination = mount.Target, Type = "tmpfs", Source = "tmpfs",
            Options = mount.SizeBytes is { } size ? ["nosuid", "nodev", "noexec", $"size={size}"] : ["nosuid", "nodev", "noexec"],
        };

    private async Task<Endpoint> ConnectAsync(ISandbox sandbox, ContainerRecord record, CancellationToken cancellationToken) =>
        await parts.Networks.ConnectAsync(
            sandbox, record.Host.NetworkMode!, new EndpointRequest { ContainerName = record.Name }, cancellationToken);

    private ContainerRecord RecordOf(StepRequest request)
    {
        StepLimits limits = request.Limits;
        string network = request.Network is "" or "default" ? "bridge" : request.Network;
        if (network == "host" && parts.Options.DefaultUserMaps is not null)
            throw FaultException.Invalid("cannot share the host's network namespace when user namespaces are enabled");
        return new ContainerRecord
        {
            Id = request.Id,
            Name = "build-" + request.Id[..12],
            Created = parts.Time.GetUtcNow(),
            Config = new ContainerSettings
            {
                Cmd = request.Arguments, Env = request.Environment, WorkingDir = request.WorkingDirectory, User = request.User,
                Hostname = "buildkitsandbox",
            },
            Host = new HostSettings
            {
                NetworkMode = network, IpcMode = "private", CgroupnsMode = "private", ExtraHosts = request.ExtraHosts,
                ShmSize = limits.ShmSizeBytes > 0 ? limits.ShmSizeBytes : parts.Options.DefaultShmSize,
                Resources = new ResourceLimits
                {
                    Memory = limits.MemoryBytes, MemorySwap = limits.MemorySwapBytes, CpuShares = limits.CpuShares,
                    CpuQuota = limits.CpuQuotaMicroseconds, CpuPeriod = limits.CpuPeriodMicroseconds,
                    CpusetCpus = limits.CpusetCpus, CpusetMems = limits.CpusetMems, CgroupParent = limits.CgroupParent,
                    Ulimits = [.. limits.Ulimits.Select(limit => new Ulimit(limit.Key, limit.Value.Soft, limit.Value.Hard))],
                },
            },
            Networks = new Dictionary<string, EndpointSettings> { [network] = new() },
            UserMaps = parts.Options.DefaultUserMaps,
        };
    }

    /// <summary>The paths, parents first, that the runtime will have to make as mount points.</summary>
    private static List<string> Missing(ContainerRoot root, IEnumerable<string> targets)
    {
        List<string> missing = [];
        foreach (string target in targets.Select(ContainerPath.Clean))
        {
            string path = "";
            foreach (string part in target.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                path += "/" + part;
                using FileDescriptor? found = root.TryOpen(path, FileCalls.O_PATH);
                if (found is null && !missing.Contains(path))
                    missing.Add(path);
            }
        }
        return missing;
    }
}
