using Berth.Runtime;

namespace Berth.Engine;

/// <summary>A client's connection to a container or exec, also to one that has not started yet: then reading and writing wait
/// for it.</summary>
internal sealed class Attachment(AttachRequest request, bool isTerminal, IAsyncEnumerator<LogEntry>? logs) : IAttachment
{
    private readonly TaskCompletionSource<IContainerStreams?> _streams = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _detached = new();
    private readonly DetachKeys? _keys = isTerminal && request.Stdin ? DetachKeys.Parse(request.DetachKeys) : null;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IAsyncEnumerator<LogEntry>? _logs = logs;
    private ReadOnlyMemory<byte> _logRest;
    private OutputSource _logSource;

    public bool IsTerminal => isTerminal;

    public bool IsDetached => _detached.IsCancellationRequested;

    public AttachRequest Request => request;

    /// <summary>Completes when the client has gone.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Called when the detach keys were typed.</summary>
    public Action? Detaching { get; set; }

    /// <summary>Connects it; null when there will never be anything to connect to. False when that was decided before.</summary>
    public bool Connect(IContainerStreams? streams) => _streams.TrySetResult(streams);

    public async ValueTask<(OutputSource Source, int Count)> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (await ReadLogAsync(buffer) is { Count: > 0 } logged)
            return logged;
        if (IsDetached)
            return (OutputSource.Stdout, 0);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _detached.Token);
        try
        {
            IContainerStreams? streams = await _streams.Task.WaitAsync(either.Token);
            if (streams is null)
                return (OutputSource.Stdout, 0);
            while (true)
            {
                (OutputSource source, int count) = await streams.ReadAsync(buffer, either.Token);
                if (count == 0 || (source == OutputSource.Stdout ? request.Stdout : request.Stderr))
                    return (source, count);
            }
        }
        catch (OperationCanceledException) when (IsDetached)
        {
            return (OutputSource.Stdout, 0);
        }
    }

    public async ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        IContainerStreams? streams = await _streams.Task.WaitAsync(cancellationToken);
        if (streams is null || IsDetached || !request.Stdin)
            return false;
        if (_keys is null)
            return await streams.WriteAsync(bytes, cancellationToken);
        List<byte> forward = new(bytes.Length + 4);
        bool isDetaching = _keys.Feed(bytes.Span, forward);
        bool isAlive = forward.Count == 0 || await streams.WriteAsync(forward.ToArray(), cancellationToken);
        if (!isDetaching)
            return isAlive;
        Detaching?.Invoke();
        await _detached.CancelAsync();
        return false;
    }

    public async ValueTask CloseInputAsync()
    {
        if (await _streams.Task is { } streams && !IsDetached && request.Stdin)
            await streams.CloseInputAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _closed.TrySetResult();
        _streams.TrySetResult(null);
        if (_logs is { } logs)
            await logs.DisposeAsync();
        if (await _streams.Task is { } streams)
            await streams.DisposeAsync();
        _detached.Dispose();
    }

    private async ValueTask<(OutputSource Source, int Count)> ReadLogAsync(Memory<byte> buffer)
    {
        while (_logRest.IsEmpty && _logs is { } logs)
        {
            if (await logs.MoveNextAsync())
            {
                (_logSource, _logRest) = (logs.Current.Source, logs.Current.Bytes);
                continue;
            }
            await logs.DisposeAsync();
            _logs = null;
        }
        int count = Math.Min(buffer.Length, _logRest.Length);
        _logRest[..count].CopyTo(buffer);
        _logRest = _logRest[count..];
        return (_logSource, count);
    }
}

/// <summary>Attachments that wait for their container's start.</summary>
internal sealed class PendingAttachments
{
    private readonly Lock _gate = new();
    private readonly List<Attachment> _waiting = []; // Guarded by _gate.

    public void Add(Attachment attachment)
    {
        lock (_gate)
            _waiting.Add(attachment);
    }

    /// <summary>Takes those whose clients are still there.</summary>
    public IReadOnlyList<Attachment> Take()
    {
        lock (_gate)
        {
            Attachment[] all = [.. _waiting.Where(attachment => !attachment.Closed.IsCompleted)];
            _waiting.Clear();
            return all;
        }
    }

    /// <summary>Lets all go: there will be no start.</summary>
    public void Abandon()
    {
        foreach (Attachment attachment in Take())
            attachment.Connect(null);
    }
}
