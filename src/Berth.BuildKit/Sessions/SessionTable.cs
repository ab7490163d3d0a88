using Berth.Faults;

namespace Berth.BuildKit.Sessions;

/// <summary>The sessions that are open, by their IDs. Only so many are, and one that no build uses for long is closed.</summary>
public sealed class SessionTable(TimeProvider time)
{
    /// <summary>How many sessions may be open.</summary>
    public const int SessionsMax = 256;

    private static readonly TimeSpan s_arrivalTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_unusedTime = TimeSpan.FromMinutes(10);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal); // Guarded by _gate.
    private TaskCompletionSource _changed = NewSignal(); // Guarded by _gate.

    /// <summary>How many are open.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>Serves a session until it is over.</summary>
    /// <param name="offer">What the client said.</param>
    /// <param name="connection">Raw bytes to and from the client; disposed at the end.</param>
    /// <param name="cancellationToken">Closes it.</param>
    /// <exception cref="FaultException">Conflict: the ID is taken. Unavailable: there are too many, or the client does not answer.
    /// </exception>
    public async Task RunAsync(SessionOffer offer, Stream connection, CancellationToken cancellationToken)
    {
        Entry entry = Reserve(offer.Id);
        try
        {
            await using ClientSession session =
                await ClientSession.OpenAsync(offer, connection, time, cancellationToken).ConfigureAwait(false);
            Publish(entry, session);
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task unused = CloseUnusedAsync(entry, stop);
            await session.WatchAsync(stop.Token).ConfigureAwait(false);
            await stop.CancelAsync().ConfigureAwait(false);
            await unused.ConfigureAwait(false);
        }
        finally
        {
            Forget(offer.Id);
        }
    }

    /// <summary>Refuses an ID that is taken or one too many, before the connection is handed over.</summary>
    /// <exception cref="FaultException">As <see cref="RunAsync"/>.</exception>
    public void Check(string id)
    {
        lock (_gate)
            CheckLocked(id);
    }

    /// <summary>Takes a session for a build, waiting a moment for one that is about to be opened.</summary>
    /// <exception cref="FaultException">NotFound: there is no such session.</exception>
    public async Task<SessionUse> TakeAsync(string id, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = new(s_arrivalTime, time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            while (true)
            {
                Task changed;
                lock (_gate)
                {
                    if (_entries.TryGetValue(id, out Entry? entry) && entry.Session is { } session)
                    {
                        entry.Users++;
                        return new SessionUse(session, () => Release(entry));
                    }
                    changed = _changed.Task;
                }
                await changed.WaitAsync(both.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw FaultException.NotFound($"no active session for {id}: the client has opened none, or it is over");
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void CheckLocked(string id)
    {
        if (_entries.ContainsKey(id))
            throw FaultException.Conflict($"session {id} already exists");
        if (_entries.Count >= SessionsMax)
            throw FaultException.Unavailable($"session {id}: {SessionsMax} sessions are open, wait for a build to end");
    }

    private Entry Reserve(string id)
    {
        lock (_gate)
        {
            CheckLocked(id);
            return _entries[id] = new Entry(time.GetTimestamp());
        }
    }

    private void Publish(Entry entry, ClientSession session)
    {
        lock (_gate)
        {
            entry.Session = session;
            _changed.TrySetResult();
            _changed = NewSignal();
        }
    }

    private void Release(Entry entry)
    {
        lock (_gate)
        {
            entry.Users--;
            entry.LastUsed = time.GetTimestamp();
        }
    }

    private void Forget(string id)
    {
        lock (_gate)
            _entries.Remove(id);
    }

    private async Task CloseUnusedAsync(Entry entry, CancellationTokenSource stop)
    {
        try
        {
            while (!IsExpired(entry))
                await Task.Delay(s_unusedTime / 4, time, stop.Token).ConfigureAwait(false);
            await stop.CancelAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The session is over.
        }
    }

    private bool IsExpired(Entry entry)
    {
        lock (_gate)
            return entry.Users == 0 && time.GetElapsedTime(entry.LastUsed) >= s_unusedTime;
    }

    private sealed class Entry(long now)
    {
        /// <summary>Null until the client has answered. Guarded by the table's gate, as is all here.</summary>
        public ClientSession? Session { get; set; }

        public int Users { get; set; }

        public long LastUsed { get; set; } = now;
    }
}

/// <summary>A session in use by a build; disposing it gives it back.</summary>
/// <param name="session">The session.</param>
/// <param name="release">Gives it back.</param>
public sealed class SessionUse(ClientSession session, Action release) : IDisposable
{
    private Action? _release = release;

    /// <summary>The session.</summary>
    public ClientSession Session => session;

    /// <summary>Gives it back.</summary>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
