namespace Berth.Daemon.Streams;

/// <summary>Brings together the request that carries a build's context and the one that builds it, whichever comes first.</summary>
internal sealed class UploadTable(TimeProvider time)
{
    private const int UploadsMax = 64;
    private static readonly TimeSpan s_meetingTime = TimeSpan.FromMinutes(5);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Meeting> _meetings = new(StringComparer.Ordinal); // Guarded by _gate.

    /// <summary>Offers a body, and returns when it was used or nobody came.</summary>
    /// <exception cref="FaultException">Conflict: there is one already. Unavailable: too many wait, or nobody came.</exception>
    public async Task OfferAsync(string id, Stream body, CancellationToken cancellationToken)
    {
        Meeting meeting = Join(id);
        if (!meeting.Body.TrySetResult(body))
            throw FaultException.Conflict($"build {id}: its context was sent already");
        try
        {
            await meeting.Used.Task.WaitAsync(s_meetingTime, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw FaultException.Unavailable($"build {id}: nobody wanted the context that was sent");
        }
        finally
        {
            Leave(id, meeting);
        }
    }

    /// <summary>Takes a body, waiting for it.</summary>
    /// <exception cref="FaultException">Unavailable: it does not come, or too many wait.</exception>
    public async Task<UploadedBody> TakeAsync(string id, CancellationToken cancellationToken)
    {
        Meeting meeting = Join(id);
        try
        {
            Stream body = await meeting.Body.Task.WaitAsync(s_meetingTime, time, cancellationToken);
            return new UploadedBody(body, () => Leave(id, meeting));
        }
        catch (Exception failure)
        {
            Leave(id, meeting);
            if (failure is TimeoutException)
                throw FaultException.Unavailable($"build {id}: its context did not come");
            throw;
        }
    }

    private Meeting Join(string id)
    {
        lock (_gate)
        {
            if (_meetings.TryGetValue(id, out Meeting? there))
                return there;
            if (_meetings.Count >= UploadsMax)
                throw FaultException.Unavailable($"build {id}: {UploadsMax} contexts are waiting for their builds");
            return _meetings[id] = new Meeting();
        }
    }

    private void Leave(string id, Meeting meeting)
    {
        meeting.Used.TrySetResult();
        lock (_gate)
            if (_meetings.TryGetValue(id, out Meeting? there) && there == meeting)
                _meetings.Remove(id);
    }

    private sealed class Meeting
    {
        public TaskCompletionSource<Stream> Body { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Used { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>A context that was sent; disposing it lets the request end that carries it.</summary>
internal sealed class UploadedBody(Stream body, Action leave) : IDisposable
{
    /// <summary>The bytes.</summary>
    public Stream Body => body;

    /// <summary>Lets its request end.</summary>
    public void Dispose() => leave();
}
