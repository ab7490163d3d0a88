using Berth.BuildKit.Protocol;
using Berth.Oci;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Berth.BuildKit.Progress;

/// <summary>What a BuildKit client draws: vertices that begin, say something and end. Safe for concurrent use.</summary>
public sealed class BuildTrace
{
    private readonly Action<StatusResponse> _write;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly HashSet<TraceVertex> _open = []; // Guarded by _gate.
    private int _count; // Guarded by _gate.

    /// <summary>Begins with nothing said.</summary>
    /// <param name="write">Takes each message of <c>moby.buildkit.v1.StatusResponse</c>; may hold back whoever reports.</param>
    /// <param name="time">The time.</param>
    public BuildTrace(Action<ReadOnlyMemory<byte>> write, TimeProvider time) : this(message => write(message.ToByteArray()), time)
    {
    }

    private BuildTrace(Action<StatusResponse> write, TimeProvider time) => (_write, _time) = (write, time);

    /// <summary>One whose messages are taken as they are. They are changed later: whoever takes one keeps nothing of it.</summary>
    internal static BuildTrace Into(Action<StatusResponse> write, TimeProvider time) => new(write, time);

    /// <summary>Begins a vertex.</summary>
    public TraceVertex Begin(string name)
    {
        lock (_gate)
        {
            string digest = Digest.Of(System.Text.Encoding.UTF8.GetBytes($"{++_count} {name}")).ToString();
            TraceVertex vertex = new(this, new Vertex { Digest = digest, Name = name, Started = Now() });
            _open.Add(vertex);
            WriteLocked(new StatusResponse { Vertexes = { vertex.State } });
            return vertex;
        }
    }

    /// <summary>Ends whatever is still going on.</summary>
    public void Abandon(string reason)
    {
        TraceVertex[] open;
        lock (_gate)
            open = [.. _open];
        foreach (TraceVertex vertex in open)
            vertex.Fail(reason);
    }

    internal Timestamp Now() => Timestamp.FromDateTimeOffset(_time.GetUtcNow());

    internal void Write(StatusResponse message)
    {
        lock (_gate)
            WriteLocked(message);
    }

    internal void End(TraceVertex vertex, Action<Vertex> change)
    {
        lock (_gate)
        {
            if (!_open.Remove(vertex))
                return;
            vertex.State.Completed = Now();
            change(vertex.State);
            WriteLocked(new StatusResponse { Vertexes = { vertex.State } });
        }
    }

    private void WriteLocked(StatusResponse message) => _write(message);
}
