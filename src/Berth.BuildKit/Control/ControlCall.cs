namespace Berth.BuildKit.Control;

/// <summary>One gRPC call of a client, whatever carried it.</summary>
public sealed record ControlCall
{
    /// <summary>What is called, as <c>/service/method</c>.</summary>
    public required string Path { get; init; }

    /// <summary>The values of a header; its name is in lower case.</summary>
    public required Func<string, IEnumerable<string?>> Headers { get; init; }

    /// <summary>The messages that come, each behind a head of five bytes.</summary>
    public required Stream Requests { get; init; }

    /// <summary>Takes the messages that go, in the same form. What is written goes out when it is flushed.</summary>
    public required Stream Answers { get; init; }

    /// <summary>The client has gone away or given up, or the engine stops.</summary>
    public required CancellationToken Cancelled { get; init; }
}
