namespace Berth.Runtime.Bundles;

/// <summary>What all calls of the program share.</summary>
public sealed record BundleOptions
{
    /// <summary>The directory with one directory for each container.</summary>
    public required string Root { get; init; }

    /// <summary>Cgroups are units of systemd: <c>cgroupsPath</c> is <c>slice:prefix:name</c>.</summary>
    public bool SystemdCgroup { get; init; }

    /// <summary>What would be left out or clamped is an error, also without <see cref="Plans.Strictness.Annotation"/>.</summary>
    public bool IsStrict { get; init; }

    /// <summary>A cgroup that may not be made is done without, as long as there is nothing to limit.</summary>
    public bool IsRootless { get; init; }

    /// <summary>Takes what is left out or clamped.</summary>
    public Action<string> Warn { get; init; } = static _ => { };

    /// <summary>The <c>berth-runtime</c> program.</summary>
    public required string Program { get; init; }
}

/// <summary>What a container of a bundle is made of.</summary>
public sealed record BundleRequest
{
    /// <summary>Its name: letters, digits, and <c>_ + - .</c></summary>
    public required string Id { get; init; }

    /// <summary>The bundle's directory.</summary>
    public required string Bundle { get; init; }

    /// <summary>The bundle's configuration.</summary>
    public required Oci.Runtime.RuntimeSpec Spec { get; init; }

    /// <summary>Who gets the terminal's other side; null: nobody asked.</summary>
    public string? ConsoleSocket { get; init; }

    /// <summary>Takes the first process's pid.</summary>
    public string? PidFile { get; init; }

    /// <summary>Who gets a handle of the first process, a pidfd; null: nobody asked.</summary>
    public string? ProcessSocket { get; init; }

    /// <summary>How many of the caller's descriptors from 3 on the program gets.</summary>
    public int PreservedDescriptors { get; init; }

    /// <summary>Change the root without pivot_root(2).</summary>
    public bool NoPivot { get; init; }

    /// <summary>Keep the caller's session keyring.</summary>
    public bool NoNewKeyring { get; init; }
}

/// <summary>A process beside the first, in a container of a bundle.</summary>
public sealed record BundleExecRequest
{
    /// <summary>The container.</summary>
    public required string Id { get; init; }

    /// <summary>What to run.</summary>
    public required Oci.Runtime.ProcessSpec Process { get; init; }

    /// <summary>Who gets the terminal's other side; null: nobody asked.</summary>
    public string? ConsoleSocket { get; init; }

    /// <summary>Takes its pid.</summary>
    public string? PidFile { get; init; }

    /// <summary>Who gets a handle of it, a pidfd; null: nobody asked.</summary>
    public string? ProcessSocket { get; init; }

    /// <summary>How many of the caller's descriptors from 3 on the program gets.</summary>
    public int PreservedDescriptors { get; init; }

    /// <summary>Groups below the container's own that it goes to: <c>PATH</c>, or <c>CONTROLLER[,…]:PATH</c> of version 1.</summary>
    public IReadOnlyList<string> Cgroups { get; init; } = [];

    /// <summary>Also in a frozen container: it runs when that is thawed.</summary>
    public bool IgnorePaused { get; init; }
}

/// <summary>Where a container of a bundle is in its life. OCI runtime-spec 1.2, runtime.md "State".</summary>
public enum BundleStatus
{
    /// <summary>In the making.</summary>
    Creating,

    /// <summary>Made; its program was not executed yet.</summary>
    Created,

    /// <summary>Its program runs.</summary>
    Running,

    /// <summary>Frozen.</summary>
    Paused,

    /// <summary>The first process has ended.</summary>
    Stopped,
}

/// <summary>A container of a bundle as it is now.</summary>
public sealed record BundleContainer
{
    /// <summary>Its name.</summary>
    public required string Id { get; init; }

    /// <summary>The version its configuration names.</summary>
    public required string OciVersion { get; init; }

    /// <summary>The first process; 0 when it has ended.</summary>
    public int Pid { get; init; }

    /// <summary>Where it is in its life.</summary>
    public BundleStatus Status { get; init; }

    /// <summary>Its bundle.</summary>
    public required string Bundle { get; init; }

    /// <summary>Its root on the host.</summary>
    public required string Rootfs { get; init; }

    /// <summary>When it was created.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>Who created it.</summary>
    public required string Owner { get; init; }

    /// <summary>Its configuration's notes.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}
