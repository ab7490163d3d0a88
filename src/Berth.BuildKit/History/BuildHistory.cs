using System.Threading.Channels;
using Berth.BuildKit.Control;
using Berth.BuildKit.Protocol;
using Berth.Faults;
using Grpc.Core;

namespace Berth.BuildKit.History;

/// <summary>Records of the builds that run and of those that ended: what was asked, how it ended, how many steps it had, and what it
/// said.</summary>
/// <remarks>BuildKit, solver/llbsolver/history. As there, a record goes when there are <see cref="RecordsKept"/> newer ones and it is older
/// than <see cref="KeptFor"/>, unless it is pinned; here also when there are far more, or their logs are large.</remarks>
internal sealed class BuildHistory(HistoryOptions options, TimeProvider time)
{
    /// <summary>How many are kept whatever their age.</summary>
    public const int RecordsKept = 50;

    /// <summary>The most that are kept without being pinned, however new.</summary>
    public const int RecordsMax = 500;

    /// <summary>The most that may be pinned.</summary>
    public const int PinnedMax = 500;

    /// <summary>What the logs of those may take on disk.</summary>
    public const long LogBytesMax = 256L * 1024 * 1024;

    /// <summary>Clients that listen at a time.</summary>
    public const int ListenersMax = 64;

    private const int EventsWaitingMax = 1024;

    /// <summary>How long records beyond <see cref="RecordsKept"/> are kept.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromHours(48);

    private readonly Lock _gate = new();
    private readonly HistoryFiles _files = new(options.Directory);
    private readonly Dictionary<string, BuildHistoryRecord> _running = new(StringComparer.Ordinal); // Guarded by _gate.
    private readonly HashSet<Channel<BuildHistoryEvent>> _listeners = []; // Guarded by _gate.
    private Dictionary<string, Kept>? _ended; // Guarded by _gate; null: not read yet.

    /// <summary>Notes a build that begins.</summary>
    public void Begin(SolveRequest request)
    {
        BuildHistoryRecord record = HistoryRecords.Begin(request, time.GetUtcNow());
        lock (_gate)
        {
            _running[record.Ref] = record;
            TellLocked(BuildHistoryEventType.Started, record);
        }
    }

    /// <summary>Notes how it ended. What it said is complete.</summary>
    public void End(BuildJob job, Status outcome, SolveResponse? response)
    {
        lock (_gate)
        {
            if (!_running.Remove(job.Name, out BuildHistoryRecord? begun))
                return;
            BuildHistoryRecord record = HistoryRecords.End(begun, job, outcome, response, time.GetUtcNow());
            try
            {
                Dictionary<string, Kept> ended = EndedLocked();
                ended[record.Ref] = new Kept(record, _files.SaveLog(record.Ref, job.Log.Snapshot()));
                _files.SaveRecord(record);
                TrimLocked(ended);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                options.Warn($"build history: {record.Ref}: {refused.Message}");
            }
            TellLocked(BuildHistoryEventType.Complete, record);
        }
    }

    /// <summary>What an ended build said; null: there is no record of it, or one of that name runs.</summary>
    public FileStream? OpenLog(string name)
    {
        lock (_gate)
            return !_running.ContainsKey(name) && EndedLocked().ContainsKey(name) ? _files.OpenLog(name) : null;
    }

    /// <summary>Tells a client of what there is and, unless it leaves then, of what comes.</summary>
    /// <param name="request">What it wants to hear.</param>
    /// <param name="send">Tells it of one.</param>
    /// <param name="ready">Is called when it has heard what there is and misses nothing from then on.</param>
    /// <param name="cancellationToken">It has gone.</param>
    /// <exception cref="FaultException">InvalidArgument: a filter or the limit is wrong. Unavailable: too many listen, or this one does not
    /// read.</exception>
    public async Task ListenAsync(
        BuildHistoryRequest request, Func<BuildHistoryEvent, Task> send, Func<Task> ready, CancellationToken cancellationToken)
    {
        HistoryFilter filter = HistoryFilter.Parse(request.Filter, time.GetUtcNow());
        if (request.Limit < 0)
            throw FaultException.Invalid($"invalid limit {request.Limit}");
        Channel<BuildHistoryEvent> coming = Channel.CreateBounded<BuildHistoryEvent>(EventsWaitingMax);
        BuildHistoryEvent[] there;
        lock (_gate)
        {
            there = [.. ThereLocked(request).Where(one => filter.Matches(one.Record))];
            if (!request.EarlyExit && _listeners.Count >= ListenersMax)
                throw FaultException.Unavailable($"build history: {ListenersMax} clients listen already");
            if (!request.EarlyExit)
                _listeners.Add(coming);
        }
        if (request.Limit > 0)
            there = [.. there.OrderByDescending(one => one.Record.CreatedAt.ToDateTimeOffset()).Take(request.Limit)];
        try
        {
            foreach (BuildHistoryEvent one in there)
                await send(one).ConfigureAwait(false);
            if (request.EarlyExit)
                return;
            await ready().ConfigureAwait(false);
            await foreach (BuildHistoryEvent one in coming.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                if (request.Ref.Length == 0 || request.Ref == one.Record.Ref)
                    await send(one).ConfigureAwait(false);
            }
        }
        finally
        {
            lock (_gate)
                _listeners.Remove(coming);
        }
    }

    /// <summary>Removes, pins or lets go of a record. There is nothing to complete in one.</summary>
    /// <exception cref="FaultException">NotFound: there is none. Unavailable: too many are pinned, or the disk refuses.</exception>
    public void Update(UpdateBuildHistoryRequest request)
    {
        lock (_gate)
        {
            if (request.Finalize && !request.Delete && _running.ContainsKey(request.Ref))
                return;
            Dictionary<string, Kept> ended = EndedLocked();
            if (!ended.TryGetValue(request.Ref, out Kept? kept))
                throw FaultException.NotFound($"failed to retrieve ref {request.Ref}: no such build in the history");
            try
            {
                if (request.Delete)
                    DeleteLocked(ended, request.Ref);
                else if (!request.Finalize && request.Pinned != kept.Record.Pinned)
                    PinLocked(ended, kept, request.Pinned);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                throw FaultException.Unavailable($"build history: {request.Ref}: {refused.Message}", refused);
            }
        }
    }

    private IEnumerable<BuildHistoryEvent> ThereLocked(BuildHistoryRequest request)
    {
        Dictionary<string, Kept> ended = EndedLocked();
        TrimLocked(ended);
        IEnumerable<BuildHistoryEvent> all = _running.Values.Select(record => Event(BuildHistoryEventType.Started, record));
        if (!request.ActiveOnly)
            all = all.Concat(ended.Values.Select(kept => Event(BuildHistoryEventType.Complete, kept.Record)));
        return request.Ref.Length == 0 ? all : all.Where(one => one.Record.Ref == request.Ref);
    }

    private Dictionary<string, Kept> EndedLocked()
    {
        if (_ended is not null)
            return _ended;
        try
        {
            _ended = _files.Load().ToDictionary(
                found => found.Record.Ref, found => new Kept(found.Record, found.LogBytes), StringComparer.Ordinal);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            options.Warn($"build history: {options.Directory}: {refused.Message}");
            _ended = new Dictionary<string, Kept>(StringComparer.Ordinal);
        }
        return _ended;
    }

    private void PinLocked(Dictionary<string, Kept> ended, Kept kept, bool isPinned)
    {
        if (isPinned && ended.Values.Count(other => other.Record.Pinned) >= PinnedMax)
            throw FaultException.Unavailable($"build history: {PinnedMax} records are pinned already: remove some");
        BuildHistoryRecord changed = kept.Record.Clone();
        changed.Pinned = isPinned;
        changed.Generation++;
        _files.SaveRecord(changed);
        ended[changed.Ref] = kept with { Record = changed };
        TellLocked(BuildHistoryEventType.Complete, changed);
        TrimLocked(ended);
    }

    private void TrimLocked(Dictionary<string, Kept> ended)
    {
        DateTimeOffset old = time.GetUtcNow() - KeptFor;
        long bytes = 0;
        int count = 0;
        foreach (Kept kept in ended.Values.Where(kept => !kept.Record.Pinned)
            .OrderByDescending(kept => kept.Record.CompletedAt.ToDateTimeOffset()).ToArray())
        {
            count++;
            bytes += kept.LogBytes;
            bool isOld = count > RecordsKept && kept.Record.CompletedAt.ToDateTimeOffset() < old;
            if (!isOld && count <= RecordsMax && (bytes <= LogBytesMax || count == 1))
                continue;
            try
            {
                DeleteLocked(ended, kept.Record.Ref);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                options.Warn($"build history: {kept.Record.Ref}: {refused.Message}");
            }
        }
    }

    private void DeleteLocked(Dictionary<string, Kept> ended, string name)
    {
        _files.Delete(name);
        ended.Remove(name);
        TellLocked(BuildHistoryEventType.Deleted, new BuildHistoryRecord { Ref = name });
    }

    // A client that does not read is let go of: no build waits for it.
    private void TellLocked(BuildHistoryEventType type, BuildHistoryRecord record)
    {
        foreach (Channel<BuildHistoryEvent> listener in _listeners)
        {
            if (!listener.Writer.TryWrite(Event(type, record)))
                listener.Writer.TryComplete(FaultException.Unavailable("build history: the client does not read"));
        }
    }

    private static BuildHistoryEvent Event(BuildHistoryEventType type, BuildHistoryRecord record) => new() { Type = type, Record = record };

    private sealed record Kept(BuildHistoryRecord Record, long LogBytes);
}
