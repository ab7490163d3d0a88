using Berth.Engine;

namespace Berth.Daemon.Mapping;

/// <summary>Events as clients see them.</summary>
internal static class EventViews
{
    private const long NanosecondsPerTick = 100;

    /// <summary>One line of the event stream.</summary>
    public static Wire.EventMessage ToWire(this EngineEvent happened)
    {
        // Container and image events carry their first fields twice, for clients from before there were other types.
        bool legacy = happened.Type is "container" or "image";
        return new Wire.EventMessage
        {
            Status = legacy ? happened.Action : null,
            Id = legacy ? happened.ActorId : null,
            From = happened.Type == "container" ? happened.Attributes.GetValueOrDefault("image") : null,
            Type = happened.Type,
            Action = happened.Action,
            Actor = new Wire.EventActor { ID = happened.ActorId, Attributes = happened.Attributes },
            Scope = "local",
            Time = happened.At.ToUnixTimeSeconds(),
            TimeNano = (happened.At - DateTimeOffset.UnixEpoch).Ticks * NanosecondsPerTick,
        };
    }
}
