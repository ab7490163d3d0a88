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
            byte[] bytes = message.ToByteArray();
            _bytes += bytes.Length;
            _messages.Add(bytes);
            SignalLocked();
        }
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
