using Berth.Oci.Runtime;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Bundles;

/// <summary>What is kept of a container between two calls of the program: <c>state.json</c> in its directory.</summary>
internal sealed partial record BundleState
{
    /// <summary>The file's name.</summary>
    public const string FileName = "state.json";

    /// <summary>The container.</summary>
    public required string Id { get; init; }

    /// <summary>The version its configuration names.</summary>
    public required string OciVersion { get; init; }

    /// <summary>Its bundle, absolute.</summary>
    public required string Bundle { get; init; }

    /// <summary>Its root on the host.</summary>
    public string Rootfs { get; init; } = "";

    /// <summary>Its cgroup below the hierarchies' roots; null: it has none of its own.</summary>
    public string? CgroupPath { get; init; }

    /// <summary>The systemd unit that holds the cgroup; null: made directly.</summary>
    public string? SystemdUnit { get; init; }

    /// <summary>The first process; 0 while it is made.</summary>
    public int Pid { get; init; }

    /// <summary>When that process was made, in ticks since boot: with the pid it names one process for good.</summary>
    public ulong PidStart { get; init; }

    /// <summary>When the container was created.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>Who created it.</summary>
    public string Owner { get; init; } = "";

    /// <summary>It has a process namespace of its own: all its processes end with the first.</summary>
    public bool HasPidNamespace { get; init; }

    /// <summary>It is in a user namespace that is not the caller's.</summary>
    public bool HasUserNamespace { get; init; }

    /// <summary>It has a time namespace.</summary>
    public bool HasTimeNamespace { get; init; }

    /// <summary>Its processes have the session keyring of whoever made them.</summary>
    public bool KeepsKeyring { get; init; }

    /// <summary>Its configuration's notes.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>Hooks that are still to come.</summary>
    public IReadOnlyList<HookSpec>? Poststart { get; init; }

    /// <summary>Hooks after the deletion.</summary>
    public IReadOnlyList<HookSpec>? Poststop { get; init; }

    /// <summary>What further processes are filtered by.</summary>
    public CallFilter Filter { get; init; } = CallFilter.None;

    /// <summary>Its execution domain, as a plan has it.</summary>
    public uint Personality { get; init; }

    /// <summary>What a further process has from it.</summary>
    public JoinedContainer Joined => new()
    {
        HasUserNamespace = HasUserNamespace, HasTimeNamespace = HasTimeNamespace, Filter = Filter, Personality = Personality,
    };

    /// <summary>Who is told of calls that the filter leaves to others.</summary>
    public string? ListenerPath { get; init; }

    /// <summary>Bytes for it.</summary>
    public string? ListenerMetadata { get; init; }
}
