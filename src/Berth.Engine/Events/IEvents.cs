namespace Berth.Engine;

/// <summary>What happens in the engine.</summary>
public interface IEvents
{
    /// <summary>Past events that are still known, then live ones until <see cref="EventQuery.Until"/>. It is registered when this
    /// returns. A listener that falls far behind is dropped: its stream ends.</summary>
    IAsyncEnumerable<EngineEvent> Subscribe(EventQuery query, CancellationToken cancellationToken);
}

/// <summary>Which events.</summary>
public sealed record EventQuery
{
    /// <summary>From when; null: from now.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Until when; null: for ever.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Restrictions.</summary>
    public FilterSet Filters { get; init; } = FilterSet.None;
}

/// <summary>Something that happened.</summary>
/// <param name="Type"><c>container</c>, <c>image</c>, <c>network</c>, <c>volume</c>, <c>builder</c>, <c>daemon</c>.</param>
/// <param name="Action">Such as <c>start</c>.</param>
/// <param name="ActorId">The full ID or name of what it happened to.</param>
/// <param name="Attributes">Its labels, name, image and more.</param>
/// <param name="At">When.</param>
public sealed record EngineEvent(
    string Type, string Action, string ActorId, IReadOnlyDictionary<string, string> Attributes, DateTimeOffset At);
