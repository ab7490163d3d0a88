using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Linux.Sockets;
using Berth.Oci.Runtime;
using Berth.Runtime.Monitors;
using Berth.Stage;

namespace Berth.Runtime.Plans;

/// <summary>User namespaces that carry id maps and nothing else: what an idmapped mount is shown through.</summary>
internal static class UserNamespaces
{
    /// <summary>Makes one with a mount's maps.</summary>
    /// <exception cref="FaultException">InvalidArgument: it has no maps, or the kernel refuses them.</exception>
    public static FileDescriptor Create(IStageProgram program, MountSpec mount)
    {
        if (mount.UidMappings is not { Count: > 0 } users || mount.GidMappings is not { Count: > 0 } groups)
            throw FaultException.Invalid($"idmapped mount {mount.Destination}: it needs uidMappings and gidMappings");
        (FileDescriptor own, FileDescriptor other) = DescriptorSockets.CreatePair();
        using (own)
        {
            int pid;
            using (other)
                pid = ProcessSpawner.Spawn(program.Executable, ["berth-namespace", StageContract.NamespaceVerb], [other.Number, -1, -1]);
            try
            {
                if (DescriptorSockets.Receive(own, stackalloc byte[1], out _) != 1)
                    throw FaultException.Invalid($"idmapped mount {mount.Destination}: the kernel makes no user namespace");
                IdMaps.Write(pid, users, groups);
                return FileCalls.Open(FileCalls.WorkingDirectory, FileCalls.PathOf($"/proc/{pid}/ns/user"), FileCalls.O_RDONLY);
            }
            finally
            {
                own.Dispose();
                ProcessSpawner.Reap(pid);
            }
        }
    }
}
