using Berth.Oci.Runtime;

namespace Berth.Runtime.Plans;

/// <summary>What a further process has from the container that it joins, beside the namespaces themselves.</summary>
internal sealed record JoinedContainer
{
    /// <summary>It is in a user namespace that is not the caller's.</summary>
    public bool HasUserNamespace { get; init; }

    /// <summary>It has a time namespace.</summary>
    public bool HasTimeNamespace { get; init; }

    /// <summary>What its processes are filtered by.</summary>
    public CallFilter Filter { get; init; } = CallFilter.None;

    /// <summary>Its execution domain, as <see cref="SchedulingPlan.Personality"/> gives it.</summary>
    public uint Personality { get; init; }

    /// <summary>The users of its user namespace, when its root is shown through them; null: it is not.</summary>
    public IReadOnlyList<IdMapping>? Users { get; init; }

    /// <summary>The groups.</summary>
    public IReadOnlyList<IdMapping>? Groups { get; init; }
}
