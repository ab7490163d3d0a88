using Berth.Oci.Images;

namespace Berth.Engine;

/// <summary>What belongs to the program in a container: the part that <c>docker commit</c> would take along. Names are those of the
/// Engine API's <c>Config</c>; null means not given, to be taken from the image.</summary>
public sealed record ContainerSettings
{
    /// <summary>The image as the user named it.</summary>
    public string Image { get; init; } = "";

    /// <summary>The host name; null or empty: the first 12 characters of the ID.</summary>
    public string? Hostname { get; init; }

    /// <summary>The NIS domain name.</summary>
    public string? Domainname { get; init; }

    /// <summary>User, or user:group, by name or number.</summary>
    public string? User { get; init; }

    /// <summary>The creating client intends to attach to its input.</summary>
    public bool AttachStdin { get; init; }

    /// <summary>The creating client intends to attach to its output.</summary>
    public bool AttachStdout { get; init; }

    /// <summary>The creating client intends to attach to its errors.</summary>
    public bool AttachStderr { get; init; }

    /// <summary>The first process has a terminal.</summary>
    public bool Tty { get; init; }

    /// <summary>The input stays open for attached clients.</summary>
    public bool OpenStdin { get; init; }

    /// <summary>The input ends when the first attached client goes.</summary>
    public bool StdinOnce { get; init; }

    /// <summary>Environment as <c>NAME=value</c>; <c>NAME</c> alone removes it.</summary>
    public IReadOnlyList<string>? Env { get; init; }

    /// <summary>The command, or the arguments of the entrypoint.</summary>
    public IReadOnlyList<string>? Cmd { get; init; }

    /// <summary>The entrypoint; a list of one empty text resets the image's.</summary>
    public IReadOnlyList<string>? Entrypoint { get; init; }

    /// <summary>The directory the program starts in.</summary>
    public string? WorkingDir { get; init; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Ports as <c>80/tcp</c>.</summary>
    public IReadOnlyList<string>? ExposedPorts { get; init; }

    /// <summary>Paths that get a volume without a name.</summary>
    public IReadOnlyList<string>? Volumes { get; init; }

    /// <summary>The signal that asks the program to end; null: SIGTERM.</summary>
    public string? StopSignal { get; init; }

    /// <summary>How long stop waits before it kills, in seconds; -1 for ever; null: 10.</summary>
    public int? StopTimeout { get; init; }

    /// <summary>How its health is checked.</summary>
    public HealthConfig? Healthcheck { get; init; }

    /// <summary>No network beside loopback.</summary>
    public bool NetworkDisabled { get; init; }

    /// <summary>The shell of shell-form instructions, kept for commit.</summary>
    public IReadOnlyList<string>? Shell { get; init; }

    /// <summary>Build triggers, kept for commit.</summary>
    public IReadOnlyList<string>? OnBuild { get; init; }

    /// <summary>A MAC address for the first network (an older form of <see cref="EndpointSettings.MacAddress"/>).</summary>
    public string? MacAddress { get; init; }
}
