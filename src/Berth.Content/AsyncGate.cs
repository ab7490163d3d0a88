namespace Berth.Content;

// Semaphores own nothing unless their wait handle is asked for, which is never done here.
#pragma warning disable CA1001
/// <summary>Many at a time or one alone. Who waits to be alone holds new ones back.</summary>
internal sealed class AsyncGate
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly SemaphoreSlim _idle = new(1, 1);
    private readonly Lock _gate = new();
    private int _shared; // Guarded by _gate.

    /// <summary>Enters beside others; disposing leaves.</summary>
    public async ValueTask<IDisposable> EnterSharedAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            bool first;
            lock (_gate)
                first = _shared++ == 0;
            if (first)
                await _idle.WaitAsync(CancellationToken.None).ConfigureAwait(false); // Free, or freed by a leaver that is done.
        }
        finally
        {
            _turn.Release();
        }
        return new Leave(LeaveShared);
    }

    /// <summary>Waits for all to leave and enters alone; disposing leaves.</summary>
    public async ValueTask<IDisposable> EnterAloneAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _idle.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _turn.Release();
            throw;
        }
        return new Leave(() =>
        {
            _idle.Release();
            _turn.Release();
        });
    }

    private void LeaveShared()
    {
        lock (_gate)
        {
            if (--_shared == 0)
                _idle.Release();
        }
    }

    private sealed class Leave(Action leave) : IDisposable
    {
        private Action? _leave = leave;

        public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
    }
}
