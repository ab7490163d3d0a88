using Berth.Linux;

namespace Berth.Runtime.Plans;

/// <summary>How a process is made whose caller stays its parent (docs/adr/0012).</summary>
internal sealed record UnmonitoredOptions
{
    /// <summary>It waits at a socket in the run directory; otherwise for a word over the maker's connection.</summary>
    public bool WaitsAtSocket { get; init; }

    /// <summary>Descriptors that the program gets as 3, 4, ….</summary>
    public IReadOnlyList<FileDescriptor> Preserved { get; init; } = [];

    /// <summary>The name of a new session keyring; null: the caller's stays.</summary>
    public string? Keyring { get; init; }

    /// <summary>Root by <c>chroot</c> over a moved mount: a root on the initial ramfs cannot be pivoted from.</summary>
    public bool NoPivot { get; init; }

    /// <summary>The caller is no root and writes the id maps as it may.</summary>
    public bool MappedByUser { get; init; }

    /// <summary>setgroups(2) is denied in the user namespace.</summary>
    public bool KeepsGroups { get; init; }

    /// <summary>A connected socket for the seccomp notify descriptor.</summary>
    public FileDescriptor? NotifySocket { get; init; }

    /// <summary>What would be clamped is an error, also without the annotation.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Namespaces of the container that the caller is in too, as bits of CLONE_NEW….</summary>
    public ulong SharedNamespaces { get; init; }
}
