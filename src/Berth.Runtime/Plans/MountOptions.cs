using Berth.Faults;

namespace Berth.Runtime.Plans;

/// <summary>Mount options by name, sorted into what the kernel takes them as. OCI runtime-spec 1.2, "Linux mount options".</summary>
internal sealed class MountOptions
{
    private const ulong ReadOnlyBit = 1, NoSuid = 2, NoDev = 4, NoExec = 8, NoAccessTime = 0x10, StrictAccessTime = 0x20;
    private const ulong NoDirectoryAccessTime = 0x80, NoSymlinkFollow = 0x200000, AccessTimeMask = 0x70;
    private const ulong Unbindable = 1 << 17, Private = 1 << 18, Slave = 1 << 19, Shared = 1 << 20;

    /// <summary>MOUNT_ATTR_….</summary>
    public ulong Attributes { get; private set; }

    /// <summary>MS_… or 0.</summary>
    public ulong Propagation { get; private set; }

    /// <summary>A bind mount with what is mounted below.</summary>
    public bool IsRecursive { get; private set; }

    /// <summary>A bind mount.</summary>
    public bool IsBind { get; private set; }

    /// <summary>Attributes hold for what is mounted below too.</summary>
    public bool IsDeep { get; private set; }

    /// <summary>What is left for the file system.</summary>
    public List<string> Data { get; } = [];

    /// <summary>Reads a list of options.</summary>
    /// <exception cref="FaultException">NotSupported: an option that changes contents.</exception>
    public static MountOptions Parse(IReadOnlyList<string>? options)
    {
        MountOptions parsed = new();
        foreach (string option in options ?? [])
            parsed.Add(option);
        return parsed;
    }

    private void Add(string option)
    {
        if (AddAttribute(option) || AddKind(option))
            return;
        if (option is "tmpcopyup" or "idmap" or "ridmap")
            throw new FaultException(FaultKind.NotSupported, $"mount option \"{option}\" is not supported");
        if (option is "sync" or "dirsync" or "mand" or "lazytime" or "silent" or "loud" or "iversion")
        {
            Data.Add(option);
            return;
        }
        if (option.Length > 0 && option is not ("defaults" or "nomand" or "async" or "nolazytime" or "noiversion"))
            Data.Add(option);
    }

    private bool AddAttribute(string option)
    {
        string name = option;
        if (name is "rro" or "rnosuid" or "rnodev" or "rnoexec" or "rnosymfollow")
        {
            IsDeep = true;
            name = name[1..];
        }
        (ulong set, ulong clear) = name switch
        {
            "ro" => (ReadOnlyBit, 0UL),
            "rw" => (0UL, ReadOnlyBit),
            "nosuid" => (NoSuid, 0UL),
            "suid" => (0UL, NoSuid),
            "nodev" => (NoDev, 0UL),
            "dev" => (0UL, NoDev),
            "noexec" => (NoExec, 0UL),
            "exec" => (0UL, NoExec),
            "noatime" => (NoAccessTime, AccessTimeMask),
            "strictatime" => (StrictAccessTime, AccessTimeMask),
            "relatime" or "atime" or "nostrictatime" => (0UL, AccessTimeMask),
            "nodiratime" => (NoDirectoryAccessTime, 0UL),
            "diratime" => (0UL, NoDirectoryAccessTime),
            "nosymfollow" => (NoSymlinkFollow, 0UL),
            "symfollow" => (0UL, NoSymlinkFollow),
            _ => (ulong.MaxValue, 0UL),
        };
        if (set == ulong.MaxValue)
            return false;
        Attributes = (Attributes & ~clear) | set;
        return true;
    }

    private bool AddKind(string option)
    {
        switch (option)
        {
            case "bind": IsBind = true; break;
            case "rbind": IsBind = IsRecursive = true; break;
            case "private" or "rprivate": Propagation = Private; break;
            case "slave" or "rslave": Propagation = Slave; break;
            case "shared" or "rshared": Propagation = Shared; break;
            case "unbindable" or "runbindable": Propagation = Unbindable; break;
            default: return false;
        }
        return true;
    }
}
