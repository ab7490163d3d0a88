using Berth.BuildKit.Protocol;
using Berth.Dockerfile;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Berth.BuildKit.Progress;

/// <summary>One piece of work of a build, as a client draws it. Ends once; what comes after is dropped.</summary>
public sealed class TraceVertex
{
    private readonly BuildTrace _trace;
    private readonly Dictionary<string, Timestamp> _begun = []; // Guarded by itself.

    internal TraceVertex(BuildTrace trace, Vertex state) => (_trace, State) = (trace, state);

    internal Vertex State { get; }

    /// <summary>Writes a piece of output.</summary>
    /// <param name="text">With its newlines.</param>
    /// <param name="isError">It was written to standard error.</param>
    public void Log(string text, bool isError) => _trace.Write(new StatusResponse
    {
        Logs =
        {
            new VertexLog
            {
                Vertex = State.Digest, Timestamp = _trace.Now(), Stream = isError ? 2 : 1, Msg = ByteString.CopyFromUtf8(text),
            },
        },
    });

    /// <summary>Says a doubt.</summary>
    /// <param name="text">One line.</param>
    /// <param name="range">Its place in the Dockerfile; null: it has none.</param>
    public void Warn(string text, SourceRange? range)
    {
        VertexWarning warning = new() { Vertex = State.Digest, Level = 1, Short = ByteString.CopyFromUtf8(text) };
        if (range is { } place)
            warning.Ranges.Add(new TextRange
            {
                Start = new TextPosition { Line = place.StartLine, Character = place.StartColumn },
                End = new TextPosition { Line = place.EndLine, Character = place.EndColumn },
            });
        _trace.Write(new StatusResponse { Warnings = { warning } });
    }

    /// <summary>Says how far a part of it is.</summary>
    /// <param name="id">Names the part, and is what is shown.</param>
    /// <param name="current">Done so far.</param>
    /// <param name="total">To do; 0 when it is not known.</param>
    /// <param name="isDone">The part is finished.</param>
    public void Report(string id, long current, long total, bool isDone)
    {
        Timestamp now = _trace.Now();
        Timestamp? begun;
        lock (_begun)
            if (!_begun.TryGetValue(id, out begun))
                _begun[id] = begun = now;
        VertexStatus status = new()
        {
            Id = id, Vertex = State.Digest, Current = current, Total = total, Timestamp = now, Started = begun,
            Completed = isDone ? now : null,
        };
        _trace.Write(new StatusResponse { Statuses = { status } });
    }

    /// <summary>It is done.</summary>
    public void Complete() => _trace.End(this, static _ => { });

    /// <summary>It had been done before.</summary>
    public void CompleteFromCache() => _trace.End(this, static vertex => vertex.Cached = true);

    /// <summary>It failed.</summary>
    public void Fail(string reason) => _trace.End(this, vertex => vertex.Error = reason);
}
