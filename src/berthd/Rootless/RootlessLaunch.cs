using System.Globalization;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Linux.Sockets;
using Berth.Stage;

namespace Berth.Daemon.Rootless;

/// <summary>Makes an ordinary user's berthd root in namespaces of its own: user, mounts, and a network for its bridges.</summary>
/// <remarks>The namespaces are held by a process of their own, so that containers go on when the daemon is killed, and the next one finds
/// them. user_namespaces(7), newuidmap(1), slirp4netns(1); docs/adr/0018-rootless-engine.md.</remarks>
internal static class RootlessLaunch
{
    /// <summary>Says to the daemon in the namespaces who holds them.</summary>
    public const string HolderVariable = "BERTH_ROOTLESS_HOLDER";

    private const string Device = "tap0";

    /// <summary>The holder's pid when this process is a daemon in such namespaces.</summary>
    public static int? Holder => Environment.IsPrivilegedProcess && !UserNamespace.IsInitial
        && int.TryParse(
            Environment.GetEnvironmentVariable(HolderVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
        ? pid : null;

    /// <summary>Becomes the daemon in the namespaces: returns only by an exception.</summary>
    /// <param name="execRoot">Where the namespaces' processes are noted.</param>
    /// <param name="runtimeBinary">The program whose early stage holds and joins them; null: beside this program.</param>
    /// <exception cref="FaultException">Unavailable: the machine lacks a program, or the user has no IDs to give; and which.</exception>
    public static void Enter(string execRoot, string? runtimeBinary)
    {
        string program = runtimeBinary ?? Path.Combine(AppContext.BaseDirectory, "berth-runtime");
        string directory = Path.Combine(execRoot, "rootless");
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        int holder = FindOrMake(directory, program);
        string self = Environment.ProcessPath!;
        string[] arguments = Environment.GetCommandLineArgs();
        Environment.SetEnvironmentVariable(HolderVariable, holder.ToString(CultureInfo.InvariantCulture));
        ProcessSpawner.Replace(
            program, ["berthd", StageContract.JoinVerb, holder.ToString(CultureInfo.InvariantCulture), self, .. arguments]);
    }

    /// <summary>Ends the namespaces when nothing but their holder lives in them, and so no container does.</summary>
    /// <param name="execRoot">As for <see cref="Enter"/>.</param>
    public static void LeaveIfIdle(string execRoot)
    {
        string path = Path.Combine(execRoot, "rootless", "holder");
        if (Holder is not { } holder || HolderFile.Read(path) is not { } file || file.Holder.Pid != holder)
            return;
        string own = new FileInfo("/proc/self/ns/user").LinkTarget ?? "";
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                || pid == holder || pid == Environment.ProcessId || pid == file.Network.Pid)
                continue;
            if (NamespaceOf(pid) == own)
                return;
        }
        File.Delete(path);
        Signals.TrySend(file.Network.Pid, Signals.SIGKILL);
        Signals.TrySend(holder, Signals.SIGKILL);
    }

    private static string? NamespaceOf(int pid)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/ns/user").LinkTarget;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Gone, or somebody else's.
            return null;
        }
    }

    private static int FindOrMake(string directory, string program)
    {
        // Two daemons that start at once must not make two.
        using FileDescriptor gate = Lock(Path.Combine(directory, "lock"));
        string path = Path.Combine(directory, "holder");
        HolderFile? found = HolderFile.Read(path);
        if (found is { Network.IsAlive: true })
            return found.Holder.Pid;
        string network = Programs.Find("slirp4netns", "it connects containers to the network (Debian's package slirp4netns)");
        string log = Path.Combine(directory, "slirp4netns.log");
        int holder = found?.Holder.Pid ?? MakeHolder(program);
        try
        {
            int user = StartNetwork(network, holder, log);
            new HolderFile(Mark(holder), Mark(user)).Write(path);
            return holder;
        }
        catch
        {
            if (found is null)
                Signals.TrySend(holder, Signals.SIGKILL);
            throw;
        }
    }

    private static ProcessMark Mark(int pid) => ProcessMark.Of(pid)
        ?? throw FaultException.Internal($"start as an ordinary user: process {pid} ended at once");

    // Waits for its turn; the file stays, its lock goes with the descriptor, also when this process is killed or becomes the daemon.
    private static FileDescriptor Lock(string path)
    {
        FileDescriptor file = FileCalls.Open(
            FileCalls.WorkingDirectory, FileCalls.PathOf(path), FileCalls.O_RDWR | FileCalls.O_CREAT, 0x180);
        int error;
        while ((error = FileCalls.TryLock(file, FileCalls.LOCK_EX)) == Errno.EINTR)
        {
        }
        if (error == 0)
            return file;
        file.Dispose();
        throw new LinuxException("flock", path, error);
    }

    private static int MakeHolder(string program)
    {
        uint user = FileCalls.EffectiveUser;
        uint group = FileCalls.EffectiveGroup;
        string name = Environment.UserName;
        string mapUsers = Programs.Find("newuidmap", "it gives the user's IDs to the engine (Debian's package uidmap)");
        string mapGroups = Programs.Find("newgidmap", "it gives the user's IDs to the engine (Debian's package uidmap)");
        IReadOnlyList<(uint, uint)> users = Ranges("/etc/subuid", name, user);
        IReadOnlyList<(uint, uint)> groups = Ranges("/etc/subgid", name, user);
        (FileDescriptor own, FileDescriptor other) = DescriptorSockets.CreatePair();
        using (own)
        {
            int pid;
            using (other)
            using (FileDescriptor nothing = Nothing())
                pid = ProcessSpawner.Spawn(
                    program, ["berth-holder", StageContract.HoldVerb], [other.Number, nothing.Number, nothing.Number], directory: "/");
            try
            {
                Await(own, "the kernel lets this user make no user namespace (sysctl kernel.unprivileged_userns_clone, "
                    + "kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces)");
                Programs.Run(mapUsers, SubordinateIds.Arguments(pid, user, users));
                Programs.Run(mapGroups, SubordinateIds.Arguments(pid, group, groups));
                DescriptorSockets.Send(own, "m"u8);
                Await(own, "its namespaces cannot be set up");
                return pid;
            }
            catch
            {
                Signals.TrySend(pid, Signals.SIGKILL);
                ProcessSpawner.Reap(pid);
                throw;
            }
        }
    }

    // What outlives the daemon must not hold its streams open.
    private static FileDescriptor Nothing() => FileCalls.Open(FileCalls.WorkingDirectory, "/dev/null\0"u8, FileCalls.O_RDWR);

    private static void Await(FileDescriptor connection, string otherwise)
    {
        if (DescriptorSockets.Receive(connection, stackalloc byte[1], out _) != 1)
            throw FaultException.Unavailable($"start as an ordinary user: {otherwise}");
    }

    private static IReadOnlyList<(uint First, uint Count)> Ranges(string file, string name, uint id)
    {
        IReadOnlyList<(uint, uint)> ranges = SubordinateIds.Of(File.Exists(file) ? File.ReadAllText(file) : "", name, id);
        return ranges.Count > 0 ? ranges : throw FaultException.Unavailable(
            $"start as an ordinary user: {name} has no range of IDs in {file}: as root, give one with "
            + $"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name} (a range that nobody else has)");
    }

    private static int StartNetwork(string program, int holder, string log)
    {
        using FileStream output = new(log, FileMode.Create, FileAccess.Write, FileShare.Read);
        (FileDescriptor ready, FileDescriptor other) = DescriptorSockets.CreatePair();
        using (ready)
        {
            using (other)
            using (FileDescriptor nothing = Nothing())
            {
                int sink = (int)output.SafeFileHandle.DangerousGetHandle();
                int pid = ProcessSpawner.Spawn(
                    program,
                    ["slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", "--enable-sandbox", "--enable-seccomp",
                        "--ready-fd=3", holder.ToString(CultureInfo.InvariantCulture), Device],
                    [nothing.Number, sink, sink, other.Number], [$"PATH={Programs.SearchPath}"], "/");
                other.Dispose();
                if (DescriptorSockets.Receive(ready, stackalloc byte[8], out _) > 0)
                    return pid;
            }
        }
        throw FaultException.Unavailable(
            $"start as an ordinary user: slirp4netns did not start: {File.ReadAllText(log).Trim().ReplaceLineEndings("; ")}");
    }
}
