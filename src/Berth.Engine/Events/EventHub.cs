using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Berth.Engine;

/// <summary>Remembers the last events and hands live ones to listeners, each with a bounded queue of its own.</summary>
internal sealed class EventHub(TimeProvider time) : IEvents, IDisposable
{
    /// <summary>Past events that are remembered.</summary>
    public const int RememberedMax = 1024;

    /// <summary>Events a listener may fall behind before it is dropped.</summary>
    public const int QueuedMax = 4096;

    private static readonly string[] s_filters =
    [
        "config", "container", "daemon", "event", "image", "label", "label!", "network", "node", "plugin", "scope", "secret",
        "service", "type", "volume",
    ];

    private static readonly TimeSpan s_trimMax = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private readonly Queue<EngineEvent> _past = new();          // Guarded by _gate.
    private readonly List<Channel<EngineEvent>> _listeners = []; // Guarded by _gate.
    private DateTimeOffset _last;                                // Guarded by _gate.
    private long _published;                                     // Guarded by _gate.
    private bool _closed;                                        // Guarded by _gate.

    public int Listeners
    {
        get
        {
            lock (_gate)
                return _listeners.Count;
        }
    }

    /// <summary>Events since the engine was opened.</summary>
    public long Published
    {
        get
        {
            lock (_gate)
                return _published;
        }
    }

    public void Publish(string type, string action, string actorId, IReadOnlyDictionary<string, string> attributes)
    {
        lock (_gate)
        {
            // Times do not go back as a clock is trimmed, so that since and until cut where a client saw the cut. When it was set back for
            // good, its new time is what clients ask with.
            DateTimeOffset now = time.GetUtcNow();
            _last = now > _last || _last - now > s_trimMax ? now : _last.AddTicks(1);
            EngineEvent happened = new(type, action, actorId, attributes, _last);
            _published++;
            _past.Enqueue(happened);
            if (_past.Count > RememberedMax)
                _past.Dequeue();
            for (int i = _listeners.Count - 1; i >= 0; i--)
            {
                if (_listeners[i].Writer.TryWrite(happened))
                    continue;
                _listeners[i].Writer.TryComplete();
                _listeners.RemoveAt(i);
            }
        }
    }

    public IAsyncEnumerable<EngineEvent> Subscribe(EventQuery query, CancellationToken cancellationToken)
    {
        query.Filters.Allow(s_filters);
        Channel<EngineEvent> channel = Channel.CreateBounded<EngineEvent>(new BoundedChannelOptions(QueuedMax) { SingleReader = true });
        List<EngineEvent> past;
        lock (_gate)
        {
            past = query.Since is { } since
                ? [.. _past.Where(e => e.At >= since && (query.Until is not { } until || e.At <= until))]
                : [];
            if (_closed || query.Until <= time.GetUtcNow())
                channel.Writer.TryComplete();
            else
                _listeners.Add(channel);
        }
        return ReadAsync(query, past, channel, cancellationToken);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (Channel<EngineEvent> listener in _listeners)
                listener.Writer.TryComplete();
            _listeners.Clear();
        }
    }

    private async IAsyncEnumerable<EngineEvent> ReadAsync(
        EventQuery query, List<EngineEvent> past, Channel<EngineEvent> live, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (query.Until is { } until)
            _ = EndAsync(live, until, over.Token);
        try
        {
            foreach (EngineEvent happened in past.Where(e => Matches(query.Filters, e)))
                yield return happened;
            await foreach (EngineEvent happened in live.Reader.ReadAllAsync(cancellationToken))
            {
                if (query.Until is not { } limit || happened.At <= limit)
                {
                    if (Matches(query.Filters, happened))
                        yield return happened;
                }
            }
        }
        finally
        {
            await over.CancelAsync();
            lock (_gate)
                _listeners.Remove(live);
        }
    }

    // The clock is asked once, here: the end may have passed since the subscription, and nobody else would end it.
    private async Task EndAsync(Channel<EngineEvent> live, DateTimeOffset until, CancellationToken over)
    {
        TimeSpan left = until - time.GetUtcNow();
        if (left > TimeSpan.Zero)
            await LongWaits.DelayAsync(left, time, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!over.IsCancellationRequested)
            live.Writer.TryComplete();
    }

    /// <summary>True when an event passes the filters, by Docker's rules.</summary>
    internal static bool Matches(FilterSet filters, EngineEvent e) =>
        filters.Matches("type", e.Type)
        && (!filters.Has("event") || filters["event"].Any(wanted => e.Action == wanted || Prefixed(e.Action, wanted)))
        && filters.Matches("scope", "local")
        && MatchesActor(filters, "container", e) && MatchesActor(filters, "volume", e) && MatchesActor(filters, "network", e)
        && MatchesActor(filters, "daemon", e) && MatchesImage(filters, e)
        && !filters.Has("service") && !filters.Has("node") && !filters.Has("secret") && !filters.Has("config")
        && !filters.Has("plugin") && filters.MatchesLabels(e.Attributes);

    // "health_status" stands for "health_status: healthy", "exec_start" for "exec_start: sh".
    private static bool Prefixed(string action, string wanted) =>
        action.Length > wanted.Length && action.StartsWith(wanted, StringComparison.Ordinal) && action[wanted.Length] == ':';

    private static bool MatchesActor(FilterSet filters, string type, EngineEvent e) => !filters.Has(type)
        || (e.Type == type && filters[type].Any(wanted => e.ActorId == wanted || (wanted.Length > 0
            && e.ActorId.StartsWith(wanted, StringComparison.Ordinal)) || e.Attributes.GetValueOrDefault("name") == wanted.TrimStart('/')))
        || (type == "container" && e.Attributes.TryGetValue("container", out string? id)
            && filters[type].Any(wanted => wanted.Length > 0 && id.StartsWith(wanted, StringComparison.Ordinal)));

    private static bool MatchesImage(FilterSet filters, EngineEvent e) => !filters.Has("image")
        || filters["image"].Any(wanted => SameImage(e.ActorId, wanted) || SameImage(e.Attributes.GetValueOrDefault("name"), wanted)
            || SameImage(e.Attributes.GetValueOrDefault("image"), wanted));

    private static bool SameImage(string? name, string wanted) => name is not null
        && (name == wanted || name.Split('@')[0] == wanted || WithoutTag(name) == wanted);

    private static string WithoutTag(string name)
    {
        int colon = name.LastIndexOf(':');
        return colon > name.LastIndexOf('/') ? name[..colon] : name;
    }
}
