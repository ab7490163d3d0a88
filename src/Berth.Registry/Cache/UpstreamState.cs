namespace Berth.Registry.Cache;

/// <summary>What is known about an upstream registry now, for people to see.</summary>
public sealed record UpstreamState
{
    /// <summary>Where it is found here.</summary>
    public required string Prefix { get; init; }

    /// <summary>Where it is.</summary>
    public required Uri Address { get; init; }

    /// <summary>How many pulls it allows in a window, as it said last; null: it says nothing.</summary>
    public long? Limit { get; init; }

    /// <summary>How many of them are left.</summary>
    public long? Remaining { get; init; }

    /// <summary>Nothing is asked of it before; null: it may be asked.</summary>
    public DateTimeOffset? PausedUntil { get; init; }

    /// <summary>When it answered last.</summary>
    public DateTimeOffset? AnsweredAt { get; init; }

    /// <summary>Why it did not answer, if that was the last that happened.</summary>
    public string? Problem { get; init; }
}
