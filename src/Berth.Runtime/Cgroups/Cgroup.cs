using Berth.Faults;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Berth.Oci.Runtime;

namespace Berth.Runtime.Cgroups;

/// <summary>One container's cgroup in all trees of the machine. It exists until <see cref="Remove"/>, whoever made it.</summary>
/// <remarks>Versions 1 and 2 differ in files and units; both pass <c>CgroupTests</c> as far as the kernel offers them.</remarks>
public abstract class Cgroup
{
    // The kernel finishes a killed process's exit in its own time; a directory is busy until then.
    private const int RemovalAttempts = 2000;
    private static readonly TimeSpan s_removalPause = TimeSpan.FromMilliseconds(1);

    /// <summary>Its path below the trees' roots, without a leading slash.</summary>
    public string Path { get; }

    /// <summary>The <c>cgroup.procs</c> file of every tree: a pid written to each is in the cgroup.</summary>
    public abstract IReadOnlyList<string> ProcsFiles { get; }

    /// <summary>Files that take a process with one thread which writes <c>0</c>: it joins the version 1 trees.</summary>
    /// <remarks><c>tasks</c>, not <c>cgroup.procs</c>, which moves whole thread groups under a lock that waits for a
    /// grace period.</remarks>
    public virtual IReadOnlyList<string> JoinFiles => [];

    /// <summary>Its directory in the version 2 tree, which clone3 can make a process in; null where there is no such tree.</summary>
    public abstract string? UnifiedDirectory { get; }

    /// <summary>Where its first process is put.</summary>
    internal CgroupPlace Place => new(JoinFiles, UnifiedDirectory);

    /// <summary>Where a further process is put.</summary>
    /// <param name="first">The container's first process.</param>
    internal virtual CgroupPlace PlaceBeside(int first) => Place;

    /// <summary>Where a further process is put that goes to groups below.</summary>
    /// <exception cref="FaultException">InvalidArgument, NotFound: there are no such.</exception>
    internal abstract CgroupPlace PlaceBelow(SubCgroups groups);

    /// <summary>A file with a line <c>oom_kill N</c>: the processes that the kernel killed here for memory. Null: not known.</summary>
    public abstract string? OutOfMemoryFile { get; }

    /// <summary>The file of <see cref="OutOfMemoryFile"/> where somebody else removes the group with its last process, so that it has to be
    /// watched from the beginning; null: it can be read afterwards.</summary>
    internal virtual string? WatchedMemoryFile => null;

    /// <summary>Its directory in every tree.</summary>
    protected internal abstract IReadOnlyList<string> Directories { get; }

    /// <summary>Names a cgroup.</summary>
    private protected Cgroup(string path) => Path = path;

    /// <summary>True where there is no tree to be in.</summary>
    public bool IsNowhere => Directories.Count == 0;

    /// <summary>True when it exists in at least one tree.</summary>
    public bool Exists => Directories.Any(Directory.Exists);

    /// <summary>Moves a process in.</summary>
    public void Add(int pid)
    {
        foreach (string directory in Directories)
            CgroupFile.Write(directory, "cgroup.procs", pid.ToString());
    }

    /// <summary>Somebody else has device rules in it too: a device is open to its processes when both allow it.</summary>
    internal bool SharesDeviceRules { get; set; }

    /// <summary>Sets the limits that are given and leaves the others.</summary>
    /// <exception cref="FaultException">InvalidArgument: the kernel refuses a value.</exception>
    public abstract void Update(LinuxResources resources, IList<string> warnings);

    /// <summary>The limits that are given, with those that are set where others are set by the same word.</summary>
    /// <exception cref="FaultException">InvalidArgument: together they are none.</exception>
    internal virtual LinuxResources Completed(LinuxResources resources)
    {
        LimitRules.Check(resources);
        return resources;
    }

    /// <summary>Stops all its processes where they are; returns when they are.</summary>
    /// <exception cref="FaultException">NotSupported: the kernel has no freezer. Internal: they did not stop in time.</exception>
    public abstract void Freeze();

    /// <summary>Lets frozen processes go on.</summary>
    public abstract void Thaw();

    /// <summary>Its processes are stopped, or about to be.</summary>
    public abstract bool IsFrozen { get; }

    /// <summary>Its counts at this moment.</summary>
    public abstract CgroupStatistics ReadStatistics();

    /// <summary>Further counts.</summary>
    public abstract CgroupDetails ReadDetails();

    /// <summary>How many processes the kernel killed here for memory.</summary>
    public ulong OutOfMemoryKills() => OutOfMemoryFile is { } file
        ? CgroupFile.ReadPairs(System.IO.Path.GetDirectoryName(file)!, System.IO.Path.GetFileName(file))
            .GetValueOrDefault("oom_kill")
        : 0;

    /// <summary>The pids of its processes and those of the groups below it.</summary>
    public IReadOnlyList<int> Processes()
    {
        string? directory = Directories.FirstOrDefault(Directory.Exists);
        return directory is null ? [] : [.. Tree(directory).SelectMany(CgroupFile.ReadPids).Distinct().Order()];
    }

    /// <summary>Sends SIGKILL to all its processes, in one step where the kernel can, else until there are none.</summary>
    public virtual void Kill()
    {
        for (int attempt = 0; attempt < RemovalAttempts; attempt++)
        {
            IReadOnlyList<int> pids = Processes();
            if (pids.Count == 0)
                return;
            foreach (int pid in pids)
                Signals.TrySend(pid, Signals.SIGKILL);
            Thaw();
            Thread.Sleep(s_removalPause);
        }
    }

    /// <summary>Removes it where nothing lives in it and nothing is below it; false when that is not so everywhere.</summary>
    public virtual bool TryRemoveEmpty() => Directories.All(TryRemoveEmpty);

    /// <summary>Removes it and the groups below it; waits a little for processes that are just ending.</summary>
    /// <returns>False when processes still live in it.</returns>
    /// <exception cref="FaultException">Internal: who made it does not let go of it.</exception>
    public virtual bool Remove()
    {
        bool all = true;
        foreach (string directory in Directories)
            all &= TryRemoveEmpty(directory) || Tree(directory).All(RemoveDirectory);
        return all;
    }

    // One call for what is nearly always so: nothing lives in it and nothing is below it.
    internal static bool TryRemoveEmpty(string directory) =>
        FileCalls.TryUnlink(FileCalls.WorkingDirectory, FileCalls.PathOf(directory), FileCalls.AT_REMOVEDIR) is 0 or Errno.ENOENT;

    /// <summary>Makes its directories.</summary>
    internal abstract void Make(IList<string> warnings);

    // Children before parents: rmdir(2) takes empty groups only.
    private static IEnumerable<string> Tree(string directory)
    {
        string[] children;
        try
        {
            children = Directory.GetDirectories(directory);
        }
        catch (DirectoryNotFoundException)
        {
            yield break;
        }
        foreach (string child in children)
        {
            foreach (string below in Tree(child))
                yield return below;
        }
        yield return directory;
    }

    private static bool RemoveDirectory(string directory)
    {
        for (int attempt = 0; attempt < RemovalAttempts; attempt++)
        {
            try
            {
                Directory.Delete(directory);
                return true;
            }
            catch (DirectoryNotFoundException)
            {
                return true;
            }
            catch (IOException)
            {
                // Busy: something in it is still on its way out, or lives.
            }
            Thread.Sleep(s_removalPause);
        }
        return false;
    }
}
