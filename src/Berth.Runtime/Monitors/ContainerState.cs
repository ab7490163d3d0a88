using System.Text.Json.Serialization;
using Berth.Runtime.Plans;

namespace Berth.Runtime.Monitors;

/// <summary>What a later engine has to know of a container beside what its monitor says; a file in the run directory.</summary>
internal sealed record ContainerState
{
    /// <summary>The file's name.</summary>
    public const string FileName = "container.json";

    /// <summary>The container.</summary>
    public required string Id { get; init; }

    /// <summary>Its cgroup below the hierarchies' roots.</summary>
    public required string CgroupPath { get; init; }

    /// <summary>The systemd unit that holds the cgroup; null: made directly.</summary>
    public string? SystemdUnit { get; init; }

    /// <summary>It has a terminal.</summary>
    public bool Terminal { get; init; }

    /// <summary>It has a user namespace of its own.</summary>
    public bool HasUserNamespace { get; init; }

    /// <summary>The users of its user namespace, when its root is shown through them; null: it is not.</summary>
    public IReadOnlyList<Oci.Runtime.IdMapping>? Users { get; init; }

    /// <summary>The groups.</summary>
    public IReadOnlyList<Oci.Runtime.IdMapping>? Groups { get; init; }

    /// <summary>It has a time namespace of its own.</summary>
    public bool HasTimeNamespace { get; init; }

    /// <summary>All its processes end with the first.</summary>
    public bool HasPrivateProcesses { get; init; }

    /// <summary>Who made it; null: we ourselves.</summary>
    public ExternalRuntime? Runtime { get; init; }

    /// <summary>What would be clamped is an error.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Hooks that run once it is gone.</summary>
    public IReadOnlyList<LabelledHook> Poststop { get; init; } = [];

    /// <summary>What those are told.</summary>
    public string StateAfterEnd { get; init; } = "";

    /// <summary>What further processes are filtered by.</summary>
    public CallFilter Filter { get; init; } = CallFilter.None;

    /// <summary>Its execution domain, as a plan has it.</summary>
    public uint Personality { get; init; }

    /// <summary>What a further process has from it.</summary>
    [JsonIgnore]
    public JoinedContainer Joined => new()
    {
        HasUserNamespace = HasUserNamespace, HasTimeNamespace = HasTimeNamespace, Filter = Filter, Personality = Personality,
        Users = Users, Groups = Groups,
    };
}

/// <summary>JSON of the state.</summary>
[JsonSerializable(typeof(ContainerState))]
internal sealed partial class ContainerStateJson : JsonSerializerContext;
