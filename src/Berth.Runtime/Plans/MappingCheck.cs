using System.Collections.Concurrent;
using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Mounts;
using Berth.Oci.Runtime;
using Berth.Runtime.Monitors;

namespace Berth.Runtime.Plans;

/// <summary>Tries whether the kernel and a file system have what containers with a user namespace need, before one is promised.</summary>
internal sealed class MappingCheck(IStageProgram program)
{
    private static readonly IdMapping[] s_any = [new() { ContainerID = 0, HostID = 100_000, Size = 1 }];

    private readonly ConcurrentDictionary<ulong, string> _answers = new(); // By device; empty: it can.

    /// <exception cref="FaultException">NotSupported: why not.</exception>
    public void Check(string directory)
    {
        ulong device;
        using (FileDescriptor opened = FileCalls.OpenDirectory(directory))
            device = FileCalls.Status(opened).Device;
        if (!_answers.TryGetValue(device, out string? refusal))
        {
            refusal = Try(directory);
            _answers[device] = refusal;
        }
        if (refusal.Length > 0)
            throw new FaultException(FaultKind.NotSupported, refusal);
    }

    private string Try(string directory)
    {
        FileDescriptor maps;
        try
        {
            maps = UserNamespaces.Create(
                program, new MountSpec { Destination = directory, Type = "bind", UidMappings = s_any, GidMappings = s_any });
        }
        catch (Exception refused) when (refused is FaultException or LinuxException)
        {
            return "user namespaces cannot be used here: the kernel makes none (see sysctl user.max_user_namespaces): use --userns=host";
        }
        using (maps)
        {
            try
            {
                using FileDescriptor tree = DetachedMounts.Clone(directory, recursive: false);
                DetachedMounts.MapOwners(tree, maps, recursive: false);
                return "";
            }
            catch (LinuxException refused)
            {
                return $"user namespaces cannot be used here: the file system of {directory} has no idmapped mounts ({refused.Message}): "
                    + "use --userns=host, or keep the data root on ext4, xfs or btrfs with Linux 5.19 or newer";
            }
        }
    }
}
