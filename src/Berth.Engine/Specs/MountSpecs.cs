using Berth.Engine.State;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;

namespace Berth.Engine.Specs;

/// <summary>The mounts of a container as the runtime wants them: Docker's own, the managed files, then the user's.</summary>
internal static class MountSpecs
{
    private static readonly MountSpec s_queues = New("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev");

    /// <param name="container">The container.</param>
    /// <param name="files">The files that the engine writes for it.</param>
    /// <param name="sharedMemory">The directory that is its <c>/dev/shm</c>; null: one of its own.</param>
    /// <param name="resolve">Makes a mount of what the record says.</param>
    public static List<MountSpec> Build(
        ContainerRecord container, ManagedFiles files, string? sharedMemory, Func<MountRecord, MountSpec> resolve)
    {
        HostSettings host = container.Host;
        HashSet<string> taken = [.. container.Mounts.Select(mount => mount.Point.Destination)];
        List<MountSpec> all = [.. Standard(host, sharedMemory, container.UserMaps is not null)
            .Where(mount => !taken.Contains(mount.Destination))];
        foreach ((string source, string target) in files.Mounts)
            if (!taken.Contains(target))
                all.Add(container.UserMaps is null ? Bind(source, target, "rprivate") : Mapped(Bind(source, target, "rprivate")));
        all.AddRange(container.Mounts.Select(resolve));
        return all;
    }

    /// <summary>A bind mount with the owners that its files have on disk.</summary>
    public static MountSpec Mapped(MountSpec mount) => mount with { Options = [.. mount.Options ?? [], UserNamespaceRules.BindOption] };

    /// <summary>The message queues of the host's IPC namespace, which a mount made in it shows.</summary>
    /// <param name="areMounted">They are, at <c>/dev/mqueue</c>.</param>
    /// <param name="mayMount">Only its root may mount them.</param>
    internal static MountSpec? HostQueues(bool areMounted, bool mayMount) =>
        areMounted ? Bind("/dev/mqueue", "/dev/mqueue", "rprivate") : mayMount ? s_queues : null;

    private static IEnumerable<MountSpec> Standard(HostSettings host, string? sharedMemory, bool isMapped)
    {
        string access = host.Privileged ? "rw" : "ro";
        yield return host.PidMode == "host" && !UserNamespace.IsInitial
            ? OfMachine("/proc", "rw") : New("/proc", "proc", "nosuid", "noexec", "nodev");
        yield return New("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k");
        yield return New("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5");
        yield return host.NetworkMode == "host" && !UserNamespace.IsInitial
            ? OfMachine("/sys", access) : New("/sys", "sysfs", "nosuid", "noexec", "nodev", access);
        yield return New("/sys/fs/cgroup", "cgroup", access, "nosuid", "noexec", "nodev");
        if (host.IpcMode == "host")
        {
            if (HostQueues(Directory.Exists("/dev/mqueue"), UserNamespace.IsInitial && !isMapped) is { } queues)
                yield return queues;
            yield return Bind("/dev/shm", "/dev/shm", "rprivate");
            yield break;
        }
        yield return s_queues;
        if (sharedMemory is not null)
            yield return Bind(sharedMemory, "/dev/shm", "rprivate");
        else if (host.IpcMode != "none")
            yield return New("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", $"size={host.ShmSize}");
    }

    private static MountSpec New(string destination, string type, params string[] options) =>
        new() { Destination = destination, Type = type, Source = type == "tmpfs" && destination == "/dev/shm" ? "shm"
            : type, Options = options };

    // The kernel shows a namespace only to whoever is root where it belongs; of the machine's own an ordinary user's engine has the
    // machine's view, which it cannot write to either.
    private static MountSpec OfMachine(string path, string access) =>
        new() { Destination = path, Type = "bind", Source = path, Options = ["rbind", "rprivate", "nosuid", "noexec", "nodev", access] };

    private static MountSpec Bind(string source, string destination, string propagation) =>
        new() { Destination = destination, Type = "bind", Source = source, Options = ["rbind", propagation] };
}

/// <summary>The files below <c>/etc</c> that the engine writes for a container.</summary>
/// <param name="Directory">Where they are on the host.</param>
internal sealed record ManagedFiles(string Directory)
{
    public string Hosts => Path.Combine(Directory, "hosts");

    public string Hostname => Path.Combine(Directory, "hostname");

    public string ResolvConf => Path.Combine(Directory, "resolv.conf");

    public IEnumerable<(string Source, string Target)> Mounts =>
        [(ResolvConf, "/etc/resolv.conf"), (Hostname, "/etc/hostname"), (Hosts, "/etc/hosts")];
}
