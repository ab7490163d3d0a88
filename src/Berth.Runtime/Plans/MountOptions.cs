using Berth.Faults;

namespace Berth.Runtime.Plans;

/// <summary>Mount options by name, sorted into what the kernel takes them as. OCI runtime-spec 1.2, "Linux mount options".</summary>
internal sealed class MountOptions
{
    /// <summary>MOUNT_ATTR_RDONLY.</summary>
    public const ulong ReadOnlyBit = 1;

    private const ulong NoSuid = 2, NoDev = 4, NoExec = 8, NoAccessTime = 0x10, StrictAccessTime = 0x20;
    private const ulong NoDirectoryAccessTime = 0x80, NoSymlinkFollow = 0x200000, AccessTimeMask = 0x70;
    private const ulong Unbindable = 1 << 17, Private = 1 << 18, Slave = 1 << 19, Shared = 1 << 20;

    /// <summary>MOUNT_ATTR_… set.</summary>
    public ulong Attributes { get; private set; }

    /// <summary>MOUNT_ATTR_… taken away from a bind mount.</summary>
    public ulong Cleared { get; private set; }

    /// <summary>MOUNT_ATTR_… set for what is mounted below too.</summary>
    public ulong DeepAttributes { get; private set; }

    /// <summary>MOUNT_ATTR_… taken away there.</summary>
    public ulong DeepCleared { get; private set; }

    /// <summary>MS_… or 0.</summary>
    public ulong Propagation { get; private set; }

    /// <summary>The propagation is for the mount alone.</summary>
    public bool IsShallow { get; private set; }

    /// <summary>A bind mount with what is mounted below.</summary>
    public bool IsRecursive { get; private set; }

    /// <summary>A bind mount.</summary>
    public bool IsBind { get; private set; }

    /// <summary>No new mount: attributes of what is mounted at the destination already.</summary>
    public bool IsRemount { get; private set; }

    /// <summary>A new file system starts with what it hides.</summary>
    public bool CopiesUp { get; private set; }

    /// <summary>Owners are shown through id maps.</summary>
    public bool IsIdMapped { get; private set; }

    /// <summary>Of what is mounted below too.</summary>
    public bool IsIdMappedDeep { get; private set; }

    /// <summary>What is left for the file system.</summary>
    public List<string> Data { get; } = [];

    /// <summary>Reads a list of options.</summary>
    public static MountOptions Parse(IReadOnlyList<string>? options)
    {
        MountOptions parsed = new();
        foreach (string option in options ?? [])
            parsed.Add(option);
        return parsed;
    }

    /// <summary>The names of all options that are not a file system's own.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "idmap", "lazytime", "loud", "mand",
        "noatime", "nodev", "nodiratime", "noexec", "noiversion", "nolazytime", "nomand", "norelatime", "nostrictatime", "nosuid",
        "nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime", "relatime", "remount", "rexec", "ridmap", "rnoatime",
        "rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime",
        "rro", "rrw", "rshared", "rslave", "rstrictatime", "rsuid", "rsymfollow", "runbindable", "rw", "shared", "silent", "slave",
        "strictatime", "suid", "symfollow", "sync", "tmpcopyup", "unbindable",
    ];

    private void Add(string option)
    {
        if (AddKind(option) || AddAttribute(option))
            return;
        // What these name is the default, or nothing that the kernel keeps any more.
        if (option.Length > 0 && option is not ("defaults" or "nomand" or "mand" or "async" or "nolazytime" or "noiversion" or "silent"
            or "loud"))
            Data.Add(option);
    }

    private bool AddAttribute(string option)
    {
        if (BitsOf(option) is { } own)
        {
            (Attributes, Cleared) = Apply(own, Attributes, Cleared);
            return true;
        }
        if (option is not ['r', .. { Length: > 0 } name] || BitsOf(name) is not { } deep)
            return false;
        (DeepAttributes, DeepCleared) = Apply(deep, DeepAttributes, DeepCleared);
        return true;
    }

    private static (ulong Set, ulong Clear) Apply((ulong Bits, ulong Mask) change, ulong set, ulong clear) =>
        ((set & ~change.Mask) | change.Bits, (clear & ~change.Mask) | (change.Mask & ~change.Bits));

    private static (ulong Bits, ulong Mask)? BitsOf(string name) => name switch
    {
        "ro" => (ReadOnlyBit, ReadOnlyBit),
        "rw" => (0, ReadOnlyBit),
        "nosuid" => (NoSuid, NoSuid),
        "suid" => (0, NoSuid),
        "nodev" => (NoDev, NoDev),
        "dev" => (0, NoDev),
        "noexec" => (NoExec, NoExec),
        "exec" => (0, NoExec),
        "noatime" => (NoAccessTime, AccessTimeMask),
        "strictatime" => (StrictAccessTime, AccessTimeMask),
        "relatime" or "norelatime" or "atime" or "nostrictatime" => (0, AccessTimeMask),
        "nodiratime" => (NoDirectoryAccessTime, NoDirectoryAccessTime),
        "diratime" => (0, NoDirectoryAccessTime),
        "nosymfollow" => (NoSymlinkFollow, NoSymlinkFollow),
        "symfollow" => (0, NoSymlinkFollow),
        _ => null,
    };

    private bool AddKind(string option)
    {
        switch (option)
        {
            case "bind": IsBind = true; break;
            case "rbind": IsBind = IsRecursive = true; break;
            case "remount": IsRemount = true; break;
            case "tmpcopyup": CopiesUp = true; break;
            case "idmap": IsIdMapped = true; break;
            case "ridmap": IsIdMapped = IsIdMappedDeep = true; break;
            case "private" or "rprivate": Spread(Private, option); break;
            case "slave" or "rslave": Spread(Slave, option); break;
            case "shared" or "rshared": Spread(Shared, option); break;
            case "unbindable" or "runbindable": Spread(Unbindable, option); break;
            default: return false;
        }
        return true;
    }

    private void Spread(ulong propagation, string option) => (Propagation, IsShallow) = (propagation, option[0] != 'r');

    /// <summary>Takes out what says whether the mount is read-only; null: nothing did.</summary>
    public bool? TakeReadOnly()
    {
        bool? isReadOnly = (Attributes & ReadOnlyBit) != 0 ? true : (Cleared & ReadOnlyBit) != 0 ? false : null;
        (Attributes, Cleared) = (Attributes & ~ReadOnlyBit, Cleared & ~ReadOnlyBit);
        return isReadOnly;
    }

    /// <summary>Refuses what only other kinds of mounts have.</summary>
    /// <exception cref="FaultException">InvalidArgument: it is asked for both or of the wrong kind.</exception>
    public void Check(string destination, string? type, bool hasMaps)
    {
        string? forNew = CopiesUp ? "\"tmpcopyup\" is" : hasMaps ? "id mappings are" : Data.Count > 0 ? $"\"{Data[0]}\" is" : null;
        if (IsRemount && forNew is not null)
        {
            throw new FaultException(FaultKind.NotSupported,
                $"mount {destination}: \"remount\" changes attributes of a mount, such as \"ro\": {forNew} for new mounts");
        }
        if (CopiesUp && type != "tmpfs")
            throw FaultException.Invalid($"mount {destination}: \"tmpcopyup\" is for tmpfs only");
        if (hasMaps && !IsBind && type is not ("bind" or "rbind"))
            throw FaultException.Invalid($"mount {destination}: id mappings are for bind mounts only");
    }
}
