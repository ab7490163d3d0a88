using System.Runtime.CompilerServices;
using Berth.BuildKit.Protocol;
using Google.Protobuf;

namespace Berth.BuildKit.Control;

/// <summary>What a build has said so far, for every client that asks for it: whoever comes late hears all from the beginning. A build
/// never waits for who listens; what a step says beyond a limit is left out, with BuildKit's sentence for it.</summary>
internal sealed class StatusLog
{
    /// <summary>Output of one step; BuildKit's own limit.</summary>
    public const int StepOutputBytesMax = 2 * 1024 * 1024;

    /// <summary>All output and progress of a build. Beginnings, ends and failures are always kept.</summary>
    public const int BytesMax = 8 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly List<ReadOnlyMemory<byte>> _messages = []; // Guarded by _gate.
    private readonly Dictionary<string, long> _said = []; // Guarded by _gate: bytes of output by vertex.
    private readonly Dictionary<string, (bool Cached, bool Completed)> _steps = []; // Guarded by _gate: by vertex.
    private int _warnings; // Guarded by _gate.
    private long _bytes; // Guarded by _gate.
    private bool _isComplete; // Guarded by _gate.
    private TaskCompletionSource _changed = NewSignal(); // Guarded by _gate.

    /// <summary>Takes a message.</summary>
    public void Write(StatusResponse message)
    {
        lock (_gate)
        {
            if (_isComplete || (message.Logs.Count > 0 && !MaySayLocked(message))
                || (message.Statuses.Count > 0 && !MayReportLocked(message)))
                return;
            CountLocked(message);
            byte[] bytes = message.ToByteArray();
            _bytes += bytes.Length;
            _messages.Add(bytes);
            SignalLocked();
        }
    }

    /// <summary>How many steps there were so far.</summary>
    public StepCounts Counts
    {
        get
        {
            lock (_gate)
                return new StepCounts(
                    _steps.Count, _steps.Values.Count(step => step.Completed), _steps.Values.Count(step => step.Cached), _warnings);
        }
    }

    /// <summary>All messages so far.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Snapshot()
    {
        lock (_gate)
            return [.. _messages];
    }

    /// <summary>Nothing follows.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _isComplete = true;
            SignalLocked();
        }
    }

    /// <summary>All messages from the first to the last, as they come.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int next = 0;
        while (true)
        {
            ReadOnlyMemory<byte>? message = null;
            Task changed;
            lock (_gate)
            {
                if (next < _messages.Count)
                    message = _messages[next++];
                else if (_isComplete)
                    yield break;
                changed = _changed.Task;
            }
            if (message is { } bytes)
                yield return bytes;
            else
                await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void CountLocked(StatusResponse message)
    {
        _warnings += message.Warnings.Count;
        foreach (Vertex vertex in message.Vertexes)
        {
            (bool cached, bool completed) = _steps.GetValueOrDefault(vertex.Digest);
            _steps[vertex.Digest] = (cached || vertex.Cached, completed || vertex.Completed is not null);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void SignalLocked()
    {
        _changed.TrySetResult();
        _changed = NewSignal();
    }

    // The message has one piece of output; the last one that is kept says that it is the last.
    private bool MaySayLocked(StatusResponse message)
    {
        VertexLog log = message.Logs[0];
        long before = _said.GetValueOrDefault(log.Vertex);
        long max = Math.Min(StepOutputBytesMax, before + BytesMax - _bytes);
        if (before < 0 || before + log.Msg.Length <= max)
        {
            _said[log.Vertex] = before < 0 ? before : before + log.Msg.Length;
            return before >= 0;
        }
        _said[log.Vertex] = -1;
        log.Msg = ByteString.CopyFromUtf8($"\n[output clipped, log limit {StepOutputBytesMax / (1024 * 1024)}MiB reached]\n");
        return true;
    }

    private bool MayReportLocked(StatusResponse message) => _bytes < BytesMax || message.Statuses[0].Completed is not null;
}

/// <summary>How many steps a build had.</summary>
/// <param name="Total">All that began or were foreseen.</param>
/// <param name="Completed">That ended.</param>
/// <param name="Cached">Whose result was there already.</param>
/// <param name="Warnings">Warnings of the build.</param>
internal readonly record struct StepCounts(int Total, int Completed, int Cached, int Warnings);
